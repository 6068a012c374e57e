"""Commands of `clawpulse fleet` that only look at files: no API, no token."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from clawpulse.cli import _output as out
from clawpulse.cli._api import FAILURE
from clawpulse.fleet import Fault, check_folder

folder_argument = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", metavar="[DIR]")
"""The root of a fleet repository."""


@click.command()
@folder_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines, JSON, or annotations of a GitHub workflow.",
)
def lint(folder: Path, form: str) -> int:
    """Check the repository in DIR: a line for each fault, with file, line, column and field. Asks no server.

    Exit code 1 when there are faults.
    """
    faults = check_folder(folder)
    if form == "json":
        out.print_json({"faults": [fault._asdict() for fault in faults]})
    elif form == "github":
        print_lines(annotation(fault, folder) for fault in faults)
    else:
        print_lines(map(str, faults) if faults else ["no fault"])
    return FAILURE if faults else 0


def print_lines(lines: Iterable[str]) -> None:
    """Print each, whatever is in it, as one line."""
    for line in lines:
        print(out.plain(line))


def annotation(fault: Fault, folder: Path) -> str:
    """A fault as a GitHub workflow shows it beside the line. Paths are relative to where the workflow runs."""
    file = (folder / fault.file).as_posix() if fault.file else folder.as_posix()
    place = f"file={_escaped(file, ':,')},line={fault.line},col={fault.column}"
    return f"::error {place}::{_escaped(f'{fault.path}: {fault.reason}' if fault.path else fault.reason)}"


def _escaped(text: str, more: str = "") -> str:
    """Text within a workflow command."""
    return "".join(f"%{ord(character):02X}" if character in "%\r\n" + more else character for character in text)


COMMANDS: tuple[click.Command, ...] = (lint,)
