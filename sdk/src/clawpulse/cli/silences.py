"""`clawpulse silences`: what nobody is to be told of for a while."""

from __future__ import annotations

import re
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of, as_json

_WEEKLY = re.compile(r"([a-z, ]+?)\s+(\d\d:\d\d)\s*-\s*(\d\d:\d\d)")


@click.group()
def silences() -> None:
    """Show silences, make and lift them."""


@silences.command(name="list")
@as_json
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the silences that are not over."""
    answer = api_of(context).get("api/silences")
    if as_json:
        out.print_json(answer)
        return
    out.console().print(_view(answer["silences"]))
    for fault in answer["faults"]:
        out.print_error(fault)


@silences.command()
@click.option(
    "--match",
    "matches",
    multiple=True,
    required=True,
    metavar="SELECTOR",
    help="Which alerts: rule=slow,tier=~fast|smart; several must all hold.",
)
@click.option("--for", "length", metavar="LENGTH", help="How long: 2h, 90m, 7d.")
@click.option("--from", "starts", metavar="TIME", help="When it begins, 2026-11-28T18:00:00Z; now unless given.")
@click.option("--until", "ends", metavar="TIME", help="When it ends, in place of --for.")
@click.option("--weekly", metavar="DAYS HOURS", help='Only in these hours of each week, UTC: "sat,sun 00:00-24:00".')
@click.option("--comment", default="", help="Why.")
@as_json
@click.pass_context
def add(
    context: click.Context,
    matches: tuple[str, ...],
    length: str | None,
    starts: str | None,
    ends: str | None,
    weekly: str | None,
    comment: str,
    as_json: bool,
) -> None:
    """Silence alerts for a while: they go on, and are told when it ends."""
    if (length is None) == (ends is None):
        raise click.UsageError("give either --for or --until")
    given = {"matchers": ",".join(matches), "for": length, "starts": starts, "ends": ends, "weekly": weekly and _weekly(weekly)}
    body = {key: value for key, value in given.items() if value is not None}
    answer = api_of(context).send("POST", "api/silences", {**body, "comment": comment})
    if as_json:
        out.print_json(answer)
    else:
        out.print_line(f"{answer['id']} silences {answer['matchers']} until {out.clock(answer['ends'])} UTC{_hours(answer)}")


@silences.command()
@click.argument("silence", metavar="ID")
@click.pass_context
def remove(context: click.Context, silence: str) -> None:
    """Lift a silence: what fires is told from now on."""
    api_of(context).send("DELETE", f"api/silences/{segment(silence)}")
    out.print_line(f"{silence} is lifted")


def _weekly(text: str) -> dict[str, Any]:
    """`sat,sun 00:00-24:00` as the API takes it."""
    found = _WEEKLY.fullmatch(text.strip().lower())
    if not found:
        raise click.UsageError(f'--weekly wants days and hours such as "sat,sun 00:00-24:00", not {text!r}')
    return {"days": [day.strip() for day in found[1].split(",") if day.strip()], "from": found[2], "to": found[3]}


def _view(listed: list[Any]) -> RenderableType:
    if not listed:
        return Text("There are no silences.")
    made = out.table("id", "now", "silences", "from (UTC)", "until (UTC)", "only", "by", "comment")
    for silence in listed:
        times = (out.clock(silence["starts"]), out.clock(silence["ends"]))
        now = "silent" if silence["active"] else "waits"
        out.add_row(made, (silence["id"], now, silence["matchers"], *times, _hours(silence).strip(" ,"), silence["by"], silence["comment"]))
    return made


def _hours(silence: Any) -> str:
    weekly = silence["weekly"]
    return f", {','.join(weekly['days'])} {weekly['from']}-{weekly['to']}" if weekly else ""
