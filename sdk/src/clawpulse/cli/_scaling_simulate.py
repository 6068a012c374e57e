"""`clawpulse scaling simulate`: a policy against a load, as curves in the terminal and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse._yaml import Document, Unreadable
from clawpulse.cli import _flaws as shown
from clawpulse.cli import _output as out
from clawpulse.cli._api import ApiError
from clawpulse.cli._options import api_of, as_json, duration
from clawpulse.cli._rollout_documents import UNPROCESSABLE, flaws, one_document

SHAPES = ("steady", "step", "ramp", "spike", "wave", "square")
_WIDTH = 72
_SHOWN = 12
"""Changes of the count that are listed."""
_MADE_UP = ("rate", "peak", "period", "length", "service_time", "service_p95")


@click.command()
@click.argument("group")
@click.option("--policy", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="A policy that is not in force.")
@click.option("--range", "span", type=duration, metavar="LENGTH", help="Replay what the group did: 1d unless given, at most 7d.")
@click.option("--shape", type=click.Choice(SHAPES), help="A load that is made up, instead.")
@click.option("--rate", type=float, metavar="N", help="Its tasks a second.")
@click.option("--peak", type=float, metavar="N", help="Its tasks a second at most; three times --rate unless given.")
@click.option("--period", type=duration, metavar="LENGTH", help="From one spike, wave or square to the next: 2h unless given.")
@click.option("--length", type=duration, metavar="LENGTH", help="How long it lasts: 6h unless given.")
@click.option("--service-time", type=float, metavar="SECONDS", help="Mean time that a task of it takes an agent.")
@click.option("--service-p95", type=float, metavar="SECONDS", help="Its p95: 2.5 times the mean unless given.")
@click.option("--concurrency", type=int, default=1, show_default=True, help="Tasks that an agent runs at once.")
@click.option("--boot", type=duration, default="1m", show_default=True, metavar="LENGTH", help="Until a new agent takes work.")
@click.option("--provider-limit", type=float, metavar="N", help="Tasks that the models' provider lets all agents start in a minute.")
@click.option("--initial", type=int, metavar="N", help="Agents at the beginning; as many as the load needs unless given.")
@click.option("--usd-per-task", type=float, metavar="USD", help="What a task costs, for the curve of costs.")
@click.option("--usd-per-agent-hour", type=float, metavar="USD", help="What an agent costs an hour, working or not.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same answer.")
@click.option("--picture", type=click.Path(dir_okay=False, writable=True), metavar="FILE", help="Write the curves there, as SVG.")
@as_json
@click.pass_context
def simulate(context: click.Context, /, group: str, policy: str | None, picture: str | None, as_json: bool, **given: Any) -> None:
    """Try the policy of GROUP on a load: counts, turns, queue, latency, cost. Changes nothing.

    The load is what the group's agents did, or with --shape one that is made up.
    """
    body = {"group": group, "picture": picture is not None, **_load(given), **_agents(given)}
    source = _read(policy) if policy else None
    answer = _asked(context, body, source)
    if picture:
        Path(picture).write_text(answer.pop("picture"), encoding="utf-8")
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(view(answer))


def _load(given: dict[str, Any]) -> dict[str, Any]:
    """What the request says of the load; a usage error for what does not go together."""
    wanted = [f"--{name.replace('_', '-')}" for name in _MADE_UP if given[name] is not None]
    if given["shape"] is None:
        if wanted:
            raise click.UsageError(f"{', '.join(wanted)} can be given with --shape only")
        return {"range": f"{max(1, round(given['span'] / 60))}m"} if given["span"] else {}
    if given["span"]:
        raise click.UsageError("--range replays what was, --shape makes a load up: give one of them")
    if given["rate"] is None or given["service_time"] is None:
        raise click.UsageError("--shape needs --rate and --service-time")
    load = {
        "shape": given["shape"],
        "rate": given["rate"],
        "peak": given["peak"],
        "period": _minutes(given["period"]),
        "minutes": _minutes(given["length"]),
        "serviceTime": given["service_time"],
        "serviceTimeP95": given["service_p95"],
    }
    return {"load": _given(load)}


def _agents(given: dict[str, Any]) -> dict[str, Any]:
    found = {
        "concurrency": given["concurrency"],
        "bootSeconds": given["boot"],
        "providerPerMinute": given["provider_limit"],
        "initial": given["initial"],
        "usdPerTask": given["usd_per_task"],
        "usdPerAgentHour": given["usd_per_agent_hour"],
        "seed": given["seed"],
    }
    return _given(found)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _minutes(seconds: int | None) -> int | None:
    return None if seconds is None else max(1, round(seconds / 60))


def _read(file: str) -> Document:
    try:
        return one_document(file)
    except Unreadable as error:
        shown.lines(error.flaws)
        raise shown.FaultyFiles(len(error.flaws)) from None


def _asked(context: click.Context, body: dict[str, Any], source: Document | None) -> Any:
    """The API's answer; faults of the policy are shown with their places in the file."""
    try:
        return api_of(context).send("POST", "api/scaling-simulation", {**body, **({"policy": source.value} if source else {})})
    except ApiError as error:
        found = flaws(error, source, "policy") if source and error.status == UNPROCESSABLE else []
        if not found:
            raise
        shown.lines(found)
        raise shown.FaultyFiles(len(found)) from None


