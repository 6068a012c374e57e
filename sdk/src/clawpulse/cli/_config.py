"""Configurations of agents: how far one is from what is desired, in a word, and documents read from files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clawpulse.cli import _output as out

NOTHING = "none"
"""In `--over`: that nothing is desired."""


def drift(hashes: Mapping[str, Any]) -> str:
    """How an agent's configuration stands to what is desired."""
    desired, written, applied = hashes["desired"], hashes["written"], hashes["applied"]
    if desired is None:
        return "none desired"
    if desired == applied:
        return "in step"
    if hashes["error"]:
        return "failed"
    if desired == written:
        return "written, not applied"
    return "behind" if written or applied else "not fetched"


def key_state(key: Mapping[str, Any]) -> str:
    """How an agent's API key of a provider stands to the one that it should use."""
    if key["assigned"] is None:
        return "none assigned"
    if key["assigned"] == key["reported"]:
        return "in step"
    return f"failed: {key['error']}" if key["error"] else "behind" if key["reported"] else "not told"


def conditions(over: str | None) -> dict[str, str]:
    """The headers that keep a change from overwriting another's."""
    if over is None:
        return {}
    return {"If-None-Match": "*"} if over == NOTHING else {"If-Match": f'"{over}"'}


def read(file: TextIO) -> dict[str, Any]:
    """The JSON object in a file; a click usage error for anything else."""
    try:
        document = json.load(file, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file.name}: {error}") from None
    if not isinstance(document, dict):
        raise click.UsageError(f"{file.name}: is not a JSON object")
    return document


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in made if names.count(name) > 1)!r} stands there twice")
    return made


def card(hashes: Mapping[str, Any], desired: Mapping[str, Any] | None) -> RenderableType:
    """The hashes, who set the desired one, and its document."""
    grid = Table.grid(padding=(0, 2))
    origin = f", set {out.clock(desired['time'])} by token {desired['by']}" if desired else ""
    for name, value in (
        ("state", drift(hashes)),
        ("desired", f"{hashes['desired']}{origin}" if hashes["desired"] else None),
        ("written", hashes["written"]),
        ("applied", hashes["applied"]),
        ("error", hashes["error"]),
    ):
        out.add_row(grid, (Text(name, style="bold"), out.MISSING if value is None else value))
    return Group(grid, *([Text(), Text(document(desired))] if desired else []))


def document(desired: Mapping[str, Any]) -> str:
    """The document, line by line."""
    lines = json.dumps(desired["document"], indent=2, ensure_ascii=False).splitlines()
    return "\n".join(map(out.plain, lines))
