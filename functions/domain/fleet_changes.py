"""What was changed in the fleet lately: models, versions (of prompts, too), configurations, tags, agents that came or went.

    features before ── a tick ──▶ features after ── differences ──▶ changes, agents with the same one together ──▶ incidents' timelines

Most incidents follow a change, so an incident begins with those of the hours before it. Kept in the snapshot: evaluation reads it anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from functions.domain.fleet import AgentState

BEFORE_MS = 2 * HOUR_MS
"""An incident shows what was changed so long before it."""
TOGETHER_MS = 15 * MINUTE_MS
"""The same change of another agent within this time is part of one rollout."""
KEPT_MS = DAY_MS
MAX_KEPT = 100
MAX_IDS = 100
_MAX_VALUE = 64


class FleetChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one or more agents. Times are those of ticks, ms."""

    text: str
    """`version prompt: v6 → v7`"""
    at: int
    """When the first of them was seen with it."""
    until: int
    """And the last."""
    agents: list[str]
    """At most `MAX_IDS`."""
    more: int = 0
    """Beyond these."""
    tags: dict[str, str] = {}
    """What all of them share."""


class Features(NamedTuple):
    """What of an agent people change."""

    seen: bool
    retired: bool
    model: str | None
    config: str | None
    versions: Mapping[str, str]
    tags: Mapping[str, str]


class Found(NamedTuple):
    """One agent's change."""

    agent: str
    tags: Mapping[str, str]
    text: str


def features(state: AgentState) -> Features:
    """Those of an agent; its mappings are replaced when they change, never written into."""
    return Features(state.first_seen is not None, state.retired, state.model, state.config_applied, state.versions, state.tags)


def differences(before: Mapping[str, Features], after: Mapping[str, AgentState]) -> Iterator[Found]:
    """What differs between two times, agent by agent."""
    for agent, state in after.items():
        old, new = before.get(agent), features(state)
        if old != new:
            yield from (Found(agent, new.tags, text) for text in _texts(old, new))
    for agent in before.keys() - after.keys():
        yield Found(agent, before[agent].tags, "forgotten")


def _texts(old: Features | None, new: Features) -> Iterator[str]:
    if old is None or not old.seen:
        if new.seen:
            yield "new"
        return
    if old.retired != new.retired:
        yield "retired" if new.retired else "back from retirement"
    yield from _moved("model", old.model, new.model)
    yield from _moved("configuration", old.config, new.config)
    for word, one, other in (("version", old.versions, new.versions), ("tag", old.tags, new.tags)):
        for key in sorted(one.keys() | other.keys()):
            yield from _moved(f"{word} {key}", one.get(key), other.get(key))


def _moved(name: str, old: str | None, new: str | None) -> Iterator[str]:
    if old != new:
        yield f"{name}: {(old or 'none')[:_MAX_VALUE]} → {(new or 'none')[:_MAX_VALUE]}"


def merged(known: Sequence[FleetChange], found: Iterable[Found], now: int) -> list[FleetChange]:
    """The changes to keep, oldest first."""
    changes = [change for change in known if now - change.until <= KEPT_MS]
    recent = {change.text: place for place, change in enumerate(changes) if now - change.until <= TOGETHER_MS}
    for one in found:
        place = recent.get(one.text)
        if place is None:
            recent[one.text] = len(changes)
            changes.append(FleetChange(text=one.text, at=now, until=now, agents=[one.agent], tags=dict(one.tags)))
        else:
            changes[place] = _joined(changes[place], one, now)
    return changes[-MAX_KEPT:]


def _joined(change: FleetChange, one: Found, now: int) -> FleetChange:
    if one.agent in change.agents:
        return msgspec.structs.replace(change, until=now)
    shared = {key: value for key, value in change.tags.items() if one.tags.get(key) == value}
    full = len(change.agents) >= MAX_IDS
    agents = change.agents if full else [*change.agents, one.agent]
    return msgspec.structs.replace(change, until=now, agents=agents, more=change.more + full, tags=shared)


def before(changes: Iterable[FleetChange], labels: Mapping[str, str], since: int, at: int) -> Iterator[FleetChange]:
    """The changes before an alert with these labels, whose condition held `since` (ms) and was told `at`.

    Left out is what concerned other agents only: those that all have another value of a tag that the alert has.
    """
    for change in changes:
        elsewhere = any(labels.get(key, value) != value for key, value in change.tags.items())
        if since - BEFORE_MS <= change.until and change.at <= at and not elsewhere:
            yield change


def line(change: FleetChange) -> str:
    """A change as the timeline tells it."""
    amount = len(change.agents) + change.more
    if amount == 1:
        return f"changed: {change.agents[0]}: {change.text}"
    where = ", ".join(f"{key}={value}" for key, value in sorted(change.tags.items())[:5])
    return f"changed: {amount} agents" + (f" ({where})" if where else "") + f": {change.text}"
