from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import InvalidDocument
from functions.domain.gate_policy import GatePolicy
from functions.domain.rollout import HoldCause, Member, Policy, Wave
from functions.domain.rollout_policy import frozen, frozen_wave, parse_freezes, parse_policy, policy_document


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def faults(read: Any, document: object) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        read(document)
    return [str(fault) for fault in caught.value.faults]


def test_an_empty_document_is_the_default() -> None:
    assert parse_policy({}) == Policy()


def test_every_field_is_read() -> None:
    document = {
        "waves": [1, "10%"],
        "order_tag": "ring",
        "order": ["a", "b"],
        "sort_by": ["zone"],
        "max_unavailable": 3,
        "apply_s": "10m",
        "asleep_s": 60,
        "max_failed": 2,
        "bake_s": "1h30m",
        "extend_s": "5m",
        "max_extensions": 0,
        "unreadable_s": 0,
        "irreversible_bake": 1.5,
        "approve": ["start", "wave:2", "stage:prod"],
        "not_before": "2027-03-01T08:00:00+01:00",
        "gates": False,
        "gate": {"metrics": ["task.errors"], "alpha": 0.01, "min_tasks": 5, "ratio": 2},
    }
    assert parse_policy(document) == Policy(
        waves=("1", "10%"),
        order_tag="ring",
        order=("a", "b"),
        sort_by=("zone",),
        max_unavailable="3",
        apply_s=600,
        asleep_s=60,
        max_failed=2,
        bake_s=5_400,
        extend_s=300,
        max_extensions=0,
        unreadable_s=0,
        irreversible_bake=1.5,
        approve=("start", "wave:2", "stage:prod"),
        not_before=ms("2027-03-01T07:00"),
        gates=False,
        gate=GatePolicy(metrics=("task.errors",), alpha=0.01, min_tasks=5, ratio=2.0),
    )
    assert document.keys() | {"wave_size"} == set(Policy.__struct_fields__)


def test_what_is_left_out_is_as_in_the_policy_underneath() -> None:
    base = parse_policy({"wave_size": 7, "bake_s": 60, "gate": {"min_tasks": 50}})
    over = parse_policy({"waves": ["5"], "gate": {"ratio": 3}}, base)
    assert (over.waves, over.wave_size, over.bake_s, over.gate) == (("5",), None, 60, GatePolicy(min_tasks=50, ratio=3.0))


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(wave_size=5, not_before=5, order=()), Policy(gate=GatePolicy(metrics=("task.errors",)))]
)
def test_a_policy_s_document_reads_back(policy: Policy) -> None:
    assert parse_policy(policy_document(policy)) == policy


def test_all_faults_are_told_at_once() -> None:
    document = {
        "bake": "10m",
        "waves": ["10%", "5%", 0],
        "wave_size": 0,
        "max_unavailable": True,
        "apply_s": "soon",
        "gates": "no",
        "approve": ["prod"],
        "order": ["a", "a"],
        "order_tag": "a b",
        "not_before": "tomorrow",
        "irreversible_bake": 0.5,
        "gate": {"alpha": 1, "metrics": ["task.latency"], "minTasks": 1},
    }
    assert faults(parse_policy, document) == [
        "bake: is not known; did you mean bake_s?",
        "wave_size: and waves exclude each other",
        "waves[2]: must be a number from 1 on or percents such as 25%, not 0",
        "waves[1]: 5% is not more than what comes before it: each says how many have been told by then",
        "wave_size: must be a whole number from 1 to 2000",
        "order_tag: 'a b' is no tag key",
        "order[1]: a is there already",
        "max_unavailable: must be a number from 1 on or percents such as 25%, not True",
        "apply_s: must be seconds or a duration such as 90s, 10m, 2h, from 1 s to 7 days, not 'soon'",
        "irreversible_bake: must be from 1 to 100",
        "approve[0]: 'prod' is none of start, wave:2 (the third wave), stage:prod",
        "not_before: must be a time such as 2027-03-01T08:00:00Z, or ms since 1970, not 'tomorrow'",
        "gates: must be true or false, not 'no'",
        "gate.minTasks: is not known; did you mean min_tasks?",
        "gate.metrics[0]: is no metric of gates: 'task.latency'; did you mean task.latency_ms?",
        "gate.alpha: must be from 1e-09 to 0.05, not 1",
    ]


