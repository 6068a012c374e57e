"""Every command has help, and every option says what it does."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import click
import pytest

from clawpulse.cli._root import GROUP, build


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


COMMANDS = dict(walk(build([])))


def test_all_nouns_are_there() -> None:
    nouns = {path[0] for path in COMMANDS if path}
    assert nouns == {
        *(
            "agents",
            "alerts",
            "budgets",
            "capacity",
            "channels",
            "cost",
            "errors",
            "events",
            "fleet",
            "incidents",
            "keys",
            "report",
            "rollout",
            "rotate",
            "scaling",
            "series",
            "settings",
            "silences",
            "summary",
            "tasks",
            "token",
            "tracker",
        ),
        "version",
    }
    assert commands_of("agents") == {"show", "tag", "retire", "forget", "expect", "config"}
    assert commands_of("token") == {"create", "list", "revoke"}


def commands_of(noun: str) -> set[str]:
    return {path[1] for path in COMMANDS if path[:1] == (noun,) and len(path) == 2}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "clawpulse")
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert command.help[0].isupper()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_help_is_printed_without_any_connection(cli) -> None:
    done = cli("agents", "tag", "--help", CLAWPULSE_URL="", CLAWPULSE_TOKEN="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "win over the agent's own" in done.stdout


def test_commands_of_other_packages_are_taken_in() -> None:
    root = build([EntryPoint("shout", "clawpulse.cli.version:version", GROUP)])
    assert "shout" in root.list_commands(click.Context(root))
    assert root.get_command(click.Context(root), "shout").name == "version"


@pytest.mark.parametrize("target", ["no.such.module:x", "clawpulse.cli._api:FAILURE"])
def test_a_command_that_cannot_be_loaded_says_so_and_leaves_the_others_alone(target: str) -> None:
    root = build([EntryPoint("broken", target, GROUP)])
    broken = root.get_command(click.Context(root), "broken")
    assert "Cannot be loaded" in broken.help
    assert root.get_command(click.Context(root), "agents") is not None
