"""Rule unit tests: given series, expect alerts at times. Here they are read; `alert_case_run` runs them.

    tests:
      - name: one tier slows down
        start: 2026-03-06T18:00:00Z    # optional; when 0m of the test is
        every: 1m                      # optional; how often rules are evaluated
        agents: {a-1: {tier: fast}}    # optional; tags of agents, which are otherwise made from what is given
        given:
          - metric: task.latency_ms    # or event: task.failed, field: cpu, field: health
            tags: {tier: fast}
            agent: a-1                 # for rules about agents, and for fields
            points: 20                 # optional; points a minute, 1 by default
            from: -8d                  # optional; history before the test, for baselines
            values: 400x11520 400x10 900x5 _x5
        expect:
          - {at: 9m, rule: latency-doubled}
          - {at: 15m, rule: latency-doubled, firing: [{tier: fast}]}

`values` has one value a minute: `5x10` is 5 for ten minutes, `5+2x10` goes up by 2 each, `_x10` is nothing. Of an event the value is how
many of it there are in the minute. A field holds for its minutes; without one an agent is green with a fresh heartbeat. Of `health` values
are colours. At `at` the minute that ends there is whole. `firing` and `pending` are complete: a series not listed must not be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_fields import GETTERS
from functions.domain.alert_text import parse_duration
from functions.domain.fleet import Status
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.times import DAY_MS, MINUTE_MS, SECOND_MS

type Value = float | str | None

FIELDS: Final = (
    "health",
    "heartbeat_age_s",
    "since_progress_s",
    "open_tasks",
    "shadow",
    "cpu",
    "memory",
    "queue_depth",
    "active_workers",
    "max_workers",
    "tasks_5m",
    "errors_5m",
)
"""Fields that a test can give; the others follow from them."""
MAX_TESTS, MAX_GIVEN, MAX_EXPECT = 200, 200, 500
MAX_MINUTES: Final = 40 * DAY_MS // MINUTE_MS
MAX_POINTS = 10_000
_START: Final = 1_767_571_200_000
"""2026-01-05T00:00:00Z, a Monday."""
_RUN: Final = re.compile(r"(?P<value>_|-?[0-9]+(?:\.[0-9]+)?|[a-z]+)(?:(?P<step>[+-][0-9]+(?:\.[0-9]+)?))?(?:x(?P<times>[0-9]{1,6}))?")
_COLOURS: Final = frozenset(status.value for status in Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One series, or one field of an agent, from a moment on: a value a minute, None for nothing."""

    kind: str
    """metric, event or field."""
    name: str
    tags: TagPairs
    agent: str | None
    start: int
    """Minutes from the start of the test; negative before."""
    points: int
    values: Sequence[Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must be at a time."""

    at: int
    """ms from the start."""
    rule: str
    firing: frozenset[TagPairs]
    pending: frozenset[TagPairs] | None
    """None: not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    start: int
    every: int
    """Both ms."""
    agents: Mapping[str, Mapping[str, str]]
    given: tuple[Given, ...]
    expect: tuple[Expected, ...]


def parse_cases(document: object) -> tuple[Case, ...]:
    """The tests of a document; raises `InvalidDocument` with every fault. Other keys than `tests` are the reader's own (`rules`)."""
    faults = Faults()
    if not isinstance(document, Mapping) or "tests" not in document:
        faults.add("", "must be a mapping with tests")
        faults.raise_any()
        return ()
    cases = [_case(node) for node in Node(document, "", faults).nodes("tests", MAX_TESTS)]
    faults.raise_any()
    return tuple(cases)


def _case(node: Node) -> Case:
    node.keys(("name", "start", "every", "agents", "given", "expect"), ("name", "expect"))
    every = _duration(node, "every", MINUTE_MS)
    if every % (15 * SECOND_MS) or not every:
        node.fault("every", "must be a multiple of 15s")
    return Case(
        name=node.text("name"),
        start=_start(node),
        every=every or MINUTE_MS,
        agents=_agents(node),
        given=tuple(_given(entry) for entry in node.nodes("given", MAX_GIVEN)),
        expect=tuple(_expected(entry) for entry in node.nodes("expect", MAX_EXPECT)),
    )


def _start(node: Node) -> int:
    value = node.raw("start")
    if value is None:
        return _START
    try:
        moment = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError):
        node.fault("start", f"must be a time such as 2026-03-06T18:00:00Z, not {kind(value)}")
        return _START
    start = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if start % MINUTE_MS:
        node.fault("start", "must be a whole minute")
    return start


