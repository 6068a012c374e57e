from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clawpulse.fleet import parse
from functions.domain.fleet_export import export
from functions.domain.fleet_layers import same

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40) | st.sampled_from(
    [
        "# Who\n\nYou help.\n",
        "trailing \n",
        "\n",
        " lead\n",
        "a\r\nb",
        "no: yaml",
        "~",
        "1e3",
        "2027-01-01",
        "yes",
        "x" * 200,
        "#",
        "\ufeff\n",
    ]
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}(?<!-)", fullmatch=True)
MODELS = st.sampled_from(["anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5", "openai/gpt-5"])
WORDS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
REFERENCES = st.builds(lambda name: {"secret": name}, st.sampled_from(["slack/bot", "slack/other"]))
NUMBERS = st.integers(0, 10**9) | st.floats(0.5, 1e9, allow_nan=False)
OPEN = st.recursive(
    st.booleans() | NUMBERS | WORDS | REFERENCES | st.lists(WORDS | st.none(), max_size=2),
    lambda inner: st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.fixed_dictionaries({}, optional={"primary": MODELS, "fallbacks": st.lists(MODELS, max_size=2)}),
        "files": st.dictionaries(st.sampled_from(["AGENTS.md", "SOUL.md"]), TEXTS, max_size=2),
        "limits": st.fixed_dictionaries({}, optional={"concurrency": st.integers(1, 9), "timeout_s": st.integers(1, 900)}),
        "tools": st.fixed_dictionaries({}, optional={"allow": st.lists(WORDS, max_size=3), "deny": st.lists(WORDS, max_size=3)}),
        "channels": st.dictionaries(NAMES, st.dictionaries(WORDS, OPEN, max_size=2), max_size=2),
        "openclaw": st.dictionaries(WORDS, OPEN, max_size=2),
        "version": st.sampled_from(["2026.9.6", "2026.10.0", "2027.1.1-beta.2"]),
        "hooks": st.dictionaries(
            NAMES,
            st.fixed_dictionaries({"command": NAMES}, optional={"arguments": st.lists(WORDS, max_size=2), "irreversible": st.booleans()}),
            max_size=2,
        ),
        "resources": st.fixed_dictionaries({}, optional={"cpu": st.sampled_from([0.5, 2, 1e3]), "memory_mb": st.integers(1, 9)}),
        "paused": st.booleans(),
    },
)
TAGS = st.fixed_dictionaries(
    {}, optional={"tier": st.sampled_from(["smart", "fast", "a/b"]), "shard": st.sampled_from(["acme", "größe 1"])}
)
AGENTS = ["a1", "a2", "a3", "a4", "b:1@x", "tier-smart", "AGENTS.md"]


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(AGENTS), st.tuples(st.sampled_from([1, 2, 3, 4]), TAGS), max_size=7),
    st.lists(DOCUMENTS, min_size=5, max_size=5),
)
def test_compiling_what_was_exported_gives_the_fleet(fleet: dict[str, tuple[int, dict[str, str]]], some: list[dict[str, Any]]) -> None:
    documents = {agent: some[number] for agent, (number, _) in fleet.items()}
    tags = {agent: tags for agent, (_, tags) in fleet.items()}
    made = export(documents, tags)
    repository = parse(made.files)
    assert set(made.left_out) <= {"tier-smart"}
    for agent in documents.keys() - made.left_out.keys():
        assert same(repository.document(agent, tags[agent]), documents[agent])


def test_what_all_have_in_common_stands_once_in_readable_files() -> None:
    prompt = "# Who you are\n\nYou help people.\n"
    documents = {
        f"{tier}{number}": {
            "model": {"primary": f"anthropic/{model}"},
            "files": {"AGENTS.md": prompt},
            "channels": {"slack": {"botToken": {"secret": "slack/bot"}}},
        }
        for tier, model in (("smart", "claude-opus-4-5"), ("fast", "claude-haiku-4-5"))
        for number in range(3)
    }
    documents["fast2"]["files"] = {"AGENTS.md": prompt, "SOUL.md": "Calm."}
    made = export(documents, {agent: {"tier": agent[:-1]} for agent in documents})
    assert made.files == {
        "agents/_base.yaml": (
            "# All agents\nfiles:\n  AGENTS.md:\n    file: prompts/_base/AGENTS.md\n"
            "channels:\n  slack:\n    botToken:\n      secret: slack/bot\n"
        ),
        "prompts/_base/AGENTS.md": prompt,
        "agents/tier-smart.yaml": "model:\n  primary: anthropic/claude-opus-4-5\n",
        "agents/tier-fast.yaml": "model:\n  primary: anthropic/claude-haiku-4-5\n",
        "agents/fast2.yaml": "files:\n  SOUL.md: Calm.\n",
    }
    assert (made.left_out, made.notes) == ({}, [])


def test_what_a_repository_cannot_say_is_left_out_with_its_reason() -> None:
    sound = {"paused": True}
    made = export(
        {
            "a": sound,
            "b": {"model": "m-2"},
            "c": {"openclaw": {"x": None}},
            "d": {"openclaw": {"list+": ["x"]}},
            "e": {"colour": "red"},
            "tier-x": sound,
            "f": {"openclaw": {"apiKey": "sk-ant-api03-" + "x" * 90}},
            "g": {},
        },
        {},
    )
    assert made.left_out.keys() == {"b", "c", "d", "e", "f", "tier-x"}
    assert made.left_out["b"].startswith("model: must be a mapping")
    assert "null" in made.left_out["c"]
    assert "not the file of an agent" in made.left_out["tier-x"]
    assert "xxx" not in made.left_out["f"]
    repository = parse(made.files)
    assert [repository.document(agent, {}) for agent in "abg"] == [sound, {}, {}]


def test_the_workspaces_documents_are_in_it() -> None:
    rules = {
        "packs": ["cost"],
        "rules": [{"name": "r", "when": {"metric": "task.cost_usd", "aggregation": "sum", "over": "1h", "above": 5}}],
    }
    budgets = {
        "": {"usd_per_day": 400},
        "tier=smart": {"tokens_per_day": 1_000_000, "act": {"at": 1.2, "do": "pause"}},
        "shard=acme": {"usd_per_month": 9},
    }
    made = export({"a": {"paused": True}}, {"a": {}}, policy={"bake_s": "5m"}, rules=rules, budgets=budgets)
    repository = parse(made.files)
    assert (repository.policy, repository.rules, repository.budgets) == ({"bake_s": "5m"}, rules, budgets)
    other = export({}, {}, budgets={**budgets, "team=search": {"usd_per_day": 1}})
    assert parse(other.files).budgets == {}
    assert other.notes == ["budgets are not in it: a repository has none for the group team=search"]
    assert export({}, {}).files == {}
