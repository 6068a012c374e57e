"""The root command: nouns, plug-in commands, and one place where errors become a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click

from clawpulse.cli import (
    agents,
    alerts,
    budgets,
    capacity,
    channels,
    cost,
    errors,
    events,
    fleet,
    incidents,
    keys,
    report,
    rollout,
    rotate,
    scaling,
    series,
    settings,
    silences,
    summary,
    tasks,
    token,
    tracker,
    version,
)
from clawpulse.cli._api import FAILURE, NOT_RUNNING, USAGE, CommandError
from clawpulse.cli._connection import Connection
from clawpulse.cli._output import print_error

COMMANDS: tuple[click.Command, ...] = (
    *(agents.agents, summary.summary, series.series, tasks.tasks, events.events, errors.errors),
    *(fleet.fleet, rollout.rollout, rotate.rotate, keys.keys, report.report),
    *(alerts.alerts, incidents.incidents, silences.silences, channels.channels, budgets.budgets, cost.cost),
    *(capacity.capacity, tracker.tracker, scaling.scaling),
    *(token.token, settings.settings, version.version),
)
GROUP = "clawpulse.commands"
"""Entry points of this group are commands of other packages, such as `local`."""

INTERRUPTED, BROKEN_PIPE = 130, 141


class Root(click.Group):
    """Nouns of our own first; plug-ins are imported only when used or listed."""

    plugins: dict[str, EntryPoint]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every noun, sorted."""
        return sorted({*super().list_commands(ctx), *self.plugins})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A noun by its name."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self.plugins:
            return own
        return load_plugin(self.plugins[cmd_name])


def load_plugin(entry: EntryPoint) -> click.Command:
    """The command of another package; one that says what failed when it cannot be imported."""
    try:
        loaded = entry.load()
    except Exception as error:
        return broken_plugin(entry.name, f"{type(error).__name__}: {error}")
    return loaded if isinstance(loaded, click.Command) else broken_plugin(entry.name, f"{entry.value} is no click command")


def broken_plugin(name: str, why: str) -> click.Command:
    """Stands in for a plug-in, so that the others go on working."""

    def fail() -> None:
        raise CommandError(f"the command {name!r} cannot be loaded: {why}")

    return click.Command(name, callback=fail, help=f"Cannot be loaded: {why}", context_settings={"ignore_unknown_options": True})


def installed_plugins() -> Iterable[EntryPoint]:
    """What the installed packages offer; Python 3.9 has no way to ask for one group."""
    found: Any = entry_points()
    return list(found.select(group=GROUP)) if hasattr(found, "select") else found.get(GROUP, [])


def build(plugins: Iterable[EntryPoint]) -> Root:
    """The root command with these plug-ins."""
    root = Root(
        name="clawpulse", params=_options(), callback=_remember, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]}
    )
    root.plugins = {entry.name: entry for entry in plugins}
    for command in COMMANDS:
        root.add_command(command)
    return root


_HELP = """See and steer a fleet of agents.

Talks to the API at --url with --token, else CLAWPULSE_URL and CLAWPULSE_TOKEN, else what `clawpulse local up` has left in .clawpulse/env.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running or not reachable."""


def _options() -> list[click.Parameter]:
    return [
        click.Option(["--url"], metavar="URL", help="The API, with its stage: https://host/live"),
        click.Option(["--token"], metavar="TOKEN", help="A token (other users of the machine can see it; prefer CLAWPULSE_TOKEN)."),
    ]


@click.pass_context
def _remember(context: click.Context, url: str | None, token: str | None) -> None:
    context.obj = Connection(url, token, os.environ, Path.cwd())


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    _be_lenient_with_encodings()
    stdout = sys.stdout
    try:
        result = build(installed_plugins()).main(list(arguments), prog_name="clawpulse", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except BaseException as error:
        code = _report(error)
    # click puts something quiet in the place of an output that nobody reads any more.
    return code if sys.stdout is stdout else BROKEN_PIPE


def _report(error: BaseException) -> int:
    """The exit code of an error, after telling the user; what nobody planned for is named, not traced."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILURE
    if isinstance(error, click.UsageError):
        error.show()
        return USAGE
    if isinstance(error, CommandError):
        print_error(str(error))
        return error.exit_code
    if isinstance(error, click.ClickException):
        print_error(error.format_message())
        return error.exit_code
    return _unplanned(error)


def _unplanned(error: BaseException) -> int:
    if isinstance(error, (KeyError, TypeError, AttributeError, IndexError)):
        print_error(
            f"the answer was not as expected ({type(error).__name__}: {error}); do the command line and the API have the same version?"
        )
    else:
        print_error(f"{type(error).__name__}: {error}")
    return NOT_RUNNING if isinstance(error, ConnectionError) else FAILURE


def _be_lenient_with_encodings() -> None:
    """A terminal that cannot show a symbol shows `?`, instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
