"""What an evaluation makes of gone, silent, retired and unreadable things, of budgets, fields and overrides; and its sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest

from clawpulse.sketch import Sketch
from functions.domain.alert import Data, Sample
from functions.domain.alert_budgets import limits, parse_budgets
from functions.domain.alert_columns import Columns, Damaged, TagSets
from functions.domain.alert_data import Bucket, Buckets, Evidence, buckets, needs
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_fields import GETTERS
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import FIELDS, Rule
from functions.domain.fleet import AgentState, Gauges, Health, Progress, Snapshot, Status
from functions.domain.rollup import Aggregate, SeriesKey
from functions.domain.rollup_codec import encode
from functions.domain.spans import Span
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.alerts.unit import rollups
from tests.alerts.unit.reference import Point

SETTLED = 29_924_420
END = (SETTLED + 1) * MINUTE_MS
NOW = END + 40_000


def rule(when: Mapping[str, Any], **changes: Any) -> Rule:
    return parse_rules({"name": "r", "when": dict(when)} | changes)[0]


def agent(name: str = "a-1", **changes: Any) -> AgentState:
    state = AgentState(
        id=name, name=name, tags={"tier": "fast"}, first_seen=1, last_seen=NOW - 3_000, health=Health(Status.GREEN, "fine", 1)
    )
    for key, value in changes.items():
        setattr(state, key, value)
    return state


def fleet(*agents: AgentState, **changes: Any) -> Snapshot:
    found = Snapshot(workspace="w", time=NOW - 2_000, agents={state.id: state for state in agents})
    return msgspec.structs.replace(found, **changes)


def minutes(*minutes: int) -> list[Bucket]:
    return [("m", minute) for minute in minutes]


def look(
    watched: Rule, snapshot: Snapshot | None, points: Iterable[Point] = (), readable: list[Bucket] | None = None, **changes: Any
) -> Any:
    points = list(points)
    wanted = needs([watched], now=NOW, settled=SETTLED, dimensions=("tier",))
    evidence = Evidence(
        **{
            "now": NOW,
            "settled": SETTLED,
            "snapshot": snapshot,
            "group": rollups.buckets(points, list(buckets(wanted.group)) if readable is None else readable),
            "agents": rollups.buckets(points, list(buckets(wanted.agents)) if readable is None else readable, of_agents=True),
            "dimensions": ("tier",),
        }
        | changes
    )
    return evaluate([watched], evidence)["r"]


def point(value: float = 50.0, back: int = 0, name: str = "m", tier: str = "fast", who: str = "a-1") -> Point:
    return Point(END - 1 - back * MINUTE_MS, name, who, tier, value)


AVERAGE = {"metric": "m", "aggregation": "avg", "over": "2m", "above": 10}


def test_a_minute_that_could_not_be_read_makes_the_window_unreadable() -> None:
    sample = look(rule(AVERAGE, per="tier"), fleet(agent()), [point()], minutes(SETTLED)).of({"tier": "fast"})
    assert sample.data is Data.UNREADABLE
    assert sample.reason == "avg of m over 2 min: 1 of 2 rollups of the window could not be read or are not sealed yet"


def test_no_minute_is_sealed_yet() -> None:
    assert look(rule(AVERAGE), fleet(agent()), [point()], settled=None).of({}).data is Data.UNREADABLE


class BrokenSketch(Sketch):
    """What a store may give back one day."""

    def to_bytes(self) -> bytes:
        return b"\xff\x00"


def test_a_damaged_sketch_makes_what_reads_it_unreadable_and_nothing_else() -> None:
    sets = TagSets()
    damaged = encode({SeriesKey("m", (("tier", "fast"),)): Aggregate(BrokenSketch([50.0]), 50.0, END - 1)})
    group = Buckets(sets, {("m", minute): Columns(damaged, sets) for minute in (SETTLED - 1, SETTLED)})
    tail = look(rule(AVERAGE | {"aggregation": "p95"}), fleet(agent()), group=group).of({})
    assert (tail.data, tail.reason.partition(" is damaged")[0]) == (Data.UNREADABLE, "p95 of m over 2 min: a stored rollup")
    assert look(rule(AVERAGE), fleet(agent()), group=group).of({}).holds
    with pytest.raises(Damaged):
        Columns(damaged[:-3], sets)


@pytest.mark.parametrize("when", [{"health": ["red"]}, {"field": "heartbeat_age_s", "above": 35}])
def test_a_snapshot_that_is_old_or_absent_says_nothing(when: dict[str, Any]) -> None:
    """Seal does not run: that must not make every agent look dead."""
    watched = rule(when, per="agent")
    old = look(watched, fleet(agent(last_seen=NOW - 90_000), time=NOW - 61_000))
    assert old.of({"agent": "a-1"}).data is Data.UNREADABLE
    assert look(watched, None).of({"agent": "a-1"}).data is Data.UNREADABLE


def test_ages_are_as_of_the_snapshot() -> None:
    watched = rule({"field": "heartbeat_age_s", "above": 35}, per="agent")
    late = look(watched, fleet(agent(last_seen=NOW - 80_000), time=NOW - 50_000)).of({"agent": "a-1"})
    assert (late.value, late.holds) == (30.0, False)


@pytest.mark.parametrize(
    ("state", "data", "reason"),
    [
        (agent(retired=True), Data.MISSING_SERIES, "agent a-1 is retired"),
        (agent(tags={"tier": "slow"}), Data.MISSING_SERIES, "agent a-1 is not selected by the rule any more: its tags changed"),
    ],
)
def test_what_ends_on_purpose(state: AgentState, data: Data, reason: str) -> None:
    sample = look(rule(AVERAGE, per="agent", select="tier=fast"), fleet(state)).of({"agent": "a-1"})
    assert (sample.data, sample.ended, sample.reason) == (data, True, reason)


def test_a_forgotten_agent_ends_and_an_unknown_one_is_missing() -> None:
    found = look(rule(AVERAGE, per="agent"), fleet(agent("other"), forgotten={"a-1": 5}))
    assert found.of({"agent": "a-1"}) == Sample(
        Data.MISSING_SERIES, clear=False, reason="agent a-1 was forgotten by an operator", ended=True
    )
    gone = found.of({"agent": "a-2"})
    assert (gone.data, gone.ended) == (Data.MISSING_SERIES, False)


def test_a_tag_value_is_there_while_somebody_uses_it() -> None:
    watched = rule(AVERAGE, per="tier")
    assert look(watched, fleet(agent())).of({"tier": "fast"}).data is Data.NO_DATA
    assert look(watched, fleet(agent(tags={}), known_values={"tier": {"fast": 1}}), [point(back=9)]).of({"tier": "fast"}).data is (
        Data.MISSING_SERIES
    ), "without any row the rule has no such series"
    gone = look(watched, fleet(agent(tags={})), [point(name="other", back=1)])
    assert gone.of({"tier": "fast"}).data is Data.MISSING_SERIES


def test_nothing_is_zero_for_events_of_agents_that_live() -> None:
    failures = rule({"event": "task.failed", "over": "2m", "above": 3}, per="agent")
    found = look(failures, fleet(agent("a-1"), agent("a-2", last_seen=NOW - HOUR_MS)))
    alive, silent = found.of({"agent": "a-1"}), found.of({"agent": "a-2"})
    assert (alive.data, alive.value, alive.clear) == (Data.OK, 0.0, True)
    assert silent.data is Data.NO_DATA
    assert look(rule(AVERAGE, per="agent"), fleet(agent())).of({"agent": "a-1"}).data is Data.NO_DATA, "of a metric it is not"


def test_grey_is_no_judgement() -> None:
    grey = agent(health=Health(Status.GREY, "silent for 2 days", 1))
    assert look(rule({"health": ["red", "yellow"]}, per="agent"), fleet(grey)).of({"agent": "a-1"}).data is Data.NO_DATA
    asked = look(rule({"health": ["grey"]}, per="agent"), fleet(grey)).of({"agent": "a-1"})
    assert (asked.holds, asked.reason) == (True, "health grey: grey, silent for 2 days")


def test_health_of_a_group_counts_or_shares() -> None:
    agents = [agent("a-1", health=Health(Status.RED, "x", 1)), *(agent(f"b-{number}") for number in range(3))]
    assert look(rule({"health": ["red"], "above": 1}), fleet(*agents)).of({}).value == 1
    share = look(rule({"health": ["red"], "aggregation": "avg", "above": 0.2}), fleet(*agents)).of({})
    assert (share.value, share.holds) == (0.25, True)


def test_every_field_can_be_read() -> None:
    assert set(GETTERS) == set(FIELDS)
    state = agent(gauges=Gauges(3, 2, 4, 80, 90), progress=Progress(work_since=NOW - 62_000, open_tasks=2))
    found = {name: GETTERS[name](state, NOW - 2_000) for name in FIELDS}
    assert found == {
        "heartbeat_age_s": 1.0,
        "since_progress_s": 60.0,
        "open_tasks": 2.0,
        "cpu": 80,
        "memory": 90,
        "queue_depth": 3,
        "active_workers": 2,
        "max_workers": 4,
        "saturation": 0.5,
        "shadow": 0.0,
        "tasks_5m": None,
        "errors_5m": None,
        "error_rate_5m": None,
    }


def test_an_override_moves_the_bound_of_its_agents() -> None:
    watched = rule(AVERAGE, per="agent", overrides=[{"select": "agent=a-2", "above": 90}, {"select": "tier=fast", "above": 60}])
    agents = [agent("a-1"), agent("a-2"), agent("a-3", tags={"tier": "slow"})]
    found = look(watched, fleet(*agents), [point(70, who=state.id) for state in agents])
    assert {series["agent"]: (sample.threshold, sample.holds) for series, sample in found} == {
        "a-1": (60, True),
        "a-2": (90, False),
        "a-3": (10, True),
    }


def test_a_sample_carries_the_agents_tags() -> None:
    assert look(rule(AVERAGE, per="agent"), fleet(agent()), [point()]).of({"agent": "a-1"}).tags == (("tier", "fast"),)


BUDGETS = {"tier=fast": {"tokens_per_hour": 100.0}, "": {"tokens_per_hour": 1000.0, "usd_per_day": 5.0}}


def test_budgets_have_a_series_each_and_may_overlap() -> None:
    points = [point(150, 3, "task.tokens_in"), point(60, 2, "task.tokens_out", "slow")]
    found = look(rule({"budget": "tokens_per_hour"}), fleet(agent()), points, budgets=BUDGETS)
    assert {tuple(series.items()): sample.value for series, sample in found} == {(): pytest.approx(0.21), (("tier", "fast"),): 1.5}
    assert found.of({"tier": "fast"}).reason == "used of the token budget of this hour is 150 %, above 100 %"
    assert look(rule({"budget": "usd_per_day"}), fleet(agent()), points, budgets=BUDGETS).of({}).data is Data.NO_DATA, "unpriced is not 0"


def test_a_budget_that_was_taken_away_ends_its_alert() -> None:
    points = [point(150, 3, "task.tokens_in")]
    left = {"": BUDGETS[""]}
    sample = look(rule({"budget": "tokens_per_hour"}), fleet(agent()), points, budgets=left).of({"tier": "fast"})
    assert (sample.ended, sample.reason) == (True, "tier=fast has no such budget any more")
    unread = look(rule({"budget": "tokens_per_hour"}), fleet(agent()), points, budgets={}, budgets_known=False).of({"tier": "fast"})
    assert (unread.ended, unread.data) == (False, Data.UNREADABLE)
    resource = look(rule({"budget": "cpu_percent"}), fleet(agent()), [point(95, who="a-1", name="host.cpu_percent")], budgets=left)
    assert resource.of({"agent": "a-1"}).reason == "agent a-1 has no such budget any more"


def test_a_budget_that_is_used_up_for_sure_needs_not_all_minutes() -> None:
    readable = minutes(*range(SETTLED - 10, SETTLED + 1))
    over = look(rule({"budget": "tokens_per_hour"}), fleet(agent()), [point(150, 3, "task.tokens_in")], readable, budgets=BUDGETS)
    assert over.of({"tier": "fast"}).holds
    assert over.of({}).data is Data.UNREADABLE


def test_budgets_are_read_with_all_their_faults() -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_budgets({"tier!=x": {}, "host=h": {"tokens_per_week": 1}, "tier=fast": {"usd_per_day": 0}, "tier=slow": 4}, ("tier",))
    found = {fault.path: fault.reason for fault in caught.value.faults}
    assert found.keys() == {"['tier!=x']", "['host=h']", "['host=h'].tokens_per_week", "['tier=fast'].usd_per_day", "['tier=slow']"}
    assert "host is no dimension" in found["['host=h']"]
    assert [limit.tags for limit in limits(parse_budgets(BUDGETS, ("tier",)), "tokens_per_hour")] == [(), (("tier", "fast"),)]


def test_the_plan_reads_no_more_than_windows_need() -> None:
    rules = parse_rules(
        {
            "rules": [
                {"name": "a", "when": AVERAGE},
                {"name": "b", "when": {"metric": "m", "aggregation": "avg", "over": "5m", "change": "relative", "above": 1}},
                {"name": "c", "per": "agent", "when": {"event": "task.failed", "over": "3m", "above": 1}},
                {"name": "d", "when": {"budget": "usd_per_month"}},
            ]
        }
    )
    wanted = needs(rules, now=NOW, settled=SETTLED, dimensions=("tier",), budgets={})
    assert wanted.group == (Span("m", SETTLED - 9, SETTLED + 1),)
    assert wanted.agents == (Span("m", SETTLED - 2, SETTLED + 1),)
    assert (wanted.agent_metrics, wanted.budgets) == (frozenset({"task.failed"}), True)
    assert any(span.unit == "h" for span in needs(rules, now=NOW, settled=SETTLED, dimensions=("tier",)).group), "unknown budgets are read"
    assert needs(rules, now=NOW, settled=None).group == ()


def test_a_day_is_read_as_hours_and_the_minutes_at_its_edges() -> None:
    day = rule({"metric": "m", "aggregation": "avg", "over": "1d", "above": 1})
    wanted = needs([day], now=NOW, settled=SETTLED)
    assert [span.unit for span in wanted.group] == ["h", "m", "m"]
    assert sum(len(span) * (60 if span.unit == "h" else 1) for span in wanted.group) * MINUTE_MS == DAY_MS


@pytest.mark.parametrize(
    ("when", "points", "reason"),
    [
        (AVERAGE, [point(50)], "avg of m over 2 min is 50, above 10"),
        (AVERAGE | {"clear": 4}, [point(7)], "avg of m over 2 min is 7, no longer above 10, but not yet back at 4"),
        (AVERAGE | {"min_points": 5}, [point(50)], "avg of m over 2 min: only 1 point, the rule asks for 5"),
        ({"absent": {"metric": "m"}, "over": "2m"}, [], "no m in 2 min"),
        ({"absent": {"metric": "m"}, "over": "2m"}, [point()], "1 point of m in 2 min"),
        (
            AVERAGE | {"change": "relative"},
            [point(50), point(5, 3)],
            "avg of m over 2 min rose by 900 % from 5 in the window before, not above",
        ),
        (
            {"metric": "task.latency_ms", "aggregation": "max", "over": "1m", "below": 900},
            [point(812.3, name="task.latency_ms")],
            "max of task.latency_ms over 1 min is 812.3 ms, below 900 ms",
        ),
        (
            {"metric": "task.cost_usd", "aggregation": "sum", "over": "1m", "divided_by": {"event": "task.completed"}, "above": 0.01},
            [point(0.071, name="task.cost_usd"), point(1, name="task.completed")],
            "sum of task.cost_usd per count of task.completed over 1 min is $0.071, above $0.01",
        ),
        (
            {"metric": "m", "aggregation": "avg", "over": "1m", "baseline": {"of": "previous_window", "factor": 2, "min_points": 1}},
            [point(50), point(20, 1)],
            "avg of m over 1 min is 50, above 40, with 20 in the window before (2.5 x)",
        ),
    ],
)
def test_reasons_are_sentences_with_figures(when: dict[str, Any], points: list[Point], reason: str) -> None:
    assert look(rule(when), fleet(agent()), points).of({}).reason.startswith(reason)


def test_empty_buckets_are_read_and_absent_ones_are_not() -> None:
    sets = TagSets()
    found, missing = Buckets(sets, {("m", 1): Columns(None, sets)}).read([Span("m", 1, 3)])
    assert (len(found), missing) == (1, 1)
    assert found[0].column("m") is None
