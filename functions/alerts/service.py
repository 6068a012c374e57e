"""Evaluate: rules over the newest snapshot and rollups, edges claimed, incidents planned, deliveries queued.

    rules + evidence ──▶ samples ── step ──▶ claims {state, edge} ──▶ outbox ── dispatch ──▶ {incident, deliveries} ──▶ notify queue

Every write that two evaluators could make is on condition, so of two that see the same edge one tells it. A crash between any two writes
is made good by the next run: a claimed edge waits in the outbox, an incident tells which edges it knows, and deliveries whose message was
never sent are found when they are overdue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from functions.domain import alert_machine
from functions.domain.alert import Edge
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_machine import Step
from functions.domain.alert_round import play
from functions.domain.delivery import MAX_AGE_MS, overdue
from functions.domain.dispatch import Change, Setup, dispatch
from functions.domain.errors import StoreUnavailable
from functions.domain.fleet_changes import FleetChange
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from functions.evidence import EvidenceReader
from functions.ports import AlertStore, DeliveryStore, Dispatcher, RuleReader

STALE_AFTER_MS = 60 * SECOND_MS
OUTBOX = 1_000
"""Edges that one run dispatches."""
SWEEP_MS = MINUTE_MS
"""How often deliveries are looked through for lost messages."""
SWEPT_MS = MAX_AGE_MS + HOUR_MS
"""How old they are then at most: older than they may be sent, so that each is recorded as undelivered at last."""
MAX_FAULTS = 3
"""A store that refuses more incidents in a run is not tried with the others."""


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    skipped: str | None = None
    rules: int = 0
    series: int = 0
    edges: list[Edge] = field(default_factory=list)
    """Those that this run claimed."""
    deliveries: list[str] = field(default_factory=list)
    """Ids of those that it queued."""
    lag_s: float | None = None
    """Age of the data that were judged: from the end of the last whole minute until now."""
    changes: list[FleetChange] = field(default_factory=list)
    """What was changed in the fleet lately."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use case works with."""

    rules: RuleReader
    evidence: EvidenceReader
    alerts: AlertStore
    deliveries: DeliveryStore
    setup: Callable[[str], tuple[Setup, list[str]]]
    """Routes, silences and inhibitions of a workspace, and what is wrong with its documents."""
    queue: Dispatcher
    """Takes `{"workspace", "delivery"}`."""


class AlertService:
    """The use case; remembers only where the last sweep was."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._swept: dict[str, int] = {}

    def run(self, workspace: str, at: int, now: int) -> RunReport:
        """Evaluate as of `now` (ms), on behalf of the message planned for `at`. Raises `StoreUnavailable`."""
        if at < now - STALE_AFTER_MS:
            return RunReport(skipped="stale: planned more than 60 s ago")
        report, faults = RunReport(), list[StoreUnavailable]()
        for part in (self._judge, self._dispatch, self._sweep):
            try:
                part(workspace, now, report)
            except StoreUnavailable as error:
                # What was claimed before is told all the same.
                faults.append(error)
        if faults:
            raise faults[0]
        return report

    def _judge(self, workspace: str, now: int, report: RunReport) -> None:
        rules = self._parts.rules.rules(workspace)
        found = self._parts.evidence.read(workspace, rules, now)
        report.changes = found.evidence.snapshot.changes if found.evidence.snapshot else []
        samples = evaluate(rules, found.evidence, found.baselines, found.memo)
        states = self._parts.alerts.states(workspace)
        self._claim(workspace, play(rules, samples, states, now), report)
        for state in states:
            if alert_machine.forgettable(state, now):
                self._parts.alerts.forget(workspace, state)
        report.rules, report.series = len(samples), sum(map(len, samples.values()))
        report.lag_s = (now - found.evidence.end) / SECOND_MS if found.evidence.end else None
        report.warnings += found.warnings

    def _claim(self, workspace: str, steps: Iterable[Step], report: RunReport) -> None:
        """Write what changed; of a state that another evaluator has written since, nothing."""
        claims = [(msgspec.structs.replace(step.state, version=step.state.version + 1), step.edge) for step in steps if step.save]
        won = self._parts.alerts.claim(workspace, claims)
        report.edges += [edge for (_, edge), mine in zip(claims, won, strict=True) if mine and edge is not None]

    def _dispatch(self, workspace: str, now: int, report: RunReport) -> None:
        alerts = self._parts.alerts
        edges, known = alerts.outbox(workspace, OUTBOX), alerts.incidents(workspace)
        if not edges and not known:
            return
        setup, faults = self._parts.setup(workspace)
        report.warnings += faults
        plan = dispatch(workspace, edges, known, replace(setup, changes=report.changes), now)
        saved, lost, fault = self._save(workspace, plan.changes)
        # Another run was faster with an incident, or it cannot be written: the next run sees what is left to do.
        waiting = {edge for change in lost for edge in change.incident.applied}
        alerts.dispatched(workspace, [edge for edge in plan.consumed if edge.id not in waiting])
        self._queue(workspace, [delivery.id for change in saved for delivery in change.deliveries], report)
        if fault:
            raise fault

    def _save(self, workspace: str, changes: Sequence[Change]) -> tuple[list[Change], list[Change], StoreUnavailable | None]:
        """Write each change: those that were written, those that were not, and why if the store refused. One holds up no other."""
        saved: list[Change] = []
        lost: list[Change] = []
        faults: list[StoreUnavailable] = []
        for change in changes:
            try:
                done = len(faults) < MAX_FAULTS and self._parts.alerts.save(workspace, change)
            except StoreUnavailable as error:
                faults.append(error)
                done = False
            (saved if done else lost).append(change)
        return saved, lost, faults[0] if faults else None

    def _sweep(self, workspace: str, now: int, report: RunReport) -> None:
        """Queue deliveries again whose message must have been lost."""
        if now - self._swept.get(workspace, 0) < SWEEP_MS:
            return
        self._swept[workspace] = now
        lost = overdue(self._parts.deliveries.recent(workspace, now - SWEPT_MS), now)
        self._queue(workspace, [delivery.id for delivery in lost], report)

    def _queue(self, workspace: str, deliveries: Sequence[str], report: RunReport) -> None:
        if not deliveries:
            return
        try:
            self._parts.queue.send([({"workspace": workspace, "delivery": delivery}, 0) for delivery in deliveries])
        except StoreUnavailable as error:
            report.warnings.append(f"{len(deliveries)} deliveries were not queued, a later run does it: {error}")
            return
        report.deliveries += deliveries
