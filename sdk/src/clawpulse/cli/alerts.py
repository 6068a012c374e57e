"""`clawpulse alerts`: what fires, and the rules that decide it, as files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from clawpulse._rules import Union, gather
from clawpulse._yaml import Flaw, Place, Unreadable
from clawpulse.cli import _flaws as shown
from clawpulse.cli import _incident as incident_views
from clawpulse.cli import _output as out
from clawpulse.cli import _trials as trials
from clawpulse.cli._api import FAILURE, ApiError, CommandError, Fault
from clawpulse.cli._options import api_of, as_json, duration, every, selector, since, since_time, watch
from clawpulse.cli._watch import show

PAGE = 1_000
UNPROCESSABLE = 422
STORED = "stored rules"
"""In the place of a file's name."""
_ORDER = ("critical", "warning", "info")

rule_files = click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE...")


@click.group()
def alerts() -> None:
    """Show alerts; check and apply the rules that decide them."""


@alerts.command(name="list")
@click.option("--state", metavar="PHASES", help="pending,firing,recovering unless given; also inactive, resolved.")
@click.option("--rule", metavar="NAME", help="Only of this rule.")
@selector
@as_json
@watch
@every
@click.pass_context
def list_(context: click.Context, state: str | None, rule: str | None, tags: str | None, as_json: bool, watch: bool, every: float) -> None:
    """List the alerts that are pending or fire, the gravest first."""
    api = api_of(context)
    show(lambda: api.collect("api/alerts", "alerts", page=PAGE, state=state, rule=rule, tags=tags), _alerts, as_json, watch, every)


def _alerts(answer: Any) -> RenderableType:
    now, listed = datetime.now(timezone.utc), answer["alerts"]
    if not listed:
        return Text("No alert is in such a state.")
    made = out.table(
        "severity",
        "rule",
        "series",
        "state",
        "since",
        "value",
        "threshold",
        "reason",
        "incident",
        "note",
        right=("since", "value", "threshold"),
    )
    for alert in sorted(listed, key=_gravest_first):
        figures = (out.number(alert["value"], 3), out.number(alert["threshold"], 3))
        row = (alert["rule"], out.tags(alert["series"]), alert["phase"], out.ago(alert["since"], now), *figures, alert["reason"])
        out.add_row(made, (incident_views.severity(alert["severity"]), *row, alert["incident"] or "", _remarks(alert)))
    return made


def _gravest_first(alert: Any) -> tuple[int, int, str, str]:
    severity = _ORDER.index(alert["severity"]) if alert["severity"] in _ORDER else len(_ORDER)
    return (alert["phase"] != "firing", severity, alert["rule"], alert["id"])


def _remarks(alert: Any) -> str:
    """What else is to be known: who has it, why nobody is told, that the figures are old."""
    remarks = (
        f"acknowledged by {alert['acknowledgedBy']}" if alert["acknowledgedBy"] else "",
        f"silenced by {alert['silencedBy']}" if alert["silencedBy"] else "",
        f"follows from {alert['inhibitedBy'].rsplit('|', 1)[0]}" if alert["inhibitedBy"] else "",
        "flapping" if alert["flapping"] else "",
        "" if alert["data"] == "ok" else alert["data"].replace("_", " "),
    )
    return "; ".join(filter(None, remarks))


@alerts.command()
@as_json
@click.pass_context
def rules(context: click.Context, as_json: bool) -> None:
    """List the rules in force, and the pack that each comes from."""
    answer = api_of(context).get("api/rules")
    if as_json:
        out.print_json(answer)
        return
    made = out.table("severity", "rule", "from", "a series per", "expires (UTC)", "description")
    for rule in answer["rules"]:
        document, per = rule["document"], rule["document"].get("per", "group")
        origin = rule["origin"] + (f", replaces that of {rule['replaces']}" if rule["replaces"] else "")
        per = ", ".join(per) if isinstance(per, list) else per
        expires = out.clock(rule["expires"]) if rule["expires"] else ""
        out.add_row(made, (incident_views.severity(rule["severity"]), rule["name"], origin, per, expires, document.get("description", "")))
    out.console().print(made)
    for fault in answer["faults"]:
        out.print_error(fault)


@alerts.command()
@rule_files
@as_json
@click.pass_context
def lint(context: click.Context, files: tuple[str, ...], as_json: bool) -> int:
    """Check files of rules: a line for each fault, with file, line, column and field. Changes nothing.

    Exit code 1 when there are faults.
    """
    flaws, count = _checked(context, files)
    if as_json:
        out.print_json({"rules": count, "faults": [shown.as_document(flaw) for flaw in flaws]})
    elif flaws:
        shown.lines(flaws)
    else:
        out.print_line(f"{count} {'rule' if count == 1 else 'rules'}, no fault")
    return FAILURE if flaws else 0


def _gathered(files: Sequence[str]) -> Union:
    """What files say; shows what keeps them from being read."""
    try:
        return gather(files)
    except Unreadable as error:
        shown.lines(error.flaws)
        raise shown.FaultyFiles(len(error.flaws)) from None


