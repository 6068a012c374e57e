"""`clawpulse scaling`: how many agents groups should have, why, and what was decided before."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of, as_json, limit, time_range
from clawpulse.cli._rollout_documents import document_command
from clawpulse.cli._scaling_simulate import simulate

_COUNTS = ("current", "desired", "wanted", "min", "max")
_FIGURES = ("queue", "p95", "busy", "429/min", "$/h")
_ACTIONS = {"grow": ("▲", "yellow"), "shrink": ("▼", "cyan"), "hold": ("●", "green")}
"""Symbol and colour: never colour alone."""
_ZONES = {"high": "red", "low": "cyan", "unreadable": "yellow"}


@click.group()
def scaling() -> None:
    """Show how many agents groups should have, and why; set the policy."""


scaling.add_command(simulate)
scaling.add_command(
    document_command(
        "policy",
        "api/scaling-policy",
        "Show how groups scale, or replace it by what FILE says.",
        "no group scales: docs/scaling.md has a policy to begin with",
    )
)


@scaling.command(name="show")
@click.argument("group", required=False)
@as_json
@click.pass_context
def show_(context: click.Context, group: str | None, as_json: bool) -> None:
    """Show all groups, or one with its signals.

    A dash is unknown, which is not 0. A group that nothing is known of now has no numbers at all.
    """
    api = api_of(context)
    answer = api.get(f"api/scaling/{segment(group)}") if group else api.get("api/scaling")
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_one(answer) if group else _all(answer["groups"]))


@scaling.command()
@click.argument("group")
@time_range
@limit
@click.option("--every", is_flag=True, help="Every decision, not only those that changed the count or told something.")
@as_json
@click.pass_context
def history(context: click.Context, group: str, span: str, limit: int, every: bool, as_json: bool) -> None:
    """Show what was decided of a group, newest first; it is kept 14 days."""
    asked = {"range": span, "limit": min(limit, 2_000), "every": "true" if every else None}
    answer = api_of(context).get(f"api/scaling/{segment(group)}/history", **asked)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_past(answer["decisions"]))


def _all(groups: Any) -> RenderableType:
    if not groups:
        return Text("No group scales: clawpulse scaling policy FILE sets a policy.")
    made = out.table("group", *_COUNTS, *_FIGURES, "now", right=(*_COUNTS, *_FIGURES))
    for group in groups:
        out.add_row(made, (group["group"], *(_count(group[name]) for name in _COUNTS), *_figures(group), _action(group)))
    told = [Text(f"{group['group']}: {out.plain(sentence)}") for group in groups for sentence in _sentences(group)]
    return Group(made, Text(), *told)


def _one(group: Any) -> RenderableType:
    made = out.table("signal", "zone", "for", "asks", "reason")
    for signal in group["signals"]:
        zone = Text(signal["zone"], style=_ZONES.get(signal["zone"], ""))
        out.add_row(made, (signal["signal"], zone, _lasted(signal["since"], group["asOf"]), signal["vote"], signal["reason"]))
    head = Text(
        f"{group['group']} ({group['tags']}): {group['desired']} desired, {group['current']} alive, from {group['min']} to {group['max']}"
    )
    return Group(head, *(Text(out.plain(sentence)) for sentence in _sentences(group)), Text(), made)


def _past(decisions: Any) -> RenderableType:
    if not decisions:
        return Text("Nothing was changed in this time.")
    made = out.table("time", "from", "to", "alive", "wanted", "reason", right=("from", "to", "alive", "wanted"))
    for one in decisions:
        told = "; ".join(f"{told['signal']} {'began' if told['began'] else 'is over'}: {told['text']}" for told in one["told"])
        reason = "; ".join(text for text in (one["reason"] if one["action"] != "hold" or not told else "", told) if text)
        out.add_row(made, (out.clock(one["time"]), one["before"], one["desired"], one["current"], one["wanted"], reason))
    return made


def _lasted(since: str, until: str) -> str:
    begin, end = out.parse_time(since), out.parse_time(until)
    return out.duration((end - begin).total_seconds()) if begin and end else out.MISSING


def _count(value: int | None) -> str:
    return out.number(value, 0)


def _figures(group: Any) -> tuple[str, ...]:
    return (
        out.number(group["queueDepth"], 0),
        out.number(group["latencyP95Ms"], 0, " ms"),
        out.percent(group["saturation"]),
        out.number(group["rateLimitedPerMinute"], 0),
        out.money(group["costUsdPerHour"]),
    )


def _action(group: Any) -> Text:
    if group["stale"]:
        return Text("? stale", style="yellow")
    symbol, style = _ACTIONS.get(group["action"], (out.MISSING, ""))
    return Text(f"{symbol} {out.plain(group['action'])}", style=style)


def _sentences(group: Any) -> list[str]:
    """Why, what held it back, what was told, and what became of its target."""
    found = [group["reason"], *group["limits"]]
    found += [f"people were told of {signal}, and it is not over" for signal in group["paging"]]
    target = group["target"]
    if target and target["error"]:
        found.append(f"{target['asg']} was not set to {target['capacity']}: {target['error']}")
    return found
