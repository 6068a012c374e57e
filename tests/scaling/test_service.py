from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert import EdgeKind, Severity
from functions.domain.errors import StoreUnavailable
from functions.domain.scaling import Action, Signal, Zone
from tests.scaling.office import START, WS, Failing, Office

BUSY = {"queue": 31.0}


class Crash(Exception):
    """The process is gone."""


@pytest.fixture
def office() -> Office:
    return Office()


def zones(office: Office) -> dict[Signal, Zone]:
    return {state.signal: state.zone for state in office.state().decision.signals}


def test_without_a_policy_nothing_is_read_or_stored(office: Office) -> None:
    office.policy({})
    assert office.run(3).decisions == []
    assert office.scaling.scaling_states(WS) == []


def test_a_group_is_observed_by_what_its_own_living_agents_say(office: Office) -> None:
    office.queue, office.busy = 4.0, 0.6
    office.points = {"task.latency_ms": [900.0] * 4, "llm.rate_limited": [1.0, 1.0]}
    office.run(6)
    state = office.state()
    found = {signal.signal: signal.value for signal in state.decision.signals}
    assert (state.decision.current, state.decision.desired, state.decision.action) == (5, 5, Action.HOLD)
    assert found[Signal.QUEUE] == pytest.approx(4.0)
    assert found[Signal.SATURATION] == pytest.approx(0.6)
    assert found[Signal.RATE_LIMITED] == 2
    assert found[Signal.LATENCY] == pytest.approx(900, rel=0.011)
    assert zones(office)[Signal.LATENCY] is Zone.SILENT, "there is no baseline yet"


def test_latency_and_cost_are_compared_with_the_seven_days_before(office: Office) -> None:
    office.past(latency=1000.0, usd=2.0)
    office.points = {"task.latency_ms": [1600.0] * 4, "task.cost_usd": [0.01] * 4}
    office.run(61)
    found = {signal.signal: signal for signal in office.state().decision.signals}
    assert found[Signal.LATENCY].level == pytest.approx(1.6, rel=0.03)
    assert found[Signal.LATENCY].zone is Zone.HIGH
    assert found[Signal.COST].level == pytest.approx(2.4 / 2.0, rel=0.02)
    assert found[Signal.COST].zone is Zone.LOW


def test_too_little_past_is_no_baseline(office: Office) -> None:
    office.past(hours=23)
    office.points = {"task.latency_ms": [1600.0] * 20}
    office.run(6)
    assert zones(office)[Signal.LATENCY] is Zone.SILENT


def test_a_queue_grows_the_group_until_it_is_done_with_and_then_shrinks_it(office: Office) -> None:
    office.queue = 31.0
    counts = office.follow(8)
    assert counts[:3] == [5, 7, 7]
    assert counts == sorted(counts)
    assert counts[-1] in (15, 20)
    office.queue, office.busy = 0.0, 0.1
    counts = office.follow(60)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] <= 8


def test_tasks_of_sealed_minutes_say_how_many_agents_are_needed(office: Office) -> None:
    """Five agents of ten workers begin 10 tasks of 4 s a second, and the queue stays as long as it is."""
    office.queue, office.busy = 5.0, 0.8
    office.points = {"task.started": [1.0] * 600, "task.latency_ms": [4000.0] * 500}
    office.run(5)
    office.queue = 31.0
    office.run(4)
    assert office.state().decision.desired == 7
    assert office.state().decision.reason.endswith("; 7 are needed: 10 tasks/s x 4 s / 0.625 / 10 places")
    assert office.state().decision.memory.lately[-1].waiting == 31.0


def test_tasks_are_counted_by_their_end_where_nobody_tells_of_a_start(office: Office) -> None:
    office.queue, office.busy = 5.0, 0.8
    office.points = {"task.latency_ms": [4000.0] * 600}
    office.run(5)
    office.queue = 31.0
    office.run(4)
    assert office.state().decision.reason.endswith("; 7 are needed: 10 tasks/s x 4 s / 0.625 / 10 places")


def test_minutes_that_are_not_sealed_are_unreadable_and_nothing_shrinks(office: Office) -> None:
    office.queue, office.busy = 0.0, 0.0
    office.run(2)
    office.sealed = False
    office.run(30)
    assert zones(office)[Signal.LATENCY] is Zone.UNREADABLE
    assert zones(office)[Signal.RATE_LIMITED] is Zone.UNREADABLE
    assert office.state().decision.desired == 5
    assert "not sealed" in office.state().decision.reason
    office.sealed = True
    office.run(61)
    assert office.state().decision.desired < 5


def test_an_old_snapshot_decides_nothing(office: Office) -> None:
    office.queue = 31.0
    office.run()
    before = office.state()
    office.late = 200_000
    report = office.run(5)
    assert [decision.stale for decision in report.decisions] == [True]
    assert office.state() == before
    assert office.state().stale(office.now)


def test_without_a_snapshot_nothing_is_decided(office: Office) -> None:
    office.run()
    office.fleet.drop_snapshot(WS)
    report = office.service.run(WS, office.now + 60_000)
    assert report.decisions == []


def test_each_change_is_announced_once(office: Office) -> None:
    office.queue = 31.0
    office.follow(6)
    said = [(decision.before, decision.desired) for _, decision in office.announcer.said]
    assert said == [(one.before, one.desired) for one in reversed(office.log(changes=True))]
    assert len(said) >= 2
    assert len(office.log()) == 6, "and every decision is in the history"


def test_what_could_not_be_announced_waits_in_its_order(office: Office) -> None:
    broken = Failing(office.announcer, "announce", lambda: StoreUnavailable("bus"))
    office.service = office.another(announcer=broken)
    office.queue = 31.0
    office.follow(6)
    assert office.announcer.said == []
    assert len(office.state().unannounced) >= 2
    broken.on = False
    office.queue = 5.0
    office.run()
    assert [one.desired for _, one in office.announcer.said] == [one.desired for one in reversed(office.log(changes=True))]
    assert office.state().unannounced == []


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_while_announcing_loses_nothing(office: Office, after: bool) -> None:
    crashing = office.another(announcer=Failing(office.announcer, "announce", Crash, after=after))
    office.queue = 31.0
    office.run()
    with pytest.raises(Crash):
        office.run(service=crashing)
    office.run()
    ids = {(decision.time, decision.desired) for _, decision in office.announcer.said}
    assert len(ids) == 1, "told again at most, by the same id"
    assert office.state().unannounced == []


def test_of_two_runs_at_once_one_decides(office: Office) -> None:
    office.queue = 31.0
    office.run()

    class Overtaking(Failing):
        def __getattr__(self, name: str) -> Any:
            if name == "save_scaling" and self.on:
                self.on = False
                office.another().run(WS, office.now)
            return getattr(self.inner, name)

    report = office.run(service=office.another(scaling=Overtaking(office.scaling, "", Crash)))
    assert len(office.announcer.said) == 1
    assert any("at the same time" in warning for warning in report.warnings)


def test_rate_limits_page_once_an_episode_and_never_scale(office: Office) -> None:
    office.points = {"llm.rate_limited": [1.0] * 9}
    office.run(20)
    (edge,) = office.alerts.outbox(WS, 10)
    assert (edge.kind, edge.rule, edge.severity) == (EdgeKind.FIRING, "scaling-rate-limited", Severity.CRITICAL)
    assert edge.labels == {"tier": "fast", "group": "fast", "signal": "rate_limited", "pack": "scaling"}
    assert "9 rate limits" in edge.reason
    office.alerts.dispatched(WS, [edge])
    office.points = {}
    office.run(8)
    assert office.alerts.outbox(WS, 10) == []
    office.run(5)
    (over,) = office.alerts.outbox(WS, 10)
    assert (over.kind, over.episode) == (EdgeKind.RESOLVED, edge.episode)
    assert office.log(changes=True)[0].told[0].began is False
    assert {decision.desired for decision in office.log()} == {5}


def test_a_burn_of_cost_alerts_and_never_scales(office: Office) -> None:
    office.past(usd=2.0)
    office.points = {"task.cost_usd": [0.05]}
    office.run(90)
    (edge,) = office.alerts.outbox(WS, 10)
    assert (edge.rule, edge.severity) == ("scaling-cost-burn", Severity.WARNING)
    assert "times the usual $2" in edge.reason
    assert {decision.desired for decision in office.log()} == {5}


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_while_paging_pages_all_the_same_and_once(office: Office, after: bool) -> None:
    crashing = office.another(alerts=Failing(office.alerts, "post", Crash, after=after))
    office.points = {"llm.rate_limited": [1.0] * 9}
    with pytest.raises(Crash):
        office.run(service=crashing)
    office.run(5)
    assert len(office.alerts.outbox(WS, 10)) == 1


