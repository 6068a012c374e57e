from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import InvalidInput
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, merge_into
from functions.domain.rollup_codec import Table, encode
from functions.domain.selector import Selector
from functions.domain.series import Aggregation, SeriesQuery, plan, query
from functions.domain.series_bins import Part, evaluate
from functions.domain.spans import Span
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

NOW = 29_924_400 * MINUTE_MS + 30_000
DIMENSIONS = ("env", "tier")
FLEET = {"a1": {"env": "prod", "host": "h1"}, "a2": {"env": "dev", "host": "h2"}, "a3": {"env": "dev"}}


def ask(selector: str = "", by: str = "", *, back: int = HOUR_MS, step: int = 60, aggregation: str = "avg", end: int = NOW) -> SeriesQuery:
    return query(
        metric="m",
        aggregation=Aggregation.parse(aggregation),
        selector=Selector.parse(selector),
        by=[key for key in by.split(",") if key],
        start=end - back,
        end=end,
        step_s=step,
    )


def test_buckets_are_whole_steps() -> None:
    asked = ask(step=300)
    assert (asked.start % 300_000, asked.end % 300_000, len(asked.buckets)) == (0, 0, 13)


def test_dimensions_are_answered_by_the_group() -> None:
    assert plan(ask("env=prod", "tier"), DIMENSIONS, FLEET, NOW).agents is None


@pytest.mark.parametrize(
    ("selector", "by", "agents"),
    [
        ("host=h1", "", ("a1",)),
        ("host!=h1", "", ("a2", "a3")),
        ("", "host", ("a1", "a2", "a3")),
        ("env=prod", "host", ("a1", "a2", "a3")),
        ("agent=~a[12]", "", ("a1", "a2")),
        ("host=nowhere", "", ()),
    ],
)
def test_attributes_choose_single_agents(selector: str, by: str, agents: tuple[str, ...]) -> None:
    """What dimensions say is left to the rows: a point may have other values than its agent."""
    assert plan(ask(selector, by), DIMENSIONS, FLEET, NOW).agents == agents


def test_too_much_of_single_agents_says_what_to_do() -> None:
    fleet = {f"a{number}": {"host": "h"} for number in range(400)}
    with pytest.raises(InvalidInput, match=r"host is no dimension.*make the tag a dimension"):
        plan(ask(by="host", back=3 * HOUR_MS), DIMENSIONS, fleet, NOW)
    assert len(plan(ask(by="host"), DIMENSIONS, fleet, NOW).agents or ()) == 400


def test_minutes_and_hours_by_step() -> None:
    assert {span.unit for span in plan(ask(), DIMENSIONS, {}, NOW).spans} == {"m"}
    assert {span.unit for span in plan(ask(back=DAY_MS, step=3600), DIMENSIONS, {}, NOW).spans} == {"h", "m"}


def test_old_minutes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="3600"):
        plan(ask(back=5 * DAY_MS, step=900), DIMENSIONS, {}, NOW)


def test_what_is_yet_to_come_or_long_gone_is_not_read() -> None:
    assert plan(ask(end=NOW + DAY_MS), DIMENSIONS, {}, NOW).spans == ()
    assert plan(ask(end=NOW - 40 * DAY_MS, step=3600), DIMENSIONS, {}, NOW).spans == ()
    assert sum(map(len, plan(ask(end=NOW + 30 * MINUTE_MS), DIMENSIONS, {}, NOW).spans)) == 31
    long = plan(ask(back=60 * DAY_MS, step=86_400), DIMENSIONS, {}, NOW).spans
    assert long[0].start_ms >= NOW - 36 * DAY_MS


@pytest.mark.parametrize(("name", "quantile"), [("p50", 0.5), ("p99.9", 0.999), ("p0", 0.0), ("p100", 1.0), ("avg", None)])
def test_aggregations(name: str, quantile: float | None) -> None:
    assert Aggregation.parse(name).quantile == pytest.approx(quantile)