def _agents(node: Node) -> dict[str, dict[str, str]]:
    agents = node.node("agents")
    if agents is None:
        return {}
    names = [key for key in agents.given() if agents.node(key) is not None]
    return {name: dict(_tags(agents, name)) for name in names}


def _given(node: Node) -> Given:
    node.keys(("metric", "event", "field", "tags", "agent", "points", "from", "values"), ("values",))
    found = [key for key in ("metric", "event", "field") if key in node.given()]
    if len(found) != 1:
        node.fault("", "must have one of metric, event, field")
    what = found[0] if found else "metric"
    name = node.text(what)
    if what == "field" and name not in FIELDS:
        node.fault("field", f"must be one of {', '.join(FIELDS)}" + (", from which it follows" if name in GETTERS else ""))
    if what == "field" and "agent" not in node:
        node.fault("agent", "is missing: a field is an agent's")
    return Given(
        kind=what,
        name=name,
        tags=_tags(node, "tags"),
        agent=node.text("agent") or None,
        start=_duration(node, "from", 0) // MINUTE_MS,
        points=node.whole("points", 1, MAX_POINTS, 1),
        values=_values(node, colours=(what, name) == ("field", "health")),
    )


def _tags(node: Node, key: str) -> TagPairs:
    tags = node.node(key)
    return () if tags is None else sorted_pairs({name: tags.text(name) for name in tags.given()})


def _duration(node: Node, key: str, default: int) -> int:
    """A duration, negative ones with a minus before."""
    text = node.raw(key)
    if text is None:
        return default
    ms = parse_duration(text.removeprefix("-")) if isinstance(text, str) else None
    if ms is None:
        node.fault(key, f"must be a duration such as 5m or 1h30m, not {kind(text)}")
        return default
    return -ms if text.startswith("-") else ms


def _values(node: Node, *, colours: bool) -> list[Value]:
    text = node.raw("values")
    values: list[Value] = []
    for word in str(text).split() if isinstance(text, str | int | float) else ["?"]:
        run = _RUN.fullmatch(word)
        sound = run is not None and (run["value"] == "_" or (run["value"] in _COLOURS) == colours)
        if run is None or not sound or (run["value"].isalpha() and not colours):
            node.fault("values", f"must be runs such as {'greenx10 redx5' if colours else '5x10 5+2x10 _x3'}, not {kind(word)}")
            return []
        times = int(run["times"] or 1)
        if len(values) + times > MAX_MINUTES:
            node.fault("values", f"are more than {MAX_MINUTES} minutes")
            return []
        values += _run(run["value"], float(run["step"] or 0), times)
    return values


def _run(value: str, step: float, times: int) -> list[Value]:
    if value == "_":
        return [None] * times
    if value.isalpha():
        return [value] * times
    return [float(value) + step * number for number in range(times)]


def _expected(node: Node) -> Expected:
    node.keys(("at", "rule", "firing", "pending"), ("at", "rule"))
    at = _duration(node, "at", 0)
    if at < 0:
        node.fault("at", "must not be before the test begins")
    return Expected(
        at=at,
        rule=node.text("rule"),
        firing=frozenset(_series(node, "firing")),
        pending=frozenset(_series(node, "pending")) if "pending" in node else None,
    )


def _series(node: Node, key: str) -> list[TagPairs]:
    return [sorted_pairs({name: entry.text(name) for name in entry.given()}) for entry in node.nodes(key, 1000)]
