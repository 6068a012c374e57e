"""Reads what a report is made from, through ports (`domain.report_data`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from functions.domain import budget_use, capacity_settings, failure_report, key_settings, report_past, slos, usage
from functions.domain.alert import Edge
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import parse_acts, parse_budgets
from functions.domain.alert_rules import Rule, selected
from functions.domain.budget_state import BudgetState, budget_states
from functions.domain.change_bisect import Change
from functions.domain.change_sources import fleet_changes, part_of, rollout_change
from functions.domain.errors import InvalidInput
from functions.domain.failure_groups import decode_groups
from functions.domain.failure_report import Bucket, Kind, Meant
from functions.domain.feed import TaskFeed
from functions.domain.fleet import AgentState, Snapshot, SnapshotUnreadable, decode_snapshot, state_of
from functions.domain.incident import Incident
from functions.domain.report_data import METRICS, RawTask, ReportData
from functions.domain.report_past import Past
from functions.domain.rollout import FINAL, Member, Rollout
from functions.domain.roster import is_remnant
from functions.domain.rotation import Rotation
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.slos import Slo, parse_slos
from functions.domain.spans import HOURS_KEPT_MS, bucket_ms
from functions.domain.tasks import LATENCY
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from functions.domain.usage_frame import UsageFrame
from functions.domain.waste import WASTE_METRICS, host_prices
from functions.domain.workspace import DOCUMENT, WorkspaceSettings
from functions.ports import (
    AlertStore,
    DeliveryStore,
    FleetStore,
    RawReader,
    Resolution,
    RolloutStore,
    RollupStore,
    RotationStore,
    RuleReader,
)
from functions.report_raw import greatest_tasks, is_kept
from functions.usage_reading import read_usage

_READ: Final = METRICS | WASTE_METRICS | {usage.HEALTH}
PAST_HOURS: Final = 35 * HOURS_PER_DAY
"""Before a period: how far back usage tells what is usual."""
MAX_ROWS: Final = 16_000_000
"""Of usage: the memory of the function that makes reports, at 60 bytes each at the worst moment."""
MAX_LISTED = 200
"""Rollouts and rotations looked at, the newest."""
MAX_TASKS = 10
"""Single tasks that are told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The stores that a report is read from."""

    fleet: FleetStore
    rollups: RollupStore
    alerts: AlertStore
    rules: RuleReader
    deliveries: DeliveryStore
    rollouts: RolloutStore
    rotations: RotationStore
    raw: RawReader | None = None
    """None on a stage that keeps no raw history."""
    raw_database: str = ""


def read_report_data(parts: Parts, workspace: str, selector: Selector, start: int, end: int, now: int) -> ReportData:
    """All that a report of start <= time < end (ms) needs, whole hours up to the last one that is over. Raises as `make_report` does."""
    first, last = start // HOUR_MS, min(-(-end // HOUR_MS), now // HOUR_MS)
    if last <= first:
        raise InvalidInput("the period must have at least one whole hour that is over", "end")
    return _Reading(parts, workspace, selector, first, last, now).data()


class _Reading:
    """One report's reads."""

    def __init__(self, parts: Parts, workspace: str, selector: Selector, first: int, last: int, now: int) -> None:
        self._parts, self._workspace, self._selector, self._now = parts, workspace, selector, now
        self._hours = range(first, last)
        self._hours_before = range(2 * first - last, first)
        self._start, self._end = first * HOUR_MS, last * HOUR_MS
        self._notes: list[str] = []
        self._snapshot = self._load_snapshot()
        self._everyone = self._load_agents()
        self._overlay = {agent: _tags(state) for agent, state in self._everyone.items()}
        self._rules = parts.rules.rules(workspace)
        self._settings = self._load_settings()
        self._brought = self._load_rollouts()

    def data(self) -> ReportData:
        overlay = self._overlay
        counted = budget_use.decode(self._parts.fleet.settings(self._workspace, budget_use.DOCUMENT))
        incidents, before = self._incidents()
        failures, failures_before = self._failures(self._hours), self._failures(self._hours_before)
        return ReportData(
            workspace=self._workspace,
            selector=self._selector,
            start=self._start,
            end=self._end,
            now=self._now,
            usage=self._usage(self._hours),
            before=self._usage(self._hours_before),
            past=self._past(),
            overlay=overlay,
            agents=[state for _, state in sorted(self._everyone.items()) if self._selector.matches(overlay[state.id])],
            failures=failures or {},
            failures_kept=failures is not None,
            failures_before=failures_before,
            new_failures=self._new_failures(failures or {}, failures_before),
            incidents=incidents,
            incidents_before=before,
            rules=self._rules,
            deliveries=[one for one in self._parts.deliveries.recent(self._workspace, self._start) if one.created < self._end],
            rollouts=list(self._rollouts()),
            changes=list(self._changes()),
            rotations=list(self._rotations()),
            key_ages=self._key_ages(),
            budgets=self._budgets(counted),
            budgets_at=counted.at if counted else None,
            slos=self._slos(),
            host_usd=self._host_usd(),
            slow_tasks=self._greatest("latency_ms"),
            dear_tasks=self._greatest("cost_usd"),
            notes=self._notes,
        )

    def _load_snapshot(self) -> Snapshot | None:
        data = self._parts.fleet.snapshot(self._workspace)
        try:
            return decode_snapshot(data) if data else None
        except SnapshotUnreadable as error:
            self._notes.append(f"The fleet's present state could not be read: {error}.")
            return None

    def _load_agents(self) -> Mapping[str, AgentState]:
        """As the snapshot has them; without one, what the inventory knows."""
        if self._snapshot:
            return self._snapshot.agents
        records = self._parts.fleet.agents(self._workspace)
        return {agent: state_of(agent, record) for agent, record in records.items() if not is_remnant(record)}

    def _load_settings(self) -> WorkspaceSettings:
        try:
            return WorkspaceSettings.parse(self._document(DOCUMENT))
        except InvalidInput as error:
            self._notes.append(f"The workspace's settings are not valid, defaults hold: {error}.")
            return WorkspaceSettings()

    def _document(self, name: str) -> dict[str, Any] | None:
        return self._parts.fleet.settings(self._workspace, name)

    def _usage(self, hours: range) -> UsageFrame:
        whole = frozenset({LATENCY})
        return self._read(hours, _READ, whole=whole, most=MAX_ROWS // 2)

    def _past(self) -> Past | None:
        """Sums only, and a day at a time: it is more than the two periods together, as a rule."""
        first, last = min(self._hours.start - PAST_HOURS, self._hours_before.start), self._hours_before.start
        past = Past(first, last, self._selector, self._overlay)
        for start in range(first, last, HOURS_PER_DAY):
            past.add(self._read(range(start, min(last, start + HOURS_PER_DAY)), report_past.METRICS))
        return past if first < last else None

    def _read(self, hours: range, names: Collection[str], *, whole: Collection[str] = (), most: int | None = None) -> UsageFrame:
        parts, span = self._parts, (hours.start, hours.stop)
        return read_usage(parts.rollups, self._workspace, self._snapshot, *span, names=names, whole=whole, most=most)

    def _failures(self, hours: range) -> Mapping[str, Kind] | None:
        """None when they are not kept any more."""
        if hours.start * HOUR_MS < self._now - HOURS_KEPT_MS:
            return None
        stored = self._parts.rollups.read_failures(self._workspace, Resolution.HOUR, hours.start, hours.stop)
        meant = Meant(fleet=self._everyone, selector=self._selector)
        return failure_report.kinds(self._buckets(stored), meant)

    def _buckets(self, stored: Mapping[int, bytes]) -> Iterator[Bucket]:
        for hour, data in sorted(stored.items()):
            try:
                yield Bucket(bucket_ms("h", hour), decode_groups(data))
            except ValueError:
                self._notes.append("The errors of an hour could not be read.")

    def _new_failures(self, found: Iterable[str], before: Collection[str] | None) -> frozenset[str]:
        """Never seen before; a report on some agents does not tell whether others had them, so that the period before decides there."""
        if self._selector.matchers:
            return frozenset() if before is None else frozenset(found) - frozenset(before)
        known = self._snapshot.known_failures if self._snapshot else {}
        return frozenset(key for key in found if key in known and known[key][0] >= self._start)

    def _incidents(self) -> tuple[list[Incident], list[Incident]]:
        """Those that were open in the period, and those that were opened in the one before."""
        since = self._hours_before.start * HOUR_MS
        found = {one.id: one for one in self._parts.alerts.incidents(self._workspace)}
        found |= {one.id: one for one in self._parts.alerts.history(self._workspace, since)}
        parts = map(self._part, sorted(found.values(), key=lambda one: -one.opened))
        mine = [one for one in parts if one is not None]
        now = [one for one in mine if one.opened < self._end and (one.closed is None or one.closed >= self._start)]
        return now, [one for one in mine if since <= one.opened < self._start]

    def _part(self, incident: Incident) -> Incident | None:
        """An incident with those of its alerts that are about the selected agents; None without any."""
        if not self._selector.matchers:
            return incident
        rules = {rule.name: rule for rule in self._rules}
        inside = {alert: member for alert, member in incident.members.items() if self._selector.matches(self._tags_of(member.edge, rules))}
        if len(inside) == len(incident.members):
            return incident
        return msgspec.structs.replace(incident, members=inside, unlisted=0) if inside else None

    def _tags_of(self, edge: Edge, rules: Mapping[str, Rule]) -> dict[str, str]:
        agent = self._overlay.get(edge.series.get(AGENT, ""), {})
        return {**selected(rules.get(edge.rule)), **agent, **edge.labels, **edge.series}

    def _rollouts(self) -> Iterator[Rollout]:
        """Of configurations; those of keys are told of with their rotations."""
        for one, members in self._brought:
            if one.created < self._end and (one.phase not in FINAL or one.since >= self._start):
                shown = part_of(one, members, self._sees) if self._selector.matchers else one
                if shown is not None:
                    yield shown

    def _sees(self, member: Member) -> bool:
        return self._selector.matches(self._overlay.get(member.agent, {**member.tags, AGENT: member.agent}))

    def _changes(self) -> Iterator[Change]:
        """Rollouts, and what the snapshot remembers of the last day."""
        for one, members in self._brought:
            change = rollout_change(one, members, self._sees)
            if change is not None:
                yield change
        mine = {agent for agent, tags in self._overlay.items() if self._selector.matches(tags)} if self._selector.matchers else None
        yield from fleet_changes(self._snapshot.changes if self._snapshot else (), mine)

    def _load_rollouts(self) -> list[tuple[Rollout, list[Member]]]:
        """Of configurations, those of both periods that are still under way or ended in them, with their members."""
        since, found = self._hours_before.start * HOUR_MS, []
        for head in self._parts.rollouts.heads(self._workspace, MAX_LISTED):
            if not head.channel and head.created < self._end and (head.phase not in FINAL or head.since >= since):
                stored = self._parts.rollouts.read(self._workspace, head.id)
                found.append((head, [member for wave in stored[1] for member in wave.members] if stored else []))
        return found

    def _rotations(self) -> Iterator[Rotation]:
        return (one for one in self._parts.rotations.rotations(self._workspace, MAX_LISTED) if not one.dry_run)

    def _greatest(self, measure: str) -> list[RawTask]:
        """Single tasks with the most of a measure; none where raw history is not kept, or not any more."""
        source = self._parts.raw
        if source is None or not is_kept(self._start, self._now):
            return []
        feed = TaskFeed(
            workspace=self._workspace,
            database=self._parts.raw_database,
            start=self._start,
            end=self._end,
            limit=MAX_TASKS,
            selector=self._selector,
        )
        return greatest_tasks(source, feed, self._settings.dimensions, self._everyone.values(), measure)

    def _key_ages(self) -> dict[str, int]:
        try:
            found = key_settings.parse_key_settings(self._document(key_settings.DOCUMENT) or {}, self._workspace)
        except InvalidInput as error:
            self._notes.append(f"The settings of keys are not valid: {error}.")
            return {}
        return {name: settings.max_age_days for name, settings in found.items()}

    def _slos(self) -> tuple[Slo, ...]:
        try:
            return parse_slos(self._document(slos.DOCUMENT) or {})
        except InvalidInput as error:
            self._notes.append(f"The objectives (SLOs) are not valid, defaults hold: {error}.")
            return slos.DEFAULTS

    def _host_usd(self) -> dict[str, float]:
        try:
            settings = capacity_settings.parse_settings(self._document(capacity_settings.DOCUMENT) or {})
        except InvalidInput as error:
            self._notes.append(f"What agents cost beside tokens could not be read: {error}.")
            return {}
        return host_prices(settings, self._everyone.values())

    def _budgets(self, counted: budget_use.Counted | None) -> list[BudgetState]:
        document = self._document(BUDGETS)
        if not document:
            return []
        try:
            numbers, acts = parse_budgets(document, self._settings.dimensions), parse_acts(document)
        except InvalidInput as error:
            self._notes.append(f"The budgets are not valid any more: {error}.")
            return []
        return [one for one in budget_states(numbers, acts, counted, self._now) if self._selector.matches(dict(one.tags))]


def _tags(state: AgentState) -> dict[str, str]:
    """An agent's tags for selectors and tables; its model counts where its points do not name one."""
    model = {"model": state.model} if state.model else {}
    return {**model, **state.tags, AGENT: state.id}
