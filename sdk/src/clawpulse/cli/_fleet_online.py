"""Commands of `clawpulse fleet` that talk to the API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import click

from clawpulse.cli import _fleet_view as views
from clawpulse.cli import _output as out
from clawpulse.cli._api import Api, ApiError, CommandError, segment
from clawpulse.cli._flaws import FaultyFiles
from clawpulse.cli._fleet_offline import folder_argument, print_lines
from clawpulse.cli._options import api_of, as_json, selector, words
from clawpulse.cli._rollout_watch import follow
from clawpulse.fleet import InvalidRepository, read_folder
from clawpulse.fleet.kinds import path_fault

CHANGES = 2
"""Exit code when there are changes, or drift, with --exit-code."""
UNPROCESSABLE = 422
PATIENCE_S = 60.0
"""Plans of large fleets take some seconds."""
_GIT_S = 10


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


exit_code = click.option("--exit-code", is_flag=True, help=f"End with exit code {CHANGES} when there is something to do.")
_said = _options(
    click.option("--approve-cost", is_flag=True, help="It may cost more. Is recorded, with the token."),
    click.option("--backup-done", is_flag=True, help="There is a backup; what is irreversible needs one. Is recorded, with the token."),
    click.option("--message", help="What it is about."),
    click.option("--dry-run", is_flag=True, help="Only show what would happen."),
    click.option(
        "--wait", is_flag=True, help="Follow the rollout: exit code 0 when it succeeded, 1 when it was put back, 4 when it is held."
    ),
    click.option(
        "--every", type=click.FloatRange(0.2, 3_600), default=5.0, show_default=True, help="Seconds between two looks with --wait."
    ),
    as_json,
)


@click.command()
@folder_argument
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True, help="Markdown is for comments."
)
@exit_code
@click.pass_context
def diff(context: click.Context, folder: Path, form: str, exit_code: bool) -> int:
    """Show what applying the repository in DIR would change: agents, values, cost a month, waves, what needs an approval."""
    found = _send(_api(context), "api/fleet/plan", {"files": _files(folder)})
    if form == "json":
        out.print_json(found)
    elif form == "markdown":
        print(views.markdown(found))
    else:
        out.console().print(views.coloured(views.plan(found)), end="")
    return CHANGES if exit_code and (found["changed"] or found["settings"]) else 0


@click.command()
@folder_argument
@click.option("--commit", help="What version control calls it; that of git unless given.")
@click.option("--again", is_flag=True, help="Also if it is in force: agents that were given something else get it back.")
@_said
@click.pass_context
def apply(context: click.Context, /, folder: Path, commit: str | None, again: bool, message: str | None, **said: Any) -> int:
    """Apply the repository in DIR: a new revision, rolled out in gated waves. The same again changes nothing."""
    commit = _git_commit(folder) if commit is None else commit
    message = _git(folder, "log", "-1", "--format=%s") if message is None else message
    body = {"files": _files(folder), "commit": commit[:128], "message": message[:2000], "again": again}
    return _applied(_api(context), "api/fleet/apply", body, said)


@click.command()
@click.argument("number", type=click.IntRange(1, 99_999_999))
@_said
@click.pass_context
def rollback(context: click.Context, /, number: int, message: str | None, **said: Any) -> int:
    """Go back to the files of revision NUMBER, as a new revision that is rolled out like any other."""
    return _applied(_api(context), "api/fleet/rollback", {"to": number, "message": (message or "")[:2000]}, said)


@click.command()
@selector
@click.option("--state", metavar="STATES", callback=words(*views.STYLES), help="Only agents in these states: failed,overridden,pending.")
@exit_code
@as_json
@click.pass_context
def drift(context: click.Context, tags: str | None, state: str | None, exit_code: bool, as_json: bool) -> int:
    """Show how each agent stands: what the last revision says, what is desired, what the agent has applied."""
    answer = _api(context).get("api/fleet/drift", tags=tags, state=state)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.drift(answer))
    states = [*answer["counts"], *(one["state"] for one in answer["settings"])]
    return CHANGES if exit_code and set(states) - set(views.SETTLED) else 0


@click.command()
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="At most so many.")
@as_json
@click.pass_context
def history(context: click.Context, limit: int, as_json: bool) -> None:
    """List what was applied, newest first, and what became of it."""
    answer = _api(context).get("api/fleet/revisions", limit=limit)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.history(answer, datetime.now(timezone.utc)))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--revision", type=click.IntRange(1, 99_999_999), metavar="NUMBER", help="The files of this revision, in place of today's fleet."
)
@click.option("--force", is_flag=True, help="Also over files that are there and differ.")
@click.pass_context
def export(context: click.Context, folder: Path, revision: int | None, force: bool) -> None:
    """Write today's fleet into DIR as a repository: what all agents have in common stands in agents/_base.yaml."""
    answer = _api(context).get(f"api/fleet/revisions/{revision}" if revision else "api/fleet/export")
    written = _write(folder, answer["files"], force)
    print_lines(f"written  {path}" for path in written)
    print_lines(f"left out {one['agent']}: {one['reason']}" for one in answer.get("leftOut", ()))
    print_lines(f"note     {note}" for note in answer.get("notes", ()))
    if not answer["files"]:
        out.print_line("No agent has a configuration yet, so there is nothing to write.")


