"""Reads what the gate of a rotation judges (`domain.key_gate`): the batches of the last minutes themselves, which nobody has to seal first.

What cannot be read is a verdict of its own, never an exception, and never a fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.domain.errors import StoreUnavailable
from functions.domain.failures import decode_failures
from functions.domain.fleet import SnapshotUnreadable, decode_snapshot
from functions.domain.items import StoredItem
from functions.domain.key_errors import authentication_failures
from functions.domain.key_gate import Evidence, judge
from functions.domain.rollout import Member, MemberState, Outcome, Rollout, Verdict, Wave
from functions.domain.rollup_codec import Table
from functions.domain.tasks import NAMES, TaskCounts
from functions.domain.times import minute_of
from functions.ports import BatchReader, FleetStore

MOST_MINUTES = 10
"""Minutes that are read; a cooldown that takes longer is judged by its last ones."""
USUAL_ABOVE = 0.02


@dataclass(slots=True)
class _Found:
    """What batches tell, by agent."""

    tasks: dict[str, TaskCounts] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)


class KeyGate:
    """Reads evidence, and has it judged."""

    def __init__(self, batches: BatchReader, fleet: FleetStore) -> None:
        self._batches = batches
        self._fleet = fleet

    def verdict(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], now: int) -> Verdict:
        """Look at the current wave at `now` (ms)."""
        changed = {member.agent: member for member in waves[rollout.wave].members if member.state is MemberState.APPLIED}
        provider = str(rollout.change.get("provider", ""))
        try:
            items = self._items(workspace, changed.values(), now)
            peers = self._peers(workspace, provider)
        except (StoreUnavailable, SnapshotUnreadable) as error:
            return _unreadable(f"batches cannot be read: {error}", rollout, now)
        since = {agent: _changed_at(member, items, provider, now) for agent, member in changed.items()}
        first = min(since.values(), default=now)
        found = _count(item for item in items if _came_after(item, since.get(item.agent, first)))
        if damaged := sorted(found.damaged & since.keys()):
            return _unreadable(f"batches of {', '.join(damaged)} are damaged", rollout, now)
        above = rollout.change.get("abort_above", USUAL_ABOVE)
        return judge(_evidence(found, since, peers), float(above), now)

    def _items(self, workspace: str, changed: Iterable[Member], now: int) -> list[StoredItem]:
        """All batches since the first member changed, and a minute before: it did so a while before that was seen."""
        first = min((member.applied_at or now for member in changed), default=now)
        last = minute_of(now) + 1
        minutes = range(max(minute_of(first) - 1, last - MOST_MINUTES), last + 1)
        return [item for minute in minutes for item in self._batches.read_minute(workspace, minute)]

    def _peers(self, workspace: str, provider: str) -> frozenset[str]:
        """Agents that use the provider, too: what troubles the provider troubles them alike."""
        data = self._fleet.snapshot(workspace)
        agents = decode_snapshot(data).agents if data else {}
        return frozenset(agent for agent, state in agents.items() if provider in state.keys)


def _changed_at(member: Member, items: Iterable[StoredItem], provider: str, now: int) -> int:
    """When an agent first said that it has the new key, by its own batches if these can tell (ms)."""
    told = (item.received for item in items if item.agent == member.agent and _says(item, provider) == member.after)
    return min(min(told, default=now), member.applied_at or now)


def _says(item: StoredItem, provider: str) -> str | None:
    report = (item.info.keys or {}).get(provider)
    return report.fingerprint if report else None


def _came_after(item: StoredItem, since: int) -> bool:
    """Whether a batch is of that time: neither received before, nor the late tale of minutes before."""
    return item.received >= since and item.minute >= minute_of(since)


def _count(items: Iterable[StoredItem]) -> _Found:
    found = _Found()
    for item in items:
        try:
            rows = Table(item.data).rows(NAMES, sketches=False)
            counts = found.tasks.setdefault(item.agent, TaskCounts())
            for row in rows:
                counts.take(row.key.name, row.count, row.sum)
            refused = authentication_failures(decode_failures(item.failures)) if item.failures else 0
        except ValueError:
            found.damaged.add(item.agent)
            continue
        if refused:
            found.refused[item.agent] = found.refused.get(item.agent, 0) + refused
    return found


def _evidence(found: _Found, since: Mapping[str, int], peers: Collection[str]) -> Evidence:
    others = {agent: counts for agent, counts in found.tasks.items() if agent not in since and counts.finished}
    # Those that use another provider are better than nobody.
    others = {agent: counts for agent, counts in others.items() if agent in peers} or others
    wave = [found.tasks[agent] for agent in since if agent in found.tasks]
    return Evidence(
        agents=len(since),
        tasks=sum(counts.finished for counts in wave),
        failed=sum(counts.failed for counts in wave),
        refused={agent: amount for agent, amount in found.refused.items() if agent in since},
        other_agents=len(others),
        other_tasks=sum(counts.finished for counts in others.values()),
        other_failed=sum(counts.failed for counts in others.values()),
    )


def _unreadable(reason: str, rollout: Rollout, now: int) -> Verdict:
    return Verdict(outcome=Outcome.UNREADABLE, reason=reason, looked_at=now, wave=rollout.wave)
