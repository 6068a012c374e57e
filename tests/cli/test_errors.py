"""Failed tasks by what went wrong: the commands against the real API."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from functions.domain.failures import Failure
from functions.domain.times import MINUTE_MS
from tests.api.failing import SLOW, boom, fail, slow
from tests.api.world import World, agent


@pytest.fixture(autouse=True)
def failing(world: World) -> int:
    """Failures of a few minutes ago; the command counts back from now, so the API does too."""
    world.now = int(datetime.now(UTC).timestamp() * 1000)
    minute = world.now // MINUTE_MS - 3
    world.seal(agent("a1", "env=prod"), agent("a2", "env=dev"), known_failures={SLOW: (world.now - 10**9, world.now)})
    fail(world, slow("a1", minute=minute, count=4), slow("a2", minute=minute, tags="tier=smart"), boom("a2", minute=minute))
    return minute


def test_errors_are_listed_the_most_frequent_first(real, world: World) -> None:
    lines = real("errors").stdout.splitlines()
    assert lines[0].split()[:4] == ["failed", "a", "minute", "error"]
    assert lines[1].split()[0] == "5"
    for text in ("TimeoutError: took … s", "11 d", "a1, a2", "fast, smart", SLOW):
        assert text in lines[1]
    assert "✱ new" in lines[2]
    assert "✱ new" not in lines[1]
    assert "and 1 more: --limit shows them" in real("errors", "--limit", "1").stdout
    assert real("errors", "--since", "30s").stdout == "No task failed with such an error in this time.\n"


@pytest.mark.parametrize(
    ("options", "types"),
    [
        (("--new",), ["Boom"]),
        (("--tags", "env=prod"), ["TimeoutError"]),
        (("--agent", "a2", "--since", "1h"), ["Boom", "TimeoutError"]),
        (("--tier", "smart"), ["TimeoutError"]),
        (("--type", "Boom"), ["Boom"]),
        (("--search", "TOOK timeout"), ["TimeoutError"]),
    ],
)
def test_which_ones(real, options: tuple[str, ...], types: list[str]) -> None:
    answer = json.loads(real("errors", *options, "--json").stdout)
    assert sorted(found["type"] for found in answer["errors"]) == types


def test_all_pages_are_read(real, world: World, failing: int) -> None:
    at = failing * MINUTE_MS
    for number in range(110):
        fail(world, ("a1", Failure(f"E{number}", "", "", 1, at, at, "")))
    assert len(json.loads(real("errors", "--limit", "111", "--json").stdout)["errors"]) == 111


def test_one_is_shown_with_counts_and_samples(real) -> None:
    shown = real("errors", "show", SLOW, "--since", "30m").stdout
    assert shown.startswith("TimeoutError: took … s")
    for text in ("5 failed", "a minute; first ", "█", "60 s a bar", "a1", "smart", '{"err":"took 5 s"}'):
        assert text in shown
    assert json.loads(real("errors", "show", SLOW, "--json").stdout)["step"] == 3600


def test_what_is_not_there_or_not_meant_is_said(real) -> None:
    done = real("errors", "show", "0" * 16)
    assert (done.returncode, done.stderr) == (1, f"clawpulse: no error {'0' * 16} in this time\n")
    assert real("errors", "--new", "show", SLOW).returncode == 2
    assert real("errors", "--since", "40d").stderr == "clawpulse: start: errors are kept for 35 days\n"
