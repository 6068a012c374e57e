"""`clawpulse tasks`: the feed of tasks."""

from __future__ import annotations

from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, limit, selector, time_range

PAGE = 500
STATUSES = {"started": ("○", "yellow"), "completed": ("●", "green"), "failed": ("■", "red")}
_FIGURES = ("latency", "tokens in", "tokens out", "cost")


@click.command()
@selector
@click.option("--agent", metavar="ID", help="Of one agent.")
@click.option("--status", metavar="STATUSES", help="Only these: started,completed,failed.")
@click.option("--errors", is_flag=True, help="Only tasks that failed or reported errors.")
@click.option("--band", metavar="BAND", help="Only tasks between two percentiles of the others' latency: p95-p100.")
@time_range
@limit
@as_json
@click.pass_context
def tasks(
    context: click.Context,
    tags: str | None,
    agent: str | None,
    status: str | None,
    errors: bool,
    band: str | None,
    span: str,
    limit: int,
    as_json: bool,
) -> None:
    """List tasks, the one that moved last first."""
    query = {"tags": tags, "agent": agent, "status": status, "errors": "true" if errors else None, "band": band, "range": span}
    answer = api_of(context).collect("api/tasks", "tasks", limit, PAGE, **query)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_view(answer))


def _view(answer: Any) -> RenderableType:
    if not answer["tasks"]:
        return Text("No task matches in this time.")
    made = out.table("time (UTC)", "status", "task", "agent", *_FIGURES, "tags", "error", right=_FIGURES)
    for task in answer["tasks"]:
        tokens = (out.number(task["tokensIn"], 0), out.number(task["tokensOut"], 0))
        figures = (out.number(task["latencyMs"], 0, " ms"), *tokens, out.money(task["costUsd"], 4))
        place = (out.clock(task["time"]), _status(task["status"]), task["id"], task["agent"])
        out.add_row(made, (*place, *figures, out.tags(task["tags"]), task["error"] or ""))
    return made


def _status(status: str | None) -> Text:
    symbol, style = STATUSES.get(status or "", ("?", ""))
    return Text(f"{symbol} {out.plain(status or 'unknown')}", style=style)
