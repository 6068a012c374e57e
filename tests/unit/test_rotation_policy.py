"""Policies of rotations: what is read, what is refused, and what the rollout of one gets."""

from __future__ import annotations

import pytest

from functions.domain.alert_faults import InvalidDocument
from functions.domain.rollout import MAX_WAVE, Policy
from functions.domain.rotation import RotationPolicy
from functions.domain.rotation_policy import parse_policy, policy_document, to_rollout_policy


def test_what_is_left_out_is_as_underneath() -> None:
    base = RotationPolicy(wave_size=3)
    assert parse_policy({}, base) == base
    found = parse_policy({"cooldown_s": "1m30s", "abort_above": 0.05, "order": ["lab"], "retire": False}, base)
    assert found == RotationPolicy(wave_size=3, cooldown_s=90, abort_above=0.05, order=("lab",), retire=False)


def test_a_policy_and_its_document_are_the_same() -> None:
    policy = RotationPolicy(wave_size=7, order_tag="stage", order=(), unused_s=60, drain_s=3_600)
    assert parse_policy(policy_document(policy)) == policy


def test_all_faults_are_told_at_once() -> None:
    wrong = {
        "wave_size": 0,
        "cooldown_s": "soon",
        "abort_above": 2,
        "order": ["a", "a", 3],
        "order_tag": "9",
        "unused_s": 10,
        "retire": "no",
        "min_healty": 0.5,
    }
    with pytest.raises(InvalidDocument) as caught:
        parse_policy(wrong)
    told = {fault.path: fault.reason for fault in caught.value.faults}
    assert set(told) == {"wave_size", "cooldown_s", "abort_above", "order[1]", "order[2]", "order_tag", "unused_s", "retire", "min_healty"}
    assert "did you mean min_healthy?" in told["min_healty"]
    assert "from 60 s to 7 days" in told["unused_s"]


@pytest.mark.parametrize("document", [None, [], "wave_size: 3", 7])
def test_what_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(InvalidDocument, match="must be a mapping"):
        parse_policy(document)


def test_its_rollout_goes_in_waves_of_a_size_each_with_a_gate_and_bears_no_failure() -> None:
    made = to_rollout_policy(RotationPolicy(wave_size=4, cooldown_s=45, apply_s=77, asleep_s=88, order=("lab", "prod")))
    assert (made.wave_size, made.bake_s, made.apply_s, made.asleep_s, made.max_failed) == (4, 45, 77, 88, 0)
    assert made.order == ("lab", "prod")
    assert made.gates


def test_where_the_old_key_is_no_good_all_are_told_at_once() -> None:
    made = to_rollout_policy(RotationPolicy(), at_once=True)
    assert (made.waves, made.wave_size, made.order, made.gates, made.max_failed) == (("100%",), None, (), False, MAX_WAVE)
    assert isinstance(made, Policy)
