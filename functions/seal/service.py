"""Seal: one tick makes rollups of what came in, and the snapshot of who is well.

Everything here is safe to repeat: rollups are built anew from the batch items, folding is idempotent, and a late mark is cleared only after
all that it asked for is stored. So a tick that died anywhere is made good by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from functions import group_costs
from functions.domain import backlog, cost_group, cost_prices, cost_pricing, rollup_codec, usage, window
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import of_budgets_in_use
from functions.domain.alert_matrix import agent_matrix
from functions.domain.alert_rules import agent_metrics
from functions.domain.backlog import GROUP
from functions.domain.cells import Cells
from functions.domain.cost_pricing import Prices
from functions.domain.errors import InvalidInput
from functions.domain.fleet import Snapshot, SnapshotUnreadable, decode_snapshot, encode_snapshot
from functions.domain.health import Transition
from functions.domain.items import StoredItem
from functions.domain.minutes import MergedMinute, Part, decode_items, merge_minute, merge_rollups, sound_parts
from functions.domain.rollup import Rollup
from functions.domain.roster import Roster
from functions.domain.times import DAY_MS, HOUR_MS, LATE_AFTER_MS, MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS, minute_end, minute_of
from functions.domain.workspace import DOCUMENT, WorkspaceSettings
from functions.ports import BatchReader, FleetStore, LateMark, Lease, Resolution, RollupStore, RuleReader
from functions.seal.failures import FailureSealer
from functions.seal.health import note_health

LEASE = usage.LEASE
LEASE_MS = 60 * SECOND_MS
"""Longer than the function may run (55 s): nobody else starts while it does."""
STALE_AFTER_MS = 60 * SECOND_MS
MINUTES_KEPT_S = 3 * DAY_MS // SECOND_MS
USAGE_KEPT_S = usage.KEPT_DAYS * DAY_MS // SECOND_MS
HOURS_KEPT_S = 35 * DAY_MS // SECOND_MS
BATCHES_KEPT_MS = 47 * HOUR_MS
"""Batch items are kept 48 h: a minute older than this cannot be merged again without losing what has expired."""

REOPENED_KEPT_MS = 15 * MINUTE_MS
"""How long the snapshot tells of rollups that were written again."""

LOOK_BACK_MINUTES = 60
"""How far a first tick looks for minutes to seal when there is no agent whose age tells."""
MINUTES_AHEAD = 1
"""Agents whose clocks are fast put their points there, and live all the same."""
SETTLED_MS = 20 * SECOND_MS
"""A minute's rates are shown this long past its end, when agents that post each 15 s have told it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one tick; the rest waits for the next."""

    catch_up_minutes: int = 10
    late_minutes: int = 10
    late_marks: int = 200
    """Looked at; a minute has at most one a bucket."""
    hour_rollups: int = 250
    records: int = 500
    warnings: int = 50
    """Kept in the snapshot."""


@dataclass(slots=True)
class TickReport:
    """What a tick did."""

    skipped: str | None = None
    """Why it did nothing, or None."""
    items: int = 0
    """Batch items read."""
    sealed: list[int] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    """Hours whose rollups were (partly) built."""
    unsealed: int = 0
    """Minutes past their grace that wait for a next tick."""
    agents: int = 0
    transitions: list[Transition] = field(default_factory=list)
    """Agents whose colour changed. After a crash they may come again: who acts on them needs a memory of its own."""
    warnings: list[str] = field(default_factory=list)


