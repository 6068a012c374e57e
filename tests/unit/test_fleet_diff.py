from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.fleet_diff import (
    SHOWN,
    SHOWN_LINES,
    Change,
    changes,
    grouped,
    irreversible,
    origin_of,
    place,
    shown,
    text_difference,
)

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=12
)
DOCUMENTS = st.dictionaries(st.sampled_from(["model", "files", "hooks", "a"]), VALUES, max_size=4)


def told(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {place(path): (before and json.loads(before), after and json.loads(after)) for path, before, after in changes(old, new)}


def test_each_value_that_differs_is_told_with_its_path() -> None:
    old = {"model": {"primary": "a", "fallbacks": ["x"]}, "limits": {"concurrency": 2}, "paused": True}
    new = {"model": {"primary": "b", "fallbacks": ["x", "y"]}, "limits": {"concurrency": 2}, "files": {"AGENTS.md": "hi"}}
    assert told(old, new) == {
        "model.primary": ("a", "b"),
        "model.fallbacks": (["x"], ["x", "y"]),
        "files['AGENTS.md']": (None, "hi"),
        "paused": (True, None),
    }


def test_kinds_that_python_takes_for_equal_are_different() -> None:
    assert told({"a": 1, "b": 1, "c": {"d": [0]}}, {"a": True, "b": 1, "c": {"d": [False]}}) == {"a": (1, True), "c.d": ([0], [False])}


def test_an_empty_mapping_is_a_value() -> None:
    assert told({}, {"channels": {}}) == {"channels": (None, {})}
    assert told({"channels": {}}, {"channels": {"slack": {"enabled": True}}}) == {"channels": ({}, {"slack": {"enabled": True}})}


def test_a_secret_is_one_value() -> None:
    old, new = ({"channels": {"slack": {"botToken": {"secret": name}}}} for name in ("a", "b"))
    assert told(old, new) == {"channels.slack.botToken": ({"secret": "a"}, {"secret": "b"})}


def test_secrets_that_are_written_out_are_hidden() -> None:
    key = "sk-ant-api03-" + "x1" * 20
    old = {
        "openclaw": {"apiKey": "hunter2", "list": [key, {"password": "p"}], "url": "https://me:hunter2@example.org"},
        "files": {"A": f"use {key}\n"},
    }
    new = {"openclaw": {"apiKey": {"secret": "llm"}, "list": [], "url": ""}, "files": {"A": "use\n"}}
    assert told(old, new) == {
        "openclaw.apiKey": ("[redacted]", {"secret": "llm"}),
        "openclaw.list": (["[redacted]", {"password": "[redacted]"}], []),
        "openclaw.url": ("https://me:[redacted]@example.org", ""),
        "files.A": ("use [redacted]\n", "use\n"),
    }
    # Another secret is a change all the same.
    assert told({"token": "a"}, {"token": "b"}) == {"token": ("[redacted]", "[redacted]")}
    assert told({"limits": {"max_tokens": 1}}, {"limits": {"max_tokens": 2}}) == {"limits.max_tokens": (1, 2)}


@given(DOCUMENTS, DOCUMENTS)
def test_what_has_no_change_is_the_same_and_applying_all_leads_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = changes(old, new)
    assert (not found) == (json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))
    made: dict[str, Any] = json.loads(json.dumps(old))
    for path, before, after in found:
        assert before != after
        _set(made, path, after)
    assert _pruned(made) == _pruned(json.loads(json.dumps(new)))


def _set(document: dict[str, Any], path: tuple[str, ...], value: str | None) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {})
    if value is None:
        del document[path[-1]]
    else:
        document[path[-1]] = json.loads(value)


def _pruned(value: Any) -> Any:
    """Without mappings that taking their values away has left empty."""
    if not isinstance(value, dict):
        return value
    inside = {key: _pruned(one) for key, one in value.items()}
    return {key: one for key, one in inside.items() if one != {}}


def test_the_same_change_of_many_agents_is_one_group() -> None:
    same = changes({"model": {"primary": "a"}}, {"model": {"primary": "b"}})
    other = changes({"limits": {"concurrency": 1}}, {"limits": {"concurrency": 2}})
    origins = {"model": "agents/_base.yaml:1", "limits": "agents/a7.yaml:3"}
    agents = [(f"a{number}", [*same, *other] if number == 7 else same, origins) for number in range(500)]
    groups = grouped(agents)
    assert [(place(group.change.path), len(group.agents), group.origins) for group in groups] == [
        ("model.primary", 500, ["agents/_base.yaml:1"]),
        ("limits.concurrency", 1, ["agents/a7.yaml:3"]),
    ]


def test_what_is_gone_has_no_origin_and_the_nearest_one_is_named() -> None:
    (gone,) = grouped([("a", [Change(("model", "primary"), '"a"', None)], {"model": "x:1"})])
    assert gone.origins == []
    assert origin_of(("files", "AGENTS.md"), {"files": "x:1", "files.AGENTS.md": "x:2"}) == "x:2"
    assert origin_of(("files", "AGENTS.md"), {}) is None


def test_versions_and_hooks_that_say_so_are_irreversible() -> None:
    hook = {"command": "migrate", "irreversible": True}
    assert irreversible({"version": "1"}, {"version": "2"})
    assert irreversible({"version": "1"}, {})
    assert irreversible({}, {"hooks": {"m": hook}})
    assert irreversible({"hooks": {"m": hook}}, {"hooks": {"m": {**hook, "arguments": ["2"]}}})
    # A hook that is gone does not run; one that changes to a harmless one runs as that.
    assert not irreversible({"hooks": {"m": hook}}, {})
    assert not irreversible({"hooks": {"m": hook}}, {"hooks": {"m": {"command": "echo"}}})
    assert not irreversible({"model": {"primary": "a"}, "hooks": {"m": hook}}, {"model": {"primary": "b"}, "hooks": {"m": hook}})
    assert irreversible({"hooks": {}}, {"hooks": {"m": hook}})


def test_long_values_are_cut_and_say_so() -> None:
    assert shown('"short"') == '"short"'
    assert shown(None) is None
    long = shown('"' + "x" * 5_000 + '"')
    assert long
    assert long.endswith("… (5,002 characters)")
    assert len(long) < SHOWN + 30


def test_texts_of_several_lines_are_compared_line_by_line() -> None:
    old = "\n".join(f"line {number}" for number in range(100))
    assert text_difference(Change(("f",), json.dumps(old), json.dumps(old.replace("line 50", "other")))) == [
        "@@ -50,3 +50,3 @@",
        " line 49",
        "-line 50",
        "+other",
        " line 51",
    ]
    assert text_difference(Change(("f",), '"a"', '"b"')) is None
    assert text_difference(Change(("f",), "[1]", '"a\\nb"')) is None
    assert text_difference(Change(("f",), '"a\\n"', '"a"')) == ["(only the ends of lines differ)"]
    all_new = text_difference(Change(("f",), json.dumps("a\nb"), json.dumps("\n".join("x" * 999 for _ in range(3_000)))))
    assert all_new
    assert (len(all_new), all_new[-1]) == (SHOWN_LINES + 1, "… (2943 more lines)")
    assert max(map(len, all_new)) < 300
    assert text_difference(Change(("f",), json.dumps("a\n" * 9_000), json.dumps("b\n"))) is None