def _checked(context: click.Context, files: Sequence[str]) -> tuple[list[Flaw], int]:
    """All faults of files, and how many rules they have."""
    try:
        union = gather(files)
    except Unreadable as error:
        return error.flaws, 0
    answer = api_of(context).send("POST", "api/rules/check", union.document())
    return [_placed(union, Fault(fault["path"], fault["reason"])) for fault in answer["faults"]], len(union.rules)


def _refused(union: Union, error: ApiError) -> CommandError:
    """Shows the faults that the API found, with their places; what to raise then."""
    if error.status != UNPROCESSABLE or not error.faults:
        return error
    shown.lines(_placed(union, fault) for fault in error.faults)
    return shown.FaultyFiles(len(error.faults))


def _placed(union: Union, fault: Fault) -> Flaw:
    return union.flaw(fault.path, fault.reason) or Flaw(STORED, Place(0, 0), fault.path, fault.reason)


@alerts.command()
@rule_files
@click.option("--prune", is_flag=True, help="Remove own rules that stand in none of the files.")
@as_json
@click.pass_context
def apply(context: click.Context, files: tuple[str, ...], prune: bool, as_json: bool) -> int:
    """Put the rules of all files in force, all or none.

    Own rules that stand in none of the files stay, unless --prune; so do the chosen packs, unless a file has `packs:`.
    """
    union, api = _gathered(files), api_of(context)
    answer, seen = api.tagged("api/rules")
    own = answer["own"]
    before = {rule["name"]: rule for rule in own.get("rules", [])}
    names = {rule.get("name") for rule in union.rules if isinstance(rule, dict)}
    kept = [] if prune else [rule for name, rule in before.items() if name not in names]
    try:
        api.send("PUT", "api/rules", union.document(kept, own.get("packs")), {"If-Match": seen} if seen else {})
    except ApiError as error:
        raise _refused(union, error) from None
    _report(before, union, kept, as_json)
    return 0


def _report(before: dict[str, Any], union: Union, kept: list[Any], as_json: bool) -> None:
    now = {rule["name"]: rule for rule in union.rules}
    changes = {
        "added": [name for name in now if name not in before],
        "changed": [name for name, rule in now.items() if name in before and before[name] != rule],
        "unchanged": [name for name, rule in now.items() if before.get(name) == rule],
        "kept": [rule["name"] for rule in kept],
        "removed": [name for name in before if name not in now and name not in {rule["name"] for rule in kept}],
    }
    if as_json:
        out.print_json(changes)
        return
    for word, names in changes.items():
        if names:
            out.print_line(f"{word}: {', '.join(names)}")


@alerts.command()
@click.argument("rule")
@click.option("--since", "span", type=duration, default="30d", show_default=True, metavar="LENGTH", help="How far back from now: 12h, 30d.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Take the rule from this file.")
@as_json
@click.pass_context
def backtest(context: click.Context, rule: str, span: int, file: str | None, as_json: bool) -> None:
    """Replay RULE on what is stored: the pages it would have sent, when, how long, and the money spent until then.

    Minutes are kept for 3 days; before that hours have to do.
    """
    union = _gathered([file] if file else [])
    body = {"rule": rule, "range": f"{max(1, round(span / 60))}m", **({"document": {"rules": union.rules}} if file else {})}
    try:
        answer = api_of(context).send("POST", "api/alerts/backtest", body)
    except ApiError as error:
        raise _refused(union, error) from None
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(trials.backtest(answer))


@alerts.command()
@rule_files
@as_json
@click.pass_context
def test(context: click.Context, files: tuple[str, ...], as_json: bool) -> int:
    """Run the unit tests in files: given series, expect alerts at times.

    Rules of all files go before those in force. Exit code 1 when a test fails.
    """
    union = _gathered(files)
    if not union.tests:
        raise click.UsageError("none of the files has tests")
    results: list[dict[str, Any]] = []
    for document in union.tests:
        body = {key: value for key, value in document.value.items() if key != "packs"}
        try:
            answer = api_of(context).send("POST", "api/alerts/test", {**body, "rules": union.rules})
        except ApiError as error:
            raise _refused(union.only(document), error) from None
        results += [{"file": document.file, **result} for result in answer["tests"]]
    if as_json:
        out.print_json({"failed": sum(not result["passed"] for result in results), "tests": results})
    else:
        trials.print_tests(results)
    return 0 if all(result["passed"] for result in results) else FAILURE


@alerts.command()
@since("30d")
@as_json
@click.pass_context
def audit(context: click.Context, seconds: int | None, as_json: bool) -> None:
    """List rules that do not earn their keep, and what to do about each.

    Never fired, always firing, flapping, never acknowledged, stale, overlapping, expired.
    """
    answer = api_of(context).get("api/alerts/audit", since=since_time(seconds, datetime.now(timezone.utc)))
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(trials.audit(answer))


@alerts.command()
@click.argument("incident", metavar="INCIDENT")
@as_json
@click.pass_context
def ack(context: click.Context, incident: str, as_json: bool) -> None:
    """Acknowledge all alerts of an incident, as `clawpulse incidents ack` does."""
    incident_views.acknowledge(context, incident, as_json)
