"""Rules put to the proof: the commands against the real API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.alerting import SLOW, own_rules
from tests.api.test_trials import slow_minutes
from tests.api.world import World, agent

RULE = """\
rules:
- name: milder
  per: tier
  when: {metric: task.latency_ms, aggregation: p95, over: 5m, above: 50}
"""
TESTS = """\
tests:
- name: slow tier
  given:
  - {metric: task.latency_ms, tags: {tier: fast}, values: 10x10 900x10}
  expect:
  - {at: 15m, rule: slow, firing: [{tier: fast}]}
  - {at: 15m, rule: milder, firing: [{tier: fast}]}
- name: too soon
  given:
  - {metric: task.latency_ms, tags: {tier: fast}, values: 10x10}
  expect:
  - {at: 5m, rule: slow, firing: [{tier: fast}]}
"""


@pytest.fixture(autouse=True)
def fleet(world: World, tmp_path: Path) -> None:
    own_rules(world, SLOW)
    world.seal(agent("a1", "tier=fast"))
    (tmp_path / "milder.yaml").write_text(RULE)
    (tmp_path / "tests.yaml").write_text(TESTS)


def test_a_backtest_lists_pages_and_what_they_come_to(real, world: World) -> None:
    slow_minutes(world, 40, 20)
    done = real("alerts", "backtest", "slow", "--since", "2h")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].startswith("2026-11-23 19:21:40  22 min  tier=fast")
    assert lines[2].startswith("slow: 1 page from 2026-11-23 18:00:00 to 2026-11-23 20:00:00 UTC, $")
    assert len(lines) == 3
    assert json.loads(real("alerts", "backtest", "milder", "--file", "milder.yaml", "--since", "2h", "--json").stdout)["total"] == 1
    done = real("alerts", "backtest", "slow")
    assert "slow: 1 page" in done.stdout
    assert "only hours are stored" in done.stdout


def test_what_cannot_be_replayed(real, tmp_path: Path) -> None:
    assert real("alerts", "backtest", "unknown").stderr == "clawpulse: no rule unknown\n"
    (tmp_path / "milder.yaml").write_text(RULE.replace("above", "abov"))
    done = real("alerts", "backtest", "milder", "--file", "milder.yaml")
    assert done.returncode == 1
    assert "milder.yaml:4:63: rules[0].when.abov: is not known" in done.stdout


def test_unit_tests_are_run_with_the_rules_of_all_files(real) -> None:
    done = real("alerts", "test", "tests.yaml", "milder.yaml")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "ok   tests.yaml: slow tier",
        "FAIL tests.yaml: too soon",
        "     at 5m slow: expected firing: {tier: fast}; found: none",
    ]
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"
    answer = json.loads(real("alerts", "test", "tests.yaml", "milder.yaml", "--json").stdout)
    assert [(one["file"], one["name"], one["passed"]) for one in answer["tests"]] == [
        ("tests.yaml", "slow tier", True),
        ("tests.yaml", "too soon", False),
    ]


def test_faults_of_tests_have_their_places(real, tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text(TESTS.replace("at: 5m", "att: 5m"))
    done = real("alerts", "test", "milder.yaml", "tests.yaml")
    assert done.returncode == 1
    assert "tests.yaml:12:6: tests[1].expect[0].att: is not known; did you mean at?" in done.stdout
    done = real("alerts", "test", "milder.yaml")
    assert (done.returncode, "none of the files has tests" in done.stderr) == (2, True)


def test_files_with_tests_can_be_linted(real, tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(RULE + TESTS + "budgets: {}\n")
    assert real("alerts", "lint", "both.yaml").stdout == "1 rule, no fault\n"


def test_an_audit_lists_findings_with_a_proposal(real, world: World) -> None:
    row = real("alerts", "audit").stdout.splitlines()[1]
    assert row.startswith("slow  stale  nothing of the name task.latency_ms came in 30 days")
    own_rules(world, {**SLOW, "expires": "2026-01-01"})
    assert json.loads(real("alerts", "audit", "--json").stdout)["findings"][0]["fault"] == "expired"
