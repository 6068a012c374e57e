"""Reads what rules need, and keeps what cannot change: sealed minutes and built hours are read once by a warm process.

A rollup that is not stored is empty when its minute is sealed, and unreadable when it waits to be (`Snapshot.unsealed`): the two must
never look alike, for one means that nothing happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from functions.domain import backlog
from functions.domain.alert_baseline import Baselines, is_stored, make_baselines
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_columns import Columns, Damaged, TagSets
from functions.domain.alert_data import Bucket, Buckets, Evidence, Needs, baseline_needs, needs
from functions.domain.alert_memo import Memo
from functions.domain.alert_rules import Budget, Rule, needs_trailing
from functions.domain.alert_trailing import MAX_ROWS, HourColumns, Trailing
from functions.domain.errors import InvalidInput, StoreUnavailable
from functions.domain.fleet import Snapshot, SnapshotUnreadable, decode_snapshot
from functions.domain.spans import Span
from functions.domain.times import HOURS_PER_DAY, MINUTE_MS
from functions.domain.workspace import DOCUMENT, WorkspaceSettings
from functions.ports import AlertStore, FleetStore, Resolution, RollupStore

KEPT_MS = 10 * MINUTE_MS
"""A process that has not read for longer cannot know what was written again meanwhile, and forgets all it has."""
MAX_TAG_SETS = 100_000
"""Tag sets ever seen by a process; beyond, it begins anew."""
_RESOLUTIONS = {"m": Resolution.MINUTE, "h": Resolution.HOUR}

type Budgets = Mapping[str, Mapping[str, float]]
type Read = Callable[[str, Resolution, int, int], dict[int, bytes]]


@dataclass(slots=True)
class Kept:
    """What a process remembers of one kind of rollups of a workspace."""

    tags: TagSets = field(default_factory=TagSets)
    columns: dict[Bucket, Columns] = field(default_factory=dict)

    def forget(self, buckets: Iterable[Bucket]) -> None:
        """Have some read again."""
        for bucket in buckets:
            self.columns.pop(bucket, None)


@dataclass(slots=True)
class Memory:
    """What a process remembers of a workspace; losing it costs time only."""

    as_of: int = 0
    """Time of the snapshot that was read last, ms."""
    group: Kept = field(default_factory=Kept)
    agents: Kept = field(default_factory=Kept)
    memo: Memo = field(default_factory=Memo)
    trailing: Trailing = field(default_factory=Trailing)
    baselines: Baselines = field(default_factory=Baselines)
    metrics: frozenset[str] = frozenset()
    """What the agent matrix was read for."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that an evaluation takes."""

    evidence: Evidence
    baselines: Baselines
    memo: Memo
    warnings: list[str]


class EvidenceReader:
    """Reads the evidence of workspaces; one a process."""

    def __init__(self, fleet: FleetStore, rollups: RollupStore, alerts: AlertStore) -> None:
        self._fleet = fleet
        self._rollups = rollups
        self._alerts = alerts
        self._memories: dict[str, Memory] = {}

    def read(self, workspace: str, rules: Collection[Rule], now: int) -> Found:
        """What these rules need at `now` (ms). A store that does not answer makes things unreadable; it never raises for that."""
        return _Reading(self, workspace, tuple(rules), now).found()

    def memory(self, workspace: str, snapshot: Snapshot | None) -> Memory:
        """What is remembered and still true as of a snapshot."""
        known = self._memories.setdefault(workspace, Memory())
        if snapshot is None:
            return known
        sets = max(len(known.group.tags), len(known.agents.tags))
        if snapshot.time - known.as_of > KEPT_MS or sets > MAX_TAG_SETS:
            known = self._memories[workspace] = Memory(baselines=known.baselines, trailing=known.trailing)
        changed = [_bucket(name) for name, at in snapshot.reopened.items() if at > known.as_of]
        known.group.forget(changed)
        known.agents.forget(changed)
        known.as_of = snapshot.time
        return known


