"""`clawpulse channels`: how people are told, and whether they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import click
import yaml
from rich.text import Text

from clawpulse._yaml import Unreadable
from clawpulse.cli import _flaws as shown
from clawpulse.cli import _incident as incident_views
from clawpulse.cli import _output as out
from clawpulse.cli._api import FAILURE, Api, ApiError, segment
from clawpulse.cli._options import api_of, as_json, since, since_time
from clawpulse.cli._sections import ROUTES, Section, sections

UNPROCESSABLE = 422


@click.group()
def channels() -> None:
    """Show and set how people are told: channels, routes, inhibitions, dead man's switch, budgets."""


@channels.command(name="show")
@as_json
@click.pass_context
def show_(context: click.Context, as_json: bool) -> None:
    """Show all documents, in the form that `apply` takes. Secrets are named, never shown."""
    api = api_of(context)
    found = {name: api.get(route) for name, route in ROUTES.items()}
    if as_json:
        out.print_json(found)
        return
    for line in yaml.safe_dump(found, sort_keys=False, allow_unicode=True).splitlines():
        print(out.plain(line))


@channels.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
@as_json
@click.pass_context
def apply(context: click.Context, file: str, as_json: bool) -> None:
    """Replace the documents that FILE has: channels, routes, inhibitions, dead_man, budgets. The others stay."""
    changed: list[str] = []
    try:
        found = sections(file)
        _replace(api_of(context), found, changed)
    except Unreadable as error:
        shown.lines(error.flaws)
        raise shown.FaultyFiles(len(error.flaws), changed) from None
    if as_json:
        out.print_json({"replaced": changed, "unchanged": [name for name in found if name not in changed]})
    else:
        out.print_line(f"replaced: {', '.join(changed)}" if changed else "nothing to change")


def _replace(api: Api, found: Mapping[str, Section], changed: list[str]) -> None:
    """Put sections in force, noting those that were replaced. Raises `Unreadable` for what the API refuses."""
    # Routes may name channels that are new, and old ones until they are replaced: these go last.
    old = _widen(api, found) if {"channels", "routes"} <= found.keys() else {}
    rest = [section for section in found.values() if section.name != "channels" or not old]
    changed.extend(section.name for section in [*rest, *([found["channels"]] if old else [])] if _put(api, section))


def _widen(api: Api, found: Mapping[str, Section]) -> Mapping[str, Any]:
    """Add the file's channels to those that are there, if some of these are to go; gives those that are."""
    before, seen = api.tagged(found["channels"].route)
    gone = {name: channel for name, channel in before.items() if name not in found["channels"].document}
    if gone:
        _send(api, found["channels"], {**found["channels"].document, **gone}, seen)
    return gone


def _put(api: Api, section: Section) -> bool:
    """Replace a document unless it is the same; tells whether it was replaced."""
    before, seen = api.tagged(section.route)
    if before == section.document:
        return False
    _send(api, section, section.document, seen)
    return True


def _send(api: Api, section: Section, document: Mapping[str, Any], seen: str | None) -> None:
    try:
        api.send("PUT", section.route, document, {"If-Match": seen} if seen else {})
    except ApiError as error:
        if error.status != UNPROCESSABLE or not error.faults:
            raise
        raise Unreadable([section.flaw(fault) for fault in error.faults]) from None


@channels.command()
@click.argument("name")
@as_json
@click.pass_context
def test(context: click.Context, name: str, as_json: bool) -> int:
    """Send a test message through a channel, and wait up to 20 seconds for what becomes of it.

    Exit code 0 only if it was sent.
    """
    answer = api_of(context).send("POST", f"api/channels/{segment(name)}/test")
    if as_json:
        out.print_json(answer)
    else:
        out.print_line(f"{answer['channel']}: {answer['state']}: {answer['text']}")
    return 0 if answer["state"] == "sent" else FAILURE


@channels.command()
@since("1d")
@as_json
@click.pass_context
def undelivered(context: click.Context, seconds: int | None, as_json: bool) -> None:
    """List messages that reached nobody, with the reason."""
    since = since_time(seconds, datetime.now(timezone.utc))
    answer = api_of(context).get("api/deliveries", state="undelivered", since=since)
    if as_json:
        out.print_json(answer)
    elif answer["deliveries"]:
        out.console().print(incident_views.deliveries(answer["deliveries"]))
    else:
        out.console().print(Text("Everything was delivered, or is still being tried."))
