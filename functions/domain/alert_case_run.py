"""Runs rule unit tests: makes rollups and snapshots of what is given, and plays the rules over them as every day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from functions.domain.alert import AlertState, Phase, series_id
from functions.domain.alert_baseline import Baselines, is_stored, make_baselines
from functions.domain.alert_cases import Case, Expected, Given
from functions.domain.alert_columns import Columns, TagSets
from functions.domain.alert_data import Bucket, Buckets, Evidence, Needs, baseline_needs, buckets, needs
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_machine import OPEN
from functions.domain.alert_memo import Memo
from functions.domain.alert_round import play
from functions.domain.alert_rules import Rule
from functions.domain.alert_samples import Samples
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.fleet import AgentState, Health, Rates, Snapshot, Status
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs, sorted_pairs
from functions.domain.rollup_codec import encode
from functions.domain.series import AGENT
from functions.domain.spans import Span
from functions.domain.times import HOUR_MS, MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a test; it passed without failures."""

    name: str
    failures: tuple[str, ...]


def run_case(
    case: Case,
    rules: Sequence[Rule],
    *,
    dimensions: Collection[str] = DEFAULT_DIMENSIONS,
    budgets: Mapping[str, Mapping[str, float]] | None = None,
) -> CaseResult:
    """Run one test against some rules."""
    known = {rule.name for rule in rules}
    failures = [f"rule {name} is not among the rules" for name in sorted({one.rule for one in case.expect} - known)]
    named = [rule for rule in rules if rule.name in {one.rule for one in case.expect}]
    return CaseResult(case.name, (*failures, *_Run(case, named, dimensions, budgets or {}).failures()))


