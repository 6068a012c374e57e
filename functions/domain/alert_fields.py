"""Fields: what a rule can read of an agent in the snapshot, as a number; None when it is unknown, which is not zero.

Ages are as of the snapshot's tick, not of the evaluation: a seal that is late must not make a fleet look dead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from functions.domain.fleet import AgentState, Gauges, Status
from functions.domain.summary import fresh
from functions.domain.times import SECOND_MS

SILENT_MS = 60 * SECOND_MS
"""What an agent that is silent for longer was doing is history."""

type Getter = Callable[[AgentState, int], float | None]


def _gauge(name: str) -> Getter:
    return lambda state, time: fresh(state, name, time)


def _heartbeat_age(state: AgentState, time: int) -> float | None:
    return None if state.last_seen is None else max(0, time - state.last_seen) / SECOND_MS


def _since_progress(state: AgentState, time: int) -> float | None:
    """How long work has been open without a task finishing; 0 without work, None of a silent agent: that is another matter."""
    if state.last_seen is None or time - state.last_seen > SILENT_MS:
        return None
    progress = state.progress
    if progress.work_since is None:
        return 0.0
    return max(0, time - max(progress.work_since, progress.last_progress or 0)) / SECOND_MS


def _saturation(state: AgentState, time: int) -> float | None:
    active, most = fresh(state, "active_workers", time), fresh(state, "max_workers", time)
    return active / most if active is not None and most else None


def _rates(name: str) -> Getter:
    def get(state: AgentState, _time: int) -> float | None:
        return None if state.last_5_minutes is None else getattr(state.last_5_minutes, name)

    return get


GETTERS: Final[dict[str, Getter]] = {
    "heartbeat_age_s": _heartbeat_age,
    "since_progress_s": _since_progress,
    "open_tasks": lambda state, _: None if state.last_seen is None else float(state.progress.open_tasks),
    "saturation": _saturation,
    "shadow": lambda state, _: float(state.shadow is not None),
    "tasks_5m": _rates("tasks"),
    "errors_5m": _rates("errors"),
    "error_rate_5m": _rates("error_rate"),
    **{name: _gauge(name) for name in Gauges.__struct_fields__},
}
"""Getters take an agent and the snapshot's time (ms). One for each name of `alert_rules.FIELDS`."""
UNITS: Final = {
    "heartbeat_age_s": "s",
    "since_progress_s": "s",
    "open_tasks": "tasks",
    "saturation": "%",
    "cpu": "percent",
    "memory": "percent",
    "tasks_5m": "tasks",
    "errors_5m": "errors",
    "error_rate_5m": "%",
}


def read(name: str, state: AgentState, time: int) -> float | None:
    """A field of an agent as of the snapshot's time."""
    value = GETTERS[name](state, time)
    return None if value is None else float(value)


def coloured(state: AgentState, statuses: frozenset[Status]) -> float | None:
    """1 when the agent's health is one of these, 0 when not; None for grey unless that is asked for: it is no judgement."""
    status = state.health.status
    if status in statuses:
        return 1.0
    return None if status is Status.GREY else 0.0
