"""`clawpulse events`: the feed of events."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, limit, selector, time_range

PAGE = 500


@click.command()
@selector
@click.option("--agent", metavar="ID", help="Of one agent.")
@click.option("--name", metavar="NAMES", help="Only these: task.failed,deploy.done.")
@time_range
@limit
@as_json
@click.pass_context
def events(context: click.Context, tags: str | None, agent: str | None, name: str | None, span: str, limit: int, as_json: bool) -> None:
    """List events, newest first."""
    answer = api_of(context).collect("api/events", "events", limit, PAGE, tags=tags, agent=agent, name=name, range=span)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_view(answer))


def _view(answer: Any) -> RenderableType:
    if not answer["events"]:
        return Text("No event matches in this time.")
    made = out.table("time (UTC)", "event", "agent", "task", "tags", "payload")
    for event in answer["events"]:
        payload = "" if event["payload"] is None else json.dumps(event["payload"], ensure_ascii=False)
        out.add_row(
            made, (out.clock(event["time"]), event["name"], event["agent"], event["taskId"] or "", out.tags(event["tags"]), payload)
        )
    return made
