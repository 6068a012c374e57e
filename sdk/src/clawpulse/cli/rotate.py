"""`clawpulse rotate`: API keys replaced on all agents while both keys live; started, followed, steered."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import click

from clawpulse.cli import _new_keys
from clawpulse.cli import _output as out
from clawpulse.cli import _rotate_view as views
from clawpulse.cli import _steered as steered
from clawpulse.cli._api import FAILURE, Api, ApiError, CommandError, segment
from clawpulse.cli._follow import WAITS, Look, follow
from clawpulse.cli._options import api_of, as_json, duration, selector

CODES = {"succeeded": 0, "aborted": FAILURE, "refused": FAILURE}
CONFLICT = 409
identifier = click.argument("rotation", metavar="[ID]", required=False)
every = steered.every(2.0)


class Rotate(click.Group):
    """A group whose first word may be left out: `rotate anthropic` is `rotate start anthropic`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of the group; what is none is a provider."""
        return super().get_command(ctx, cmd_name) or start

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, and its arguments."""
        own = super().get_command(ctx, args[0])
        return (args[0], own, args[1:]) if own else ("start", start, args)


@click.group(cls=Rotate, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def rotate() -> None:
    """Replace API keys of providers on all agents, in gated waves, without a failed task.

    `clawpulse rotate PROVIDER --new-key-from stdin` starts one; `start` may be left out.
    """


@rotate.command()
@click.argument("providers", metavar="PROVIDER...", nargs=-1, required=True)
@click.option(
    "--new-key-from",
    "source",
    required=True,
    type=click.Choice(["stdin", "vault-path", "provider"]),
    help="Standard input (not shown when typed; several keys are a line each), a place in Vault, or made by the provider.",
)
@click.option("--vault-path", "paths", multiple=True, metavar="PATH", help="Where in Vault, below its mount; once for each provider.")
@click.option("--field", metavar="NAME", help="Its field; key unless given.")
@click.option("--wave-size", type=click.IntRange(1), help="Agents that change together; 10 unless given.")
@click.option("--cooldown", type=duration, metavar="LENGTH", help="How long each wave is watched: 30s unless given.")
@click.option("--abort-above", type=click.FloatRange(0, 1), help="Share of a wave's tasks that may fail beyond others': 0.02 unless given.")
@click.option("--keep-old", is_flag=True, help="Leave the old key valid, and in Vault.")
@selector
@click.option("--shard", metavar="SHARD", help="A shard with keys of its own.")
@click.option("--dry-run", is_flag=True, help="Try the new key and look at the fleet; change nothing.")
@click.option("--emergency", is_flag=True, help="The key in use has leaked: revoke it first, change all agents at once.")
@click.option("--yes", is_flag=True, help="Do not ask whether the consequences of an emergency are wanted.")
@click.option("--detach", is_flag=True, help="Start, and do not follow.")
@every
@steered.until_held
@as_json
@click.pass_context
def start(
    context: click.Context, /, providers: tuple[str, ...], source: str, paths: tuple[str, ...], field: str | None, **given: Any
) -> int:
    """Rotate the keys of one or more providers, one after the other, and follow each to its end.

    Exit code 0 when all succeeded; 1 when one was refused or taken back, and then later ones are not started. Ctrl-C ends the watching,
    not the rotation.
    """
    if len(set(providers)) < len(providers):
        raise click.UsageError("a provider is named twice")
    api = api_of(context)
    for provider, place in zip(providers, _new_keys.sources(source, providers, paths, field, api)):
        made = _start(api, {"provider": provider, **place, **_body(given)}, yes=given["yes"])
        code = _shown(made, given["as_json"]) if given["detach"] else _follow(api, made["id"], given)
        if code:
            return code
    return 0


@rotate.command()
@identifier
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@steered.with_audit
@every
@steered.until_held
@as_json
@click.pass_context
def status(context: click.Context, /, rotation: str | None, watch: bool, audit: bool, **given: Any) -> int:
    """Show a rotation: how far the agents are, errors, when it will be over. Without ID the one under way, else the last."""
    api = api_of(context)
    found = api.get(_path(rotation)) if rotation else _present(api)
    if found is None:
        out.print_line("No rotation yet.")
        return 0
    if watch:
        return _follow(api, found["id"], given)
    steered.show(api, _path(found["id"]), found, views.card, audit=audit, as_json=given["as_json"])
    return 0


@rotate.command()
@click.option("--provider", metavar="PROVIDER", help="Only of this one.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="At most so many rows.")
@as_json
@click.pass_context
def history(context: click.Context, provider: str | None, limit: int, as_json: bool) -> None:
    """List rotations, newest first."""
    answer = api_of(context).collect("api/rotations", "rotations", limit=limit, page=200, provider=provider)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.table(answer["rotations"], datetime.now(timezone.utc)))


def _path(rotation: str) -> str:
    return f"api/rotations/{segment(rotation)}"


for _name, _about in (
    ("pause", "Hold it where it is; agents that were told go on. Without ID the only one that is not over."),
    ("resume", "Go on where it was paused or held. Without ID the only one that is not over."),
    ("abort", "Bring all agents back to the old key, and take the new one back. Without ID the only one that is not over."),
):
    rotate.add_command(steered.action(_name, _about, identifier, lambda api, id: _path(id or _only(api)), views.line))


def _body(given: dict[str, Any]) -> dict[str, Any]:
    """The request, without provider and key."""
    policy = {"wave_size": given["wave_size"], "cooldown_s": given["cooldown"], "abort_above": given["abort_above"]}
    policy = {name: value for name, value in policy.items() if value is not None}
    if given["keep_old"]:
        policy["retire"] = False
    body = {"policy": policy, "dryRun": given["dry_run"], "emergency": given["emergency"]}
    return {**body, **{name: given[name] for name in ("tags", "shard") if given[name] is not None}}


def _start(api: Api, body: dict[str, Any], *, yes: bool) -> Any:
    """The rotation; of an emergency its consequences are shown, and asked for."""
    try:
        return api.send("POST", "api/rotations", body)
    except ApiError as error:
        consequences = [fault.reason for fault in error.faults if fault.path == "confirm"]
        if error.status != CONFLICT or not consequences:
            raise
    for sentence in consequences:
        click.echo(f"! {out.plain(sentence)}", err=True)
    if not yes:
        _ask(body["provider"])
    return api.send("POST", "api/rotations", {**body, "confirm": True})


def _ask(provider: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("nothing was started: --yes says that this is wanted, for there is no terminal to ask at")
    click.confirm(f"Revoke the key of {provider} and change all agents now?", abort=True, err=True)


def _shown(made: Any, as_json: bool) -> int:
    if as_json:
        out.print_json(made)
    else:
        out.print_line(f"{made['id']} is started: {views.line(made)}")
    return 0


def _follow(api: Api, rotation: str, given: dict[str, Any]) -> int:
    look = Look(views.line, views.card, lambda found: _code(found, given["until_held"]))
    if not given["as_json"]:
        click.echo(f"{rotation}: Ctrl-C ends the watching, `clawpulse rotate abort {rotation}` the rotation", err=True)
    return follow(lambda: api.get(_path(rotation)), given["every"], look, as_json=given["as_json"])


def _code(rotation: Any, until_held: bool) -> int | None:
    if rotation["phase"] in CODES:
        return CODES[rotation["phase"]]
    return WAITS if until_held and rotation["phase"] in ("held", "paused") else None


def _open(api: Api) -> Sequence[Any]:
    """Those that are not over, in the order in which they run."""
    found = api.collect("api/rotations", "rotations", page=200, state="open")["rotations"]
    return sorted(found, key=lambda one: one["position"] or 0)


def _present(api: Api) -> Any:
    """The rotation that runs, else the last one; None when there was none."""
    listed = _open(api) or api.get("api/rotations", limit=1)["rotations"]
    return api.get(f"api/rotations/{segment(listed[0]['id'])}") if listed else None


def _only(api: Api) -> str:
    found = _open(api)
    if len(found) != 1:
        named = ", ".join(f"{one['id']} ({one['provider']}, {one['phase']})" for one in found)
        raise CommandError(f"say which: {named}" if found else "no rotation is under way")
    return str(found[0]["id"])
