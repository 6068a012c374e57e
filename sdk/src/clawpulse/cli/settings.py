"""`clawpulse settings`: dimensions, inventory and health policy of the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json


@click.group()
def settings() -> None:
    """Show and change the settings of the workspace."""


@settings.command()
@as_json
@click.pass_context
def get(context: click.Context, as_json: bool) -> None:
    """Show the settings, defaults included."""
    _print(api_of(context).get("api/settings"), as_json)


@settings.command(name="set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@as_json
@click.pass_context
def set_(context: click.Context, changes: tuple[str, ...], as_json: bool) -> None:
    """Change some settings, the others stay.

    Names are those that `get` shows: health.zombie_after_s=120 inventory=strict dimensions=env,tier,shard
    """
    api = api_of(context)
    document = api.get("api/settings")
    for change in changes:
        name, separator, value = change.partition("=")
        if not separator:
            raise click.UsageError(f"{change!r} is not name=value")
        _put(document, name, value)
    _print(api.send("PUT", "api/settings", document), as_json)


def _put(document: dict[str, Any], name: str, text: str) -> None:
    """Set one field in place, read as the kind that the field has."""
    *path, last = name.split(".")
    place: Any = document
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place or isinstance(place[last], dict):
        raise click.UsageError(f"{name!r} is no setting; there are {', '.join(_flat(document))}")
    place[last] = _value(name, place[last], text)


def _value(name: str, before: Any, text: str) -> Any:
    if isinstance(before, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(before, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise click.UsageError(f"{name} must be like {json.dumps(before)}, not {text!r}") from None


def _print(document: Any, as_json: bool) -> None:
    if as_json:
        out.print_json(document)
        return
    made = out.table("setting", "value")
    for name, value in _flat(document).items():
        out.add_row(made, (name, ",".join(map(str, value)) if isinstance(value, list) else value))
    out.console().print(made)


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat
