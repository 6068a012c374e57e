"""Failures as seal would have stored them, for the tests of the API and the command line."""

from __future__ import annotations

from functions.domain.failure_groups import FailureGroup, decode_groups, encode_groups, group_failures, merge_groups
from functions.domain.failures import Failure, fingerprint
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.ports import Resolution
from tests.api.world import MINUTE, World

SLOW = fingerprint("TimeoutError", "took … s")
BOOM = fingerprint("Boom", "")


def slow(agent: str = "a1", tags: str = "tier=fast", count: int = 1, second: int = 5, minute: int = MINUTE) -> tuple[str, Failure]:
    """A timeout of an agent."""
    at = minute * MINUTE_MS + second * 1000
    return agent, Failure("TimeoutError", "took … s", tags, count, at, at, f'{{"err":"took {second} s"}}')


def boom(agent: str = "a1", tags: str = "", count: int = 1, minute: int = MINUTE) -> tuple[str, Failure]:
    """A failure that nothing more is known of."""
    return agent, Failure("Boom", "", tags, count, minute * MINUTE_MS, minute * MINUTE_MS, "")


def fail(world: World, *failures: tuple[str, Failure], workspace: str = "team") -> None:
    """Store failures in their minutes, beside what is there."""
    for agent, failure in failures:
        _add(world, workspace, Resolution.MINUTE, failure.first // MINUTE_MS, group_failures([(agent, failure)]))


def fail_in_hour(world: World, hour: int, *failures: tuple[str, Failure]) -> None:
    """Store an hour, which has no minutes any more."""
    assert all(failure.first // HOUR_MS == hour for _, failure in failures)
    _add(world, "team", Resolution.HOUR, hour, group_failures(failures))


def _add(world: World, workspace: str, resolution: Resolution, time: int, groups: dict[str, FailureGroup]) -> None:
    there = world.rollups.read_failures(workspace, resolution, time, time + 1)
    merged = merge_groups([groups, *map(decode_groups, there.values())])
    world.rollups.put_failures(workspace, resolution, time, encode_groups(merged), 0)