class _Run:
    def __init__(self, case: Case, rules: Sequence[Rule], dimensions: Collection[str], budgets: Mapping[str, Mapping[str, float]]) -> None:
        self._case, self._rules, self._dimensions, self._budgets = case, rules, dimensions, budgets
        self._store = _Store(case, dimensions)
        self._memo, self._baselines = Memo(), Baselines()
        self._states: dict[str, AlertState] = {}

    def failures(self) -> list[str]:
        due: dict[int, list[Expected]] = defaultdict(list)
        for expected in self._case.expect:
            # Judged by the last evaluation that is not later.
            due[expected.at // self._case.every * self._case.every].append(expected)
        found: list[str] = []
        for after in range(0, max(due, default=-1) + 1, self._case.every):
            samples = self._evaluate(self._case.start + after)
            found += [text for expected in due[after] if (text := self._compare(expected, samples.get(expected.rule)))]
        return found

    def _evaluate(self, now: int) -> Mapping[str, Samples]:
        settled = now // MINUTE_MS - 1
        wanted = needs(self._rules, now=now, settled=settled, dimensions=self._dimensions, budgets=self._budgets)
        samples = evaluate(self._rules, self._evidence(wanted, now, settled), self._usual(now, settled), self._memo)
        for step in play(self._rules, samples, list(self._states.values()), now):
            self._states[series_id(step.state.rule, step.state.series)] = step.state
        return samples

    def _usual(self, now: int, settled: int) -> Baselines:
        stored = [rule for rule in self._rules if is_stored(rule)]
        if stored and not self._baselines.covers(stored, settled):
            wanted = baseline_needs(stored, settled=settled, dimensions=self._dimensions)
            self._baselines = make_baselines(stored, self._evidence(wanted, now, settled))
        return self._baselines

    def _evidence(self, wanted: Needs, now: int, settled: int) -> Evidence:
        return Evidence(
            now=now,
            settled=settled,
            snapshot=_snapshot(self._case, now),
            group=self._store.read(wanted.group, of_agents=False),
            agents=self._store.read(wanted.agents, of_agents=True),
            budgets=self._budgets,
            dimensions=self._dimensions,
        )

    def _compare(self, expected: Expected, samples: Samples | None) -> str:
        """What is wrong at a time; empty when nothing is."""
        texts = []
        for name, wanted, phases in (("firing", expected.firing, OPEN), ("pending", expected.pending, (Phase.PENDING,))):
            mine = [state for state in self._states.values() if state.rule == expected.rule and state.phase in phases]
            found = {sorted_pairs(state.series) for state in mine}
            if wanted is not None and found != wanted:
                texts.append(f"expected {name}: {_listed(wanted)}; found: {_listed(found)}")
        if not texts:
            return ""
        reasons = "" if samples is None else "".join(f"\n  {_told(series)}: {sample.reason}" for series, sample in samples)
        return f"at {expected.at // SECOND_MS // 60}m{expected.at // SECOND_MS % 60 or ''} {expected.rule}: {'; '.join(texts)}{reasons}"


class _Store:
    """Rollups of what a test gives, made when they are read."""

    def __init__(self, case: Case, dimensions: Collection[str]) -> None:
        self._case, self._dimensions = case, dimensions
        self._tags = {False: TagSets(), True: TagSets()}
        self._made: dict[tuple[bool, Bucket], Columns] = {}

    def read(self, wanted: Iterable[Span], *, of_agents: bool) -> Buckets:
        return Buckets(self._tags[of_agents], {bucket: self._columns(bucket, of_agents=of_agents) for bucket in buckets(wanted)})

    def _columns(self, bucket: Bucket, *, of_agents: bool) -> Columns:
        key = (of_agents, bucket)
        if key not in self._made:
            rollup = self._rollup(bucket, of_agents=of_agents)
            self._made[key] = Columns(encode(rollup) if rollup else None, self._tags[of_agents])
        return self._made[key]

    def _rollup(self, bucket: Bucket, *, of_agents: bool) -> Rollup:
        first, length = (bucket[1], 1) if bucket[0] == "m" else (bucket[1] * MINUTES_PER_HOUR, MINUTES_PER_HOUR)
        rollup: Rollup = {}
        for given in self._case.given:
            if given.kind == "field" or (of_agents and given.agent is None):
                continue
            key = SeriesKey(given.name, ((AGENT, given.agent or ""),) if of_agents else self._cell(given))
            begin = first - self._case.start // MINUTE_MS - given.start
            for minute in range(max(begin, 0), min(begin + length, len(given.values))):
                _add(rollup, key, given, minute, (first + minute - begin) * MINUTE_MS)
        return rollup

    def _cell(self, given: Given) -> TagPairs:
        tags = {**self._case.agents.get(given.agent or "", {}), **dict(given.tags)}
        return sorted_pairs({key: value for key, value in tags.items() if key in self._dimensions})


def _add(rollup: Rollup, key: SeriesKey, given: Given, minute: int, time: int) -> None:
    value = given.values[minute]
    if not isinstance(value, float):
        return
    amount = round(value) if given.kind == "event" else given.points
    if amount > 0:
        aggregate = rollup.setdefault(key, Aggregate())
        point = 1.0 if given.kind == "event" else value
        aggregate.sketch.add(point, amount)
        aggregate.last, aggregate.last_time = point, time


def _snapshot(case: Case, now: int) -> Snapshot:
    """The fleet at a time: healthy, but for what is given."""
    tags: dict[str, dict[str, str]] = {name: dict(found) for name, found in case.agents.items()}
    for given in case.given:
        if given.agent is not None:
            tags.setdefault(given.agent, dict(given.tags))
    agents = {name: _healthy(name, found, case, now) for name, found in tags.items()}
    for given in case.given:
        if given.agent is not None and given.kind == "field":
            value = _held(given, (now - case.start) // MINUTE_MS)
            if value is not None:
                _set(agents[given.agent], given.name, value, now)
    values: dict[str, dict[str, int]] = defaultdict(dict)
    for given in case.given:
        for key, text in given.tags:
            values[key][text] = now // HOUR_MS
    return Snapshot(workspace="", time=now, agents=agents, rates_minute=now // MINUTE_MS - 1, known_values=dict(values))


def _healthy(name: str, tags: dict[str, str], case: Case, now: int) -> AgentState:
    start = case.start + min((given.start for given in case.given), default=0) * MINUTE_MS
    state = AgentState(id=name, name=name, tags=tags, first_seen=start, last_seen=now, health=Health(Status.GREEN, "given", start))
    state.last_5_minutes = Rates(5, 0, 0, 0.0, 0.0, None, 0, None)
    return state


def _held(given: Given, minute: int) -> float | str | None:
    """A field's value at a minute; beyond its last one there is none."""
    place = minute - given.start
    return given.values[place] if 0 <= place < len(given.values) else None


def _set(state: AgentState, name: str, value: float | str, now: int) -> None:
    if isinstance(value, str):
        state.health = Health(Status(value), f"given as {value}", now)
    elif name == "heartbeat_age_s":
        state.last_seen = now - round(value * SECOND_MS)
    elif name == "since_progress_s":
        state.progress.work_since = now - round(value * SECOND_MS) if value else None
    elif name == "open_tasks":
        state.progress.open_tasks = round(value)
    elif name == "shadow":
        state.shadow = "given as shadow" if value else None
    elif name in ("tasks_5m", "errors_5m"):
        rates = state.last_5_minutes
        tasks, errors = (rates.tasks, rates.errors) if rates else (0, 0)
        tasks, errors = (round(value), errors) if name == "tasks_5m" else (max(tasks, round(value)), round(value))
        state.last_5_minutes = Rates(5, tasks, errors, 0.0, 0.0, None, 0, None)
    else:
        setattr(state.gauges, name, value)


def _listed(series: Collection[TagPairs]) -> str:
    return ", ".join(_told(dict(pairs)) for pairs in sorted(series)) or "none"


def _told(series: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in sorted(series.items())) + "}"