def test_what_alerting_could_not_be_told_is_told_later(office: Office) -> None:
    broken = Failing(office.alerts, "post", lambda: StoreUnavailable("table"))
    office.service = office.another(alerts=broken)
    office.points = {"llm.rate_limited": [1.0] * 9}
    report = office.run(3)
    assert any("alerting could not be told" in warning for warning in report.warnings)
    broken.on = False
    office.run()
    assert len(office.alerts.outbox(WS, 10)) == 1


def test_a_group_that_leaves_the_policy_ends_its_page_and_is_forgotten(office: Office) -> None:
    office.points = {"llm.rate_limited": [1.0] * 9}
    office.run(3)
    office.policy({})
    office.run()
    assert [edge.kind for edge in office.alerts.outbox(WS, 10)] == [EdgeKind.FIRING, EdgeKind.RESOLVED]
    assert office.scaling.scaling_states(WS) == []
    assert len(office.log()) == 3


def test_a_group_of_other_agents_begins_anew(office: Office) -> None:
    office.queue = 31.0
    office.follow(4)
    assert office.state().decision.desired > 5
    office.policy({"groups": {"fast": {"tags": "tier=smart", "max": 20}}})
    office.run()
    assert (office.state().decision.current, office.state().decision.desired) == (1, 1)


def test_a_group_by_a_tag_that_is_no_dimension_has_gauges_alone(office: Office) -> None:
    office.policy({"groups": {"fast": {"tags": "tier=fast,rack=", "max": 20}}})
    office.run()
    assert zones(office)[Signal.QUEUE] is Zone.LOW
    assert zones(office)[Signal.LATENCY] is Zone.UNREADABLE
    assert any("rack is no dimension" in signal.reason for signal in office.state().decision.signals)


def test_a_policy_that_is_not_valid_any_more_decides_nothing_and_says_so(office: Office) -> None:
    office.run()
    office.policy({"groups": {"fast": {"tags": "tier=fast", "max": -1}}})
    before = office.state()
    report = office.run()
    assert office.state() == before
    assert "groups.fast.max" in report.warnings[0]


def targeted(office: Office, capacity: int | None = 5, **target: Any) -> None:
    office.policy({"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 20, "target": {"asg": "agents", **target}}}})
    if capacity is not None:
        office.target.capacities["agents"] = capacity


def test_without_a_target_nothing_is_set(office: Office) -> None:
    office.target.capacities["agents"] = 5
    office.queue = 31.0
    office.run(10)
    assert office.target.calls == []


def test_a_target_is_set_when_a_decision_changed_the_count(office: Office) -> None:
    targeted(office)
    office.queue = 31.0
    office.run()
    assert office.target.calls == [], "the first decision only takes over what there is"
    office.run()
    assert office.target.calls == [("agents", 7)]
    office.target.capacities["agents"] = 9
    office.queue = 5.0
    office.run(3)
    assert office.target.capacities["agents"] == 9, "what was set by hand stays"


def test_a_target_with_more_already_is_not_lowered_to_grow(office: Office) -> None:
    targeted(office, capacity=12)
    office.queue = 31.0
    office.run(3)
    assert office.target.calls == []
    assert office.state().target is not None
    assert office.state().target.done is not None


def test_instances_that_hold_several_agents(office: Office) -> None:
    targeted(office, capacity=2, agents_per_instance=3)
    office.queue = 31.0
    office.run(2)
    assert office.target.calls == [("agents", 3)]


def test_a_target_that_refuses_is_tried_again_and_shown(office: Office) -> None:
    targeted(office, capacity=None)
    office.queue = 31.0
    report = office.run(2)
    assert any("agents was not set to 7" in warning for warning in report.warnings)
    assert office.state().target is not None
    assert office.state().target.error == "there is no Auto Scaling group agents"
    office.target.capacities["agents"] = 5
    office.queue = 5.0
    office.run()
    assert office.target.calls == [("agents", 7)]
    assert office.state().target.error == ""


def test_the_start_is_a_whole_hour() -> None:
    assert START % 3_600_000 == 0
