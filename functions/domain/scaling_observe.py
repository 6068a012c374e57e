"""What is observed of a group: gauges from the snapshot, tasks from sealed minutes, what is usual from hours. Pure.

    queue, saturation   as of the snapshot, of agents that are alive
    latency             p95 of the last `LATENCY_MINUTES` sealed minutes, if `MIN_TASKS` tasks were measured in them
    rate_limited        of the last sealed minute; a sealed minute without any has 0
    cost                USD of the last `COST_MINUTES` sealed minutes: what the tasks reported
    work                tasks that began in the last `WORK_MINUTES` sealed minutes, and the mean time of those that ended

A minute that waits to be sealed makes what needs it unreadable, never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from functions.domain import tasks
from functions.domain.alert_columns import Columns, Damaged, Folded, Ints, TagSets
from functions.domain.alert_data import Evidence, window_of
from functions.domain.alert_parse import parse_rules
from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState
from functions.domain.scaling import GroupPolicy, Observed, Reading, Signal, Usual, Work
from functions.domain.scaling_need import WORK_S
from functions.domain.selector import Selector
from functions.domain.summary import fleet_figures, fresh, select
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.domain.usage import RATE_LIMITED

LATENCY_MINUTES = 5
MIN_TASKS = 10
"""The p95 of fewer is the slowest of them, and their rate is chance."""
WORK_MINUTES = WORK_S * SECOND_MS // MINUTE_MS
COST_MINUTES = 60
OLDEST_MS = 3 * MINUTE_MS
"""A minute that ended longer before the snapshot was taken says nothing of it."""
BASELINE_HOURS = 168
MIN_HOURS = 24
"""Hours that a baseline needs (of latency, with tasks): fewer have not seen a day."""
MIN_USUAL_TASKS = 100
P95 = 0.95
FROM_MINUTES = {Signal.LATENCY: tasks.LATENCY, Signal.RATE_LIMITED: RATE_LIMITED, Signal.COST: tasks.COST}
"""Signals that are read from rollups, and the metrics that they are."""
_MINUTES = {Signal.LATENCY: LATENCY_MINUTES, Signal.RATE_LIMITED: 1, Signal.COST: COST_MINUTES}
RULES = parse_rules(
    {
        "rules": [
            {"name": "cost", "when": {"metric": tasks.COST, "aggregation": "sum", "over": f"{COST_MINUTES}m", "above": 0}},
            {"name": "latency", "when": {"metric": tasks.LATENCY, "aggregation": "p95", "over": f"{LATENCY_MINUTES}m", "above": 0}},
            {"name": "rate-limited", "when": {"metric": RATE_LIMITED, "aggregation": "count", "over": "1m", "above": 0}},
        ]
    }
)
"""For these evidence is read."""


def check_dimensions(policy: GroupPolicy, dimensions: Collection[str]) -> None:
    """Raise `InvalidInput` for a group whose minutes cannot be told from those of others."""
    beyond = sorted(Selector.parse(policy.tags).keys() - set(dimensions))
    wanted = [str(signal) for signal in FROM_MINUTES if signal in policy.rules()]
    if beyond and wanted:
        raise InvalidInput(
            f"{', '.join(beyond)} is no dimension, so {', '.join(wanted)} of this group cannot be told from those of others:"
            " make it a dimension in the settings, or switch these signals off",
            "tags",
        )


def observe(policy: GroupPolicy, evidence: Evidence, usual: Usual | None, dead_s: float) -> Observed | None:
    """The group as of the snapshot; None without one. Agents unheard of for `dead_s` are not alive."""
    snapshot = evidence.snapshot
    if snapshot is None:
        return None
    alive = living(policy, snapshot.agents.values(), snapshot.time, dead_s)
    figures = fleet_figures(alive, snapshot.time).all
    readings = {Signal.QUEUE: Reading(figures.queue_depth), Signal.SATURATION: Reading(figures.saturation)}
    fault = _fault(policy, evidence, snapshot.time)
    for signal in FROM_MINUTES:
        readings[signal] = Reading(fault=fault) if fault else _from_minutes(signal, policy, evidence, usual)
    wanted = policy.rules()
    return Observed(
        time=snapshot.time,
        current=len(alive),
        readings={signal: readings[signal] for signal in wanted},
        places=_places(alive, snapshot.time),
        work=None if fault else _work(policy, evidence),
    )


def living(policy: GroupPolicy, agents: Iterable[AgentState], time: int, dead_s: float) -> list[AgentState]:
    """The agents of a group that are alive at a time."""
    heard = time - dead_s * SECOND_MS
    return [state for state in select(agents, Selector.parse(policy.tags)) if not state.retired and (state.last_seen or 0) >= heard]


def usual_of(policy: GroupPolicy, hour: int, hours: Sequence[Columns], tags: TagSets) -> Usual:
    """What is usual, as of an hour, from the hours before it that could be read; those before the group's first task do not count."""
    slots = _slots(policy, tags)
    latencies, costs = (
        [Folded([column] if (column := columns.column(name)) else [], slots, 1) for columns in hours]
        for name in (tasks.LATENCY, tasks.COST)
    )
    worked = [latency for latency in latencies if latency.count[0]]
    first = next((place for place, cost in enumerate(costs) if cost.count[0]), len(costs))
    spent = [float(cost.sum[0]) for cost in costs[first:]]
    return Usual(
        hour=hour,
        tags=policy.tags,
        latency_ms=_p95(hours, slots) if len(worked) >= MIN_HOURS else None,
        usd_per_hour=sum(spent) / len(spent) if len(spent) >= MIN_HOURS and sum(spent) > 0 else None,
    )