def view(answer: Any) -> RenderableType:
    """Curves, what came of it, and the changes."""
    curves = answer["curves"]
    made = out.table("", "", "least", "most", right=("least", "most"))
    for name, values, digits in (
        ("tasks a minute", curves["arrived"], 0),
        ("agents desired", curves["desired"], 0),
        ("tasks that wait", curves["queue"], 0),
        ("p95 latency, s", curves["p95Seconds"], 1),
    ):
        row = (out.number(min(values), digits), out.number(max(values), digits))
        out.add_row(made, (name, out.sparkline(_narrow(values), _WIDTH), *row))
    head = f"{answer['group']}: {out.clock(answer['start'])} to {out.clock(answer['end'])} UTC, {out.number(answer['tasks'], 0)} tasks"
    parts: list[RenderableType] = [Text(out.plain(head)), made, Text(), *map(Text, _figures(answer))]
    if answer["changes"]:
        parts += [Text(), _changes(answer)]
    parts += [Text(out.plain(f"told: {text}")) for text in answer["told"]]
    parts += [Text(out.plain(f"! {note}"), style="yellow") for note in answer["notes"]]
    return Group(*parts)


def _narrow(values: Sequence[float]) -> list[float | None]:
    """The greatest of each piece, as many as fit."""
    width = -(-len(values) // _WIDTH)
    return [max(values[first : first + width]) for first in range(0, len(values), width)]


def _figures(answer: Any) -> list[str]:
    turns, changes = answer["directionChanges"], answer["total"]
    lines = [
        f"{changes} {'change' if changes == 1 else 'changes'} of the count, {turns} {'turn' if turns == 1 else 'turns'}"
        f" (from growing to shrinking or back); {answer['least']} to {answer['most']} agents",
        f"longest queue {out.number(answer['longestQueue'], 0)} tasks, longest wait {out.number(answer['longestWaitSeconds'], 1, ' s')},"
        f" worst p95 {out.number(answer['worstP95Seconds'], 1, ' s')}",
        f"{out.number(answer['agentHours'], 1)} agent hours; {_constant(answer)}",
    ]
    if answer["refused"]:
        lines.append(f"the provider would have refused {out.number(answer['refused'], 0)} starts: more agents do not help there")
    if answer["usd"] is not None:
        lines.append(f"{out.money(answer['usd'])} in all, as far as prices were given")
    return [out.plain(line) for line in lines]


def _constant(answer: Any) -> str:
    if answer["constant"] is None:
        return "no constant count up to max would do as well"
    return f"{answer['constant']} agents that never change would do as well, for {out.number(answer['constantAgentHours'], 1)}"


def _changes(answer: Any) -> RenderableType:
    made = out.table("at (UTC)", "from", "to", "reason", "held back by", right=("from", "to"))
    for change in answer["changes"][:_SHOWN]:
        held = "; ".join(change["limits"])
        out.add_row(made, (out.clock(change["time"]), change["from"], change["to"], change["reason"], held))
    left = answer["total"] - _SHOWN
    return Group(made, *([Text(f"and {left} more: --json has {min(answer['total'], len(answer['changes']))}")] if left > 0 else []))
