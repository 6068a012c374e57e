"""Waste: who has nothing to do, of whom fewer would do, what that costs, and what is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import rollup_codec
from functions.domain.capacity_settings import parse_settings
from functions.domain.fleet import AgentState, Progress
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, sorted_pairs
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS
from functions.domain.usage_frame import UsageFrame
from functions.domain.waste import WASTE_METRICS, Waste, WastePolicy, find_waste, host_prices

FIRST = 490_000
WEEK = 168
END = (FIRST + WEEK) * HOUR_MS
LONG_AGO = (FIRST - 10 * WEEK) * HOUR_MS

type Point = tuple[int, str, dict[str, str], float, int]
"""Hour after the first, metric, tags, value, how often."""


def agent(name: str, *, last_task: int | None = LONG_AGO, **more: object) -> AgentState:
    state = AgentState(
        id=name, name=name, first_seen=LONG_AGO, watched_since=LONG_AGO, last_seen=END, progress=Progress(last_task=last_task)
    )
    for field, value in more.items():
        setattr(state, field, value)
    return state


def frame_of(points: Iterable[Point], missing: Iterable[int] = (), hours: int = WEEK) -> UsageFrame:
    rollups: dict[int, Rollup] = {}
    for hour, name, tags, value, times in points:
        key = SeriesKey(name, sorted_pairs(tags))
        rollups.setdefault(hour, {}).setdefault(key, Aggregate()).extend([value] * times, [(FIRST + hour) * HOUR_MS] * times)
    frame = UsageFrame(FIRST, FIRST + hours, names=WASTE_METRICS)
    for hour, rollup in rollups.items():
        frame.add(FIRST + hour, rollup_codec.encode(rollup))
    frame.missing = frozenset(FIRST + hour for hour in missing)
    return frame


def busy(name: str, *, minutes: float = 6.0, hours: Iterable[int] = range(WEEK), **tags: str) -> list[Point]:
    """One task an hour that takes so long."""
    return [(hour, "task.latency_ms", {"agent": name, **tags}, minutes * 60_000, 1) for hour in hours]


def found(points: Iterable[Point], *agents: AgentState, missing: Iterable[int] = (), hosts: Mapping[str, float] | None = None) -> Waste:
    return find_waste(frame_of(points, missing), {one.id: one for one in agents}, host_usd=hosts)


def test_an_agent_without_a_task_for_a_week_is_idle_and_one_with_a_task_is_not() -> None:
    waste = found(busy("busy", hours=[WEEK - 3]), agent("idle"), agent("busy", last_task=END - 3 * HOUR_MS))
    assert [one.agent for one in waste.idle] == ["idle"]
    assert waste.idle[0].days == pytest.approx(77)
    assert not waste.idle[0].at_least


def test_what_an_idle_agent_spends_without_tasks_is_told_for_a_month_with_its_host() -> None:
    points = [(hour, "task.cost_usd", {"agent": "idle"}, 0.01, 1) for hour in range(WEEK)]
    points += [(hour, "task.tokens_in", {"agent": "idle"}, 500.0, 1) for hour in range(WEEK)]
    alone, hosted = (found(points, agent("idle"), hosts=hosts).idle[0] for hosts in ({}, {"idle": 20.0}))
    assert alone.usd_per_month == pytest.approx(0.01 * 720)
    assert hosted.usd_per_month == pytest.approx(0.01 * 720 + 20)
    assert alone.tokens == 500 * WEEK
    assert "84,000 tokens for $1.68" in alone.evidence
    assert "hosting it has no known price" in alone.evidence


def test_what_nobody_knows_is_not_nothing() -> None:
    (idle,) = found([(5, "cost.unpriced", {"agent": "idle", "model": "own"}, 900.0, 3)], agent("idle")).idle
    assert idle.usd_per_month is None
    assert "3 runs have no price" in idle.evidence


def test_heartbeats_are_no_tasks() -> None:
    beats = [
        point
        for hour in range(WEEK)
        for point in (
            (hour, "task.completed", {"agent": "claw", "trigger": "heartbeat"}, 1.0, 2),
            (hour, "task.cost_usd", {"agent": "claw", "trigger": "heartbeat"}, 0.002, 2),
        )
    ]
    (idle,) = found(beats, agent("claw", last_task=END - 1000)).idle
    assert idle.at_least
    assert idle.usd_per_month == pytest.approx(0.004 * 720)
    begun = [(hour, "task.started", {"agent": "claw"}, 1.0, 1) for hour in range(WEEK)]
    assert [one.agent for one in found([*beats, *begun], agent("claw", last_task=END - 1000)).idle] == ["claw"]
    assert not found([*beats, *busy("claw", hours=[100], trigger="user")], agent("claw", last_task=END - 1000)).idle


def test_one_that_begins_and_ends_nothing_is_not_idle() -> None:
    assert not found([(hour, "task.started", {"agent": "stuck"}, 1.0, 1) for hour in range(WEEK)], agent("stuck", last_task=END - 5)).idle


def test_tasks_in_hours_that_are_not_known_may_have_been() -> None:
    last = (FIRST + 160) * HOUR_MS + 5
    assert not found([], agent("a", last_task=last), missing=[160]).idle
    waste = found([], agent("a"), missing=[160])
    assert [one.agent for one in waste.idle] == ["a"], "the snapshot knows of no task since"
    assert waste.notes == ["1 of 168 hours are not known: an agent may have had tasks in them"]
    beats = [(3, "task.completed", {"agent": "a", "trigger": "heartbeat"}, 1.0, 1)]
    assert not found(beats, agent("a", last_task=last), missing=[160]).idle


def test_a_task_of_this_hour_counts_though_the_frame_ends_before() -> None:
    assert not found([], agent("a", last_task=END + 5)).idle


def test_of_a_period_long_ago_the_period_tells() -> None:
    later = agent("a", last_task=END + 30 * WEEK * HOUR_MS, last_seen=END + 30 * WEEK * HOUR_MS)
    (idle,) = found([], later).idle
    assert (idle.days, idle.at_least) == (7.0, True)
    assert not found(busy("a", hours=[90]), later).idle


def test_what_agents_cost_beside_tokens_is_said_by_tier() -> None:
    settings = parse_settings({"agent_usd_per_month": 12.5, "tiers": {"smart": {"agent_usd_per_month": 40}}})
    one, other = agent("a1", tags={"tier": "smart"}), agent("a2")
    assert host_prices(settings, [one, other]) == {"a1": 40.0, "a2": 12.5}
    assert host_prices(parse_settings({}), [one, other]) == {}


def test_agents_that_are_new_gone_retired_or_meant_to_wait_are_not_idle() -> None:
    others = [
        agent("new", last_task=None, first_seen=END - 5 * HOUR_MS, watched_since=END - 5 * HOUR_MS),
        agent("gone", last_seen=END - 30 * HOUR_MS),
        agent("retired", retired=True),
        agent("standby", tags={"role": "standby"}),
    ]
    policy = WastePolicy(exempt=Selector.parse("role=standby"))
    assert not find_waste(frame_of([]), {one.id: one for one in others}, policy=policy).idle


def test_one_that_never_had_a_task_is_idle_since_it_came() -> None:
    (idle,) = found([], agent("never", last_task=None)).idle
    assert (idle.days, idle.at_least) == (7.0, True)


def pair(**more: object) -> list[AgentState]:
    shown = {"tags": {"tier": "fast", "function": "triage", "host": "h1"}, "model": "claude-haiku-4-5", "last_task": END - 1, **more}
    return [agent(name, **shown) for name in ("a1", "a2")]


def test_two_that_do_the_same_and_little_of_it_are_duplicates() -> None:
    (one,) = found([*busy("a1", minutes=6), *busy("a2", minutes=3)], *pair(), hosts={"a1": 15.0, "a2": 15.0}).duplicates
    assert (one.agents, one.needed, one.surplus) == (["a2", "a1"], 1, 1)
    assert one.tags == {"tier": "fast", "function": "triage"}
    assert one.utilization == pytest.approx(9 / 120)
    assert one.usd_per_month == 15
    assert re.search(
        r"7\.5% busy.*0\.15 tasks were under way at once, which 1 can do at 65%.*least used one costs \$15\.00 a month", one.evidence
    )


@pytest.mark.parametrize(
    ("points", "agents"),
    [
        pytest.param([*busy("a1"), *busy("a2", minutes=30)], pair(), id="one is used"),
        pytest.param([*busy("a1", minutes=3, tenant="x"), *busy("a2", minutes=3, tenant="y")], pair(), id="other work"),
        pytest.param([*busy("a1"), *busy("a2")], [pair()[0], pair(model="gpt-5")[1]], id="another model"),
        pytest.param([*busy("a1"), *busy("a2")], [pair()[0], pair(tags={"function": "triage"})[1]], id="other tags"),
        pytest.param([*busy("a1"), *busy("a2")], pair(tags={"tier": "fast"}), id="no function and no host"),
        pytest.param([*busy("a1"), *busy("a2", hours=range(19))], pair(), id="too few tasks"),
        pytest.param([*busy("a1"), *busy("a2")], pair(first_seen=END - 100 * HOUR_MS), id="new"),
        pytest.param(
            [*busy("a1", minutes=55, hours=range(0, WEEK, 6)), *busy("a2", minutes=55, hours=range(0, WEEK, 6))], pair(), id="busy hours"
        ),
    ],
)
def test_these_are_not_duplicates(points: list[Point], agents: list[AgentState]) -> None:
    assert not found(points, *agents).duplicates


def test_without_a_function_the_same_host_is_asked_for() -> None:
    same, apart = (pair(tags={}, host="box"), [pair(tags={}, host="box")[0], pair(tags={}, host="other")[1]])
    points = [*busy("a1"), *busy("a2")]
    assert [one.place for one in found(points, *same).duplicates] == ["host=box"]
    assert not found(points, *apart).duplicates


def test_what_duplicates_waste_is_not_known_without_the_price_of_a_host() -> None:
    (one,) = found([*busy("a1"), *busy("a2")], *pair()).duplicates
    assert one.usd_per_month is None


@given(st.integers(2, 6), st.floats(0.1, 17.0))
def test_those_that_are_left_can_do_the_work_of_the_busiest_hours(amount: int, minutes: float) -> None:
    names = [f"d{number}" for number in range(amount)]
    agents = {name: agent(name, tags={"function": "f"}, last_task=END - 1) for name in names}
    points = [point for name in names for point in busy(name, minutes=minutes, hours=range(24))]
    waste = find_waste(frame_of(points, hours=24), agents, policy=WastePolicy())
    load = amount * minutes / 60
    for one in waste.duplicates:
        assert 1 <= one.needed < amount
        assert load <= one.needed * 0.65 + 1e-9
    assert bool(waste.duplicates) == (load <= (amount - 1) * 0.65 + 1e-9)
