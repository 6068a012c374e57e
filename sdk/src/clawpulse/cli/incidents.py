"""`clawpulse incidents`: what happened, who takes care, what was written about it."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from clawpulse.cli import _incident as views
from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of, as_json, since, since_time

identifier = click.argument("incident", metavar="ID")


@click.group()
def incidents() -> None:
    """Show incidents, acknowledge them, write about them."""


@incidents.command(name="list")
@since("7d")
@click.option("--state", type=click.Choice(["open", "closed"]), help="Only these.")
@click.option("--search", metavar="WORDS", default="", help="Words that must all occur: in titles, rules, labels, reasons or notes.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many rows.")
@as_json
@click.pass_context
def list_(context: click.Context, seconds: int | None, state: str | None, search: str, limit: int, as_json: bool) -> None:
    """List incidents, newest first; open ones are always in."""
    now = datetime.now(timezone.utc)
    answer = api_of(context).get("api/incidents", since=since_time(seconds, now), state=state, q=search or None, limit=limit)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.table(answer, now))


@incidents.command()
@identifier
@as_json
@click.pass_context
def show(context: click.Context, incident: str, as_json: bool) -> None:
    """Show an incident: its alerts, timeline, notes, and what became of its messages."""
    answer = api_of(context).get(f"api/incidents/{segment(incident)}")
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.card(answer, datetime.now(timezone.utc)))


@incidents.command()
@identifier
@click.argument("text", nargs=-1, required=True)
@as_json
@click.pass_context
def note(context: click.Context, incident: str, text: tuple[str, ...], as_json: bool) -> None:
    """Write TEXT into an incident's notes, closed ones too."""
    answer = api_of(context).send("POST", f"api/incidents/{segment(incident)}/notes", {"text": " ".join(text)})
    if as_json:
        out.print_json(answer)
    else:
        out.print_line(f"{answer['id']} has {len(answer['notes'])} {'note' if len(answer['notes']) == 1 else 'notes'}")


@incidents.command()
@identifier
@as_json
@click.pass_context
def ack(context: click.Context, incident: str, as_json: bool) -> None:
    """Say that you take care: what fires is not repeated, and the channels are told."""
    views.acknowledge(context, incident, as_json)


@incidents.command()
@identifier
@click.pass_context
def postmortem(context: click.Context, incident: str) -> None:
    """Print a draft of a postmortem, in Markdown."""
    text = api_of(context).text(f"api/incidents/{segment(incident)}/postmortem")
    for line in text.splitlines():
        print(out.plain(line))
