from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from functions.domain.gate import Panel, judge
from functions.domain.gate_means import Amounts
from functions.domain.gate_policy import GatePolicy
from functions.domain.gate_score import Sample
from functions.domain.gate_text import amount, count
from functions.domain.gate_weigh import Design, Trials, Weight, weigh
from functions.domain.rollout import Outcome

PAST, BAKE = 20, 6
SLOTS = PAST + BAKE
POLICY = GatePolicy(metrics=("task.errors",))


def design(changed: int, control: int, cells: int = 1) -> Design:
    agents = changed + control
    before, after = np.zeros((agents, SLOTS), dtype=bool), np.zeros((agents, SLOTS), dtype=bool)
    before[:, :PAST], after[:, PAST:] = True, True
    window = np.where(np.arange(SLOTS) < PAST, np.arange(SLOTS) // 5, -1)
    return Design(np.arange(agents) < changed, np.arange(agents) % cells, before, after, window)


def panel(bad: Any, total: Any, changed: int, **more: Any) -> Panel:
    bad, total = np.asarray(bad, dtype=np.int64), np.asarray(total, dtype=np.int64)
    sample = Sample(Trials(bad[None], total[None]), Amounts(bad[None] * 1.0, total[None]))
    return Panel(design(changed, len(bad) - changed), total, {"task.errors": sample}, **more)


@st.composite
def counts(draw: st.DrawFn, changed: int | None = None, most: int = 12) -> tuple[Any, Any, int]:
    """Bad and all tasks of some agents, and how many of them changed."""
    agents = draw(st.integers(1, 5))
    total = draw(arrays.arrays(np.int64, (agents, SLOTS), elements=st.integers(0, most), fill=st.just(2)))
    share = draw(arrays.arrays(np.float64, (agents, SLOTS), elements=st.floats(0, 1), fill=st.just(0.0)))
    return (total * share).astype(np.int64), total, draw(st.integers(0, agents)) if changed is None else changed


def weights(bad: Any, total: Any, changed: int) -> tuple[Weight, Weight]:
    return weigh(Trials(np.asarray(bad)[None], np.asarray(total)[None]), design(changed, len(bad) - changed))


@settings(max_examples=50)
@given(counts(), st.booleans(), st.sampled_from([1e-9, 0.001, 0.05]))
def test_any_counts_have_a_verdict_that_can_be_shown(found: tuple[Any, Any, int], untouched: bool, alpha: float) -> None:
    judged = judge(panel(*found, untouched=untouched), replace_alpha(alpha))
    assert judged.reason
    for one in judged.findings:
        assert 0 <= one.evidence <= 1.0001e12
        assert all(value is None or np.isfinite(value) for value in (one.wave, one.past, one.control))


def replace_alpha(alpha: float) -> GatePolicy:
    return GatePolicy(metrics=("task.errors",), alpha=alpha)


@settings(max_examples=50)
@given(counts(), st.randoms(use_true_random=False))
def test_evidence_does_not_depend_on_the_order_of_minutes_and_agents(found: tuple[Any, Any, int], rng: Any) -> None:
    bad, total, changed = found
    minutes = [*range(PAST), *rng.sample(range(PAST, SLOTS), BAKE)]
    agents = [*rng.sample(range(changed), changed), *rng.sample(range(changed, len(bad)), len(bad) - changed)]
    for plain, mixed in zip(weights(*found), weights(bad[agents][:, minutes], total[agents][:, minutes], changed), strict=True):
        assert mixed.log_evidence == pytest.approx(plain.log_evidence)
        assert mixed.expected == pytest.approx(plain.expected, nan_ok=True)


@settings(max_examples=50)
@given(counts(), st.data())
def test_one_more_failure_since_the_change_never_speaks_for_the_change(found: tuple[Any, Any, int], data: st.DataObject) -> None:
    bad, total, changed = found
    good = [(agent, slot) for agent in range(changed) for slot in range(PAST, SLOTS) if bad[agent, slot] < total[agent, slot]]
    if not good:
        return
    worse = bad.copy()
    worse[data.draw(st.sampled_from(good))] += 1
    for before, after in zip(weights(bad, total, changed), weights(worse, total, changed), strict=True):
        assert after.log_evidence[0] >= before.log_evidence[0] - 1e-9
        assert not after.share[0] < before.share[0]


@settings(max_examples=50)
@given(counts(), st.data())
def test_a_fail_stays_one_when_more_fails(found: tuple[Any, Any, int], data: st.DataObject) -> None:
    bad, total, changed = found
    policy = replace_alpha(0.05)
    if judge(panel(bad, total, changed), policy).outcome is Outcome.FAIL:
        worse = bad.copy()
        after = worse[:changed, PAST:]
        more = data.draw(arrays.arrays(np.bool_, after.shape))
        after[more] = total[:changed, PAST:][more]
        assert judge(panel(worse, total, changed), policy).outcome is Outcome.FAIL


@settings(max_examples=50)
@given(counts(changed=0))
def test_a_wave_that_does_what_its_control_does_never_fails(found: tuple[Any, Any, int]) -> None:
    bad, total, _ = found
    twins = panel(np.concatenate([bad, bad]), np.concatenate([total, total]), len(bad))
    assert judge(twins, replace_alpha(0.05)).outcome is not Outcome.FAIL


@given(arrays.arrays(np.int64, (4, SLOTS), elements=st.integers(0, 9)), st.integers(1, 4))
def test_without_any_failure_there_is_no_evidence(total: Any, changed: int) -> None:
    past, control = weights(np.zeros_like(total), total, changed)
    assert past.log_evidence[0] == pytest.approx(0)
    assert control.log_evidence[0] == pytest.approx(0)
    assert judge(panel(np.zeros_like(total), total, changed), POLICY).outcome is not Outcome.FAIL


def failed(rate: float, before: float = 0.0, control: float = 0.0, was: float | None = None, tasks: int = 10) -> Panel:
    """Two changed agents and four others, tasks a minute each; `was`: what the control had before."""
    total = np.full((6, SLOTS), tasks)
    bad = np.zeros_like(total)
    bad[:2, :PAST], bad[:2, PAST:] = round(before * tasks), round(rate * tasks)
    bad[2:] = round(control * tasks)
    bad[2:, :PAST] = round((control if was is None else was) * tasks)
    return panel(bad, total, 2)


def test_worse_than_both_fails() -> None:
    judged = judge(failed(0.5), POLICY)
    assert judged.outcome is Outcome.FAIL
    assert judged.reason.startswith("task.errors 50 % over 120 tasks; expected by its own past 0 % (e-value ")
    assert judged.reason.endswith("worse than its own past and the control")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (failed(0.5, before=0.5), "not worse"),
        (failed(0.5, before=0.1, control=0.5, was=0.1), "worse than its own past, but not than the control"),
        (failed(0.0), "not worse"),
    ],
)
def test_worse_than_one_passes(found: Panel, reason: str) -> None:
    judged = judge(found, POLICY)
    assert judged.outcome is Outcome.PASS
    assert judged.reason.endswith(reason)


