"""The rule language: what is refused and how, and that schema and parser agree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from functions.domain.alert import Severity
from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_parse import OVERRIDE_KEYS, RULE_KEYS, check_rules, parse_rules
from functions.domain.alert_parse_when import BASELINE_KEYS
from functions.domain.alert_rules import BUDGETS, FIELDS, RESOURCES, BaselineKind, Points, Policy, agent_metrics
from functions.domain.alert_text import DURATION_PATTERN
from functions.domain.selector import Selector
from tests.alerts.unit import documents

SCHEMA = jsonschema.Draft202012Validator(json.loads(Path("functions/alerts/rules.schema.json").read_text()))

FULL = """
name: p95-latency-doubled
description: p95 latency of a tier is twice its own of the last 7 days
severity: critical
select: env=prod
per: [tier, team]
when:
  metric: task.latency_ms
  aggregation: p95
  over: 5m
  divided_by: {metric: task.latency_ms, aggregation: count}
  above: 500
  clear: 400
  baseline: {of: trailing_7d, factor: 2, clear_factor: 1.5, min_points: 50}
  min_points: 20
for: 2m
keep_firing_for: 5m
no_data: fire
missing_series: resolve
unreadable: fire
labels: {team: search}
runbook: https://runbooks.local/latency
owner: search
expires: 2027-03-01
overrides: [{select: "agent=a-7", above: 900}]
"""


def reasons(document: Any) -> dict[str, str]:
    return {fault.path: fault.reason for fault in check_rules(document)}


def when(**condition: Any) -> dict[str, Any]:
    return {"name": "x", "when": condition}


def test_everything_that_can_be_said() -> None:
    [rule] = parse_rules(yaml.safe_load(FULL))
    assert (rule.name, rule.severity, rule.select) == ("p95-latency-doubled", Severity.CRITICAL, Selector.parse("env=prod"))
    assert rule.per == ("team", "tier")
    assert isinstance(rule.when.measure, Points)
    assert (rule.when.measure.over, rule.when.measure.term.aggregation, rule.when.min_points) == (300_000, "p95", 20)
    bound = rule.when.bound
    assert (bound.direction, bound.limit, bound.clear) == ("above", 500, 400)
    assert bound.baseline
    assert (bound.baseline.of, bound.baseline.factor, bound.baseline.min_points) == (BaselineKind.TRAILING_7D, 2, 50)
    assert (rule.for_ms, rule.keep_firing_ms) == (120_000, 300_000)
    assert (rule.no_data, rule.missing_series, rule.unreadable) == (Policy.FIRE, Policy.RESOLVE, Policy.FIRE)
    assert (rule.labels, rule.owner, rule.expires) == ((("team", "search"),), "search", 1_803_859_200_000)
    assert rule.overrides[0].limit == 900


def test_what_is_left_out_has_the_careful_meaning() -> None:
    [rule] = parse_rules(when(event="task.failed", over="5m", above=3))
    assert (rule.severity, rule.per, rule.for_ms) == (Severity.WARNING, (), 0)
    assert (rule.no_data, rule.missing_series, rule.unreadable) == (Policy.KEEP, Policy.KEEP_A_DAY, Policy.KEEP)
    assert isinstance(rule.when.measure, Points)
    assert rule.when.measure.term.aggregation == "count"
    assert rule.when.measure.term.empty_is_zero


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ([], "", "must be a mapping with rules, or one rule, not a list"),
        ({"rules": [{"nmae": "x"}]}, "rules[0].nmae", "is not known; did you mean name?"),
        ({"rules": [3]}, "rules[0]", "must be a mapping, not 3"),
        ({"name": "X y", "when": {}}, "name", "lower-case letters"),
        ({"name": "x"}, "when", "is missing"),
        (when(), "when", "must have one of metric, event"),
        (when(metric="a", event="b"), "when", "must have one of .*, not metric and event"),
        (when(metric="a", aggregation="p95", over="30s", above=1), "when.over", "whole minutes .* not '30s'"),
        (when(metric="a", aggregation="p101", over="5m", above=1), "when.aggregation", "'p101' is none of"),
        (when(metric="a", over="5m", above=1), "when.aggregation", "is missing"),
        (when(metric="a b", aggregation="sum", over="5m", above=1), "when.metric", "must be a name"),
        (when(metric="a", aggregation="sum", over="5m"), "when.above", "is missing"),
        (when(metric="a", aggregation="sum", over="5m", above="5"), "when.above", "must be a number, not '5'"),
        (when(metric="a", aggregation="sum", over="5m", above=True), "when.above", "must be a number, not True"),
        (when(metric="a", aggregation="sum", over="5m", above=1, below=0), "when.below", "make two rules"),
        (when(metric="a", aggregation="sum", over="5m", above=1, clear=2), "when.clear", "must not be above 1"),
        (when(metric="a", aggregation="sum", over="5m", below=1, clear=0), "when.clear", "must not be below 1"),
        (when(metric="a", aggregation="p95", over="5m", above=1, empty="zero"), "when.empty", "no p95"),
        (when(metric="task.error_rate", aggregation="avg", over="5m", above=1), "when.aggregation", "takes none"),
        (when(metric="a", aggregation="avg", over="5m", baseline={"of": "trailing", "factor": 2}), "when.baseline.of", "trailing_7d"),
        (when(metric="a", aggregation="avg", over="5m", baseline={"of": "trailing_7d"}), "when.baseline.factor", "is missing"),
        (when(metric="a", aggregation="avg", over="5m", baseline={"of": "trailing_7d", "factor": 1}), "when.baseline.factor", "neither"),
        (
            when(metric="a", aggregation="avg", over="5m", baseline={"of": "fleet_median", "factor": 2, "hours": "same"}),
            "when.baseline.hours",
            "trailing_7d only",
        ),
        (
            when(metric="a", aggregation="avg", over="5m", baseline={"of": "trailing_7d", "factor": 2, "clear_factor": 3}),
            "when.baseline.clear_factor",
            "further out",
        ),
        (when(field="cpu", above=90), "when.aggregation", "several agents become one"),
        (when(field="cpuu", aggregation="max", above=90), "when.field", "did you mean cpu"),
        (when(health=["red", "blue"]), "when.health", "must be a list of green"),
        (when(absent={"metric": "a"}, over="5m", above=1), "when.above", "is not known"),
        (when(budget="tokens_per_week"), "when.budget", "must be one of"),
        (when(budget="cpu_percent", level="high"), "when.level", "must be one of warn, alert"),
        (when(budget="cpu_percent", level="warn", above=1), "when.above", "cannot stand with level"),
        (when(field="cpu", aggregation="max", above=1, level="warn"), "when.level", "is not known"),
        (when(budget="tokens_per_day") | {"per": "tier"}, "per", "series of their own"),
        (when(health="red") | {"per": ["agent", "tier"]}, "per", "agent and group stand alone"),
        (when(health="red") | {"for": "5 min"}, "for", "must be a duration"),
        (when(health="red") | {"for": 300}, "for", "must be a duration"),
        (when(health="red") | {"description": None}, "description", "has no value"),
        (when(health="red") | {"labels": {"team": 7}}, "labels.team", "must be text, not 7: put it in quotes"),
        (when(health="red") | {"runbook": "wiki/x"}, "runbook", "must be a link"),
        (when(health="red") | {"expires": "soon"}, "expires", "must be a date"),
        (when(health="red") | {"select": "env"}, "select", "'env' is not of the form"),
        (when(health="red") | {"select": "env=~(a+)+"}, "select", "repeated groups"),
        (when(health="red") | {"overrides": [{"select": "agent=a"}]}, "overrides[0]", "changes nothing"),
        (when(health="red") | {"overrides": [{"select": "agent=a", "factor": 2}]}, "overrides[0].factor", "no baseline"),
        (when(health="red") | {"overrides": [{"select": "agent=a", "below": 2}]}, "overrides[0].below", "asks for above"),
    ],
)
def test_faults_name_the_place_and_the_reason(document: Any, path: str, reason: str) -> None:
    found = reasons(document)
    assert path in found
    assert re.search(reason, found[path]), found[path]


def test_all_faults_at_once() -> None:
    found = reasons({"rules": [when(metric="a", over="x", aggregation="p", above="q"), when(health="red") | {"name": "x", "fro": 1}]})
    assert {"rules[0].when.over", "rules[0].when.aggregation", "rules[0].when.above", "rules[1].fro", "rules[1].name"} <= found.keys()


def test_an_error_says_how_many_there_are() -> None:
    with pytest.raises(InvalidDocument, match=r"when.over.*\(and 1 more\)"):
        parse_rules(when(metric="a", aggregation="avg", over="1s", above="x"))


def test_the_digest_follows_what_a_rule_decides_by() -> None:
    base = yaml.safe_load(FULL)
    [rule] = parse_rules(base)

    def digest(**changes: Any) -> str:
        return parse_rules(base | changes)[0].digest

    assert digest(description="other", **{"for": "9m"}, severity="info", owner="x", runbook="https://y.z", no_data="keep") == rule.digest
    assert digest(select="env=dev") != rule.digest
    assert digest(per="tier") != rule.digest
    assert digest(when=base["when"] | {"above": 501}) != rule.digest
    assert digest(overrides=[]) != rule.digest
    assert parse_rules(base | {"when": base["when"] | {"above": 501}})[0].baseline_id == rule.baseline_id


def test_the_matrix_holds_what_rules_of_agents_ask_for() -> None:
    rules = parse_rules(
        {
            "rules": [
                {"name": "a", "per": "agent", "when": {"event": "task.failed", "over": "5m", "above": 1}},
                {"name": "b", "per": "tier", "when": {"metric": "m1", "aggregation": "avg", "over": "5m", "above": 1}},
                {"name": "c", "select": "host=h1", "when": {"metric": "m2", "aggregation": "avg", "over": "5m", "above": 1}},
                {"name": "d", "per": "agent", "when": {"field": "cpu", "above": 90}},
            ]
        }
    )
    assert agent_metrics(rules, ("tier", "env")) == {"task.failed", "m2"}


@settings(max_examples=100, deadline=None)
@given(documents.DOCUMENTS)
def test_what_has_the_schemas_shape_is_read_or_has_faults_with_paths(document: dict[str, Any]) -> None:
    SCHEMA.validate(document)
    for fault in check_rules(document):
        assert fault.path.startswith(("rules[", "when", "per"))
        assert fault.reason


@settings(max_examples=250, deadline=None)
@given(documents.spoilt())
def test_what_the_schema_refuses_the_parser_refuses(document: dict[str, Any]) -> None:
    refused = not SCHEMA.is_valid(document)
    assert not refused or check_rules(document), [error.message for error in SCHEMA.iter_errors(document)]


def test_the_schema_knows_the_words_that_the_parser_knows() -> None:
    parts = SCHEMA.schema["$defs"]
    assert tuple(parts["rule"]["properties"]) == RULE_KEYS
    assert set(parts["field"]["properties"]["field"]["enum"]) == set(FIELDS)
    assert set(parts["budget"]["properties"]["budget"]["enum"]) == {*BUDGETS, *RESOURCES}
    assert set(parts["baseline"]["properties"]) == set(BASELINE_KEYS)
    assert set(parts["baseline"]["properties"]["of"]["enum"]) == set(BaselineKind)
    assert parts["duration"]["pattern"] == DURATION_PATTERN
    assert set(parts["override"]["properties"]) == set(OVERRIDE_KEYS)
