"""`clawpulse agents`: the fleet, and one agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clawpulse.cli import _config as config
from clawpulse.cli import _output as out
from clawpulse.cli._api import Api, ApiError, CommandError, segment
from clawpulse.cli._options import api_of, as_json, every, selector, tag_changes, watch, words
from clawpulse.cli._watch import show as show_view

COLOURS = ("red", "yellow", "green", "grey")
STALE_NOTE = "The figures are old: the service that computes them is late or stopped."
NOT_FOUND, CONFLICT = 404, 409
_RATES = ("tasks/min", "errors", "p95")

identifier = click.argument("agent", metavar="ID")


@click.group(invoke_without_command=True)
@selector
@click.option("--health", metavar="COLOURS", callback=words(*COLOURS), help="Only these: red,yellow,green,grey.")
@as_json
@watch
@every
@click.pass_context
def agents(context: click.Context, tags: str | None, health: str | None, as_json: bool, watch: bool, every: float) -> None:
    """List the agents: health with its reason, rates of the last five minutes.

    The subcommands show and change one agent.
    """
    if context.invoked_subcommand is None:
        api = api_of(context)
        show_view(lambda: api.collect("api/dashboard/instances", "instances", tags=tags, health=health), view, as_json, watch, every)
    elif tags or health or watch:
        raise click.UsageError("--tags, --health and --watch are for the list: leave them out with a subcommand")


def view(answer: Any) -> RenderableType:
    """The list as a table, worst first."""
    now, listed = datetime.now(timezone.utc), answer["instances"]
    if not listed:
        return Text("No agent matches, or none has reported yet.")
    made = out.table("health", "agent", "since", *_RATES, "seen", "tags", "reason", right=("since", *_RATES, "seen"))
    for agent in sorted(listed, key=_worst_first):
        out.add_row(made, _row(agent, now))
    return Group(made, Text(), _counts(listed), *([Text(STALE_NOTE, style="yellow")] if answer["stale"] else []))


def _worst_first(agent: Any) -> tuple[int, str]:
    status = agent["health"]["status"]
    return (COLOURS.index(status) if status in COLOURS else len(COLOURS), agent["name"])


def _row(agent: Any, now: datetime) -> list[object]:
    health, name = agent["health"], agent["name"] if agent["name"] == agent["id"] else f"{agent['name']} ({agent['id']})"
    rates = (out.number(agent["tasksPerMinute"]), out.percent(agent["errorRate"]), out.number(agent["latency"]["p95"], 0, " ms"))
    reason = "; ".join(filter(None, (health["reason"], agent["shadow"] and f"shadow: {agent['shadow']}")))
    return [out.health(health["status"]), name, out.ago(health["since"], now), *rates, _seen(agent, now), out.tags(agent["tags"]), reason]


def _seen(agent: Any, now: datetime) -> str:
    return "never" if agent["lastSeen"] is None else out.ago(agent["lastSeen"], now)


def _counts(listed: Sequence[Any]) -> Text:
    counts, line = Counter(agent["health"]["status"] for agent in listed), Text(f"{len(listed)} agents   ")
    for colour in COLOURS:
        line.append_text(out.health(colour)).append(f" {counts[colour]}   ")
    return line


@agents.command()
@identifier
@as_json
@click.pass_context
def show(context: click.Context, agent: str, as_json: bool) -> None:
    """Show everything that is known of one agent."""
    answer = api_of(context).get(f"api/agents/{segment(agent)}")
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_card(answer))


def _card(agent: Any) -> RenderableType:
    now, health, latency = datetime.now(timezone.utc), agent["health"], agent["latency"]
    head = out.health(health["status"]).append(
        f"  {out.plain(agent['name'])}\n{out.plain(health['reason'])}, since {out.ago(health['since'], now)}", style="default"
    )
    grid = Table.grid(padding=(0, 2))
    percentiles = " ".join(f"{name} {out.number(latency[name], 0, ' ms')}" for name in ("p50", "p95", "p99"))
    for name, value in (
        ("id", agent["id"]),
        ("tags", out.tags(agent["tags"])),
        ("of its own", out.tags(agent["localTags"])),
        ("set remotely", out.tags(agent["remoteTags"])),
        ("of its token", out.tags(agent["tokenTags"])),
        ("owner", agent["owner"]),
        ("model", agent["model"]),
        ("host", agent["host"]),
        ("versions", out.tags(agent["versions"])),
        ("first seen", out.clock(agent["firstSeen"])),
        ("last seen", f"{out.clock(agent['lastSeen'])} ({_seen(agent, now)})"),
        ("tasks/min", out.number(agent["tasksPerMinute"])),
        ("error rate", out.percent(agent["errorRate"])),
        ("latency", percentiles),
        ("tokens/min", out.number(agent["tokensPerMinute"])),
        ("cost/hour", out.money(agent["costPerHour"])),
        ("queue", out.number(agent["queueDepth"])),
        ("config", config.drift(agent["config"])),
        ("keys", ", ".join(f"{name}: {config.key_state(key)}" for name, key in agent["keys"].items()) or None),
        ("in service", "no, retired" if agent["retired"] else "yes"),
        ("expected", {True: "yes", False: "no", None: "nobody said"}[agent["expected"]]),
        ("shadow", agent["shadow"]),
    ):
        out.add_row(grid, (Text(name, style="bold"), out.MISSING if value is None else value))
    return Group(head, Text(), grid)


@agents.command()
@identifier
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@as_json
@click.pass_context
def tag(context: click.Context, agent: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Set (k=v) or remove (k-) tags remotely; they win over the agent's own."""
    answer = _patch(context, agent, {"tags": tag_changes(changes)})
    _done(answer, as_json, f"{agent}: {out.tags(answer['tags'])}")