def test_the_control_is_told_by_what_it_leads_to_expect() -> None:
    """The others always failed, these never did: that they do as the others now is no excuse."""
    judged = judge(failed(0.5, control=0.5), POLICY)
    assert judged.outcome is Outcome.FAIL
    assert judged.findings[0].control == pytest.approx(0, abs=0.02)


def test_fewer_than_three_bad_tasks_are_no_reason_to_fail() -> None:
    total = np.full((6, SLOTS), 200)
    total[:1, PAST:], total[1, PAST:] = 0, 0
    bad = np.zeros_like(total)
    total[0, PAST], bad[0, PAST] = 2, 2
    judged = judge(panel(bad, total, 1), replace_alpha(0.05))
    assert judged.findings[0].outcome is Outcome.PASS
    assert judged.reason == "2 tasks finished since the change, 20 are needed"
    assert "2 bad tasks, fewer than 3 are no reason to fail" in judged.findings[0].reason


def test_agents_that_are_restless_anyway_need_more_to_be_called_worse() -> None:
    """The same failures in all, evenly or in bursts."""
    total = np.full((6, SLOTS), 10)
    even, bursts = np.zeros_like(total), np.zeros_like(total)
    even[:, :PAST] = 1
    bursts[::2, :5], bursts[1::2, 10:15] = 4, 4
    for bad in (even, bursts):
        bad[:, PAST:] = 1
        bad[0, PAST:] = 4
    calm, restless = (weights(bad, total, 1) for bad in (even, bursts))
    assert restless[0].log_evidence < calm[0].log_evidence
    assert restless[1].log_evidence < calm[1].log_evidence


def test_one_incident_in_the_past_makes_the_past_restless_but_not_the_control() -> None:
    total = np.full((6, SLOTS), 10)
    bad = np.ones_like(total)
    bad[:, 5:10] = 5
    bad[0, PAST:] = 4
    past, control = weights(bad, total, 1)
    calm = np.ones_like(total)
    calm[0, PAST:] = 4
    assert past.log_evidence < weights(calm, total, 1)[0].log_evidence
    assert control.log_evidence == pytest.approx(weights(calm, total, 1)[1].log_evidence)


def test_cells_are_compared_apart() -> None:
    """Of two kinds of agents one has failures; more of that kind changed."""
    total = np.full((8, SLOTS), 10)
    bad = np.zeros_like(total)
    bad[::2] = 4
    changed = np.array([True, False, True, False, True, True, False, False])
    mixed = replace_changed(design(0, 8), changed)
    apart = replace_changed(design(0, 8, cells=2), changed)
    trials = Trials(bad[None], total[None])
    assert weigh(trials, mixed)[1].expected[0] != pytest.approx(weigh(trials, apart)[1].share[0])
    assert weigh(trials, apart)[1].expected[0] == pytest.approx(weigh(trials, apart)[1].share[0])


def replace_changed(of: Design, changed: Any) -> Design:
    return replace(of, changed=changed)


def test_a_metric_that_nobody_tells_is_left_out() -> None:
    judged = judge(failed(0.5), GatePolicy(metrics=("task.cost_usd", "task.errors")))
    assert [one.metric for one in judged.findings] == ["task.errors"]
    alone = judge(failed(0.5), GatePolicy(metrics=("task.cost_usd",)))
    assert alone == (Outcome.INCONCLUSIVE, "no agent tells task.cost_usd", [])


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("task.errors", 0.0, "0 %"),
        ("task.errors", 0.0042, "0.42 %"),
        ("task.errors", 0.042, "4.2 %"),
        ("task.errors", 0.42, "42 %"),
        ("task.latency_ms", 812.44, "812 ms"),
        ("task.latency_ms", 12345.6, "12,346 ms"),
        ("task.cost_usd", 0.0123456, "$0.0123"),
        ("task.cost_usd", 0.0, "$0"),
        ("task.tokens_out", 20.0, "20 tokens"),
        ("task.other", 1.5, "1.5"),
    ],
)
def test_values_for_people(metric: str, value: float, text: str) -> None:
    assert amount(metric, value) == text


def test_counts_for_people() -> None:
    assert [count(1, "task"), count(0, "task"), count(1200, "agent")] == ["1 task", "0 tasks", "1,200 agents"]
