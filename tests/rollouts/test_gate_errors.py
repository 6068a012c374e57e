"""How often the gate errs, on a part of what `gate_table` simulates: seeded, so that it is the same at each run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from functions.domain.tasks import COST, ERRORS, LATENCY
from tests.rollouts.gate_simulation import BAKE, Fleet, Harm, false_aborts, first_fails, upper_bound, waves_of

RUNS = 500


@pytest.mark.parametrize(
    "fleet",
    [Fleet(agents=12), Fleet(agents=12, spread=0.7), Fleet(agents=12, errors=0.2, bursts=0.5)],
    ids=["alike", "they differ", "bursts"],
)
def test_harmless_changes_are_aborted_in_less_than_one_rollout_of_a_hundred(fleet: Fleet) -> None:
    assert upper_bound(false_aborts(fleet, RUNS, seed=7), RUNS) < 0.01


def test_an_incident_is_no_reason_to_abort() -> None:
    assert upper_bound(false_aborts(Fleet(agents=12, incident=5.0), RUNS, seed=7), RUNS) < 0.01


def found(tasks: int, harm: Harm, metric: str, errors: float, runs: int = 60) -> np.ndarray:
    """The minutes after which harm to 5 of 40 agents was found, which have so many tasks in a bake; 0: never."""
    fleet = replace(Fleet(), rate=tasks / (5 * BAKE), errors=errors)
    return first_fails(np.random.default_rng(7), fleet, 5, runs, harm, [metric])


@pytest.mark.parametrize(
    ("tasks", "harm", "metric", "errors"),
    [
        (50, Harm(errors=3), ERRORS, 0.2),
        (200, Harm(errors=3), ERRORS, 0.1),
        (50, Harm(latency=2), LATENCY, 0.05),
        (200, Harm(dear=2, dear_share=1), COST, 0.05),
    ],
    ids=["errors x 3 of 20 %", "errors x 3 of 10 %, 200 tasks", "latency x 2", "cost x 2, 200 tasks"],
)
def test_clear_harm_is_found_within_one_bake(tasks: int, harm: Harm, metric: str, errors: float) -> None:
    assert np.mean(found(tasks, harm, metric, errors) > 0) > 0.8


def test_when_everything_fails_it_is_found_in_the_first_two_minutes() -> None:
    minutes = found(50, Harm(errors=1e6), ERRORS, 0.05)
    assert (minutes > 0).all()
    assert np.mean(minutes <= 2) > 0.9


def test_waves_of_the_default_policy() -> None:
    assert waves_of(40) == [1, 4, 5, 30]
    assert waves_of(4) == [1, 3]
    assert waves_of(1000) == [1, 4, 245, 750]