COMMANDS: tuple[click.Command, ...] = (diff, apply, rollback, drift, history, export)


def _api(context: click.Context) -> Api:
    api = api_of(context)
    return Api(api.url, api.token, PATIENCE_S)


def _files(folder: Path) -> dict[str, str]:
    try:
        return read_folder(folder)
    except InvalidRepository as error:
        print_lines(map(str, error.faults))
        raise FaultyFiles(len(error.faults)) from None


def _send(api: Api, path: str, body: Mapping[str, Any]) -> Any:
    """The answer; faults that the API finds in the files are shown where they stand."""
    try:
        return api.send("POST", path, body)
    except ApiError as error:
        if error.status != UNPROCESSABLE or not error.faults:
            raise
        print_lines(f"{fault.path}: {fault.reason}" for fault in error.faults)
        raise FaultyFiles(len(error.faults)) from None


def _applied(api: Api, path: str, body: Mapping[str, Any], said: Mapping[str, Any]) -> int:
    answer = _send(api, path, {**body, "approveCost": said["approve_cost"], "backup": said["backup_done"], "dryRun": said["dry_run"]})
    rollout = answer["revision"]["rollout"] if answer["revision"] and answer["done"] != "dry-run" else None
    waits = said["wait"] and rollout is not None
    if said["as_json"]:
        print(json.dumps(answer, ensure_ascii=False, indent=None if waits else 2), flush=True)
    elif answer["done"] == "dry-run":
        out.console().print(views.coloured(views.plan(answer["plan"])), end="")
    else:
        print_lines([views.applied(answer), *(views.cost(answer["plan"]) if answer["done"] == "applied" else ())])
    if not waits:
        return 0
    path = f"api/rollouts/{segment(str(rollout))}"
    return follow(lambda: api.get(path), said["every"], as_json=said["as_json"], until_held=True)


def _write(folder: Path, files: Mapping[str, str], force: bool) -> list[str]:
    """Write files, all or none; gives the paths of those that were not there as they are."""
    wanted = {path: text.encode() for path, text in sorted(files.items())}
    strange = [path for path in wanted if path_fault(path)]
    if strange:
        raise CommandError(f"the API names a file that would lie elsewhere: {strange[0]}")
    try:
        there = {path: (folder / path).read_bytes() for path in wanted if (folder / path).is_file()}
        differing = [path for path, data in there.items() if data != wanted[path]]
        if differing and not force:
            raise CommandError(f"{views.named(differing)}: there already, and different: --force writes over them")
        changed = [path for path in wanted if there.get(path) != wanted[path]]
        for path in changed:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(wanted[path])
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    return changed


def _git_commit(folder: Path) -> str:
    commit = _git(folder, "rev-parse", "HEAD")
    return f"{commit}-changed" if commit and _git(folder, "status", "--porcelain", "--", ".") else commit


def _git(folder: Path, *arguments: str) -> str:
    """What git says of the folder; nothing where there is no git, or no repository of it."""
    try:
        done = subprocess.run(  # noqa: S603  fixed words
            ["git", "-C", str(folder), *arguments],  # noqa: S607  the user's own git
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
