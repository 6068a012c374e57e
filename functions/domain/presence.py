"""Presence: what the batches of an agent tell of it besides their points: that it lives, who it is, whether it gets on with its work.

Folding is idempotent, for the same items are read at several ticks: times only grow, and starts are remembered by their item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from functions.domain import tasks
from functions.domain.fleet import AgentState, Work, effective_tags
from functions.domain.items import AgentInfo
from functions.domain.minutes import Part
from functions.domain.rollup_codec import Row
from functions.domain.times import SECOND_MS

GAUGES = {
    "queue.depth": "queue_depth",
    "fleet.active_workers": "active_workers",
    "fleet.max_workers": "max_workers",
    "agent.cpu": "cpu",
    "agent.memory": "memory",
}
"""Metrics whose newest value is shown, by the field of `fleet.Gauges`."""
BUSY = ("queue_depth", "active_workers")
"""Gauges that mean work when above zero."""

PROCESS_GONE_MS = 120 * SECOND_MS
"""A process not heard of for this long before the agent's newest batch is gone, and what it had in hand with it."""
MAX_STARTS = 100
"""Batches with open tasks remembered of one process; the oldest say since when, which is what matters."""


def conflict(state: AgentState, info: AgentInfo) -> str | None:
    """Why a batch cannot be this agent's, or None: its token's scope contradicts the tags that the agent is known by."""
    for key, value in sorted(info.scope.items()):
        if state.tags.get(key, value) != value:
            return (
                f"agent id {state.id} is used with {key}={state.tags[key]} and by a token scoped to {key}={value}: the latter's data is"
                " left out; give one of them another id, or forget the agent"
            )
    return None


def observe(state: AgentState, part: Part) -> None:
    """Fold one item into the state of its agent; `settle` completes a tick's folding."""
    item = part.item
    if state.last_seen is None or item.received >= state.last_seen:
        _identify(state, item.info)
    state.first_seen = item.received if state.first_seen is None else min(state.first_seen, item.received)
    state.last_seen = max(state.last_seen or 0, item.received)
    work = state.work.setdefault(item.epoch, Work(item.received))
    work.heard = max(work.heard, item.received)
    _task_times(state, work, part)
    for name, value in _gauges(part.rows).items():
        if value.time >= state.gauge_origins.get(name, (-1, ""))[0]:
            state.gauge_origins[name] = (value.time, item.epoch)
            setattr(state.gauges, name, value.value)


def settle(state: AgentState, now: int) -> None:
    """Draw the sum of what was observed: what is open, and since when."""
    last_seen = state.last_seen or 0
    state.work = {epoch: work for epoch, work in state.work.items() if work.heard >= last_seen - PROCESS_GONE_MS}
    progress = state.progress
    done = (progress.last_progress or 0, progress.finished_at)
    for work in state.work.values():
        work.starts = {key: start for key, start in work.starts.items() if start[:2] > done}
    starts = [start for work in state.work.values() for start in work.starts.values()]
    progress.open_tasks = sum(count if came > done[0] else 1 for came, _, count in starts)
    progress.busy_since = (progress.busy_since or now) if _busy(state) else None
    since = [came for came, _, _ in starts] + ([progress.busy_since] if progress.busy_since else [])
    progress.work_since = min(since, default=None)


def _identify(state: AgentState, info: AgentInfo) -> None:
    state.local_tags = dict(info.tags)
    state.scope = {**state.scope, **info.scope}
    state.tags = effective_tags(state.local_tags, state.remote_tags, state.scope)
    state.reported_name = info.name or state.reported_name
    state.name = state.given_name or state.reported_name or state.id
    state.model, state.host = info.model or state.model, info.host or state.host
    state.versions = dict(info.versions or state.versions)
    if info.config is not None:
        state.config_written, state.config_applied, state.config_error = info.config.written, info.config.applied, info.config.error
    if info.keys is not None:
        state.keys = dict(info.keys)


def _task_times(state: AgentState, work: Work, part: Part) -> None:
    started = [row for row in part.rows if row.key.name == tasks.STARTED]
    finished = max((row.last_time for row in part.rows if row.key.name in tasks.FINISHING), default=None)
    progress, received = state.progress, part.item.received
    if finished is not None and (received, finished) > (progress.last_progress or 0, progress.finished_at):
        progress.last_progress, progress.finished_at = received, finished
    if started and len(work.starts) < MAX_STARTS:
        last_start = max(row.last_time for row in started)
        work.starts[f"{part.item.batch}/{part.item.minute}"] = (received, last_start, sum(row.count for row in started))
    if started or finished is not None:
        progress.last_task = max(progress.last_task or 0, received)


class _Value(NamedTuple):
    time: int
    value: float


def _gauges(rows: list[Row]) -> Mapping[str, _Value]:
    """Newest values by field; several series of one gauge (a queue of each tier) add up."""
    found: dict[str, _Value] = {}
    for row in rows:
        name = GAUGES.get(row.key.name)
        if name:
            before = found.get(name, _Value(-1, 0.0))
            found[name] = _Value(max(before.time, row.last_time), before.value + row.last)
    return found


def _busy(state: AgentState) -> bool:
    """Whether a gauge of a process that still lives says that there is work."""
    return any((getattr(state.gauges, name) or 0) > 0 and state.gauge_origins[name][1] in state.work for name in BUSY)
