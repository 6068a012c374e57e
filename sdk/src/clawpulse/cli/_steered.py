"""What the commands of rollouts and rotations have in common: both go on by themselves, and are looked at, followed and steered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Callable

import click
from rich.console import RenderableType

from clawpulse.cli import _output as out
from clawpulse.cli._api import Api, segment
from clawpulse.cli._options import api_of, as_json

until_held = click.option("--until-held", is_flag=True, help="End with exit code 4 when it waits for a person.")
with_audit = click.option("--audit", is_flag=True, help="With who did what, and when.")


def every(seconds: float) -> Callable[[Any], Any]:
    """The option of how often it is looked at; `seconds` unless given."""
    return click.option("--every", type=click.FloatRange(0.2, 3_600), default=seconds, show_default=True, help="Seconds between two looks.")


def show(api: Api, path: str, found: Any, card: Callable[[Any, datetime], RenderableType], *, audit: bool, as_json: bool) -> None:
    """Show one, and its audit log if asked for; `path` is its route."""
    entries = api.get(f"{path}/audit")["entries"] if audit else []
    if as_json:
        out.print_json({**found, "audit": entries} if audit else found)
        return
    out.console().print(card(found, datetime.now(timezone.utc)))
    if entries:
        out.console().print("", _table(entries))


def action(
    name: str, about: str, identifier: Callable[[Any], Any], path_of: Callable[[Api, str | None], str], line: Callable[[Any], str]
) -> click.Command:
    """The command that asks for an action; `path_of` gives the route of the one that is meant."""

    @identifier
    @click.option("--comment", default="", help="Why; goes into the audit log.")
    @as_json
    @click.pass_context
    def run(context: click.Context, /, comment: str, as_json: bool, **given: str | None) -> None:
        (id,) = given.values()
        api = api_of(context)
        answer = api.send("POST", f"{path_of(api, id)}/{segment(name)}", {"comment": comment})
        if as_json:
            out.print_json(answer)
        else:
            out.print_line(f"{answer['id']}: {line(answer)}")

    return click.command(name=name, help=about)(run)


def _table(entries: Sequence[Any]) -> RenderableType:
    """Who did what."""
    made = out.table("time (UTC)", "by", "what", "")
    for entry in entries:
        out.add_row(made, (out.clock(entry["at"]), entry["by"], entry["action"], " ".join(entry["text"].split())))
    return made