class _Reading:
    def __init__(self, reader: EvidenceReader, workspace: str, rules: tuple[Rule, ...], now: int) -> None:
        self._fleet, self._rollups, self._alerts = reader._fleet, reader._rollups, reader._alerts
        self._workspace, self._rules, self._now = workspace, rules, now
        self._warnings: list[str] = []
        self._snapshot = self._load_snapshot()
        self._settled = self._snapshot.rates_minute if self._snapshot else None
        self._dimensions = self._load_dimensions()
        self._memory = reader.memory(workspace, self._snapshot)

    def found(self) -> Found:
        budgets = self._load_budgets() if any(isinstance(rule.when.measure, Budget) for rule in self._rules) else {}
        wanted = needs(self._rules, now=self._now, settled=self._settled, dimensions=self._dimensions, budgets=budgets or {})
        if not wanted.agent_metrics <= self._memory.metrics:
            # Matrices of before do not hold what a new rule asks for.
            self._memory.agents.columns.clear()
            self._memory.metrics = wanted.agent_metrics
        baselines = self._baselines()
        evidence = self._evidence(wanted, self._memory.group, self._memory.agents, budgets)
        self._trim(wanted)
        return Found(evidence, baselines, self._memory.memo, self._warnings)

    def _evidence(self, wanted: Needs, group: Kept, agents: Kept, budgets: Budgets | None) -> Evidence:
        return Evidence(
            now=self._now,
            settled=self._settled,
            snapshot=self._snapshot,
            group=self._buckets(group, wanted.group, self._rollups.read_group),
            agents=self._buckets(agents, wanted.agents, self._rollups.read_matrix),
            budgets=budgets or {},
            budgets_known=budgets is not None,
            dimensions=self._dimensions,
        )

    def _load_snapshot(self) -> Snapshot | None:
        try:
            data = self._fleet.snapshot(self._workspace)
            return decode_snapshot(data) if data else None
        except (StoreUnavailable, SnapshotUnreadable) as error:
            self._warnings.append(f"the fleet's snapshot could not be read: {error}")
            return None

    def _document(self, name: str) -> Any:
        try:
            return self._fleet.settings(self._workspace, name)
        except StoreUnavailable as error:
            self._warnings.append(f"the settings {name} could not be read, defaults hold: {error}")
            return None

    def _load_dimensions(self) -> tuple[str, ...]:
        try:
            return WorkspaceSettings.parse(self._document(DOCUMENT)).dimensions
        except InvalidInput as error:
            self._warnings.append(f"the workspace's settings are not valid, defaults hold: {error}")
            return WorkspaceSettings().dimensions

    def _load_budgets(self) -> Budgets | None:
        """None when they are not known."""
        try:
            return parse_budgets(self._fleet.settings(self._workspace, BUDGETS) or {}, self._dimensions)
        except StoreUnavailable as error:
            self._warnings.append(f"the budgets could not be read, none hold: {error}")
        except InvalidInput as error:
            self._warnings.append(f"the budgets are not valid, none hold: {error}")
        return None

    def _baselines(self) -> Baselines:
        """Those of this hour: remembered, stored, or made now."""
        if self._settled is None or not any(map(is_stored, self._rules)):
            return self._memory.baselines
        if not self._memory.baselines.covers(self._rules, self._settled):
            self._memory.baselines = self._stored_baselines(self._settled) or self._made_baselines(self._settled)
        return self._memory.baselines

    def _stored_baselines(self, settled: int) -> Baselines | None:
        try:
            data = self._alerts.baselines(self._workspace)
            found = Baselines.decode(data) if data else None
        except (StoreUnavailable, ValueError) as error:
            self._warnings.append(f"stored baselines could not be read: {error}")
            return None
        return found if found and found.covers(self._rules, settled) else None

    def _made_baselines(self, settled: int) -> Baselines:
        memory = self._memory
        if memory.trailing.rows > MAX_ROWS:
            memory.trailing = Trailing()
        self._roll(memory.trailing, settled, again=True)
        # Hours that a few rules look back to are read for this alone: they are not kept.
        others = [rule for rule in self._rules if not needs_trailing(rule)]
        wanted = baseline_needs(others, settled=settled, dimensions=self._dimensions)
        made = make_baselines(self._rules, self._evidence(wanted, Kept(), Kept(), {}), memory.trailing, memory.memo)
        try:
            self._alerts.put_baselines(self._workspace, made.encode())
        except StoreUnavailable as error:
            self._warnings.append(f"baselines could not be stored: {error}")
        return made

    def _roll(self, trailing: Trailing, settled: int, *, again: bool) -> None:
        """Bring the trailing week up to this hour."""
        plan = trailing.plan(self._rules, settled, self._dimensions)
        for hour, columns in self._hours(trailing, plan.drop):
            if not trailing.drop(hour, columns) and again:
                trailing.reset()
                self._roll(trailing, settled, again=False)
                return
        for hour, columns in self._hours(trailing, plan.add):
            try:
                trailing.add(hour, columns)
            except Damaged as error:
                self._warnings.append(f"the rollup h{hour} is damaged: {error}")

    def _hours(self, trailing: Trailing, hours: Sequence[int]) -> Iterator[tuple[int, HourColumns]]:
        """The columns of hours, read a day at a time."""
        for some in batched(hours, HOURS_PER_DAY, strict=False):
            span = Span("h", some[0], some[-1] + 1)
            kinds = ((False, self._rollups.read_group), (True, self._rollups.read_matrix))
            found = [self._fetch(Kept(trailing.tags[of_agents]), span, *span[1:], read) for of_agents, read in kinds]
            yield from ((hour, HourColumns(*(columns.get(("h", hour)) for columns in found))) for hour in some)

    def _buckets(self, kept: Kept, wanted: Iterable[Span], read: Read) -> Buckets:
        columns: dict[Bucket, Columns] = {}
        for span in wanted:
            numbers = range(span.first, span.last)
            missing = [number for number in numbers if (span.unit, number) not in kept.columns]
            if missing:
                columns.update(self._fetch(kept, span, missing[0], missing[-1] + 1, read))
            columns.update({(span.unit, n): kept.columns[span.unit, n] for n in numbers if (span.unit, n) in kept.columns})
        return Buckets(kept.tags, columns)

    def _fetch(self, kept: Kept, span: Span, first: int, last: int, read: Read) -> dict[Bucket, Columns]:
        """Read buckets; those that cannot change any more are kept."""
        try:
            stored = read(self._workspace, _RESOLUTIONS[span.unit], first, last)
        except StoreUnavailable as error:
            self._warnings.append(f"rollups could not be read: {error}")
            return {}
        found: dict[Bucket, Columns] = {}
        for number in range(first, last):
            bucket = (span.unit, number)
            if number not in stored and self._waits(bucket):
                continue
            try:
                found[bucket] = Columns(stored.get(number), kept.tags)
            except Damaged as error:
                self._warnings.append(f"the rollup {span.unit}{number} is damaged: {error}")
                continue
            if self._is_final(bucket):
                kept.columns[bucket] = found[bucket]
        return found

    def _waits(self, bucket: Bucket) -> bool:
        """Whether a bucket is still to be sealed or built."""
        unit, number = bucket
        if self._snapshot is None:
            return True
        unsealed = self._snapshot.unsealed
        if unit == "m":
            # Minutes are there before they are sealed.
            return backlog.contains(unsealed, number)
        return backlog.hour_waits(number, self._snapshot.due_hours, unsealed, self._snapshot.due_until or 0)

    def _is_final(self, bucket: Bucket) -> bool:
        """Whether a bucket stays as it is, unless the snapshot tells of it."""
        unit, number = bucket
        if self._snapshot is None or self._waits(bucket):
            return False
        return unit == "h" or number < (self._snapshot.sealed_until or 0)

    def _trim(self, wanted: Needs) -> None:
        """Forget what windows have left behind."""
        for kept, spans in ((self._memory.group, wanted.group), (self._memory.agents, wanted.agents)):
            used = {(span.unit, number) for span in spans for number in range(span.first, span.last)}
            kept.forget([bucket for bucket in kept.columns if bucket not in used])


def _bucket(name: str) -> Bucket:
    return ("h" if name[0] == "h" else "m", int(name[1:]))
