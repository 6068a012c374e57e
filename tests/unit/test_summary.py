from __future__ import annotations

import pytest

from clawpulse.sketch import Sketch
from functions.domain.fleet import AgentState, Gauges, Health, Status
from functions.domain.rollup import Aggregate, SeriesKey
from functions.domain.rollup_codec import Table, encode
from functions.domain.selector import Selector
from functions.domain.summary import GAUGE_LASTS_MS, fleet_figures, select, stale
from functions.domain.summary_tasks import Latency, task_figures

NOW = 1_795_464_030_000


def state(name: str, tier: str | None = None, *, seen: int = NOW, status: Status = Status.GREEN, **gauges: float) -> AgentState:
    tags = {"tier": tier} if tier else {}
    return AgentState(id=name, name=name, tags=tags, last_seen=seen, health=Health(status, "", 1), gauges=Gauges(**gauges))


def lot(points: dict[tuple[str, str | None], list[float]]) -> Table:
    made = {SeriesKey(name, (("tier", tier),) if tier else ()): Aggregate() for name, tier in points}
    for (name, tier), values in points.items():
        for value in values:
            made[SeriesKey(name, (("tier", tier),) if tier else ())].add(value, NOW)
    return Table(encode(made))


def test_agents_are_counted_by_colour_and_tier() -> None:
    found = fleet_figures([state("a", "fast"), state("b", "fast", status=Status.RED), state("c")], NOW)
    assert found.all.health == {"green": 2, "yellow": 0, "red": 1, "grey": 0}
    assert list(found.tiers) == ["fast"]
    assert found.tiers["fast"].agents == 2


def test_queue_and_saturation_are_sums_over_agents_that_tell() -> None:
    agents = [
        state("a", queue_depth=3, active_workers=2, max_workers=4),
        state("b", queue_depth=4, active_workers=1),
        state("c", active_workers=1, max_workers=4),
    ]
    found = fleet_figures(agents, NOW).all
    assert (found.queue_depth, found.saturation) == (7, 3 / 8)


@pytest.mark.parametrize("agents", [[], [state("a")], [state("a", active_workers=1)], [state("a", active_workers=1, max_workers=0)]])
def test_without_gauges_they_are_unknown(agents: list[AgentState]) -> None:
    found = fleet_figures(agents, NOW).all
    assert (found.queue_depth, found.saturation) == (None, None)


def test_the_last_word_of_a_silent_agent_says_nothing_of_now() -> None:
    silent = state("a", queue_depth=9, seen=NOW - GAUGE_LASTS_MS - 1)
    assert fleet_figures([silent], NOW).all.queue_depth is None
    assert fleet_figures([silent], silent.last_seen or 0).all.queue_depth == 9


def test_tasks_of_all_and_of_each_tier() -> None:
    part = lot({("task.completed", "fast"): [1] * 9, ("task.failed", "fast"): [1], ("task.completed", None): [1] * 10, ("other", "x"): [1]})
    found = task_figures([(None, part)], Selector())
    assert (found.all.counts.finished, found.all.counts.error_rate) == (20, 0.05)
    assert found.tiers["fast"].counts.error_rate == 0.1
    assert found.all.tokens is None


def test_lots_of_minutes_and_agents_add_up() -> None:
    parts = [
        ({"agent": "a1", "tier": "fast", "host": "h1"}, lot({("task.completed", None): [1] * 3, ("task.tokens_in", None): [5]})),
        ({"agent": "a2", "tier": "fast", "host": "h2"}, lot({("task.completed", None): [1] * 4})),
        ({"agent": "a1", "tier": "fast", "host": "h1"}, lot({("task.completed", "smart"): [1] * 5})),
    ]
    found = task_figures(parts, Selector.parse("host=h1"))
    assert {tier: figures.counts.completed for tier, figures in found.tiers.items()} == {"fast": 3, "smart": 5}
    assert (found.all.tokens, found.tiers["smart"].tokens) == (5, None)


def test_latency_merges_over_tiers() -> None:
    found = task_figures([(None, lot({("task.latency_ms", "fast"): [100] * 90, ("task.latency_ms", "smart"): [1000] * 10}))], Selector())
    assert found.all.latency.p50 == pytest.approx(100, rel=0.011)
    assert found.all.latency.p99 == pytest.approx(1000, rel=0.011)
    assert found.tiers["fast"].latency.p99 == pytest.approx(100, rel=0.011)


def test_no_latency_is_none() -> None:
    assert Latency.of(None) == Latency.of(Sketch()) == Latency(None, None, None)
    assert task_figures([], Selector()).all.latency == Latency()


def test_agents_are_selected_by_tags_and_id() -> None:
    agents = [state("b", "fast"), state("a", "smart"), state("c")]
    assert [each.id for each in select(agents, Selector.parse("tier!="))] == ["a", "b"]
    assert [each.id for each in select(agents, Selector.parse("agent=c"))] == ["c"]


def test_a_snapshot_grows_stale_after_a_minute() -> None:
    assert stale(None, NOW)
    assert not stale(NOW - 60_000, NOW)
    assert stale(NOW - 60_001, NOW)
