"""Whatever is sent as a repository, it is one or has faults: nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clawpulse.fleet import Fault, InvalidRepository, digest, parse
from tests.fleet.repositories import FILES

PATHS = st.sampled_from(
    [*FILES, "fleet.yaml", "alerts/a.yaml", "agents/b.yaml", "agents/tier-.yaml", "x", "", "../x", "agents/\ud800.yaml"]
)
KEYS = st.sampled_from(
    [
        *("model", "primary", "fallbacks", "files", "AGENTS.md", "file", "limits", "concurrency", "tools", "allow", "allow+", "allow-"),
        *("channels", "slack", "secret", "openclaw", "hooks", "m", "command", "tags", "tier", "budgets", "act", "rollout", "rules", "when"),
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["a/b", "smart", "prompts/AGENTS.md"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=4).map(lambda value: yaml.dump(value, allow_unicode=True))
PIECES = st.lists(
    st.sampled_from([*"{}[]:,&*!|>%@`'\"#?-~<\t\n ", "a", "key: ", "- ", "\n  ", "<<: *a", "&a ", "---\n", "\ud800", "\x00"]), max_size=20
)
TEXTS = MAPPINGS | PIECES.map("".join) | st.text(max_size=40)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(PATHS, TEXTS, max_size=4))
@example({"agents/_base.yaml": "? {a: b}\n: c\n"})
@example({"agents/_base.yaml": "a: !!binary x\nb: !!set {c}\nd: !!omap [e: f]\n"})
@example({"agents/_base.yaml": "hooks: {m: }\nfiles:\ntools: ~\nchannels: {slack: ~}\n"})
@example({"agents/_base.yaml": "files: {SOUL.md: {file: [x]}}\n"})
@example({"agents/_base.yaml": 'openclaw: {x: "\\uD800"}\n'})
@example({"agents/_base.yaml": 'openclaw: {"\\uD800": 1}\n'})
@example({"agents/_base.yaml": "openclaw: {x: 1_000, y: 0o17, z: 1:30, 7: 1}\n"})
def test_any_files_are_a_repository_or_have_faults(files: dict[str, str]) -> None:
    assert len(digest(files)) == 64
    repository, faults = outcome(lambda: parse(files))
    assert (repository is None) == bool(faults)
    assert all(fault.reason and fault.line >= 1 and fault.column >= 1 for fault in faults)
    for tags in ({}, {"tier": "smart", "shard": "acme"}, {"tier": "", "shard": "\ud800"}) if repository else ():
        document, _ = outcome(lambda tags=tags: repository.document("agent-7", tags))
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def outcome(call: Callable[[], Any]) -> tuple[Any, list[Fault]]:
    """What it gives, or the faults that it raises."""
    try:
        return call(), []
    except InvalidRepository as error:
        return None, error.faults


@given(st.permutations(list(FILES)))
def test_the_order_of_files_does_not_matter(order: list[str]) -> None:
    repository = parse({path: FILES[path] for path in order})
    tags = {"tier": "smart", "shard": "acme"}
    assert repository.document("agent-7", tags) == parse(FILES).document("agent-7", tags)
    assert list(repository.budgets) == list(parse(FILES).budgets)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "a: &a [" * 3_000])
def test_deep_nesting_is_a_fault_and_ends_no_process(text: str) -> None:
    with pytest.raises(InvalidRepository):
        parse({"agents/_base.yaml": text})
