from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import InvalidDocument
from functions.domain.scaling import GroupPolicy, Target
from functions.domain.scaling_policy import parse_policy


def one(**fields: Any) -> Any:
    (group,) = parse_policy({"groups": {"fast": {"tags": "tier=fast", **fields}}})
    return group


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDocument) as caught:
        parse_policy(document)
    return [(fault.path, fault.reason) for fault in caught.value.faults]


def document_of(groups: Iterable[GroupPolicy]) -> Any:
    """A document that says all that is not as usual."""
    plain = {group.name: msgspec.to_builtins(group) for group in groups}
    kept = {name: {key: value for key, value in fields.items() if key != "name"} for name, fields in plain.items()}
    return {"groups": {name: {key: False if value is None else value for key, value in fields.items()} for name, fields in kept.items()}}


def test_nothing_is_no_group() -> None:
    assert parse_policy({}) == ()


def test_a_policy_is_read_back_from_its_own_document() -> None:
    groups = parse_policy(
        {
            "defaults": {"max": 30, "latency": False, "queue": {"up": 3}},
            "groups": {"fast": {"tags": "tier=fast", "latency": {"up": 2}, "target": {"asg": "a"}}, "slow": {"tags": "tier=slow"}},
        }
    )
    assert parse_policy(document_of(groups)) == groups


def test_defaults_lie_under_every_group() -> None:
    fast, slow = parse_policy(
        {
            "defaults": {"min": 3, "saturation": {"up": 0.7}, "latency": False},
            "groups": {"fast": {"tags": "tier=fast", "saturation": {"down_for_s": "20m"}, "latency": {}}, "slow": {"tags": "tier=slow"}},
        }
    )
    assert (fast.min, fast.saturation.up, fast.saturation.down_for_s, fast.saturation.down) == (3, 0.7, 1200, 0.4)
    assert fast.latency is not None
    assert slow.latency is None


def test_a_signal_is_switched_off_and_a_target_on() -> None:
    group = one(cost=False, target={"asg": "agents-fast", "agents_per_instance": 4})
    assert (group.cost, group.target) == (None, Target(asg="agents-fast", agents_per_instance=4))


def test_what_is_told_of_is_over_where_it_began_unless_said_otherwise() -> None:
    assert one(cost={"above": 2.0}).cost.clear == 2.0
    assert one(rate_limited={"above": 9}).rate_limited.clear == 0.0


def test_every_fault_has_its_path() -> None:
    document = {
        "defaults": {"tags": "tier=x", "queue": {"upp": 1}},
        "groups": {
            "Fast": {"tags": "tier=fast"},
            "a": {"tags": "nonsense", "min": 0, "step_up": "0%", "stale_after_s": 5},
            "b": {"queue": {"up": 1, "down": 1}, "saturation": {"up_cooldown_s": 600}, "latency": True},
            "c": {"tags": "tier=c", "min": 5, "max": 4, "rate_limited": {"clear": 6}, "target": {"asg": "a:b"}},
            "d": 7,
        },
    }
    found = dict(faults(document))
    assert list(found) == [
        "defaults.tags",
        "defaults.queue.upp",
        "groups.Fast",
        "groups.a.tags",
        "groups.a.min",
        "groups.a.step_up",
        "groups.a.stale_after_s",
        "groups.b.tags",
        "groups.b.queue.down",
        "groups.b.latency",
        "groups.b.saturation.up_cooldown_s",
        "groups.c.target.asg",
        "groups.c.rate_limited.clear",
        "groups.c.min",
        "groups.d",
    ]
    assert found["groups.b.saturation.up_cooldown_s"] == "growing (600 s) must cool down in less time than shrinking (600 s)"
    assert found["defaults.queue.upp"] == "is not known; did you mean up?"


@pytest.mark.parametrize("up", [0, 5e-324, 0.0009, -1, 2e9])
def test_a_level_that_makes_no_sense_is_refused_with_those_that_do(up: float) -> None:
    found = dict(faults({"groups": {"a": {"tags": "tier=a", "queue": {"up": up, "down": 0}}}}))
    assert found["groups.a.queue.up"] == f"must be from 0.001 to 1e+09, not {up:g}"
    assert one(queue={"up": 0.001, "down": 0}).queue.up == 0.001


@pytest.mark.parametrize("document", [None, 7, "x", [], {"groups": []}, {"defaults": 1}, {"groups": {7: {}}}, {"groups": {"a": None}}])
def test_what_is_no_policy_is_refused(document: object) -> None:
    assert faults(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "tags", "min", "queue", "up", "target"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_document_is_read_or_refused(value: object) -> None:
    for document in (value, {"groups": value}, {"groups": {"a": value}}, {"defaults": value}):
        try:
            groups = parse_policy(document)
        except InvalidDocument:
            continue
        assert parse_policy(document_of(groups)) == groups
