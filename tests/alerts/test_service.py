"""Evaluation end to end in memory: what agents post becomes alerts that are told once, whatever dies on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from functions.domain.alert import EdgeKind, Phase
from functions.domain.delivery import MAX_AGE_MS
from functions.domain.dispatch import Change
from functions.domain.errors import StoreUnavailable
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.runtime.rule_book import RuleBook
from tests.alerts.office import DEAD, FAILING, SLOW, WS, Office, a_failure, a_task


def kinds(office: Office, rule: str) -> list[EdgeKind]:
    return [edge.kind for edge in office.edges if edge.rule == rule]


def test_an_agent_that_dies_is_told_within_a_minute_and_its_return_too() -> None:
    office = Office()
    office.rules(DEAD)
    office.run(60, ("a1", a_task()), ("a2", a_task()), tags={"tier": "fast"})
    died = office.world.now
    office.run(60, ("a2", a_task()), tags={"tier": "fast"})
    (edge,) = office.edges
    assert (edge.rule, edge.series, edge.kind) == ("dead", {"agent": "a1"}, EdgeKind.FIRING)
    assert edge.at - died <= 60 * SECOND_MS
    assert edge.labels["tier"] == "fast", "routes may match on the agent's tags"
    office.run(30, ("a1", a_task()), ("a2", a_task()))
    assert kinds(office, "dead") == [EdgeKind.FIRING, EdgeKind.RESOLVED]
    assert office.told() == ["dead firing", "dead resolved"]
    assert [message for message, _ in office.queue.sent] == [
        {"workspace": WS, "delivery": id} for (_, id) in sorted(office.alerts.deliveries)
    ]


def test_latency_is_judged_by_tier_on_whole_minutes() -> None:
    office = Office()
    office.rules(SLOW)
    fast, slow = a_task(latency=500.0, tier="fast"), a_task(latency=4_000.0, tier="smart")
    office.run(180, ("a1", fast), ("a2", slow))
    assert [(edge.series, edge.kind) for edge in office.edges] == [({"tier": "smart"}, EdgeKind.FIRING)]
    assert office.edges[0].value == pytest.approx(4_000, rel=0.011)
    office.run(180, ("a1", fast), ("a2", a_task(latency=600.0, tier="smart")))
    assert kinds(office, "slow") == [EdgeKind.FIRING, EdgeKind.RESOLVED]


def test_a_rule_about_each_agent_reads_the_matrix() -> None:
    office = Office()
    office.rules(FAILING)
    office.run(120, ("good", a_task()), ("bad", a_failure()))
    assert [(edge.rule, edge.series) for edge in office.edges] == [("failing", {"agent": "bad"})]
    office.run(180, ("good", a_task()), ("bad", a_task()))
    assert kinds(office, "failing") == [EdgeKind.FIRING, EdgeKind.RESOLVED]


def test_when_seal_stands_still_nothing_is_resolved() -> None:
    office = Office()
    office.rules(SLOW)
    office.run(180, ("a1", a_task(latency=4_000.0, tier="smart")))
    assert kinds(office, "slow") == [EdgeKind.FIRING]
    for _ in range(40):
        office.world.now += 15 * SECOND_MS
        office.evaluate()
    assert kinds(office, "slow") == [EdgeKind.FIRING]
    (state,) = office.alerts.states(WS)
    assert state.phase in (Phase.FIRING, Phase.RECOVERING)


def test_a_store_that_does_not_answer_resolves_nothing_and_is_told_in_a_warning() -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            def refuse(*_: Any) -> Any:
                raise StoreUnavailable("rollups table: no answer")

            return refuse

    office = Office()
    office.rules(SLOW)
    office.run(180, ("a1", a_task(latency=4_000.0, tier="smart")))
    office.service = office.evaluator(rollups=Away())
    (report, *_) = office.run(60, ("a1", a_task(latency=500.0, tier="smart")))
    assert any("rollups could not be read" in warning for warning in report.warnings)
    assert kinds(office, "slow") == [EdgeKind.FIRING]


def test_a_late_batch_that_reopens_a_minute_is_seen() -> None:
    office = Office()
    office.rules({**SLOW, "when": {**SLOW["when"], "over": "10m"}})
    office.run(300, ("a1", a_task(latency=500.0, tier="smart")))
    assert office.edges == []
    for _ in range(40):
        office.world.post("a2", *a_task(latency=9_000.0, tier="smart"), at=office.world.now - 4 * MINUTE_MS)
    office.run(60, ("a1", a_task(latency=500.0, tier="smart")))
    assert kinds(office, "slow") == [EdgeKind.FIRING]


def test_a_deleted_rule_ends_its_alerts_and_says_why() -> None:
    office = Office()
    office.rules(SLOW)
    office.run(180, ("a1", a_task(latency=4_000.0, tier="smart")))
    office.rules()
    office.run(15, ("a1", a_task(latency=4_000.0, tier="smart")))
    assert [edge.reason for edge in office.edges if edge.kind is EdgeKind.RESOLVED] == ["the rule was deleted"]


def test_a_rule_that_cannot_be_read_costs_only_itself() -> None:
    office = Office()
    office.rules({"name": "of-the-future", "when": {"quantum": 1}}, DEAD)
    office.run(60, ("a1", a_task()))
    office.run(60)
    assert kinds(office, "dead") == [EdgeKind.FIRING]


def test_rules_that_are_no_list_cost_only_themselves() -> None:
    office = Office()
    office.setting("rules", {"packs": ["fleet"], "rules": 5})
    office.run(60, ("a1", a_task()))
    office.run(60)
    assert "agent-dead" in {edge.rule for edge in office.edges}
    assert RuleBook(office.world.fleet).book(WS).faults == ("the stored rules are no list, only those of packs hold",)


def test_a_silence_keeps_it_quiet_but_open() -> None:
    office = Office()
    office.rules(DEAD)
    office.alerts.put_silence(WS, "s1", {"matchers": "rule=dead", "starts": office.world.now, "ends": office.world.now + 600_000})
    office.run(60, ("a1", a_task()))
    office.run(90)
    assert office.told() == []
    assert [found.hidden for found in office.incidents()] == ["silenced by s1"]


def test_routes_that_became_invalid_keep_nobody_from_being_told() -> None:
    office = Office()
    office.rules(DEAD)
    office.setting("routes", {"routes": [{"name": "x", "channels": ["gone"]}]})
    office.run(60, ("a1", a_task()))
    reports = office.run(120)
    assert office.told() == ["dead firing"]
    assert any("every alert goes to every channel" in warning for report in reports for warning in report.warnings)


def test_a_stale_message_is_skipped() -> None:
    office = Office()
    report = office.service.run(WS, office.world.now - 61 * SECOND_MS, office.world.now)
    assert report.skipped
    assert report.skipped.startswith("stale")


def test_a_delivery_whose_message_was_lost_is_queued_again() -> None:
    class Broken:
        def send(self, _messages: Any) -> None:
            raise StoreUnavailable("notify queue: no answer")

    office = Office()
    office.rules(DEAD)
    office.run(60, ("a1", a_task()))
    office.service = office.evaluator(queue=Broken())
    reports = office.run(60)
    assert any("were not queued" in warning for report in reports for warning in report.warnings)
    assert office.queue.sent == []
    office.service = office.evaluator()
    office.run(120)
    assert [message["delivery"] for message, _ in office.queue.sent][:1] == [id for (_, id) in office.alerts.deliveries][:1]


class Refusing:
    """A store that never takes certain incidents, or does not do certain things at all."""

    def __init__(self, store: Any, refuses: Callable[[Change], bool] = lambda _: False, without: str = "") -> None:
        self._store, self._refuses, self._without = store, refuses, without

    def __getattr__(self, name: str) -> Any:
        if name == self._without:
            return self._away
        return getattr(self._store, name)

    def _away(self, *_: Any) -> Any:
        raise StoreUnavailable("alerts table: no answer")

    def save(self, workspace: str, change: Change) -> bool:
        if self._refuses(change):
            raise StoreUnavailable("alerts table: item size has exceeded the maximum allowed size")
        return bool(self._store.save(workspace, change))


def test_an_incident_that_cannot_be_written_holds_up_no_other() -> None:
    office = Office()
    office.rules(DEAD, FAILING)
    office.service = office.evaluator(alerts=Refusing(office.alerts, lambda change: change.incident.group == {"rule": "dead"}))
    office.run(60, ("a1", a_task()), ("a2", a_task()))
    faults = 0
    for _ in range(12):
        try:
            office.run(15, ("a2", a_failure()))
        except StoreUnavailable:
            faults += 1
    assert faults, "somebody must hear of it"
    assert office.told() == ["failing firing"]
    assert [edge.rule for edge in office.alerts.outbox(WS, 10)] == ["dead"], "an edge waits as long as its incident"
    office.service = office.evaluator()
    office.run(15, ("a2", a_failure()))
    assert office.told() == ["failing firing", "dead firing"]
    assert office.alerts.outbox(WS, 10) == []


def test_what_was_claimed_is_told_when_nothing_new_can_be_judged() -> None:
    office = Office()
    office.rules(DEAD)
    office.run(60, ("a1", a_task()))
    office.service = office.evaluator(alerts=Refusing(office.alerts, without="outbox"))
    for _ in range(4):
        with suppress(StoreUnavailable):
            office.run(15)
    assert office.told() == []
    office.service = office.evaluator(alerts=Refusing(office.alerts, without="states"))
    with pytest.raises(StoreUnavailable):
        office.run(15)
    assert office.told() == ["dead firing"]


def test_what_is_too_old_to_be_sent_is_queued_until_that_is_recorded() -> None:
    office = Office()
    office.rules(DEAD)
    office.run(60, ("a1", a_task()))
    office.run(60)
    (delivery,) = (id for _, id in office.alerts.deliveries)
    office.world.now += MAX_AGE_MS
    office.queue.sent.clear()
    office.run(60)
    assert delivery in [message["delivery"] for message, _ in office.queue.sent], "notify settles it: undelivered"


def test_an_incident_begins_with_what_was_changed_before_it() -> None:
    office = Office()
    office.rules(SLOW)
    office.run(180, ("a1", a_task(latency=500.0, tier="smart")), tags={"tier": "smart"}, versions={"prompt": "v6"})
    changed = office.world.now + 15 * SECOND_MS
    office.run(180, ("a1", a_task(latency=4_000.0, tier="smart")), tags={"tier": "smart"}, versions={"prompt": "v7"})
    (incident,) = office.incidents()
    assert [(entry.at, entry.text) for entry in incident.timeline if "prompt" in entry.text] == [
        (changed, "changed: a1: version prompt: v6 → v7")
    ]
    assert "firing: slow" in incident.timeline[-1].text, "what was changed stands before what it did"
    (delivery,) = office.alerts.deliveries.values()
    told = [entry.text for entry in delivery.notification.timeline]
    assert told == ["changed: a1: new", "changed: a1: version prompt: v6 → v7"], "people are told, however many alerts there are"


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


class Mortal:
    """A store under which the process may die before or after any call."""

    def __init__(self, store: Any, chance: random.Random, rate: float) -> None:
        self._store, self._chance, self._rate = store, chance, rate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any) -> Any:
            if self._chance.random() < self._rate:
                raise Killed
            if name == "claim" and self._chance.random() < self._rate:
                # Half of a storm is written when it dies.
                workspace, claims = arguments
                method(workspace, claims[: len(claims) // 2])
                raise Killed
            answer = method(*arguments)
            if self._chance.random() < self._rate:
                raise Killed
            return answer

        return call


@pytest.mark.parametrize("seed", range(3))
def test_eight_evaluators_that_die_at_random_tell_each_edge_once(seed: int) -> None:
    chance = random.Random(seed)
    office = Office()
    office.rules(DEAD, FAILING)
    alive = {f"a{number}" for number in range(12)}
    written: Counter[str] = Counter()
    original = office.alerts._claim

    def note(workspace: str, state: Any, edge: Any) -> bool:
        done = original(workspace, state, edge)
        if done and edge is not None:
            written[f"{edge.id}"] += 1
        return done

    office.alerts._claim = note  # type: ignore[method-assign]
    evaluators = [office.evaluator(alerts=Mortal(office.alerts, chance, 0.15), queue=Mortal(office.queue, chance, 0.15)) for _ in range(8)]
    for round_ in range(36):
        office.world.now += 15 * SECOND_MS
        if round_ % 10 == 5:
            alive ^= set(chance.sample(sorted(f"a{number}" for number in range(12)), 4))
        for agent in sorted(alive):
            office.world.post(agent, *(a_failure() if chance.random() < 0.1 else a_task()))
        office.world.tick()
        for service in chance.sample(evaluators, 8):
            try:
                service.run(WS, office.world.now, office.world.now + chance.randrange(1_000))
            except Killed:
                continue
    for _ in range(20):  # those that survive finish what was left
        office.world.now += 15 * SECOND_MS
        for agent in sorted(alive):
            office.world.post(agent, *a_task())
        office.world.tick()
        office.evaluate()
    assert written
    assert set(written.values()) == {1}, "an edge was claimed twice"
    assert office.alerts.outbox(WS, 1_000) == []
    told = Counter((member.edge.episode, incident.id) for incident in office.alerts.history(WS, 0) for member in incident.members.values())
    assert set(told.values()) <= {1}
    queued = {message["delivery"] for message, _ in office.queue.sent}
    assert queued == {id for (_, id) in office.alerts.deliveries}, "every delivery reached the queue"
    firing = {f"{state.rule} {state.series['agent']}" for state in office.alerts.states(WS) if state.phase is Phase.FIRING}
    assert firing == {f"dead {agent}" for agent in {f"a{number}" for number in range(12)} - alive if _was_seen(office, agent)}


def _was_seen(office: Office, agent: str) -> bool:
    return agent in office.world.snapshot().agents