def _p95(hours: Sequence[Columns], slots: Ints) -> float | None:
    """Latency, ms; None of too few tasks."""
    folded = Folded([column for columns in hours if (column := columns.column(tasks.LATENCY))], slots, 1)
    return float(folded.quantile(P95)[0]) if folded.count[0] >= MIN_USUAL_TASKS else None


def _fault(policy: GroupPolicy, evidence: Evidence, time: int) -> str:
    """Why no minute says anything of the group; empty when they do."""
    try:
        check_dimensions(policy, evidence.dimensions)
    except InvalidInput as error:
        return error.reason
    if evidence.settled is None:
        return "no minute is sealed"
    late = time - evidence.end
    return f"the newest sealed minute ended {late // SECOND_MS} s before" if late > OLDEST_MS else ""


def _from_minutes(signal: Signal, policy: GroupPolicy, evidence: Evidence, usual: Usual | None) -> Reading:
    columns, missing = evidence.group.read(window_of(_MINUTES[signal] * MINUTE_MS, evidence.end, evidence.now))
    if missing:
        return Reading(fault=f"{missing} of the rollups of its last {_MINUTES[signal]} min are not sealed, or could not be read")
    try:
        found = [column for one in columns if (column := one.column(FROM_MINUTES[signal])) is not None]
        return _reading(signal, Folded(found, _slots(policy, evidence.group.tags), 1), usual)
    except Damaged as error:
        return Reading(fault=f"a stored rollup is damaged: {error}")


def _reading(signal: Signal, folded: Folded, usual: Usual | None) -> Reading:
    count = float(folded.count[0])
    if signal is Signal.RATE_LIMITED:
        return Reading(count)
    if signal is Signal.COST:
        return Reading(float(folded.sum[0]) * 60 / COST_MINUTES, usual.usd_per_hour if usual else None)
    return Reading(float(folded.quantile(P95)[0]) if count >= MIN_TASKS else None, usual.latency_ms if usual else None)


def _places(agents: Iterable[AgentState], time: int) -> float:
    """Tasks that an agent works on at a time, on average, one at least; 1 when none tells."""
    told = [most for state in agents if (most := fresh(state, "max_workers", time)) is not None]
    return max(1.0, sum(told) / len(told)) if told else 1.0


def _work(policy: GroupPolicy, evidence: Evidence) -> Work | None:
    """What is known of the tasks. Where agents do not tell when they begin one, those count that ended."""
    columns, missing = evidence.group.read(window_of(WORK_MINUTES * MINUTE_MS, evidence.end, evidence.now))
    if missing:
        return None
    slots = _slots(policy, evidence.group.tags)
    try:
        begun, ended = (
            Folded([column for one in columns if (column := one.column(name)) is not None], slots, 1)
            for name in (tasks.STARTED, tasks.LATENCY)
        )
    except Damaged:
        return None
    count, measured = float(max(begun.count[0], ended.count[0])), float(ended.count[0])
    seconds = float(ended.sum[0]) / SECOND_MS / measured if measured else 0.0
    return Work(started=count / WORK_S, seconds=seconds) if count >= MIN_TASKS and seconds > 0 else None


def _slots(policy: GroupPolicy, tags: TagSets) -> Ints:
    """By number of the tag set: 0 for the group's, -1 for others."""
    selector = Selector.parse(policy.tags)
    return np.array([0 if selector.matches(dict(pairs)) else -1 for pairs in tags.sets], dtype=np.int64)
