"""The decision: properties that hold whatever is observed, and the table of thresholds case by case."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.scaling import (
    SCALING,
    TELLING,
    Action,
    Decision,
    GroupPolicy,
    Memory,
    Observed,
    Reading,
    Signal,
    TellingSignal,
    Work,
    Zone,
)
from functions.domain.scaling_decide import decide, step_of
from functions.domain.scaling_policy import parse_policy

START = 1_795_478_400_000
USUAL = GroupPolicy(name="g", tags="tier=fast", min=2, max=20)
OFF = {"rate_limited": None, "cost": None}

values = st.one_of(st.none(), st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 5.0, 6.0]))
readings = st.builds(Reading, values, values, st.sampled_from(["", "", "", "not sealed"]))
observations = st.builds(
    lambda gap, current, found: (gap, current, found),
    st.sampled_from([15_000, 60_000, 60_000, 60_000, 90_000, 400_000]),
    st.integers(0, 40),
    st.dictionaries(st.sampled_from(list(Signal)), readings),
)
calm = st.builds(
    lambda current, waiting, saturation, latency: (
        120_000,
        current,
        {Signal.QUEUE: Reading(waiting), Signal.SATURATION: Reading(saturation), Signal.LATENCY: Reading(latency, 1000.0)},
    ),
    st.integers(1, 12),
    st.sampled_from([None, 0.0, 0.0, 1.0, 4.0]),
    st.sampled_from([None, 0.1, 0.3, 0.5, 0.7, 0.8]),
    st.sampled_from([None, 500.0, 1400.0]),
)
"""Of groups that mostly have little to do, so that they shrink."""
policies = st.builds(
    lambda least, more, up, down, stable: msgspec.structs.replace(
        USUAL, min=least, max=least + more, step_up=up, step_down=down, stabilise_down_s=stable, stabilise_up_s=stable // 4
    ),
    st.integers(1, 10),
    st.integers(0, 30),
    st.sampled_from(["1", "50%", "100%", "7"]),
    st.sampled_from(["1", "20%", "3"]),
    st.sampled_from([0, 120, 300]),
)
works = st.none() | st.builds(Work, started=st.floats(0.001, 1e4), seconds=st.floats(0.001, 1e4))


def play(policy: GroupPolicy, story: list[tuple[int, int, dict[Signal, Reading]]], work: Work | None = None) -> list[Decision]:
    memory, time, made = Memory(), START, []
    for gap, current, found in story:
        time += gap
        decision = decide(policy, Observed(time=time, current=current, readings=found, work=work), memory, time + 5_000)
        memory = decision.memory
        made.append(decision)
    return made


@given(policies, st.lists(observations, max_size=40), works)
@settings(max_examples=60, deadline=None)
def test_never_below_min_or_above_max_and_never_by_more_than_a_step(policy: GroupPolicy, story: Any, work: Work | None) -> None:
    for number, decision in enumerate(play(policy, story, work)):
        assert policy.min <= decision.desired <= policy.max
        if number and decision.action is Action.GROW:
            reached = max(decision.current, decision.before)
            assert decision.desired - reached <= step_of(policy.step_up, decision.current) or decision.desired == policy.min
        if number and decision.action is Action.SHRINK:
            assert decision.before - decision.desired <= step_of(policy.step_down, decision.before)


@given(policies, st.lists(calm, min_size=1, max_size=3), works, st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_count_is_gone_down_to_that_the_same_signals_would_send_up_again(
    policy: GroupPolicy, kinds: Any, work: Work | None, agrees: bool
) -> None:
    policy = msgspec.structs.replace(policy, min=1, max=20, saturation=msgspec.structs.replace(policy.saturation, must_agree=agrees))
    story = [kind for kind in kinds for _ in range(12)]
    for (_, current, found), decision in zip(story, play(policy, story, work), strict=True):
        if decision.action is not Action.SHRINK:
            continue
        waiting, saturation, latency = (found.get(signal, Reading()) for signal in (Signal.QUEUE, Signal.SATURATION, Signal.LATENCY))
        fewer = {
            Signal.QUEUE: waiting,
            Signal.LATENCY: latency,
            Signal.SATURATION: Reading(None if saturation.value is None else saturation.value * current / decision.desired),
        }
        again = play(policy, [(60_000, decision.desired, fewer)] * 6, work)
        assert not any(one.action is Action.GROW for one in again)


@given(policies, st.lists(observations, max_size=40), works)
@settings(max_examples=60, deadline=None)
def test_cost_and_rate_limits_never_change_the_count(policy: GroupPolicy, story: Any, work: Work | None) -> None:
    without = [(gap, current, {signal: one for signal, one in found.items() if signal in SCALING}) for gap, current, found in story]
    unwatched = msgspec.structs.replace(policy, **OFF)
    counts = [decision.desired for decision in play(policy, story, work)]
    assert counts == [decision.desired for decision in play(policy, without, work)]
    assert counts == [decision.desired for decision in play(unwatched, story, work)]


@given(policies, st.lists(observations, max_size=40))
@settings(max_examples=60, deadline=None)
def test_changes_are_as_far_apart_as_cooldowns_say_and_longer_before_shrinking(policy: GroupPolicy, story: Any) -> None:
    made = [decision for decision in play(policy, story)[1:] if decision.action is not Action.HOLD]
    rules = policy.scaling().values()
    for before, after in pairwise(made):
        least = min(rule.up_cooldown_s if after.action is Action.GROW else rule.down_cooldown_s for rule in rules)
        assert after.time - before.time >= least * 1000
    for rule in rules:
        assert rule.up_cooldown_s < rule.down_cooldown_s


@given(policies, st.lists(observations, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_repeat_changes_nothing(policy: GroupPolicy, story: Any) -> None:
    last = play(policy, story)[-1]
    _, current, found = story[-1]
    again = decide(policy, Observed(time=last.time, current=current, readings=found), last.memory, last.time + 30_000)
    assert (again.desired, again.memory, again.told, again.action) == (last.desired, last.memory, [], Action.HOLD)


@given(policies, st.lists(observations, min_size=1, max_size=20), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_what_is_stale_changes_nothing(policy: GroupPolicy, story: Any, current: int) -> None:
    last = play(policy, story)[-1]
    observed = Observed(time=last.time + 60_000, current=current, readings={Signal.QUEUE: Reading(1e6)})
    late = decide(policy, observed, last.memory, observed.time + policy.stale_after_s * 1000 + 1)
    assert (late.stale, late.desired, late.memory, late.told) == (True, last.desired, last.memory, [])


def minutes(policy: GroupPolicy, amount: int, step: int = 30_000, current: int = 10, **found: Any) -> list[Decision]:
    """The same observed again and again, as often as fits into so many minutes."""
    reading = {Signal(name): value if isinstance(value, Reading) else Reading(*value) for name, value in found.items()}
    return play(policy, [(step, current, reading)] * (amount * 60_000 // step + 1))


def first(made: list[Decision], action: Action) -> int | None:
    """After how many seconds."""
    return next(((one.time - made[0].time) // 1000 for one in made if one.action is action), None)


GROWS = [
    ({"queue": (20.1,)}, 60),
    ({"latency": (1501.0, 1000.0)}, 180),
    ({"saturation": (0.86,)}, 120),
]
STAYS = [{"queue": (20.0,)}, {"queue": (5.0,)}, {"latency": (1500.0, 1000.0)}, {"latency": (1000.0, 1000.0)}, {"saturation": (0.85,)}]
SHRINKS = [
    ({"queue": (4.9,)}, 300),
    ({"latency": (999.0, 1000.0)}, 900),
    ({"saturation": (0.39,)}, 600),
]


@pytest.mark.parametrize(("found", "seconds"), GROWS)
def test_what_grows_a_group_and_after_how_long(found: Any, seconds: int) -> None:
    made = minutes(USUAL, 20, **found)
    assert first(made, Action.GROW) == seconds
    assert first(made, Action.SHRINK) is None


@pytest.mark.parametrize(("found", "seconds"), SHRINKS)
def test_what_shrinks_a_group_and_after_how_long(found: Any, seconds: int) -> None:
    made = minutes(USUAL, 20, **found)
    assert first(made, Action.SHRINK) == seconds
    assert first(made, Action.GROW) is None


@pytest.mark.parametrize("found", STAYS)
def test_what_changes_nothing(found: Any) -> None:
    assert {decision.desired for decision in minutes(USUAL, 30, **found)} == {10}


def test_nothing_known_changes_nothing() -> None:
    assert {decision.desired for decision in minutes(USUAL, 30)} == {10}
    assert {decision.desired for decision in minutes(USUAL, 30, latency=(900.0, None))} == {10}


@pytest.mark.parametrize("other", [{"saturation": (0.5,)}, {"saturation": Reading(fault="not sealed")}, {"latency": (1600.0, 1000.0)}])
def test_one_signal_shrinks_no_group_that_another_keeps(other: Any) -> None:
    policy = msgspec.structs.replace(USUAL, latency=msgspec.structs.replace(USUAL.latency, up_for_s=86_400))
    made = minutes(policy, 30, queue=(0.0,), **other)
    assert {decision.desired for decision in made} == {10}
    assert "; but " in made[-1].reason


def test_latency_that_is_as_usual_keeps_no_idle_group() -> None:
    made = minutes(USUAL, 30, queue=(0.0,), saturation=(0.1,), latency=(1200.0, 1000.0))
    assert made[-1].desired < 10


def test_a_gap_breaks_what_has_to_last() -> None:
    high = {Signal.SATURATION: Reading(0.99)}
    made = play(USUAL, [(60_000, 5, high), (400_000, 5, high), (60_000, 5, high)])
    assert [decision.action for decision in made] == [Action.HOLD] * 3
    assert play(USUAL, [(60_000, 5, high)] * 3)[-1].action is Action.GROW


def test_one_unreadable_minute_does_not_break_it() -> None:
    high, gone = {Signal.SATURATION: Reading(0.99)}, {Signal.SATURATION: Reading(fault="not sealed")}
    made = play(USUAL, [(60_000, 5, high), (60_000, 5, gone), (60_000, 5, high)])
    assert [decision.action for decision in made] == [Action.HOLD, Action.HOLD, Action.GROW]
    assert {state.zone for state in made[1].signals if state.signal is Signal.SATURATION} == {Zone.UNREADABLE}


def test_bounds_that_were_changed_hold_at_once_even_when_nothing_new_is_known() -> None:
    last = minutes(USUAL, 1, queue=(5.0,))[-1]
    narrow = msgspec.structs.replace(USUAL, max=6)
    observed = Observed(time=last.time - 1, current=10)
    made = decide(narrow, observed, last.memory, last.time)
    assert (made.desired, made.memory.desired, made.memory.changed) == (6, 6, last.time)
    assert made.reason == "from 10 to 6: there may be from 2 to 6"


def test_agents_that_are_on_their_way_are_not_asked_for_again() -> None:
    """Four were asked for and none has come: what is there grows by one step at most."""
    made = play(USUAL, [(60_000, 8, {Signal.QUEUE: Reading(1000.0)})] * 20)
    assert {decision.desired for decision in made} == {8, 12}
    assert "8 of them are there" in made[-1].reason


def test_a_decision_says_what_held_it_back() -> None:
    made = minutes(USUAL, 1, queue=(1000.0,))[-1]
    assert (made.before, made.desired, made.wanted) == (10, 15, 800)
    assert made.limits == ["step: 800 are wanted, one decision goes 50% at most"]
    stable = msgspec.structs.replace(USUAL, stabilise_up_s=300, max=100)
    story = [(60_000, 10, {Signal.QUEUE: Reading(float(depth))}) for depth in (25, 30, 200)]
    assert play(stable, story)[1].limits == [
        "stabilisation: 24 are wanted now, 20 were lately",
        "step: 20 are wanted, one decision goes 50% at most",
    ]


def test_a_count_that_could_not_have_done_what_there_was_is_not_gone_down_to() -> None:
    """Nine tenths of an agent are busy: with one more task by chance two agents would be too few."""
    policy = msgspec.structs.replace(USUAL, min=1, max=5)
    made = play(policy, [(60_000, 3, {Signal.SATURATION: Reading(0.3), Signal.QUEUE: Reading(0.0)})] * 40)
    assert {decision.desired for decision in made} == {3}
    why = "with 2 the saturation could be 0.9243, above 0.85 (0.9 were busy, and 0.9487 more by chance within 15 min)"
    assert made[-1].reason.startswith(f"stays at 3, for {why}: ")
    assert made[-1].limits == [f"no turning back: {why}"]


def test_where_the_least_holds_anyway_nothing_else_is_told() -> None:
    policy = msgspec.structs.replace(USUAL, min=1, max=5)
    idle = [(60_000, 1, {Signal.SATURATION: Reading(level), Signal.QUEUE: Reading(0.0)}) for level in (0.3, *[0.0] * 14)]
    made = play(policy, idle)[-1]
    assert made.reason.startswith("stays at 1, for that is the least that there may be: ")
    assert made.limits == ["bounds: from 1 to 5"]


def test_what_was_to_be_done_a_quarter_of_an_hour_ago_counts_no_more() -> None:
    policy = msgspec.structs.replace(USUAL, min=1, max=5)
    idle = [(60_000, 3, {Signal.SATURATION: Reading(0.0)})] * 30
    made = play(policy, [(60_000, 3, {Signal.SATURATION: Reading(0.6)}), *idle])
    assert first(made, Action.SHRINK) == 960


def test_known_tasks_say_how_many_are_needed() -> None:
    """Ten agents finish 2.5 tasks of 4 s a second, and in a minute 90 more wait: 4 a second come."""
    policy = msgspec.structs.replace(USUAL, max=100, step_up="1000%")
    story = [(60_000, 10, {Signal.QUEUE: Reading(float(depth)), Signal.SATURATION: Reading(1.0)}) for depth in (30, 120)]
    made = play(policy, story, Work(started=2.5, seconds=4.0))
    assert made[-1].desired == 26
    assert made[-1].reason.startswith("from 10 to 26: 120 tasks wait, 12 for each of 10 agents: above 2 for 1 min; ")
    assert made[-1].reason.endswith("; 26 are needed: 4 tasks/s x 4 s / 0.625")
    assert play(policy, story)[-1].desired == 96, "without them the level has to do"


def test_latency_asks_for_a_tenth_more_and_no_more_than_known_tasks_need() -> None:
    slow = {Signal.LATENCY: Reading(2000.0, 1000.0), Signal.QUEUE: Reading(0.0)}
    policy = msgspec.structs.replace(USUAL, max=100)
    for started, desired in ((10.0, 33), (5.0, 32), (1.0, 31)):
        made = play(policy, [(60_000, 30, slow)] * 5, Work(started=started, seconds=4.0))
        assert made[3].desired == desired
    assert made[3].reason.endswith("; 7 are needed: 1 tasks/s x 4 s / 0.625, yet it is not enough: one more")


def test_stabilisation_keeps_what_was_wanted_a_while_ago() -> None:
    policy = msgspec.structs.replace(USUAL, queue=msgspec.structs.replace(USUAL.queue, down_for_s=60, down_cooldown_s=91))
    story = [(60_000, 10, {Signal.QUEUE: Reading(12.0)}), *[(60_000, 10, {Signal.QUEUE: Reading(0.0)})] * 9]
    made = play(policy, story)
    assert first(made, Action.SHRINK) == 360
    assert "what was to be done lately" in made[4].reason


class TestTelling:
    def told(self, story: list[float], **more: Any) -> list[list[tuple[bool, int]]]:
        policy = msgspec.structs.replace(USUAL, rate_limited=TellingSignal(above=5.0, for_s=0, clear=0.0, clear_for_s=600), **more)
        made = play(policy, [(60_000, 5, {Signal.RATE_LIMITED: Reading(value)}) for value in story])
        return [[(told.began, (told.since - START) // 60_000) for told in decision.told] for decision in made]

    def test_more_than_five_a_minute_begin_an_episode_and_ten_minutes_without_any_end_it(self) -> None:
        assert self.told([5.0, 6.0, 9.0, 0.0, 6.0]) == [[], [(True, 2)], [], [], []]
        assert self.told([6.0, *[0.0] * 11])[-1] == [(False, 1)]
        assert self.told([6.0, *[0.0] * 9, 1.0, *[0.0] * 9]) == [[(True, 1)], *[[]] * 19]

    def test_a_signal_that_is_not_looked_at_any_more_ends_its_episode(self) -> None:
        last = play(USUAL, [(60_000, 5, {Signal.RATE_LIMITED: Reading(9.0)})])[-1]
        unwatched = msgspec.structs.replace(USUAL, **OFF)
        made = decide(unwatched, Observed(time=last.time + 60_000, current=5), last.memory, last.time + 60_000)
        assert [(told.signal, told.began) for told in made.told] == [(Signal.RATE_LIMITED, False)]
        assert made.memory.episodes == {}


def test_signals_are_all_there() -> None:
    assert {*SCALING, *TELLING} == set(Signal)


def test_the_usual_policy_is_the_documented_table() -> None:
    (group,) = parse_policy({"groups": {"g": {"tags": "tier=fast"}}})
    table = {
        str(signal): (rule.up, rule.up_for_s, rule.down, rule.down_for_s, rule.up_cooldown_s, rule.down_cooldown_s)
        for signal, rule in group.scaling().items()
    }
    assert table == {
        "queue": (2.0, 60, 0.5, 300, 90, 300),
        "latency": (1.5, 180, 1.0, 900, 180, 900),
        "saturation": (0.85, 120, 0.4, 600, 120, 600),
    }
    assert {str(signal): (rule.above, rule.clear, rule.clear_for_s) for signal, rule in group.telling().items()} == {
        "rate_limited": (5.0, 0.0, 600),
        "cost": (1.3, 1.3, 600),
    }