@agents.command()
@identifier
@click.option("--undo", is_flag=True, help="Take it back into service.")
@as_json
@click.pass_context
def retire(context: click.Context, agent: str, undo: bool, as_json: bool) -> None:
    """Take an agent out of service: grey, never an alert; its data stays."""
    answer = _patch(context, agent, {"retired": not undo})
    _done(answer, as_json, f"{agent} is back in service" if undo else f"{agent} is retired")


@agents.command()
@identifier
@click.option("--unwanted", "stance", flag_value="unwanted", help="Known and not wanted: a shadow agent.")
@click.option("--undo", "stance", flag_value="undo", help="Say nothing of it any more.")
@as_json
@click.pass_context
def expect(context: click.Context, agent: str, stance: str | None, as_json: bool) -> None:
    """Say that an agent is wanted, also before it was ever seen."""
    value = {None: True, "unwanted": False, "undo": None}[stance]
    answer = _announce(context, agent) if value else _patch(context, agent, {"expected": value})
    _done(answer, as_json, f"{agent} is { ({True: 'expected', False: 'unwanted', None: 'neither expected nor unwanted'}[value]) }")


@agents.command(name="config")
@identifier
@click.option(
    "--set", "file", type=click.File(encoding="utf-8-sig"), metavar="FILE", help="What it should have, a JSON object; - is standard input."
)
@click.option("--clear", is_flag=True, help="It should have nothing in particular any more, and keeps what it has.")
@click.option("--over", metavar="HASH", help="Only if this is what is desired now; with --set, none: only if nothing is.")
@as_json
@click.pass_context
def config_(context: click.Context, agent: str, file: TextIO | None, clear: bool, over: str | None, as_json: bool) -> None:
    """Show which configuration an agent should have, and which it has; set it.

    Agents that report to ClawPulse fetch it by themselves, within their next heartbeats.
    """
    if file is not None and clear:
        raise click.UsageError("--set and --clear exclude each other")
    if over is not None and file is None and not clear:
        raise click.UsageError("--over goes with --set or --clear")
    if over == config.NOTHING and clear:
        raise click.UsageError("--clear has nothing to do where nothing is desired")
    path, conditions = f"api/agents/{segment(agent)}/desired", config.conditions(over)
    if file is not None:
        answer = api_of(context).send("PUT", path, config.read(file), conditions)
        _done(answer, as_json, f"{agent} should have {answer['hash']}")
    elif clear:
        api_of(context).send("DELETE", path, headers=conditions)
        _done(None, as_json, f"{agent} should have no configuration in particular")
    else:
        _show_config(context, agent, as_json)


def _show_config(context: click.Context, agent: str, as_json: bool) -> None:
    api, path = api_of(context), f"api/agents/{segment(agent)}"
    desired, known = _found(api, f"{path}/desired"), _found(api, path)
    if desired is None and known is None:
        raise CommandError(f"no agent {agent}, and no configuration is set for one")
    hashes = known["config"] if known else {"desired": desired["hash"], "written": None, "applied": None, "error": None}
    if as_json:
        out.print_json({**hashes, "drift": config.drift(hashes), "set": desired})
    else:
        out.console().print(config.card(hashes, desired))


def _found(api: Api, path: str) -> Any:
    try:
        return api.get(path)
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
    return None


@agents.command()
@identifier
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def forget(context: click.Context, agent: str, yes: bool) -> None:
    """Delete an agent from the inventory. It comes back when it reports again."""
    if not yes:
        click.confirm(f"Forget {out.plain(agent)}, with its remote tags, owner and desired configuration?", abort=True)
    api_of(context).send("DELETE", f"api/agents/{segment(agent)}")
    out.print_line(f"{agent} is forgotten")


def _announce(context: click.Context, agent: str) -> Any:
    """Announce an agent that is to come; mark one that is there."""
    try:
        return api_of(context).send("POST", "api/agents", {"id": agent})
    except ApiError as error:
        if error.status != CONFLICT:
            raise
    return _patch(context, agent, {"expected": True})


def _patch(context: click.Context, agent: str, body: dict[str, Any]) -> Any:
    return api_of(context).send("PATCH", f"api/agents/{segment(agent)}", body)


def _done(answer: Any, as_json: bool, line: str) -> None:
    if as_json:
        out.print_json(answer)
    else:
        out.print_line(line)
