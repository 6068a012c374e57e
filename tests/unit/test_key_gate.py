"""The gate of rotations: one refused key is enough, one bad task of three is not."""

from __future__ import annotations

import random
from math import comb

import pytest

from functions.domain.key_gate import USUAL, Evidence, assumed, at_least, judge
from functions.domain.rollout import Outcome

ABOVE = 0.02


def verdict(failed: int, tasks: int, other_failed: int = 0, other_tasks: int = 1_000, **refused: int) -> Outcome:
    return judge(Evidence(10, tasks, failed, refused, 90 if other_tasks else 0, other_tasks, other_failed), ABOVE, 7).outcome


def test_one_task_that_was_refused_for_its_key_fails_the_wave_and_names_the_agent() -> None:
    found = judge(Evidence(10, 5_000, 1, {"a-3": 1}, 90, 1_000, 900), ABOVE, 7)
    assert found.outcome is Outcome.FAIL
    assert found.reason == "1 task failed because the provider refused the key, on a-3"


def test_no_task_at_all_is_a_pass_that_says_why() -> None:
    found = judge(Evidence(10, 0, 0, {}, 0, 0, 0), ABOVE, 7)
    assert found.outcome is Outcome.PASS
    assert "each of them has tried" in found.reason
    assert found.looked_at == 7


@pytest.mark.parametrize(
    ("failed", "tasks", "other_failed", "other_tasks", "outcome"),
    [
        (1, 3, 0, 1_000, Outcome.PASS),
        (2, 3, 0, 1_000, Outcome.FAIL),
        (1, 1, 0, 1_000, Outcome.PASS),
        (3, 3, 0, 0, Outcome.FAIL),
        (2, 3, 0, 0, Outcome.PASS),
        (2, 100, 0, 1_000, Outcome.PASS),
        (10, 100, 0, 1_000, Outcome.FAIL),
        (10, 100, 100, 1_000, Outcome.PASS),
        (30, 1_000, 10, 1_000, Outcome.PASS),
        (60, 1_000, 10, 1_000, Outcome.FAIL),
        # The provider is down for all.
        (50, 100, 500, 1_000, Outcome.PASS),
        (90, 100, 500, 1_000, Outcome.FAIL),
        (100, 100, 1_000, 1_000, Outcome.PASS),
    ],
)
def test_a_wave_fails_when_chance_and_the_others_do_not_explain_it(
    failed: int, tasks: int, other_failed: int, other_tasks: int, outcome: Outcome
) -> None:
    assert verdict(failed, tasks, other_failed, other_tasks) is outcome


def test_figures_are_told() -> None:
    found = judge(Evidence(10, 40, 1, {}, 90, 400, 4), ABOVE, 7)
    assert found.reason == "1 of 40 tasks failed (2.5 %), 4 of 400 (1.0 %) of 90 other agents"
    assert (found.findings[0].wave, found.findings[0].control) == (0.025, 0.01)
    assert (found.tasks, found.control_tasks, found.control_agents) == (40, 400, 90)


def test_a_sound_wave_is_hardly_ever_failed() -> None:
    chance = random.Random(4)
    wrong = 0
    for _ in range(2_000):
        share, tasks, others = chance.choice([0.0, 0.01, 0.05, 0.2]), chance.choice([1, 3, 10, 50, 200]), chance.choice([0, 5, 50, 900])
        failed, other_failed = (sum(chance.random() < share for _ in range(amount)) for amount in (tasks, others))
        wrong += verdict(failed, tasks, other_failed, others) is Outcome.FAIL and share <= (USUAL if others < 50 else 1)
    assert wrong <= 20


def test_the_chance_is_the_binomial_one() -> None:
    for amount, share in ((1, 0.3), (7, 0.02), (40, 0.5)):
        for failed in range(amount + 2):
            exact = sum(comb(amount, each) * share**each * (1 - share) ** (amount - each) for each in range(failed, amount + 1))
            assert at_least(failed, amount, share) == pytest.approx(exact, abs=1e-12)
    assert at_least(5, 5, 1.0) == 1.0
    assert at_least(1, 5, 0.0) == 0.0


def test_others_that_are_few_are_not_taken_at_their_word() -> None:
    assert assumed(0, 0) == USUAL
    assert assumed(0, 3) == USUAL
    assert assumed(3, 3) == 1.0
    assert 0.001 < assumed(0, 1_000) < 0.003
    assert 0.1 < assumed(100, 1_000) < 0.12
