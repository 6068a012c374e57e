"""Changes that may be the reason for something, out of what is stored of them: rollouts, and what the snapshot remembers of the last day.

Who sees some agents only is told what these had: a rollout that others are part of, too, has no name then, for its name is about them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from functions.domain.change_bisect import Change, of_fleet_change
from functions.domain.fleet_changes import FleetChange
from functions.domain.rollout import Member, Rollout

OTHERS_TOO: Final = "a change of these and other agents"

type Sees = Callable[[Member], bool]
"""Whether somebody may know of a member of a rollout."""


def rollout_change(rollout: Rollout, members: Sequence[Member], sees: Sees) -> Change | None:
    """A rollout as a change of the agents that it has come to; None when it came to none of those that are seen."""
    seen = [member for member in members if sees(member)]
    applied = {member.agent: member.applied_at for member in seen if member.applied_at is not None}
    if not applied:
        return None
    whole, times = len(seen) == len(members), applied.values()
    text, id = (rollout.title, rollout.id) if whole else (OTHERS_TOO, "")
    return Change(text=text, at=min(times), until=max(times), agents=frozenset(applied), id=id)


def fleet_changes(changes: Iterable[FleetChange], agents: Collection[str] | None) -> Iterator[Change]:
    """What the snapshot remembers; to who sees these agents only (None: all), what at least one of them had."""
    for change in map(of_fleet_change, changes):
        if agents is None or (change.agents is not None and not change.agents.isdisjoint(agents)):
            yield change


def part_of(rollout: Rollout, members: Sequence[Member], sees: Sees) -> Rollout | None:
    """A rollout as it may be shown: as it is to who sees all of its members, without name and reasons to who sees some of them."""
    seen = sum(map(sees, members))
    if not seen:
        return None
    if seen == len(members):
        return rollout
    return msgspec.structs.replace(
        rollout, title=OTHERS_TOO, members=seen, reason="It concerns agents that this is not about; who sees them sees why.", hold=None
    )
