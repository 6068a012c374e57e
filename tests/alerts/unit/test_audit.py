"""Audit: what is found of rules that do not earn their keep, and what is proposed."""

from __future__ import annotations

from typing import Any

from functions.domain.alert_audit import Finding, Flaw, Past, Record, audit
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

END = 20_000 * DAY_MS
START = END - 30 * DAY_MS


def rule(name: str = "slow", **changes: Any) -> Rule:
    when = {"metric": "task.latency_ms", "aggregation": "p95", "over": "5m", "above": 10}
    return parse_rules({"name": name, "per": "tier", "when": when} | changes)[0]


def past(at: int, minutes: float | None = 10, name: str = "slow", tier: str = "fast", *, acknowledged: bool = True) -> Past:
    resolved = None if minutes is None else at + round(minutes * MINUTE_MS)
    return Past(rule=name, series={"tier": tier}, fired=at, resolved=resolved, acknowledged=acknowledged)


def look(episodes: list[Past], *rules: Rule, **record: Any) -> list[Finding]:
    return audit(rules or (rule(),), Record(**{"start": START, "end": END, "episodes": episodes} | record))


def test_a_sound_rule_has_no_findings() -> None:
    assert look([past(START + day * DAY_MS) for day in (1, 9, 20)]) == []


def test_never_fired() -> None:
    [found] = look([])
    assert (found.fault, found.text) == (Flaw.NEVER_FIRED, "did not fire in 30 days")
    assert "clawpulse alerts backtest slow" in found.proposal


def test_a_short_time_says_nothing_of_it() -> None:
    assert look([], start=END - 3 * DAY_MS) == []


def test_always_firing() -> None:
    [found] = look([past(START + DAY_MS, None), past(START + 2 * DAY_MS, 60, tier="smart")])
    assert found.fault is Flaw.ALWAYS_FIRING
    assert found.text == "1 series fired nearly all the time, tier=fast for 97% of it"


def test_flapping_with_figures_to_set() -> None:
    [found] = look([past(START + number * 6 * MINUTE_MS, 2) for number in range(8)])
    assert found.fault is Flaw.FLAPPING
    assert found.text == "fired 8 times within an hour, for 2 min each with 4 min between"
    assert found.proposal == "set keep_firing_for: 8m, a clear threshold of its own, or for: 4m"


def test_many_series_once_each_are_no_flapping() -> None:
    assert look([past(START + number * MINUTE_MS, 30, tier=f"t{number}") for number in range(20)]) == []


def test_never_acknowledged() -> None:
    [found] = look([past(START + day * DAY_MS, acknowledged=False) for day in range(5)])
    assert (found.fault, found.text) == (Flaw.NEVER_ACKNOWLEDGED, "fired 5 times and was never acknowledged")


def test_stale_with_the_nearest_name() -> None:
    [found] = look([], names={"task.latency", "queue.depth"})
    assert (found.fault, found.text) == (Flaw.STALE, "nothing of the name task.latency_ms came in 30 days")
    assert "did you mean task.latency?" in found.proposal


def test_a_rule_that_reads_the_snapshot_is_not_stale() -> None:
    field = rule("cpu", per="agent", when={"field": "cpu", "above": 90})
    assert [found.fault for found in look([], field, names=set())] == [Flaw.NEVER_FIRED]


def test_expired() -> None:
    [found] = look([], rule(expires="2020-01-01"))
    assert found.fault is Flaw.EXPIRED


def test_overlapping_is_told_of_one_of_the_two() -> None:
    times = [START + day * DAY_MS for day in range(4)]
    episodes = [past(at) for at in times] + [past(at + MINUTE_MS, name="slower") for at in times[:3]]
    [found] = look(episodes, rule(), rule("slower"), names=None)
    assert (found.rule, found.fault, found.others) == ("slower", Flaw.OVERLAPPING, ("slow",))
    assert found.text == "100% of its 3 episodes began within 5 min of one of slow"


def test_other_series_do_not_overlap() -> None:
    times = [START + day * DAY_MS for day in range(4)]
    assert look([past(at) for at in times] + [past(at, name="slower", tier="smart") for at in times], rule(), rule("slower")) == []


def test_a_group_and_its_part_may_overlap() -> None:
    times = [START + day * HOUR_MS * 30 for day in range(4)]
    whole = [Past(rule="all", series={}, fired=at, resolved=at + HOUR_MS, acknowledged=True) for at in times]
    found = look([past(at) for at in times] + whole, rule(), rule("all", per="group"))
    assert [one.fault for one in found] == [Flaw.OVERLAPPING]
