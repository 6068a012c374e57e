"""The shipped rules and their document agree with each other and with the language."""

from __future__ import annotations

import re

import yaml

from functions.domain.alert import Severity
from functions.domain.alert_cases import parse_cases
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import BUDGETS, FIELDS, BaselineKind
from tests.alerts.unit import packs

README = (packs.FOLDER / "README.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.S)]


def test_names_are_unique_and_every_rule_is_explained() -> None:
    rules = packs.every()
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.description and dict(rule.labels)["pack"] for rule in rules)


def test_the_table_has_every_rule_with_its_severity_and_pack() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in README.splitlines() if line.startswith("| `")]
    told = [row for row in rows if len(row) == 6 and row[2] in set(Severity)]
    listed = {name: (row[1], row[2]) for row in told for name in re.findall(r"`([a-z0-9-]+)`", row[0])}
    assert listed == {rule.name: (dict(rule.labels)["pack"], rule.severity.value) for rule in packs.every()}


def test_the_examples_of_the_document_are_sound() -> None:
    [rules, tests] = BLOCKS
    assert [rule.name for rule in parse_rules(rules)] == ["latency-doubled"]
    assert [case.name for case in parse_cases(tests)] == ["a tier is twice as slow as in the week before"]


def test_the_document_knows_every_word() -> None:
    words = set(re.findall(r"[a-z0-9_]+", README))
    assert {*FIELDS, *BaselineKind} <= words
    assert {word for name in BUDGETS for word in name.split("_per_")} <= words | {"hour", "day", "month"}
