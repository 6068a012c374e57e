"""`clawpulse errors`: failed tasks by what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of, as_json, duration, limit, selector, since_time

PAGE = 1_000
"""Most rows that the API gives at once."""
_FIGURES = ("failed", "a minute")
_NAMED = 3

back = click.option(
    "--since", "seconds", type=duration, default="24h", show_default=True, metavar="LENGTH", help="How far back from now: 30m, 24h, 7d."
)


@click.group(invoke_without_command=True)
@back
@selector
@click.option("--agent", metavar="ID", help="Of one agent.")
@click.option("--tier", metavar="TIER", help="Of one tier.")
@click.option("--type", "kind", metavar="TYPE", help="Only of this type: TimeoutError.")
@click.option("--search", metavar="WORDS", default="", help="Words that must all occur in type or message.")
@click.option("--new", is_flag=True, help="Only errors that were never seen before.")
@limit
@as_json
@click.pass_context
def errors(
    context: click.Context,
    seconds: int,
    tags: str | None,
    agent: str | None,
    tier: str | None,
    kind: str | None,
    search: str,
    new: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what failed tasks failed with, the most frequent first. `…` in a message stands for what differs."""
    query = {"tags": tags, "agent": agent, "tier": tier, "type": kind, "q": search or None, "new": "true" if new else None}
    if context.invoked_subcommand is not None:
        if any(query.values()):
            raise click.UsageError("the options of the list are not for a subcommand: give it its own, after its name")
        return
    now = datetime.now(timezone.utc)
    answer = api_of(context).collect("api/errors", "errors", limit, PAGE, start=since_time(seconds, now), **query)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_table(answer, now))


@errors.command()
@click.argument("fingerprint")
@back
@as_json
@click.pass_context
def show(context: click.Context, fingerprint: str, seconds: int, as_json: bool) -> None:
    """Show one error: how often over time, of which agents, with samples."""
    now = datetime.now(timezone.utc)
    answer = api_of(context).get(f"api/errors/{segment(fingerprint)}", start=since_time(seconds, now))
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_card(answer, now))


def _table(answer: Any, now: datetime) -> RenderableType:
    listed = answer["errors"]
    if not listed:
        return Text("No task failed with such an error in this time.")
    made = out.table(*_FIGURES, "error", "", "first", "last", "agents", "tiers", "fingerprint", right=(*_FIGURES, "first", "last"))
    for error in listed:
        figures = (out.number(error["count"], 0), out.number(error["perMinute"], 2))
        seen = (out.ago(error["firstSeen"], now), out.ago(error["lastSeen"], now))
        whose = (_most(error["agents"]), _most(error["tiers"]))
        out.add_row(made, (*figures, _name(error), _new(error), *seen, *whose, error["fingerprint"]))
    more = answer["total"] - len(listed)
    return Group(made, *([Text(f"and {more} more: --limit shows them")] if more > 0 else []))


def _name(error: Any) -> str:
    return f"{error['type']}: {error['message']}" if error["message"] else str(error["type"])


def _new(error: Any) -> Text:
    return Text("✱ new", style="yellow") if error["new"] else Text()


def _most(counts: Mapping[str, int]) -> str:
    """The first few names, which are the most frequent, and how many there are besides."""
    names = list(counts)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more or out.MISSING


def _card(error: Any, now: datetime) -> RenderableType:
    head = Text(out.plain(_name(error)), style="bold").append("  ").append_text(_new(error))
    figures = f"{out.number(error['count'], 0)} failed, {out.number(error['perMinute'], 2)} a minute"
    seen = f"first {out.clock(error['firstSeen'])} UTC, last {out.clock(error['lastSeen'])} UTC, {out.ago(error['lastSeen'], now)} ago"
    bars = out.sparkline([count or None for _, count in error["points"]])
    parts: list[RenderableType] = [head, Text(f"{figures}; {seen}"), Text(f"{bars}  {out.duration(error['step'])} a bar"), Text()]
    parts.append(_counts(error))
    if error["samples"]:
        parts += [Text(), _samples(error["samples"])]
    return Group(*parts)


def _counts(error: Any) -> RenderableType:
    made = out.table("of", "", "failed", right=("failed",))
    for kind in ("agent", "tier"):
        for name, count in error[f"{kind}s"].items():
            out.add_row(made, (kind, name, out.number(count, 0)))
    return made


def _samples(samples: Any) -> RenderableType:
    made = out.table("sample (UTC)", "agent", "payload")
    for one in samples:
        out.add_row(made, (out.clock(one["at"]), one["agent"], one["payload"]))
    return made
