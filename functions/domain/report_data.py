"""All that a report is made from, read beforehand: what it says is then decided without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from functions.domain import usage
from functions.domain.alert_rules import Rule
from functions.domain.budget_state import BudgetState
from functions.domain.change_bisect import Change
from functions.domain.delivery import Delivery
from functions.domain.failure_report import Kind
from functions.domain.fleet import AgentState
from functions.domain.incident import Incident
from functions.domain.report_past import Past
from functions.domain.report_tally import NAMES, Overlay, Tally, tally
from functions.domain.report_words import length
from functions.domain.rollout import Rollout
from functions.domain.rotation import Rotation
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.slos import DEFAULTS, Slo
from functions.domain.times import DAY_MS, HOUR_MS
from functions.domain.usage_frame import UsageFrame

METRICS = frozenset((*NAMES, *usage.GAUGES))
"""Of usage: what agents said."""
MONTH_DAYS = 30
KNOWN = 0.95
"""Of a period's hours, to be compared with another period's."""


class RawTask(NamedTuple):
    """A task as raw history has it."""

    task: str
    agent: str
    time: int
    """When it began, ms."""
    latency_ms: float | None
    usd: float | None
    """As reported with it."""


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Of one period and one selector."""

    workspace: str
    selector: Selector
    start: int
    """ms, a whole hour, as the end is."""
    end: int
    now: int
    usage: UsageFrame
    before: UsageFrame
    """Of the period before, which is as long."""
    past: Past | None = None
    """Of the weeks before that; None where none are read."""
    overlay: Overlay
    """Tags of agents."""
    agents: Sequence[AgentState]
    """Those that are selected, as they are now, retired ones too."""
    failures: Mapping[str, Kind] = field(default_factory=dict)
    """By fingerprint."""
    failures_kept: bool = True
    """Whether all of the period's are still stored."""
    failures_before: Mapping[str, Kind] | None = None
    """None when they are not kept any more."""
    new_failures: frozenset[str] = frozenset()
    """Kinds that were never seen before this period; of some agents: that they did not have in the period before."""
    incidents: Sequence[Incident] = ()
    """Open in the period, the newest first."""
    incidents_before: Sequence[Incident] = ()
    rules: Sequence[Rule] = ()
    deliveries: Sequence[Delivery] = ()
    rollouts: Sequence[Rollout] = ()
    """Of configurations, under way in the period, the newest first."""
    changes: Sequence[Change] = ()
    """What was changed on agents, in both periods as far as that is known."""
    rotations: Sequence[Rotation] = ()
    """The newest ones of all time, the newest first; no dry runs."""
    key_ages: Mapping[str, int] = field(default_factory=dict)
    """How old a provider's key may be, days, where settings say so."""
    budgets: Sequence[BudgetState] = ()
    budgets_at: int | None = None
    """Up to when budgets are counted, ms."""
    slos: Sequence[Slo] = DEFAULTS
    host_usd: Mapping[str, float] = field(default_factory=dict)
    """What agents cost beside tokens, USD a month, where settings of capacity say so."""
    slow_tasks: Sequence[RawTask] = ()
    """The slowest ones, where raw history is kept."""
    dear_tasks: Sequence[RawTask] = ()
    notes: Sequence[str] = ()
    """What could not be read, and why."""

    @property
    def hours(self) -> int:
        """Length of the period."""
        return (self.end - self.start) // HOUR_MS

    @property
    def period(self) -> str:
        """What such a period is called: `week`."""
        return length(self.hours)

    @property
    def comparable(self) -> bool:
        """Whether the period before is known well enough to be compared with."""
        lacking = max(len(self.usage.missing), len(self.before.missing))
        return bool(self.before.agents()) and lacking <= (1 - KNOWN) * self.hours

    @property
    def per_month(self) -> float:
        """Factor that makes a month of what the period had."""
        return MONTH_DAYS * DAY_MS / (self.end - self.start)

    def tally(self, *by: str) -> tuple[Tally, Tally]:
        """Tasks, tokens and cost by these tags, of this period and the one before."""
        if by not in self._tallies:
            self._tallies[by] = (
                tally(self.usage, by, self.selector, self.overlay),
                tally(self.before, by, self.selector, self.overlay),
            )
        return self._tallies[by]

    @cached_property
    def _tallies(self) -> dict[tuple[str, ...], tuple[Tally, Tally]]:
        return {}

    @cached_property
    def states(self) -> Mapping[str, AgentState]:
        """Selected agents by id."""
        return {state.id: state for state in self.agents}

    def name(self, agent: str) -> str:
        """An agent's name for people."""
        return self.states[agent].name if agent in self.states else agent

    @cached_property
    def active(self) -> frozenset[str]:
        """Selected agents that have any usage in the period."""
        return self._active(self.usage)

    @cached_property
    def active_before(self) -> frozenset[str]:
        """And in the one before."""
        return self._active(self.before)

    def _active(self, frame: UsageFrame) -> frozenset[str]:
        groups = frame.group((AGENT,), self.selector, self.overlay)
        points = np.sum([frame.figures(name, groups).count for name in METRICS], axis=0)
        return frozenset(dict(key).get(AGENT, "") for key, some in zip(groups.keys, points, strict=True) if some)
