"""`clawpulse rollout`: changes brought to agents in gated waves; started, watched, steered."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from clawpulse._yaml import Document, Unreadable
from clawpulse.cli import _flaws as shown
from clawpulse.cli import _output as out
from clawpulse.cli import _rollout_view as views
from clawpulse.cli import _steered as steered
from clawpulse.cli._api import ApiError, segment
from clawpulse.cli._options import api_of, as_json, words
from clawpulse.cli._rollout_documents import UNPROCESSABLE, document_command, flaws, one_document
from clawpulse.cli._rollout_watch import follow


def _known_form(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch("r[0-9a-z]{1,20}", value):
        raise click.BadParameter(f"{value!r} is no id of a rollout, such as r1jb0al920c5h: `clawpulse rollout list` has them")
    return value


identifier = click.argument("rollout", metavar="ID", callback=_known_form)
every = steered.every(5.0)


@click.group()
def rollout() -> None:
    """Bring changes to agents in gated waves that take themselves back."""


@rollout.command()
@click.option("--tags", metavar="SELECTOR", help="Which agents: env=prod,tier!=batch; '' is all of them.")
@click.option("--agent", "agents", multiple=True, metavar="ID", help="This agent, in place of --tags; several are possible.")
@click.option(
    "--patch", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="A merge patch over each agent's configuration."
)
@click.option("--model", metavar="MODEL", help="Another primary model: anthropic/claude-sonnet-5.")
@click.option("--file", "files", multiple=True, metavar="NAME=PATH", help="A prompt file: AGENTS.md=prompts/agents.md.")
@click.option("--version", metavar="VERSION", help="Another version of OpenClaw. Irreversible.")
@click.option("--command", metavar="COMMAND", help="Run an executable of the agents' folder commands.d once.")
@click.option("--argument", "arguments", multiple=True, metavar="TEXT", help="What --command is called with; several are possible.")
@click.option(
    "--policy", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="What goes otherwise than the workspace's policy."
)
@click.option("--title", default="", help="For people; made of the change unless given.")
@click.option("--irreversible", is_flag=True, help="Going back does not undo it: for --command, and whatever else you know.")
@click.option("--backup", is_flag=True, help="There is a backup; an irreversible change needs one.")
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option("--watch", is_flag=True, help="Follow it to its end, as `watch` does.")
@every
@steered.until_held
@as_json
@click.pass_context
def start(context: click.Context, /, watch: bool, every: float, until_held: bool, as_json: bool, **given: Any) -> int:
    """Start a rollout: one change, for the agents chosen, in the waves of the policy."""
    try:
        answer = _start(context, given)
    except Unreadable as error:
        shown.lines(error.flaws)
        raise shown.FaultyFiles(len(error.flaws)) from None
    begun = answer["rollout"] is not None and not answer["dryRun"]
    if begun and watch:
        return _follow(context, answer["rollout"]["id"], every, as_json, until_held)
    if as_json:
        out.print_json(answer)
    elif begun:
        made = answer["rollout"]
        out.print_line(f"{made['id']} is started: {made['title']}: {views.amounts(made)}")
    else:
        out.console().print(views.planned(answer))
    return 0


@rollout.command(name="list")
@click.option(
    "--state",
    metavar="PHASES",
    callback=words("open", "over", *views.PHASES),
    help="Only these, separated by commas; open and over stand for several.",
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="At most so many rows.")
@as_json
@click.pass_context
def list_(context: click.Context, state: str | None, limit: int, as_json: bool) -> None:
    """List rollouts, newest first."""
    answer = api_of(context).collect("api/rollouts", "rollouts", limit=limit, page=200, state=state)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.table(answer, datetime.now(timezone.utc)))


@rollout.command()
@identifier
@steered.with_audit
@as_json
@click.pass_context
def show(context: click.Context, rollout: str, audit: bool, as_json: bool) -> None:
    """Show a rollout: its waves, what the gates found, what it waits for, what may be done."""
    api, path = api_of(context), _path(rollout)
    steered.show(api, path, api.get(path), views.card, audit=audit, as_json=as_json)


@rollout.command()
@identifier
@every
@steered.until_held
@as_json
@click.pass_context
def watch(context: click.Context, rollout: str, every: float, until_held: bool, as_json: bool) -> int:
    """Follow a rollout to its end: waves, agents, the gates' numbers, when it will be through.

    Exit code 0 when it succeeded, 1 when it was taken back or stopped.
    """
    return _follow(context, rollout, every, as_json, until_held)


def _path(rollout: str) -> str:
    return f"api/rollouts/{segment(rollout)}"


for _name, _about in (
    ("approve", "Let the wave begin that waits for it."),
    ("pause", "Hold it where it is; agents that were told go on."),
    ("resume", "Go on where it was paused or held; a held wave bakes once more."),
    ("abort", "Turn it around: agents that were told go back, also of irreversible changes."),
    ("stop", "End it here: agents that were told keep what they have, the others too."),
    ("retry", "Tell the agents of the current wave that failed once more."),
    ("skip", "Take the current wave as passed, whatever its gate says."),
    ("promote", "No more gates: bring it to all remaining agents at once."),
):
    rollout.add_command(steered.action(_name, _about, identifier, lambda _, id: _path(id or ""), views.line))

for _name, _route, _about, _unset in (
    (
        "policy",
        "api/rollout-policy",
        "Show how rollouts go that say nothing else; with FILE, replace it.",
        "nothing is set: waves of 1, 5, 25% and 100%, baked for 10 minutes each, and the other defaults of docs/rollouts.md",
    ),
    ("freezes", "api/freezes", "Show when no wave may begin; with FILE, replace it.", "nothing is set: a wave may begin at any time"),
    (
        "notices",
        "api/rollout-notices",
        "Show who is told of rollouts, and of what; with FILE, replace it.",
        "nothing is set: every channel is told of approvals, holds, and rollouts that go back",
    ),
):
    rollout.add_command(document_command(_name, _route, _about, _unset))


def _follow(context: click.Context, rollout: str, seconds: float, as_json: bool, until_held: bool) -> int:
    api = api_of(context)
    return follow(lambda: api.get(_path(rollout)), seconds, as_json=as_json, until_held=until_held)


def _start(context: click.Context, given: dict[str, Any]) -> Any:
    """The API's answer. Raises `Unreadable` for what is wrong in a file."""
    sources = {name: one_document(given[name]) for name in ("patch", "policy") if given[name]}
    try:
        return api_of(context).send("POST", "api/rollouts", _body(given, sources))
    except ApiError as error:
        found = [flaw for name, source in sources.items() for flaw in flaws(error, source, name)] if error.status == UNPROCESSABLE else []
        if not found or len(found) < len(error.faults):
            raise
        raise Unreadable(found) from None


def _body(given: dict[str, Any], sources: dict[str, Document]) -> dict[str, Any]:
    """The request, of what was given."""
    if (given["tags"] is None) == (not given["agents"]):
        raise click.UsageError("say which agents: either --tags SELECTOR ('' is all of them) or --agent ID")
    if given["arguments"] and given["command"] is None:
        raise click.UsageError("--argument goes with --command")
    body: dict[str, Any] = {name: source.value for name, source in sources.items()}
    body.update({name: given[name] for name in ("tags", "model", "version") if given[name] is not None})
    body.update({name: True for name in ("irreversible", "backup") if given[name]})
    if given["agents"]:
        body["agents"] = list(given["agents"])
    if given["files"]:
        body["files"] = dict(map(_file, given["files"]))
    if given["command"] is not None:
        body["command"] = {"name": given["command"], "arguments": list(given["arguments"]), "irreversible": given["irreversible"]}
    return {**body, "title": given["title"], "dryRun": given["dry_run"]}


def _file(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if not separator or not name or not path:
        raise click.UsageError(f"--file wants NAME=PATH such as AGENTS.md=prompts/agents.md, not {text!r}")
    try:
        return name, Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {_reason(error)}") from None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"is not UTF-8: {error.reason} at byte {error.start}"
