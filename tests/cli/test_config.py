from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clawpulse.cli._config import drift, key_state
from tests.cli import shapes
from tests.cli.server import Answers

DESIRED, AGENT = "/api/agents/a/desired", "GET /api/agents/a"


@pytest.mark.parametrize(
    ("hashes", "word"),
    [
        (shapes.config(), "none desired"),
        (shapes.config(None, "h1", "h1"), "none desired"),
        (shapes.config("h2"), "not fetched"),
        (shapes.config("h2", "h1", "h1"), "behind"),
        (shapes.config("h2", "h2", "h1"), "written, not applied"),
        (shapes.config("h2", "h1", "h1", "disk full"), "failed"),
        (shapes.config("h2", "h2", "h1", "no such model"), "failed"),
        (shapes.config("h2", "h2", "h2"), "in step"),
    ],
)
def test_one_word_says_how_an_agent_stands(hashes: dict[str, Any], word: str) -> None:
    assert drift(hashes) == word


def test_hashes_document_and_who_set_it_are_shown(cli, api: Answers) -> None:
    hashes = shapes.config("h2", "h1", "h0", "no such model")
    api.table[AGENT] = shapes.details("a", config=hashes)
    api.table[f"GET {DESIRED}"] = shapes.desired("a")
    shown = cli("agents", "config", "a").stdout
    for text in ("failed", *hashes.values(), "set 2026-11-24 00:00:00 by token token1", '"model": "m-2"'):
        assert text in shown
    assert json.loads(cli("agents", "config", "a", "--json").stdout) == {**hashes, "drift": "failed", "set": shapes.desired("a")}
    assert "failed" in cli("agents", "show", "a").stdout


def test_one_is_shown_before_its_agent_comes(cli, api: Answers) -> None:
    api.table[f"GET {DESIRED}"] = shapes.desired("a")
    assert "not fetched" in cli("agents", "config", "a").stdout
    del api.table[f"GET {DESIRED}"]
    done = cli("agents", "config", "a")
    assert (done.returncode, done.stderr) == (1, "clawpulse: no agent a, and no configuration is set for one\n")
    api.table[AGENT] = shapes.problem(403, "this needs the scope read")
    assert "scope read" in cli("agents", "config", "a").stderr


def test_hostile_documents_cannot_steer_the_terminal(cli, api: Answers) -> None:
    api.table[AGENT] = shapes.details("a", config=shapes.config("h2", error="\x1b[2J"))
    api.table[f"GET {DESIRED}"] = shapes.desired("a", document={"x\x9b": "\u202e[red]"})
    shown = cli("agents", "config", "a").stdout
    assert not set("\x1b\x9b\u202e") & set(shown)
    assert "[red]" in shown


def test_a_file_is_set(cli, api: Answers, tmp_path: Path) -> None:
    api.table[f"PUT {DESIRED}"] = shapes.desired("a")
    (tmp_path / "a.json").write_text('\ufeff{"größe": 1}', encoding="utf-8")
    done = cli("agents", "config", "a", "--set", "a.json")
    assert (done.returncode, done.stdout) == (0, "a should have h2\n")
    cli("agents", "config", "a", "--set", "a.json", "--over", "h1")
    cli("agents", "config", "a", "--set", "a.json", "--over", "none")
    assert [one.body for one in api.asked] == [{"größe": 1}] * 3
    assert [(one.headers.get("If-Match"), one.headers.get("If-None-Match")) for one in api.asked] == [
        (None, None),
        ('"h1"', None),
        (None, "*"),
    ]
    api.table[f"PUT {DESIRED}"] = shapes.problem(412, "what is set now is h3, not what the condition names")
    assert "h3" in cli("agents", "config", "a", "--set", "a.json", "--over", "h1").stderr


def test_one_is_cleared(cli, api: Answers) -> None:
    api.table[f"DELETE {DESIRED}"] = (204, None)
    assert cli("agents", "config", "a", "--clear").stdout == "a should have no configuration in particular\n"
    cli("agents", "config", "a", "--clear", "--over", "h1")
    assert [(one.body, one.headers.get("If-Match")) for one in api.asked] == [(None, None), (None, '"h1"')]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "is not a JSON object"),
        ("{", "a.json: Expecting property name"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands there twice"),
        ("", "Expecting value"),
    ],
)
def test_a_file_that_is_no_document_is_refused(cli, api: Answers, tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(text)
    done = cli("agents", "config", "a", "--set", "a.json")
    assert done.returncode == 2
    assert reason in done.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--set", "no.json"], "no.json"),
        (["--set", "-", "--clear"], "exclude each other"),
        (["--over", "h1"], "--over goes with"),
        (["--clear", "--over", "none"], "nothing to do"),
    ],
)
def test_wrong_usage(cli, api: Answers, options: list[str], reason: str) -> None:
    done = cli("agents", "config", "a", *options)
    assert done.returncode == 2
    assert reason in done.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("assigned", "reported", "error", "state"),
    [
        (None, "p1", None, "none assigned"),
        ("p1", "p1", None, "in step"),
        ("p2", "p1", None, "behind"),
        ("p2", None, None, "not told"),
        ("p2", "p1", "401 from the provider", "failed: 401 from the provider"),
    ],
)
def test_how_a_key_stands_to_the_one_assigned(assigned: str | None, reported: str | None, error: str | None, state: str) -> None:
    assert key_state({"assigned": assigned, "reported": reported, "error": error, "used": None}) == state