class SealService:
    """The use case over its ports."""

    def __init__(
        self,
        batches: BatchReader,
        rollups: RollupStore,
        fleet: FleetStore,
        lease: Lease,
        *,
        rules: RuleReader | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`rules` tell which metrics the agent matrix holds; without any there is none."""
        self._stores = _Stores(batches, rollups, fleet, rules)
        self._lease = lease
        self._limits = limits or Limits()

    def tick(self, workspace: str, at: int, now: int, holder: str, has_time: Callable[[], bool] = lambda: True) -> TickReport:
        """Seal a workspace as of `now` (ms), on behalf of the message planned for `at`; `holder` names this run.

        Once `has_time` says no, what can wait is left to the next tick.
        """
        if at < now - STALE_AFTER_MS:
            return TickReport(skipped="stale: planned more than 60 s ago")
        if not self._lease.acquire(workspace, LEASE, holder, now, now + LEASE_MS):
            return TickReport(skipped="busy: another run seals this workspace")
        try:
            return _Tick(self._stores, self._limits, workspace, at, now, has_time).run()
        finally:
            self._lease.release(workspace, LEASE, holder)


class _Stores(NamedTuple):
    batches: BatchReader
    rollups: RollupStore
    fleet: FleetStore
    rules: RuleReader | None


class _Tick:
    """The state of one run."""

    def __init__(self, stores: _Stores, limits: Limits, workspace: str, at: int, now: int, has_time: Callable[[], bool]) -> None:
        self._batches, self._rollups, self._fleet, self._rules = stores
        self._limits = limits
        self._workspace, self._at, self._now = workspace, at, now
        self._has_time = has_time
        self._report = TickReport()

    def run(self) -> TickReport:
        before = self._load_snapshot()
        if before is not None and before.time >= self._at:
            return TickReport(skipped="done: a tick planned later has run")
        self._settings = self._load_settings()
        self._matrix_names = self._load_matrix_names(self._rules) if self._rules else frozenset()
        self._snapshot = before or Snapshot(workspace=self._workspace, time=0)
        self._roster = Roster(self._snapshot, self._fleet.agents(self._workspace), self._now)
        self._cells = Cells(self._settings.dimensions, self._now // HOUR_MS, self._snapshot.known_values, self._snapshot.known_cells)
        self._failures = FailureSealer(self._rollups, self._workspace, self._snapshot, self._now, self._report.warnings)
        if before is None:
            self._failures.recall()
        marks = self._seal_minutes()
        self._build_hours()
        self._judge()
        self._store()
        for mark in marks:
            self._batches.clear_late(self._workspace, mark)
        return self._report

    def _load_snapshot(self) -> Snapshot | None:
        data = self._fleet.snapshot(self._workspace)
        try:
            return decode_snapshot(data) if data else None
        except SnapshotUnreadable as error:
            self._report.warnings.append(f"the fleet's snapshot was built anew: {error}")
            return None

    def _load_settings(self) -> WorkspaceSettings:
        try:
            return WorkspaceSettings.parse(self._fleet.settings(self._workspace, DOCUMENT))
        except InvalidInput as error:
            self._report.warnings.append(f"the workspace's settings are not valid, defaults hold: {error}")
            return WorkspaceSettings()

    def _load_matrix_names(self, rules: RuleReader) -> frozenset[str]:
        used = of_budgets_in_use(rules.rules(self._workspace), self._fleet.settings(self._workspace, BUDGETS))
        return agent_metrics(used, self._settings.dimensions)

    def _seal_minutes(self) -> list[LateMark]:
        """Merge the live minutes, those past their grace and those with late marks; returns the marks that are served then."""
        snapshot, due = self._snapshot, backlog.due_until(self._now)
        snapshot.unsealed = backlog.extend(snapshot.unsealed, self._known_until(due), due)
        snapshot.due_until = due
        marks = self._late_marks(due)
        for minute in range(minute_of(self._now) + MINUTES_AHEAD, due - 1, -1):
            self._merge_live(minute)
        done: set[int] = set()
        for minute in self._minutes_to_seal(marks):
            if done and not self._has_time():
                break
            self._seal(minute, first=backlog.contains(snapshot.unsealed, minute))
            done.add(minute)
        return [mark for mark in marks if mark.minute in done]

    def _minutes_to_seal(self, marks: Iterable[LateMark]) -> list[int]:
        """Newest first."""
        late = sorted({mark.minute for mark in marks}, reverse=True)[: self._limits.late_minutes]
        return sorted({*backlog.newest(self._snapshot.unsealed, self._limits.catch_up_minutes), *late}, reverse=True)

    def _known_until(self, due: int) -> int:
        """From where on minutes are new to the backlog."""
        if self._snapshot.due_until is not None:
            return min(due, self._snapshot.due_until)
        seen = self._roster.first_seen()
        oldest = due - LOOK_BACK_MINUTES if seen is None else minute_of(seen)
        return min(due, max(oldest, due - BATCHES_KEPT_MS // MINUTE_MS))

    def _late_marks(self, due: int) -> list[LateMark]:
        """Marks to serve in this tick. A minute before its grace ends is sealed soon anyway: its mark waits."""
        return [mark for mark in self._batches.late_marks(self._workspace, self._limits.late_marks) if mark.minute < due]

    def _merge_live(self, minute: int) -> None:
        parts = self._read(minute)
        merged = self._merge(minute, parts)
        if merged.group:
            self._put_group(minute, merged)
        if minute <= self._rates_minute():
            self._put_matrix(minute, merged)

    def _seal(self, minute: int, *, first: bool) -> None:
        """Finish a minute; when it was sealed before, only agents whose batches came late since are written again."""
        if minute_end(minute) < self._now - BATCHES_KEPT_MS:
            self._drop(minute)
            return
        parts = self._read(minute)
        merged = self._merge(minute, parts)
        agents = set(merged.agents) if first else _late_agents(minute, parts)
        if merged.group:
            self._put_group(minute, merged)
            self._put_matrix(minute, merged)
            chosen = {agent: rollup for agent, rollup in merged.agents.items() if agent in agents}
            self._rollups.put_agents(self._workspace, Resolution.MINUTE, minute, chosen, _expires(minute_end(minute), MINUTES_KEPT_S))
        self._note_sealed(minute, agents, first=first)

    def _drop(self, minute: int) -> None:
        self._snapshot.unsealed = backlog.without(self._snapshot.unsealed, [minute])
        self._report.warnings.append(f"minute {minute} was not merged again: its batches have begun to expire")

    def _note_sealed(self, minute: int, agents: Iterable[str], *, first: bool) -> None:
        snapshot = self._snapshot
        snapshot.unsealed = backlog.without(snapshot.unsealed, [minute])
        (self._report.sealed if first else self._report.reopened).append(minute)
        if not first:
            snapshot.reopened[f"m{minute}"] = self._now
        for hour in backlog.whole_hours([minute], snapshot.unsealed, snapshot.due_until or 0):
            backlog.add_due(snapshot.due_hours, hour, self._roster.seen_since(hour * HOUR_MS) if first else agents)

    def _read(self, minute: int) -> list[Part]:
        """Read a minute, fold it into the roster, and leave out what cannot be used."""
        items = self._batches.read_minute(self._workspace, minute)
        self._report.items += len(items)
        parts, faults = decode_items(items)
        self._report.warnings.extend(faults)
        return [part for part in parts if self._roster.admit(part)]

    def _merge(self, minute: int, parts: Sequence[Part]) -> MergedMinute:
        remote = self._roster.remote_tags()
        try:
            merged = merge_minute(parts, remote, self._cells)
        except ValueError:
            parts, faults = sound_parts(parts)
            self._report.warnings.extend(faults)
            merged = merge_minute(parts, remote, self._cells)
        fresh = self._failures.minute(minute, parts, remote, self._cells, _expires(minute_end(minute), MINUTES_KEPT_S))
        if fresh:
            merged = MergedMinute({**merged.group, **fresh}, merged.agents)
        merged = self._with_costs(minute, merged)
        if minute > self._rates_minute() - window.MINUTES:
            self._snapshot.window[minute] = window.encode_minute((part.item.agent for part in parts), merged.agents)
        return merged

    def _with_costs(self, minute: int, merged: MergedMinute) -> MergedMinute:
        """What no task reported counts for budgets with its minute, not an hour later."""
        if not cost_group.has_costs(key.name for key in merged.group):
            return merged
        hour_start = minute // MINUTES_PER_HOUR * HOUR_MS
        group = cost_group.priced_minute(merged.group, merged.agents, self._models(merged.agents), hour_start, self._prices)
        return MergedMinute(group, merged.agents)

    def _put_group(self, minute: int, merged: MergedMinute) -> None:
        expires = _expires(minute_end(minute), MINUTES_KEPT_S)
        self._rollups.put_group(self._workspace, Resolution.MINUTE, minute, merged.group, expires)

    def _put_matrix(self, minute: int, merged: MergedMinute) -> None:
        matrix = agent_matrix(merged.agents, self._matrix_names)
        if matrix:
            expires = _expires(minute_end(minute), MINUTES_KEPT_S)
            self._rollups.put_matrix(self._workspace, Resolution.MINUTE, minute, matrix, expires)

    def _build_hours(self) -> None:
        """Build due hours out of their minutes, as many rollups as fit into a tick."""
        for hour, owners in backlog.next_in_hour(self._snapshot.due_hours, self._limits.hour_rollups):
            if not self._has_time():
                return
            self._build_hour(hour, owners)
            backlog.remove_due(self._snapshot.due_hours, hour, owners)
            if hour not in self._snapshot.due_hours:
                self._settle_costs(hour)
            self._report.hours.append(hour)
            self._snapshot.reopened[f"h{hour}"] = self._now

    def _build_hour(self, hour: int, owners: Sequence[str]) -> None:
        start, end = hour * MINUTES_PER_HOUR, (hour + 1) * MINUTES_PER_HOUR
        expires = _expires((hour + 1) * HOUR_MS, HOURS_KEPT_S)
        if GROUP in owners:
            minutes = self._rollups.read_group(self._workspace, Resolution.MINUTE, start, end)
            if minutes:
                self._rollups.put_group(self._workspace, Resolution.HOUR, hour, merge_rollups(minutes.values()), expires)
            self._failures.hour(hour, expires)
            matrices = self._rollups.read_matrix(self._workspace, Resolution.MINUTE, start, end)
            if matrices:
                self._rollups.put_matrix(self._workspace, Resolution.HOUR, hour, merge_rollups(matrices.values()), expires)
        agents = {owner: self._rollups.read_agent(self._workspace, owner, Resolution.MINUTE, start, end) for owner in owners if owner}
        built = {agent: merge_rollups(minutes.values()) for agent, minutes in agents.items() if minutes}
        self._rollups.put_agents(self._workspace, Resolution.HOUR, hour, built, expires)
        if built:
            self._put_usage(hour, built)

    def _put_usage(self, hour: int, built: Mapping[str, Rollup]) -> None:
        """Replace what the hour's usage has of these agents; the lease keeps others from doing so meanwhile."""
        expires = _expires((hour + 1) * HOUR_MS, USAGE_KEPT_S)
        models = self._models(built)
        pieces: dict[int, dict[str, Rollup]] = {}
        for agent, rollup in built.items():
            pieces.setdefault(usage.bucket_of(agent), {})[agent] = rollup
        for bucket, agents in pieces.items():
            stored = self._rollups.read_usage(self._workspace, hour, hour + 1, bucket).get(hour)
            known = rollup_codec.decode(stored[0]) if stored else {}
            fresh = cost_pricing.with_models(usage.usage_of(agents), models)
            rows = usage.replaced(known, cost_pricing.priced(fresh, hour * HOUR_MS, self._prices), agents)
            self._rollups.put_usage(self._workspace, hour, bucket, rows, expires)

    def _settle_costs(self, hour: int) -> None:
        """All agents of the hour are built: from now on the group's costs are the ledger's; until then, what its minutes were priced at."""
        try:
            group_costs.settle_hour(self._rollups, self._workspace, hour)
        except ValueError as error:
            self._report.warnings.append(f"the group's costs of hour {hour} stay those of its minutes: {error}")

    def _models(self, agents: Iterable[str]) -> dict[str, str | None]:
        return {agent: self._snapshot.agents[agent].model for agent in agents if agent in self._snapshot.agents}

    @cached_property
    def _prices(self) -> Prices:
        """Read once a tick, and only where there is something to price."""
        try:
            return cost_prices.prices(cost_prices.parse_prices(self._fleet.settings(self._workspace, cost_prices.DOCUMENT) or {}))
        except InvalidInput as error:
            self._report.warnings.append(f"the workspace's prices are not valid, those of the list hold: {error}")
            return cost_pricing.list_price

    def _rates_minute(self) -> int:
        return minute_of(self._now - SETTLED_MS) - 1

    def _judge(self) -> None:
        snapshot, minute = self._snapshot, self._rates_minute()
        snapshot.window = {number: data for number, data in snapshot.window.items() if number > minute - window.MINUTES}
        snapshot.rates_minute = minute
        snapshot.reopened = {bucket: at for bucket, at in snapshot.reopened.items() if self._now - at < REOPENED_KEPT_MS}
        window.set_rates(snapshot.agents, snapshot.window, minute)
        self._roster.settle()
        self._roster.note_changes()
        self._report.transitions = self._roster.judge(self._settings)
        note_health(self._rollups, self._workspace, snapshot, self._now)

    def _store(self) -> None:
        """Inventory first, then the snapshot: what it says of them must be true."""
        snapshot, report = self._snapshot, self._report
        for agent, changes in self._roster.changes(self._limits.records):
            self._fleet.update_agent(self._workspace, agent, changes)
            self._roster.note_recorded(agent)
        for agent in self._roster.remnants():
            self._fleet.forget_agent(self._workspace, agent)
        report.warnings = [*report.warnings, *self._roster.warnings(), *self._cells.warnings()][: self._limits.warnings]
        snapshot.time, snapshot.warnings = self._now, report.warnings
        snapshot.sealed_until = snapshot.unsealed[0][0] if snapshot.unsealed else snapshot.due_until
        report.unsealed = sum(end - start for start, end in snapshot.unsealed)
        report.agents = len(snapshot.agents)
        self._fleet.put_snapshot(self._workspace, encode_snapshot(snapshot))


def _late_agents(minute: int, parts: Iterable[Part]) -> set[str]:
    return {part.item.agent for part in parts if _is_late(minute, part.item)}


def _is_late(minute: int, item: StoredItem) -> bool:
    return item.received > minute_end(minute) + LATE_AFTER_MS


def _expires(end_ms: int, kept_s: int) -> int:
    """When a rollup may go, in seconds."""
    return end_ms // SECOND_MS + kept_s