@pytest.mark.parametrize("name", ["p101", "p", "p99.9999", "median", "P50", "p50 "])
def test_unknown_aggregations(name: str) -> None:
    with pytest.raises(InvalidInput):
        Aggregation.parse(name)


@pytest.mark.parametrize(("step", "back"), [(59, HOUR_MS), (90, HOUR_MS), (60, 2 * DAY_MS), (0, HOUR_MS), (60, 0)])
def test_queries_that_cannot_be(step: int, back: int) -> None:
    with pytest.raises(InvalidInput):
        ask(step=step, back=back)


def test_the_rate_of_the_current_bucket_counts_only_what_has_passed() -> None:
    asked = ask(aggregation="rate", back=MINUTE_MS)
    made = {SeriesKey("m"): Aggregate()}
    made[SeriesKey("m")].add(60.0, NOW)
    lines = evaluate(asked, [Part(time, Table(encode(made))) for time in asked.buckets], NOW)
    assert [value for _, value in lines[0].points] == [1.0, 2.0]


TAGS = st.fixed_dictionaries({}, optional={"env": st.sampled_from(["prod", "dev"]), "tier": st.sampled_from(["fast", "smart"])})
POINTS = st.lists(st.tuples(st.integers(0, 9), TAGS, st.floats(0.001, 1e6)), max_size=40)


@given(
    POINTS,
    st.sampled_from(["", "env=prod", "tier!=fast", "env="]),
    st.sampled_from(["", "env", "tier,env"]),
    st.sampled_from([60, 180, 600]),
)
def test_a_series_is_what_merging_everything_by_hand_gives(points: list, selector: str, by: str, step: int) -> None:
    end = NOW // (10 * MINUTE_MS) * 10 * MINUTE_MS
    minutes: dict[int, Rollup] = {}
    for offset, tags, value in points:
        time = end - 10 * MINUTE_MS + offset * MINUTE_MS
        key = SeriesKey("m", tuple(sorted(tags.items())))
        minutes.setdefault(time, {}).setdefault(key, Aggregate()).add(value, time)
    for name in ("sum", "count", "min", "max", "avg", "p90"):
        asked = ask(selector, by, back=10 * MINUTE_MS, step=step, aggregation=name, end=end)
        lines = evaluate(asked, [Part(time, Table(encode(rollup))) for time, rollup in minutes.items()], NOW)
        found = {(tuple(line.tags.items()), time): value for line in lines for time, value in line.points if value is not None}
        assert found == pytest.approx(dict(_by_hand(asked, minutes)))


def _by_hand(asked: SeriesQuery, minutes: dict[int, Rollup]) -> Iterator[tuple[tuple, float]]:
    groups: dict[tuple, Rollup] = {}
    for time, rollup in minutes.items():
        for key, aggregate in rollup.items():
            tags = dict(key.tags)
            if asked.selector.matches(tags):
                line = tuple((name, tags[name]) for name in asked.by if name in tags)
                place = (line, asked.start + (time - asked.start) // asked.step * asked.step)
                merge_into(groups.setdefault(place, {}), [{SeriesKey("m"): aggregate}])
    for place, rollup in groups.items():
        sketch = rollup[SeriesKey("m")].sketch
        values = {"sum": sketch.sum, "count": sketch.count, "min": sketch.min, "max": sketch.max, "avg": sketch.sum / sketch.count}
        yield place, sketch.quantile(0.9) if asked.aggregation.quantile else values[asked.aggregation.name]


def test_the_order_of_parts_does_not_matter() -> None:
    source = random.Random(1)
    made = []
    for number in range(20):
        aggregate = Aggregate()
        aggregate.add(source.lognormvariate(3, 1), NOW - number * MINUTE_MS)
        made.append(Part(NOW // MINUTE_MS * MINUTE_MS - number * MINUTE_MS, Table(encode({SeriesKey("m"): aggregate}))))
    asked = ask(step=300, aggregation="last")
    assert evaluate(asked, made, NOW) == evaluate(asked, made[::-1], NOW)


def test_spans_count_their_buckets() -> None:
    assert len(Span("h", 3, 5)) == 2
