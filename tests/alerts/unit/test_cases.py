"""Rule unit tests: those of the shipped packs pass, a wrong expectation says what was found and why, a wrong document what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.domain.alert_case_run import run_case
from functions.domain.alert_cases import Case, parse_cases
from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_parse import parse_rules
from tests.alerts.unit import packs

FILES = sorted((packs.FOLDER / "tests").glob("*.yaml"))
SHIPPED = [
    pytest.param(path, case, id=f"{path.stem}: {case.name}") for path in FILES for case in parse_cases(yaml.safe_load(path.read_text()))
]
RULES = parse_rules(
    {"rules": [{"name": "slow", "per": "tier", "when": {"metric": "m", "aggregation": "avg", "over": "5m", "above": 10}, "for": "2m"}]}
)


def one(**changes: Any) -> Case:
    case = {
        "name": "x",
        "given": [{"metric": "m", "tags": {"tier": "fast"}, "values": "5x10 50x10"}],
        "expect": [{"at": "15m", "rule": "slow", "firing": [{"tier": "fast"}]}],
    }
    return parse_cases({"tests": [case | changes]})[0]


@pytest.mark.parametrize(("path", "case"), SHIPPED)
def test_the_shipped_rules_do_what_their_tests_say(path: Path, case: Case) -> None:
    rules = packs.pack(path.stem)
    budgets = yaml.safe_load(path.read_text()).get("budgets", {})
    assert run_case(case, rules, budgets=budgets).failures == ()


def test_every_shipped_rule_has_a_test_in_which_it_fires() -> None:
    fired = {expected.rule for param in SHIPPED for expected in param.values[1].expect if expected.firing}  # type: ignore[union-attr]
    assert fired == {rule.name for rule in packs.every()}


def test_a_right_expectation() -> None:
    assert run_case(one(), RULES).failures == ()


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"at": "5m", "rule": "slow", "firing": [{"tier": "fast"}]}, r"at 5m slow: expected firing: {tier: fast}; found: none"),
        (
            {"at": "15m", "rule": "slow"},
            r"at 15m slow: expected firing: none; found: {tier: fast}\n  {tier: fast}: avg of m over 5 min is 50",
        ),
        ({"at": "12m", "rule": "slow", "pending": []}, r"expected pending: none; found: {tier: fast}"),
        ({"at": "15m", "rule": "quick"}, r"rule quick is not among the rules"),
    ],
)
def test_a_wrong_expectation_says_what_was_found_and_why(expect: dict[str, Any], failure: str) -> None:
    [found] = run_case(one(expect=[expect]), RULES).failures
    assert re.search(failure, found), found


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ([], "", "must be a mapping with tests"),
        ({"tests": [{"name": "x"}]}, "tests[0].expect", "is missing"),
        ({"tests": [{"name": "x", "expect": [], "evry": "1m"}]}, "tests[0].evry", "did you mean every?"),
        ({"tests": [{"name": "x", "expect": [], "every": "20s"}]}, "tests[0].every", "multiple of 15s"),
        ({"tests": [{"name": "x", "expect": [], "start": "noon"}]}, "tests[0].start", "must be a time"),
        ({"tests": [{"name": "x", "expect": [{"at": "soon", "rule": "r"}]}]}, "tests[0].expect[0].at", "must be a duration"),
        ({"tests": [{"name": "x", "expect": [{"at": "-5m", "rule": "r"}]}]}, "tests[0].expect[0].at", "before the test"),
        ({"tests": [{"name": "x", "expect": [], "given": [{"values": "1"}]}]}, "tests[0].given[0]", "must have one of"),
        ({"tests": [{"name": "x", "expect": [], "given": [{"metric": "m", "values": "1x"}]}]}, "tests[0].given[0].values", "must be runs"),
        ({"tests": [{"name": "x", "expect": [], "given": [{"metric": "m", "values": "red"}]}]}, "tests[0].given[0].values", "must be runs"),
        (
            {"tests": [{"name": "x", "expect": [], "given": [{"metric": "m", "values": "1x99999"}]}]},
            "tests[0].given[0].values",
            "more than 57600 minutes",
        ),
        (
            {"tests": [{"name": "x", "expect": [], "given": [{"field": "saturation", "agent": "a", "values": "1"}]}]},
            "tests[0].given[0].field",
            "from which it follows",
        ),
        ({"tests": [{"name": "x", "expect": [], "given": [{"field": "cpu", "values": "1"}]}]}, "tests[0].given[0].agent", "an agent's"),
    ],
)
def test_a_wrong_document_says_what_is_wrong(document: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_cases(document)
    found = {fault.path: fault.reason for fault in caught.value.faults}
    assert path in found
    assert reason in found[path]
