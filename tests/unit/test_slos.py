"""Objectives: read with every fault at its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import InvalidDocument
from functions.domain.selector import Selector
from functions.domain.slos import DEFAULTS, Slo, SloKind, parse_slos

GOOD = {"name": "Speed", "kind": "latency", "tags": "tier=fast", "target": 0.95, "ms": 5000}


def faults(document: object) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_slos(document)
    return {fault.path: fault.reason for fault in caught.value.faults}


def test_an_objective() -> None:
    wanted = Slo(name="Speed", kind=SloKind.LATENCY, target=0.95, selector=Selector.parse("tier=fast"), ms=5000.0)
    assert parse_slos({"slos": [GOOD]}) == (wanted,)


@pytest.mark.parametrize("document", [{}, {"slos": []}])
def test_without_any_the_defaults_hold(document: dict[str, Any]) -> None:
    assert parse_slos(document) == DEFAULTS


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"target": 95}, "slos[0].target", "above 0 and below 1"),
        ({"target": 1}, "slos[0].target", "above 0 and below 1"),
        ({"target": 0}, "slos[0].target", "above 0 and below 1"),
        ({"target": "95%"}, "slos[0].target", "must be a number"),
        ({"kind": "speed"}, "slos[0].kind", "must be one of success, latency, health"),
        ({"ms": -1}, "slos[0].ms", "above 0"),
        ({"ms": None}, "slos[0].ms", "is missing"),
        ({"kind": "success"}, "slos[0].ms", "only for kind latency"),
        ({"tags": "tier"}, "slos[0].tags", "is not of the form"),
        ({"name": ""}, "slos[0].name", "1 to 80"),
        ({"taget": 1}, "slos[0].taget", "did you mean target"),
    ],
)
def test_a_fault_has_its_path_and_reason(change: dict[str, Any], path: str, reason: str) -> None:
    assert reason in faults({"slos": [{**GOOD, **change}]})[path]


def test_all_faults_are_told_at_once() -> None:
    found = faults({"slos": [GOOD, GOOD, {"kind": "health"}, 7], "more": 1})
    assert found.keys() >= {"slos[1].name", "slos[2].name", "slos[2].target", "slos[3]", "more"}


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["slos", "name", "kind", "tags", "target", "ms", "x"]), inner)
    ),
)


@given(anything)
def test_whatever_comes_is_read_or_refused(document: object) -> None:
    try:
        found = parse_slos(document)
    except InvalidDocument:
        return
    assert all(0 < slo.target < 1 for slo in found)
