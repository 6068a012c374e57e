from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import Faults, Node
from functions.domain.gate_policy import METRICS, GatePolicy, parse_gate


def parsed(document: dict[Any, Any]) -> tuple[GatePolicy, list[str]]:
    faults = Faults()
    policy = parse_gate(Node(document, "gate", faults))
    return policy, [str(fault) for fault in faults.found]


def test_nothing_said_is_the_default() -> None:
    assert parsed({}) == (GatePolicy(), [])


def test_all_that_can_be_said() -> None:
    policy, faults = parsed({"metrics": ["task.errors"], "alpha": 0.01, "min_tasks": 5, "ratio": 2})
    assert policy == GatePolicy(metrics=("task.errors",), alpha=0.01, min_tasks=5, ratio=2.0)
    assert not faults


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"alhpa": 0.1}, "gate.alhpa: is not known; did you mean alpha?"),
        ({"alpha": 0.5}, "gate.alpha: must be from 1e-09 to 0.05, not 0.5"),
        ({"alpha": "low"}, "gate.alpha: must be a number, not 'low'"),
        ({"min_tasks": 0}, "gate.min_tasks: must be a whole number from 1 to 100000"),
        ({"ratio": 0.5}, "gate.ratio: must be from 1 to 100, not 0.5"),
        ({"ratio": None}, "gate.ratio: has no value: give one or leave the key out"),
        (
            {"metrics": "task.errors"},
            "gate.metrics: must be a list of some of " + ", ".join(METRICS) + "; a rollout without gates says gates: false",
        ),
        ({"metrics": ["task.error"]}, "gate.metrics[0]: is no metric of gates: 'task.error'; did you mean task.errors?"),
        ({"metrics": ["task.errors", "task.errors"]}, "gate.metrics[1]: names task.errors again"),
        ({"metrics": [7]}, "gate.metrics[0]: is no metric of gates: 7"),
    ],
)
def test_each_fault_is_named_with_its_place(document: dict[str, Any], fault: str) -> None:
    assert parsed(document)[1] == [fault]


def test_what_is_not_said_stays_as_it_was() -> None:
    base = GatePolicy(alpha=0.01, min_tasks=7)
    assert parse_gate(Node({"ratio": 3}, "gate", Faults()), base) == GatePolicy(alpha=0.01, min_tasks=7, ratio=3.0)


def test_all_faults_at_once() -> None:
    assert len(parsed({"alpha": 2, "ratio": 0, "min_tasks": -1, "metrics": ["x"], "what": 1})[1]) == 5


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["metrics", "alpha", "min_tasks", "ratio", "more"]), JSON))
def test_whatever_stands_there_gives_a_sound_policy(document: dict[str, Any]) -> None:
    policy, _ = parsed(document)
    assert policy.metrics
    assert 0 < policy.alpha <= 0.05
    assert policy.min_tasks >= 1
    assert policy.ratio >= 1