@pytest.mark.parametrize("value", [0, "0%", "0.0%", "101%", "-1", "1.5", "5 %", None, 1.5, True, "", "1e3", [], "１"])
def test_shares_that_are_none(value: object) -> None:
    assert faults(parse_policy, {"waves": [value]})


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3))
)
def test_no_value_gets_through_unchecked(value: Any) -> None:
    for field in Policy.__struct_fields__:
        try:
            policy = parse_policy({field: value})
        except InvalidDocument as error:
            wrong = [fault.path for fault in error.faults if not fault.path.startswith(field)]
        else:
            wrong = [field] if parse_policy(policy_document(policy)) != policy else []
        assert not wrong


WEEKEND = {"reason": "Weekend", "tags": "env=prod", "weekly": {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}}
NIGHT = {"reason": "Night", "weekly": {"days": ["fri"], "from": "22:00", "to": "06:00"}}
FRIDAY = {"reason": "Black Friday", "starts": "2026-11-27T00:00:00Z", "ends": date(2026, 11, 28)}
ALWAYS = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "24:00"}


@pytest.mark.parametrize(
    ("freeze", "at", "until"),
    [
        (WEEKEND, "2026-11-27T23:59", None),
        (WEEKEND, "2026-11-28T00:00", "2026-11-30T00:00"),
        (WEEKEND, "2026-11-29T23:59", "2026-11-30T00:00"),
        (NIGHT, "2026-11-27T22:00", "2026-11-28T06:00"),
        (NIGHT, "2026-11-28T05:59", "2026-11-28T06:00"),
        (NIGHT, "2026-11-28T06:00", None),
        (FRIDAY, "2026-11-26T23:59", None),
        (FRIDAY, "2026-11-27T00:00", "2026-11-28T00:00"),
        (FRIDAY, "2026-11-28T00:00", None),
        ({**WEEKEND, "ends": "2026-11-28T12:00:00Z"}, "2026-11-28T01:00", "2026-11-28T12:00"),
        ({"reason": "Thaw later", "weekly": ALWAYS, "ends": "2026-12-24"}, "2026-11-28T01:00", "2026-12-24T00:00"),
        ({"reason": "An hour a day", "weekly": {**ALWAYS, "to": "23:00"}}, "2026-11-28T01:00", "2026-11-28T23:00"),
    ],
)
def test_a_freeze_says_until_when(freeze: dict[str, Any], at: str, until: str | None) -> None:
    hold = frozen(parse_freezes({"freezes": [freeze]}), {"env": "prod"}, ms(at))
    assert (hold.until if hold else None) == (ms(until) if until else None)
    if hold:
        assert hold.cause is HoldCause.FREEZE
        assert hold.reason == f"frozen until {(until or '').replace('T', ' ')} UTC: {freeze['reason']}"


def test_a_wave_waits_for_the_last_freeze_of_any_of_its_members() -> None:
    freezes = parse_freezes({"freezes": [WEEKEND, {**FRIDAY, "tags": "env=staging", "ends": "2026-12-24"}]})
    wave = Wave(number=0, members=[Member(agent=env, before="b", after="a", tags={"env": env}) for env in ("dev", "prod", "staging")])
    now = ms("2026-11-28T12:00")
    hold = frozen_wave(freezes, wave, now)
    assert hold is not None
    assert hold.until == ms("2026-12-24T00:00")
    assert frozen(freezes, {"env": "dev"}, now) is None
    assert frozen_wave(freezes, Wave(number=0, members=wave.members[:1]), now) is None


def test_faults_of_freezes_are_told_at_once() -> None:
    document = {
        "freezes": [
            {"tags": "prod", "weekly": {"days": ["saturday"], "from": "00:00", "to": "24:00"}},
            {"reason": "x"},
            {"reason": "x", "starts": "later", "ends": 5},
            {"reason": "x", "starts": 5, "ends": 5},
            {"reason": "x", "weekly": 5},
            {"reason": "x", "ends": 10**18},
            {"reason": "x", "weekly": ALWAYS, "starts": 5},
        ],
        "freeze": 1,
    }
    assert faults(parse_freezes, document) == [
        "freeze: is not known; did you mean freezes?",
        "freezes[0].reason: is missing",
        "freezes[0].tags: 'prod' is not of the form key=value, key!=value, key=~pattern or key!~pattern",
        "freezes[0].weekly.days: must be a list of mon, tue, wed, thu, fri, sat, sun",
        "freezes[1]: needs weekly, or ends: a freeze for ever is no freeze",
        "freezes[2].starts: must be a time such as 2027-03-01T08:00:00Z, or ms since 1970, not 'later'",
        "freezes[3].ends: must be after starts",
        "freezes[4].weekly: must be an object with days, from and to",
        "freezes[5].ends: must be a time such as 2027-03-01T08:00:00Z, or ms since 1970, not 1000000000000000000",
        "freezes[6].weekly: is every hour of all seven days and never ends: leave out a day or an hour, or say when it ends",
    ]
