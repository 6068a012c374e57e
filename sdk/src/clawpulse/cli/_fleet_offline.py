"""Commands of `clawpulse fleet` that only look at files: no API, no token."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import click

from clawpulse.cli import _output as out
from clawpulse.cli._api import FAILURE, CommandError
from clawpulse.fleet import Fault, InvalidRepository, check_folder, editing, read_folder
from clawpulse.fleet.scaffold import write as write_template

folder_argument = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", metavar="[DIR]")
"""The root of a fleet repository."""
root_option = click.option(
    "--dir", "root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", metavar="DIR", help="The repository; here."
)


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


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".", metavar="[DIR]")
def init(folder: Path) -> None:
    """Write a new repository into DIR: layers, prompts, alerts, a rollout policy, and a GitHub workflow.

    Files that are there stay as they are.
    """
    try:
        written = write_template(folder)
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from None
    print_lines([*(f"new       {path}" for path in written.new), *(f"is there  {path}" for path in written.kept)])
    if written.new:
        out.print_line(f"Read {folder / 'README.md'}, then: clawpulse fleet lint {folder}")


@click.command()
@click.argument("source")
@click.argument("new")
@root_option
def clone(source: str, new: str, root: Path) -> None:
    """Copy the file of a tier, shard or agent to the name NEW, comments and all.

    SOURCE is a path such as agents/tier-fast.yaml, or what comes before .yaml in it.
    """
    edit = _edited(root, lambda files: editing.clone(files, source, new))
    out.print_line(f"new  {edit.path}")


@click.command()
@click.argument("old")
@click.argument("new")
@root_option
def rename(old: str, new: str, root: Path) -> None:
    """Rename the file of a tier, shard, agent or prompt, also where other files name it.

    OLD is a path such as agents/tier-fast.yaml, or what comes before .yaml in it. Tags of agents are not changed.
    """
    edit = _edited(root, lambda files: editing.rename(files, old, new))
    out.print_line(f"renamed  {edit.gone} to {edit.path}")
    print_lines(f"changed  {path}" for path in edit.texts if path != edit.path)
    print_lines(f"look at  {place}: it speaks of the old name" for place in edit.mentions)


def _edited(root: Path, decide: Callable[[dict[str, str]], editing.Edit]) -> editing.Edit:
    """Decide on the files of a repository, and do it."""
    try:
        edit = decide(read_folder(root))
        editing.write(root, edit)
    except InvalidRepository as error:
        raise CommandError(f"{error.faults[0]}; nothing was changed") from None
    except editing.Refused as error:
        raise CommandError(f"{error}; nothing was changed") from None
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from None
    return edit


COMMANDS: tuple[click.Command, ...] = (init, lint, clone, rename)
