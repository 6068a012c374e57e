"""Who is compared with whom in a picture of a rollout's wave, and over which time. The gate judges by `gate_evidence`, which this follows.

Canary: the wave's members that got the new configuration. Control: agents with the same tags that did not have it yet, first those of later
waves, then such as are no part of the rollout; where there is none, those of earlier waves. The picture ends when the control changes, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from functions.domain.rollout import Wave
from functions.domain.times import HOUR_MS, MINUTE_MS

BEFORE_MS = HOUR_MS
AFTER_MS = 6 * HOUR_MS
"""At most so long after the change."""
LEAST_MS = 5 * MINUTE_MS
"""At least so long after it, even if the control changed earlier."""


class Cohorts(NamedTuple):
    """Two sets of agents, and a time."""

    canary: tuple[str, ...]
    control: tuple[str, ...]
    changed: int
    """When the first of the canaries was seen with the new configuration, ms."""
    start: int
    end: int
    origin: str
    """Who the control is, for people."""

    def sample(self, most: int) -> Cohorts:
        """With at most so many agents of each, the same ones each time."""
        return self._replace(canary=_sample(self.canary, most), control=_sample(self.control, most))


def cohorts(
    waves: Sequence[Wave], number: int, fleet: Mapping[str, Mapping[str, str]], now: int, *, matched: Collection[str], few: int
) -> Cohorts | None:
    """The cohorts of a wave; None while none of it has changed.

    `fleet` has the tags of all agents, `matched` names those that both sides share; with fewer than `few` in later waves, agents beside the
    rollout join the control.
    """
    wave = waves[number]
    canary = {member.agent: member.applied_at for member in wave.members if member.applied_at is not None}
    if not canary:
        return None

    def cell(tags: Mapping[str, str]) -> tuple[str | None, ...]:
        return tuple(tags.get(key) for key in matched)

    cells = {cell(member.tags) for member in wave.members if member.agent in canary}
    fit = [(other.number, member) for other in waves for member in other.members if cell(member.tags) in cells]
    later = {member.agent: member.told_at for at, member in fit if at > number}
    members = {member.agent for other in waves for member in other.members}
    beside = [] if len(later) >= few else [agent for agent, tags in fleet.items() if agent not in members and cell(tags) in cells]
    earlier = [member.agent for at, member in fit if at < number and member.applied_at is not None]
    control = [*later, *beside] or earlier
    first = min(canary.values())
    return Cohorts(
        canary=tuple(sorted(canary)),
        control=tuple(sorted(control)),
        changed=first,
        start=(first - BEFORE_MS) // MINUTE_MS * MINUTE_MS,
        end=max(first + LEAST_MS, min(now, first + AFTER_MS, *(told for told in later.values() if told))),
        origin=_origin(later, beside, earlier),
    )


def _origin(later: Collection[str], beside: Collection[str], earlier: Collection[str]) -> str:
    if later or beside:
        named = [name for name, found in (("of later waves", later), ("with the same tags and no part of the rollout", beside)) if found]
        return f"agents {', and '.join(named)}"
    return "agents of earlier waves, for nobody is left who has not changed" if earlier else "nobody"


def _sample(agents: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(sorted(sorted(agents, key=lambda agent: (zlib.crc32(agent.encode()), agent))[:most]))
