"""Time travel: every edge of the state machine, and what must never happen whatever the samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert import AlertState, Data, Edge, EdgeKind, Phase, Sample
from functions.domain.alert_machine import (
    CALM_MS,
    MAX_EPISODES_AN_HOUR,
    Step,
    acknowledge,
    end,
    forgettable,
    new_state,
    step,
)
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

START = 29_924_400 * MINUTE_MS
TICK = 15_000
BAD = Sample(Data.OK, holds=True, clear=False, value=9.0, threshold=5.0, points=3, reason="9 is above 5")
BETWEEN = Sample(Data.OK, holds=False, clear=False, value=4.5, threshold=5.0, points=3, reason="4.5 is not yet back")
GOOD = Sample(Data.OK, holds=False, clear=True, value=1.0, threshold=5.0, points=3, reason="1 is not above 5")
NOTHING = Sample(Data.NO_DATA, clear=False, reason="no data")
MISSING = Sample(Data.MISSING_SERIES, clear=False, reason="gone")
BLIND = Sample(Data.UNREADABLE, clear=False, reason="unreadable")


def rule(**changes: Any) -> Rule:
    base = {"name": "r", "per": "agent", "severity": "critical", "labels": {"team": "search"}, "when": {"field": "cpu", "above": 5}}
    return parse_rules(base | changes)[0]


class World:
    """One alert, evaluated every 15 seconds."""

    def __init__(self, watched: Rule) -> None:
        self.rule, self.now = watched, START
        self.state = new_state(watched, {"agent": "a-7"})
        self.edges: list[Edge] = []
        self.last: Step | None = None

    def see(self, sample: Sample, seconds: int = 15) -> Phase:
        """The same sample for so many seconds."""
        for _ in range(0, seconds, 15):
            self.now += TICK
            self.last = step(self.rule, self.state, sample, self.now)
            self.state = self.last.state
            self.edges += [self.last.edge] if self.last.edge else []
        return self.state.phase

    @property
    def told(self) -> list[str]:
        return [edge.kind.value for edge in self.edges]


def test_at_once_without_for() -> None:
    world = World(rule())
    assert world.see(GOOD) is Phase.INACTIVE
    assert world.see(BAD) is Phase.FIRING
    assert world.see(GOOD) is Phase.RESOLVED
    assert world.told == ["firing", "resolved"]


def test_pending_until_it_held_for_long_enough() -> None:
    world = World(rule(**{"for": "1m"}))
    assert world.see(BAD, 60) is Phase.PENDING
    assert world.see(BAD) is Phase.FIRING
    [edge] = world.edges
    assert (edge.since, edge.at) == (START + TICK, START + 5 * TICK)
    assert edge.labels == {"team": "search", "agent": "a-7"}
    assert (edge.severity, edge.reason, edge.value) == ("critical", "9 is above 5", 9.0)


@pytest.mark.parametrize("other", [GOOD, BETWEEN])
def test_pending_ends_with_the_condition(other: Sample) -> None:
    world = World(rule(**{"for": "1m"}))
    world.see(BAD, 45)
    assert world.see(other) is Phase.INACTIVE
    assert world.see(BAD, 60) is Phase.PENDING
    assert world.told == []


def test_recovering_for_keep_firing_for_then_resolved() -> None:
    world = World(rule(keep_firing_for="1m"))
    world.see(BAD)
    assert world.see(GOOD, 60) is Phase.RECOVERING
    assert world.see(GOOD) is Phase.RESOLVED
    assert world.told == ["firing", "resolved"]
    assert world.edges[0].episode == world.edges[1].episode
    assert world.edges[1].reason == "1 is not above 5"


@pytest.mark.parametrize("other", [BAD, BETWEEN])
def test_recovering_goes_back_to_firing_in_the_same_episode(other: Sample) -> None:
    world = World(rule(keep_firing_for="1m"))
    world.see(BAD)
    world.see(GOOD, 45)
    assert world.see(other) is Phase.FIRING
    assert world.see(GOOD, 60) is Phase.RECOVERING
    assert world.see(GOOD) is Phase.RESOLVED
    assert world.told == ["firing", "resolved"]


def test_between_threshold_and_clear_nothing_moves() -> None:
    world = World(rule())
    world.see(BAD)
    assert world.see(BETWEEN, 3600) is Phase.FIRING
    assert world.see(GOOD) is Phase.RESOLVED
    assert world.see(BETWEEN, 3600) is Phase.RESOLVED


def test_after_resolved_a_new_episode_begins() -> None:
    world = World(rule(**{"for": "30s"}))
    world.see(BAD, 45)
    world.see(GOOD)
    assert world.see(BAD, 30) is Phase.PENDING
    assert world.see(GOOD) is Phase.RESOLVED
    world.see(BAD, 45)
    assert world.told == ["firing", "resolved", "firing"]
    assert len({edge.episode for edge in world.edges}) == 2


@pytest.mark.parametrize("sample", [NOTHING, MISSING, BLIND])
@pytest.mark.parametrize("keep_firing_for", ["0s", "5m"])
def test_missing_data_never_resolve(sample: Sample, keep_firing_for: str) -> None:
    world = World(rule(keep_firing_for=keep_firing_for))
    world.see(BAD)
    assert world.see(sample, 23 * 3600) is Phase.FIRING
    assert world.told == ["firing"]
    assert world.state.value == 9.0


@pytest.mark.parametrize("sample", [NOTHING, MISSING, BLIND])
def test_recovering_is_not_finished_by_missing_data(sample: Sample) -> None:
    world = World(rule(keep_firing_for="1m"))
    world.see(BAD)
    world.see(GOOD, 30)
    assert world.see(sample, 3600) is Phase.RECOVERING
    assert world.told == ["firing"]
    assert world.see(GOOD) is Phase.RESOLVED


@pytest.mark.parametrize("sample", [NOTHING, MISSING, BLIND])
def test_pending_does_not_fire_on_missing_data(sample: Sample) -> None:
    world = World(rule(**{"for": "1m"}))
    world.see(BAD, 30)
    assert world.see(sample, 600) is Phase.PENDING
    assert world.see(BAD) is Phase.PENDING, "nobody saw it hold: it pends from now on"
    assert world.see(BAD, 60) is Phase.FIRING


def test_a_short_gap_does_not_start_the_clock_again() -> None:
    world = World(rule(**{"for": "5m"}))
    world.see(BAD, 240)
    world.see(BLIND, 30)
    assert world.see(BAD, 45) is Phase.FIRING


def test_a_missing_series_is_given_up_after_a_day_and_says_so() -> None:
    world = World(rule())
    world.see(BAD)
    world.see(MISSING, 24 * 3600 - 30)
    assert world.told == ["firing"]
    assert world.see(MISSING, 60) is Phase.RESOLVED
    assert "gone; not known to be well, but missing for 1 day" in world.edges[-1].reason


@pytest.mark.parametrize(("policy", "sample"), [("no_data", NOTHING), ("missing_series", MISSING)])
def test_a_rule_may_resolve_on_missing_data_and_the_edge_says_so(policy: str, sample: Sample) -> None:
    world = World(rule(**{policy: "resolve", "keep_firing_for": "1m"}))
    world.see(BAD)
    assert world.see(sample) is Phase.RECOVERING
    assert world.see(sample, 60) is Phase.RESOLVED
    assert world.edges[-1].reason.endswith("not known to be well, but the rule resolves on that")


@pytest.mark.parametrize(("policy", "sample"), [("no_data", NOTHING), ("missing_series", MISSING), ("unreadable", BLIND)])
def test_a_rule_may_fire_on_missing_data(policy: str, sample: Sample) -> None:
    world = World(rule(**{policy: "fire", "for": "30s"}))
    assert world.see(sample, 30) is Phase.PENDING
    assert world.see(sample) is Phase.FIRING
    assert world.edges[0].reason.endswith("the rule fires on that")


def test_a_series_that_ends_on_purpose_ends_its_alert() -> None:
    world = World(rule(keep_firing_for="1h"))
    world.see(BAD)
    retired = Sample(Data.MISSING_SERIES, clear=False, reason="agent a-7 is retired", ended=True)
    assert world.see(retired) is Phase.RESOLVED
    assert world.edges[-1].reason == "agent a-7 is retired"


def test_not_later_changes_nothing() -> None:
    world = World(rule())
    world.see(BAD)
    for now in (world.now, world.now - 1, START):
        again = step(world.rule, world.state, GOOD, now)
        assert (again.state, again.edge, again.save) == (world.state, None, False)


def test_the_state_given_stays_as_it_is() -> None:
    world = World(rule())
    before = world.state
    world.see(BAD)
    assert (before.phase, before.fired, before.evaluated) == (Phase.INACTIVE, [], 0)


def test_two_evaluators_find_the_same_edge() -> None:
    world = World(rule(**{"for": "1m"}))
    world.see(BAD, 60)
    first, second = (step(world.rule, world.state, BAD, world.now + later) for later in (TICK, TICK + 400))
    assert first.edge
    assert second.edge
    assert first.edge.id == second.edge.id


def test_late_data_that_change_the_past_are_gone_by() -> None:
    """A reopened minute shows that the condition never held: the alert recovers as from any other."""
    world = World(rule(keep_firing_for="30s"))
    world.see(BAD, 30)
    world.see(GOOD, 45)
    assert world.told == ["firing", "resolved"]


def test_a_rule_that_changed_ends_its_alert_and_begins_anew() -> None:
    world = World(rule(labels={"team": "search"}))
    world.see(BAD)
    world.rule = rule(labels={"team": "other"}, when={"field": "cpu", "above": 6})
    assert world.see(BAD) is Phase.RESOLVED
    assert world.edges[-1].reason == "the rule was changed: what it watches begins anew"
    assert world.edges[-1].labels["team"] == "search", "whoever heard of it hears of its end"
    assert world.see(BAD) is Phase.FIRING
    assert world.edges[-1].labels["team"] == "other"


def test_a_rule_that_changed_begins_pending_anew() -> None:
    world = World(rule(**{"for": "1m"}))
    world.see(BAD, 60)
    world.rule = rule(**{"for": "1m"}, when={"field": "cpu", "above": 6})
    assert world.see(BAD, 60) is Phase.PENDING
    assert world.see(BAD) is Phase.FIRING


def test_how_long_and_how_told_may_change_under_a_firing_alert() -> None:
    world = World(rule())
    world.see(BAD)
    world.rule = rule(keep_firing_for="1m", severity="info", description="other")
    assert world.see(GOOD) is Phase.RECOVERING
    assert world.told == ["firing"]


def test_an_expired_rule_ends_its_alerts() -> None:
    world = World(rule())
    world.see(BAD)
    world.rule = rule(expires="2020-01-01")
    assert world.see(BAD) is Phase.RESOLVED
    assert world.edges[-1].reason == "the rule has expired"
    assert world.see(BAD) is Phase.RESOLVED
    assert world.told == ["firing", "resolved"]


def test_the_alert_of_a_deleted_rule_ends_as_it_was_told() -> None:
    world = World(rule())
    world.see(BAD)
    ended = end(world.state, "the rule was deleted", world.now + 1)
    assert ended.edge
    assert (ended.edge.kind, ended.edge.labels, ended.edge.severity) == (EdgeKind.RESOLVED, world.edges[0].labels, "critical")
    assert end(ended.state, "the rule was deleted", world.now + 2).edge is None


def test_acknowledgement_ends_with_the_episode() -> None:
    world = World(rule(keep_firing_for="30s"))
    assert acknowledge(world.state, "ana").acknowledged_by is None
    world.see(BAD)
    world.state = acknowledge(world.state, "ana")
    world.see(BAD, 300)
    world.see(GOOD, 15)
    assert world.state.acknowledged_by == "ana"
    world.see(GOOD, 30)
    assert world.state.acknowledged_by is None
    world.see(BAD)
    assert world.state.acknowledged_by is None


def test_flapping_is_told_once_and_capped() -> None:
    world = World(rule())
    for _ in range(60):
        world.see(BAD)
        world.see(GOOD)
    assert world.told == ["firing", "resolved"] * MAX_EPISODES_AN_HOUR + ["firing"]
    assert [edge.flapping for edge in world.edges if edge.kind is EdgeKind.FIRING] == [False] * MAX_EPISODES_AN_HOUR + [True]
    assert "Flapping" in world.edges[-1].reason
    assert world.see(GOOD, CALM_MS // 1000 - 15) is Phase.RECOVERING
    assert world.see(GOOD, 30) is Phase.RESOLVED


def test_rare_episodes_are_no_flapping() -> None:
    world = World(rule())
    for _ in range(10):
        world.see(BAD)
        world.see(GOOD, 15 * 60)
    assert not any(edge.flapping for edge in world.edges)


def test_figures_alone_are_stored_now_and_then() -> None:
    world = World(rule())
    saved = []
    for _ in range(60):
        world.see(BAD)
        assert world.last
        saved.append(world.last.save)
    assert saved[0]
    stored = world.state
    assert not step(world.rule, stored, BAD, world.now + TICK).save
    assert step(world.rule, stored, BAD, world.now + 6 * MINUTE_MS).save


def test_a_state_at_rest_may_be_forgotten_after_a_day() -> None:
    world = World(rule())
    world.see(BAD)
    assert not forgettable(world.state, world.now + 9 * DAY_MS)
    world.see(GOOD)
    assert not forgettable(world.state, world.now + HOUR_MS)
    assert forgettable(world.state, world.now + DAY_MS + HOUR_MS)


def test_trouble_does_not_become_usual_while_it_lasts() -> None:
    """After days the trailing week holds the trouble itself, and its threshold rises over it: that is no recovery."""
    week = {"metric": "m", "aggregation": "p95", "over": "5m", "baseline": {"of": "trailing_7d", "factor": 2}}
    world = World(rule(when=week))
    world.see(BAD)
    risen = GOOD._replace(value=9.0, threshold=16.0)
    assert world.see(risen, 3600) is Phase.FIRING
    assert world.last
    assert "still beyond what it fired at" in world.last.reason
    assert world.see(GOOD) is Phase.RESOLVED


def test_a_new_level_is_usual_after_a_week() -> None:
    week = {"metric": "m", "aggregation": "p95", "over": "5m", "baseline": {"of": "trailing_7d", "factor": 2}}
    world = World(rule(when=week))
    world.see(BAD)
    world.now += 7 * DAY_MS
    assert world.see(GOOD._replace(value=9.0, threshold=16.0)) is Phase.RESOLVED


SAMPLES = st.lists(st.sampled_from([BAD, BETWEEN, GOOD, NOTHING, MISSING, BLIND]), max_size=120)
RULES = st.builds(
    lambda hold, keep: rule(**{"for": hold, "keep_firing_for": keep}),
    st.sampled_from(["0s", "15s", "1m"]),
    st.sampled_from(["0s", "15s", "1m"]),
)


@given(RULES, SAMPLES)
def test_edges_alternate_and_resolved_rests_on_a_clear_sample(watched: Rule, samples: Sequence[Sample]) -> None:
    world = World(watched)
    for sample in samples:
        told = len(world.edges)
        world.see(sample)
        if len(world.edges) > told:
            assert sample is (BAD if world.edges[-1].kind is EdgeKind.FIRING else GOOD)
        assert world.state.series == {"agent": "a-7"}
    assert world.told == ["firing", "resolved"] * (len(world.told) // 2) + ["firing"] * (len(world.told) % 2)
    assert len({edge.id for edge in world.edges}) == len(world.edges)
    assert sum(edge.kind is EdgeKind.FIRING for edge in world.edges) <= (MAX_EPISODES_AN_HOUR + 1) * (1 + len(samples) * TICK // HOUR_MS)


@given(RULES, SAMPLES, st.data())
def test_evaluators_that_store_only_what_is_worth_it_tell_the_same(watched: Rule, samples: Sequence[Sample], data: st.DataObject) -> None:
    """A crash loses what was not stored; the edges are the same as if all of it had been, and none comes twice."""
    world = World(watched)
    stored: AlertState = world.state
    edges = []
    for number, sample in enumerate(samples, 1):
        now = START + number * TICK
        world.see(sample)
        found = step(watched, stored, sample, now)
        edges += [found.edge] if found.edge else []
        if found.save or data.draw(st.booleans()):
            stored = found.state
    assert [(edge.id, edge.at) for edge in edges] == [(edge.id, edge.at) for edge in world.edges]
