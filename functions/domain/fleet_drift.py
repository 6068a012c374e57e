"""How each agent stands to the fleet repository: what the repository says, what is desired, what the agent has written and applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from functions.domain.rollout import UNMANAGED
from functions.domain.times import SECOND_MS

ASLEEP_MS = 120 * SECOND_MS
"""An agent not heard of for so long catches up when it wakes."""
_SHORT = 8


class DriftState(StrEnum):
    """In a word."""

    IN_SYNC = "in-sync"
    PENDING = "pending"
    """On its way: a wave is to come, or the agent has not reported yet that it runs it."""
    FAILED = "failed"
    """The agent could not apply it."""
    OVERRIDDEN = "overridden"
    """Something else is desired than what the repository says."""
    UNMANAGED = "unmanaged"
    """Neither does the repository say anything of it, nor is anything desired."""
    ASLEEP = "asleep"
    """It is silent, and has not applied what is desired."""
    UNKNOWN = "unknown-to-repository"
    """Something is desired of which the repository knows nothing."""


SETTLED = frozenset((DriftState.IN_SYNC, DriftState.UNMANAGED))
"""Nothing is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one agent. Hashes as of `domain.desired`."""

    wanted: str | None
    """Of what the latest revision says; None when it says nothing of this agent."""
    desired: str | None
    written: str | None
    applied: str | None
    error: str | None
    last_seen: int | None
    """ms."""
    waits: str = ""
    """Why the latest revision has not reached it: its rollout still runs; empty when it should have."""
    returned: str = ""
    """How the rollout of the latest revision ended, if it did not bring it: `was reverted by …`."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One agent's state."""

    state: DriftState
    reason: str
    """A sentence for people."""


def drift(facts: Facts, now: int) -> Drift:
    """How an agent stands."""
    desired, wanted = facts.desired or UNMANAGED, facts.wanted or UNMANAGED
    if facts.wanted is None and (facts.desired is None or (desired == UNMANAGED and facts.applied in (None, UNMANAGED))):
        return Drift(DriftState.UNMANAGED, "nothing is desired of it, and the repository says nothing")
    if facts.wanted is None and desired != UNMANAGED:
        return Drift(DriftState.UNKNOWN, f"{_short(desired)} is desired, of which the repository says nothing")
    if desired != wanted:
        return _elsewhere(facts, desired, wanted)
    return _on_its_way(facts, desired, now)


def settled(states: Iterable[Drift]) -> bool:
    """Whether nothing is to be done about any of them."""
    return all(found.state in SETTLED for found in states)


def _elsewhere(facts: Facts, desired: str, wanted: str) -> Drift:
    if facts.waits:
        return Drift(DriftState.PENDING, facts.waits)
    why = f": the revision {facts.returned}" if facts.returned else ": it was set otherwise since"
    return Drift(DriftState.OVERRIDDEN, f"{_short(desired)} is desired, the repository says {_short(wanted)}{why}")


def _on_its_way(facts: Facts, desired: str, now: int) -> Drift:
    if facts.applied == desired:
        return Drift(DriftState.IN_SYNC, "it runs what the repository says")
    if facts.error:
        return Drift(DriftState.FAILED, facts.error)
    has = f"it runs {_short(facts.applied)}" if facts.applied else "it has never reported what it runs"
    if facts.written == desired:
        has = f"it has fetched {_short(desired)}, and not applied it yet"
    if facts.last_seen is None:
        return Drift(DriftState.ASLEEP, "it was never seen")
    if now - facts.last_seen > ASLEEP_MS:
        return Drift(DriftState.ASLEEP, f"it is silent for {_length(now - facts.last_seen)}; {has}")
    return Drift(DriftState.PENDING, f"{_short(desired)} is desired; {has}")


def _short(hash: str) -> str:
    return "nothing" if hash == UNMANAGED else hash[:_SHORT]


def _length(ms: int) -> str:
    minutes = ms // (60 * SECOND_MS)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2_880 else f"{minutes // 1_440} d"
