"""Health of an agent: a colour with its reason and the figures it was made from.

An agent is judged by its heartbeat, by its progress (a heartbeat without progress on open work is a zombie) and by its errors. The worst
finding gives the colour; findings of that colour make the reason. What was never reported is not held against an agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, NamedTuple

from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState, Health, Status
from functions.domain.times import DAY_MS, SECOND_MS

type Evidence = dict[str, float | int | str]
type InventoryMode = Literal["open", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When which colour; workspace settings may override any of it."""

    heartbeat_late_s: float = 30.0
    """Yellow when nothing came for longer."""
    heartbeat_dead_s: float = 60.0
    """Red."""
    silent_after_s: float = 86_400.0
    """Grey: nobody waits for it any more."""
    error_rate_yellow: float = 0.05
    """Share of tasks that failed in 5 minutes."""
    error_rate_red: float = 0.20
    error_min_tasks: float = 5.0
    """With fewer finished tasks in 5 minutes, the error rate is not judged."""
    zombie_after_s: float = 300.0
    """Red when work was open for longer without a task finishing."""
    idle_days: float = 7.0
    """An agent without a task for longer is a shadow."""

    @classmethod
    def parse(cls, document: object, name: str = "health") -> Policy:
        """Read the policy out of workspace settings; raises `InvalidInput` naming the field and the reason."""
        if document is None:
            return cls()
        if not isinstance(document, Mapping):
            raise InvalidInput("must be an object", name)
        known = {f.name for f in fields(cls)}
        for key in document:
            if key not in known:
                raise InvalidInput(f"is not known; known are {', '.join(sorted(known))}", f"{name}.{key}")
        policy = cls(**{key: _positive(value, f"{name}.{key}") for key, value in document.items()})
        policy._check_order(name)
        return policy

    def _check_order(self, name: str) -> None:
        if not self.heartbeat_late_s <= self.heartbeat_dead_s <= self.silent_after_s:
            raise InvalidInput("must be ordered: heartbeat_late_s <= heartbeat_dead_s <= silent_after_s", f"{name}.heartbeat_dead_s")
        if not self.error_rate_yellow <= self.error_rate_red <= 1:
            raise InvalidInput("must be ordered: error_rate_yellow <= error_rate_red <= 1", f"{name}.error_rate_red")


def _positive(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidInput(f"must be a number above 0, not {value!r}", name)
    return float(value)


class HealthVerdict(NamedTuple):
    """A colour, why, and the figures."""

    status: Status
    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Transition:
    """An agent's colour changed."""

    agent: str
    before: Health | None
    """None for an agent that was not known."""
    after: Health
    tags: Mapping[str, str] = field(default_factory=dict)


_SEVERITY = (Status.RED, Status.YELLOW, Status.GREEN)


def assess(state: AgentState, now: int, policy: Policy) -> HealthVerdict:
    """Judge an agent as of `now` (ms)."""
    evidence = _evidence(state, now)
    if state.retired:
        return HealthVerdict(Status.GREY, "retired", evidence)
    if state.last_seen is None:
        return HealthVerdict(Status.GREY, "never seen", evidence)
    age = _age_s(state.last_seen, now)
    if age > policy.silent_after_s:
        return HealthVerdict(Status.GREY, f"silent for {duration(age)}", evidence)
    if age > policy.heartbeat_dead_s:
        # What it was doing when it went away is history: only the silence counts.
        return HealthVerdict(Status.RED, f"no heartbeat for {duration(age)}", evidence)
    findings = [*_heartbeat(age, policy), *_zombie(state, now, policy), *_errors(state, policy)]
    for status in _SEVERITY:
        reasons = [reason for found, reason in findings if found is status]
        if reasons:
            return HealthVerdict(status, "; ".join(reasons), evidence)
    return HealthVerdict(Status.GREEN, _green(state), evidence)


def transition(before: Health | None, verdict: HealthVerdict, now: int) -> Health:
    """The health that follows: `since` stays while the colour does."""
    since = before.since if before is not None and before.status is verdict.status else now
    return Health(verdict.status, verdict.reason, since, verdict.evidence)


def shadow_reason(state: AgentState, now: int, policy: Policy, inventory: InventoryMode) -> str | None:
    """Why an agent is a shadow: not wanted in the inventory, or without a task for days. None when it is not one."""
    if state.retired or state.first_seen is None:
        return None
    if state.expected is False:
        return "not expected: marked so in the inventory"
    if inventory == "strict" and not state.expected:
        return "unknown to the inventory: it registered itself"
    idle = _age_s(max(state.first_seen, state.watched_since, state.progress.last_task or 0), now)
    return f"no task for {duration(idle)}" if idle > policy.idle_days * DAY_MS / SECOND_MS else None


def duration(seconds: float) -> str:
    """A length of time for people: the largest unit that leaves two or more, else the next smaller: `75 s`, `6 min`, `26 h`, `2 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _age_s(time: int, now: int) -> float:
    return max(0, now - time) / SECOND_MS


def _heartbeat(age: float, policy: Policy) -> Iterator[tuple[Status, str]]:
    if age > policy.heartbeat_late_s:
        yield Status.YELLOW, f"heartbeat late: {duration(age)}"


def _zombie(state: AgentState, now: int, policy: Policy) -> Iterator[tuple[Status, str]]:
    progress = state.progress
    if progress.work_since is None:
        return
    stuck = _age_s(max(progress.work_since, progress.last_progress or 0), now)
    if stuck > policy.zombie_after_s:
        yield Status.RED, f"no progress for {duration(stuck)} while {_work(state)}"


def _work(state: AgentState) -> str:
    """What is open, in words."""
    progress, gauges = state.progress, state.gauges
    if progress.open_tasks:
        return "1 task is open" if progress.open_tasks == 1 else f"{progress.open_tasks} tasks are open"
    if gauges.active_workers:
        return "1 worker is active" if gauges.active_workers == 1 else f"{gauges.active_workers:g} workers are active"
    return f"its queue holds {gauges.queue_depth or 0:g}"


def _errors(state: AgentState, policy: Policy) -> Iterator[tuple[Status, str]]:
    rates = state.last_5_minutes
    if rates is None or rates.error_rate is None or rates.tasks < policy.error_min_tasks:
        return
    text = f"{rates.errors} of {rates.tasks} tasks failed in 5 min ({rates.error_rate:.0%})"
    if rates.error_rate >= policy.error_rate_red:
        yield Status.RED, text
    elif rates.error_rate >= policy.error_rate_yellow:
        yield Status.YELLOW, text


def _green(state: AgentState) -> str:
    rates = state.last_5_minutes
    if rates is None or not rates.tasks:
        return "heartbeat fresh, no task finished in 5 min"
    return f"heartbeat fresh, {rates.errors} of {rates.tasks} tasks failed in 5 min"


def _evidence(state: AgentState, now: int) -> Evidence:
    """The figures behind a verdict; what is unknown is left out."""
    rates, progress = state.last_5_minutes, state.progress
    figures: dict[str, float | int | None] = {
        "heartbeat_age_s": None if state.last_seen is None else _age_s(state.last_seen, now),
        "tasks_5m": None if rates is None else rates.tasks,
        "errors_5m": None if rates is None else rates.errors,
        "open_tasks": progress.open_tasks or None,
        "queue_depth": state.gauges.queue_depth,
        "active_workers": state.gauges.active_workers,
        "since_progress_s": None if progress.last_progress is None else _age_s(progress.last_progress, now),
    }
    return {name: value for name, value in figures.items() if value is not None}
