"""The table of names, as the code and the document have it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from functions.domain.otlp_mapping import RULES, SPLIT, Target, mapped, without_prefix

README = Path(__file__).parents[2] / "functions" / "otlp" / "README.md"


def names(name: str, unit: str = "", openclaw: bool = False, **said: str) -> list[str]:
    found = mapped(name, unit, {key.replace("__", "."): value for key, value in said.items()}, openclaw=openclaw)
    return [target.name for target in found.targets]


@pytest.mark.parametrize("kind", ["prompt", "total"])
def test_sums_of_tokens_are_not_counted_again(kind: str) -> None:
    assert names("openclaw.tokens", openclaw__token=kind) == []


def test_a_kind_of_tokens_that_we_do_not_know_is_kept_apart() -> None:
    assert names("openclaw.tokens", openclaw__token="reasoning") == ["openclaw.tokens.reasoning"]


def test_a_run_counts_where_its_outcome_is_told() -> None:
    assert names("openclaw.run.duration_ms", openclaw__outcome="completed") == ["task.latency_ms"]
    assert names("openclaw.run.duration_ms", openclaw__outcome="aborted") == ["task.latency_ms"]
    assert names("openclaw.run.duration_ms", openclaw__outcome="error") == ["task.latency_ms", "task.errors"]
    assert names("openclaw.run.duration_ms") == ["openclaw.run.duration_ms"]


def test_general_names_count_unless_openclaw_speaks() -> None:
    assert names("gen_ai.client.token.usage", gen_ai__token__type="input") == ["task.tokens_in"]
    assert names("gen_ai.client.token.usage", openclaw=True, gen_ai__token__type="input") == ["gen_ai.client.token.usage.input"]
    assert names("gen_ai.client.operation.duration", openclaw=True) == ["gen_ai.client.operation.duration"]


def test_durations_become_milliseconds_and_failed_calls_are_counted() -> None:
    found = mapped("gen_ai.client.operation.duration", "s", {"error.type": "timeout"}, openclaw=False)
    assert found == ((Target("llm.latency_ms"), Target("llm.errors", "count")), 1000.0)
    assert mapped("gen_ai.client.operation.duration", "ms", {}, openclaw=False).factor == 1.0


def test_agents_and_tools_are_no_calls_of_a_model() -> None:
    assert names("gen_ai.client.operation.duration", gen_ai__operation__name="execute_tool") == ["gen_ai.client.operation.duration"]


@pytest.mark.parametrize(
    ("name", "own"),
    [("http.server.duration", "http.server.duration"), ("a b%", "a_b_"), ("9lives", "_9lives"), ("é" * 200, "__"), (" ", "")],
)
def test_other_names_stay_as_far_as_they_are_possible(name: str, own: str) -> None:
    (found,) = names(name) or [""]
    assert found.startswith(own)
    assert len(found) <= 128


@pytest.mark.parametrize(
    ("name", "scope", "prefix", "expected"),
    [
        ("acme.tokens", "openclaw", "acme", "openclaw.tokens"),
        ("acme.openclaw.tokens", "openclaw", "acme.", "openclaw.tokens"),
        ("acme_openclaw.tokens", "app", "acme_", "openclaw.tokens"),
        ("acme.gen_ai.client.token.usage", "app", "acme", "gen_ai.client.token.usage"),
        ("acme.requests", "app", "acme", "acme.requests"),
        ("acme.tokens", "openclaw", "", "acme.tokens"),
        ("openclaw.tokens", "openclaw", "acme", "openclaw.tokens"),
    ],
)
def test_prefixes_are_taken_off_what_is_known(name: str, scope: str, prefix: str, expected: str) -> None:
    assert without_prefix(name, scope, prefix) == expected


def test_the_document_has_every_row_of_the_table() -> None:
    text = README.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for rule in RULES:
        said = [rule.metric, *rule.when, *(value for values in rule.when.values() for value in values if value != "*")]
        wanted = [*said, *(target.name for target in rule.to)]
        assert any(all(f"`{word}`" in row for word in wanted) for row in rows), rule
    for name, attribute in SPLIT.items():
        assert re.search(rf"`{re.escape(name)}`[^`]*`{re.escape(attribute)}`", text), name
