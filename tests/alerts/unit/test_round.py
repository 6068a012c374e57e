"""A round: who is stepped, and what becomes of the alerts of rules that are gone."""

from __future__ import annotations

from functions.domain.alert import AlertState, Phase
from functions.domain.alert_data import Evidence
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_machine import Step
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_round import play
from functions.domain.alert_rules import Rule
from functions.domain.fleet import AgentState, Snapshot

NOW = 1_800_000_000_000


def rule(**changes: object) -> Rule:
    return parse_rules({"name": "dead", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}} | changes)[0]


def round_of(rules: list[Rule], states: list[AlertState], ages: dict[str, int], now: int) -> list[Step]:
    agents = {name: AgentState(id=name, name=name, first_seen=1, last_seen=now - age * 1000) for name, age in ages.items()}
    snapshot = Snapshot(workspace="w", time=now, agents=agents)
    return list(play(rules, evaluate(rules, Evidence(now=now, settled=None, snapshot=snapshot)), states, now))


def told(steps: list[Step]) -> list[tuple[str, str, str]]:
    return [(step.edge.kind.value, step.state.series["agent"], step.edge.reason) for step in steps if step.edge]


def test_of_a_thousand_agents_only_those_matter_of_which_there_is_something_to_say() -> None:
    steps = round_of([rule()], [], {f"a-{number}": 40 if number == 7 else 5 for number in range(1000)}, NOW)
    assert told(steps) == [("firing", "a-7", "age of the last heartbeat is 40 s, above 35 s")]
    assert len(steps) == 1


def test_stored_alerts_are_stepped_once_and_end_with_what_they_watch() -> None:
    states = [step.state for step in round_of([rule()], [], {"a-1": 40, "a-2": 40}, NOW)]
    assert [state.phase for state in states] == [Phase.FIRING, Phase.FIRING]
    later = round_of([rule()], states, {"a-1": 40, "a-2": 1}, NOW + 15_000)
    assert told(later) == [("resolved", "a-2", "age of the last heartbeat is 1 s, not above 35 s")]
    assert len(later) == 2


def test_the_alert_of_a_rule_that_is_gone_ends() -> None:
    states = [step.state for step in round_of([rule()], [], {"a-1": 40}, NOW)]
    assert told(round_of([], states, {"a-1": 40}, NOW + 15_000)) == [("resolved", "a-1", "the rule was deleted")]
    expired = rule(expires="2020-01-01")
    assert told(round_of([expired], states, {"a-1": 40}, NOW + 15_000)) == [("resolved", "a-1", "the rule has expired")]


def test_a_rule_that_was_not_evaluated_leaves_its_alerts_alone() -> None:
    states = [step.state for step in round_of([rule()], [], {"a-1": 40}, NOW)]
    [step] = play([rule()], {}, states, NOW + 15_000)
    assert (step.edge, step.save, step.state) == (None, False, states[0])
