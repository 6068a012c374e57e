"""What comes out of a repository: documents of agents, their origins, budgets, rules, the policy."""

from __future__ import annotations

import hashlib

import pytest

from clawpulse.fleet import InvalidRepository, digest, parse
from tests.fleet.repositories import ACME, BASE, FILES, faults

SHARED = {
    "model": {"primary": "anthropic/claude-sonnet-5", "fallbacks": ["openai/gpt-5"]},
    "files": {"AGENTS.md": "Be kind.\n", "SOUL.md": "calm"},
    "limits": {"concurrency": 4, "timeout_s": 600},
    "tools": {"allow": ["read", "write"]},
    "channels": {"slack": {"enabled": True, "botToken": {"secret": "slack/bot"}}},
}
ALL = {
    "model": {"primary": "anthropic/claude-opus-5", "fallbacks": ["openai/gpt-5"]},
    "files": {"AGENTS.md": "Be kind.\n", "SOUL.md": "calm"},
    "limits": {"concurrency": 4},
    "tools": {"allow": ["read", "exec"]},
    "channels": {"slack": {"enabled": True, "botToken": {"secret": "acme/bot"}}},
    "paused": True,
}


def test_an_agent_gets_base_tier_shard_and_its_own_in_this_order() -> None:
    repository = parse(FILES)
    assert repository.document("nobody", {}) == SHARED
    assert repository.document("nobody", {"tier": "other", "shard": "other"}) == SHARED
    assert repository.document("agent-7", {"tier": "smart", "shard": "acme", "env": "prod"}) == ALL


def test_tags_in_an_agents_file_go_before_its_own() -> None:
    files = {**FILES, "agents/agent-7.yaml": FILES["agents/agent-7.yaml"] + "tags: {tier: smart, shard: acme}\n"}
    assert parse(files).document("agent-7", {"tier": "fast"}) == ALL


def test_documents_are_no_ones_but_the_callers() -> None:
    repository = parse(FILES)
    first = repository.document("a", {})
    first["tools"]["allow"].append("x")
    first["model"].clear()
    assert repository.document("b", {}) == SHARED


def test_names_are_those_of_files() -> None:
    repository = parse(FILES)
    assert (repository.agents, repository.tiers, repository.shards) == (["agent-7"], ["smart"], ["acme"])


def test_an_empty_repository_manages_nothing() -> None:
    for files in ({}, {"agents/_base.yaml": ""}, {"fleet.yaml": "# nothing\n", "agents/a.yaml": "{}\n"}):
        repository = parse(files)
        assert repository.document("a", {}) == {}
        assert (repository.policy, repository.rules, repository.budgets) == (None, None, {})


def test_each_part_is_known_by_the_last_file_that_has_a_say_in_it() -> None:
    found = parse(FILES).origin("agent-7", {"tier": "smart", "shard": "acme"})
    assert found["model"] == found["model.primary"] == "agents/tier-smart.yaml:1"
    assert found["model.fallbacks"] == "agents/_base.yaml:3"
    assert found["files.AGENTS.md"] == "agents/_base.yaml:5"
    assert found["tools.allow"] == "agents/agent-7.yaml:1"
    assert found["channels.slack.enabled"] == "agents/_base.yaml:11"
    assert found["channels.slack.botToken"] == "shards/acme.yaml:3"
    assert found["paused"] == "agents/agent-7.yaml:2"
    assert "limits.timeout_s" not in found
    assert "budgets" not in found


def test_every_part_of_a_document_has_an_origin() -> None:
    repository = parse(FILES)
    for tags in ({}, {"tier": "smart"}, {"shard": "acme"}):
        assert set(repository.origin("agent-7", tags)) == set(_paths(repository.document("agent-7", tags)))


def _paths(value: object, path: str = "") -> list[str]:
    if not isinstance(value, dict):
        return []
    return [found for key, inner in value.items() for found in (f"{path}{key}", *_paths(inner, f"{path}{key}."))]


def test_budgets_are_of_the_group_of_their_file() -> None:
    files = {**FILES, "shards/acme.yaml": ACME + "budgets: {usd_per_month: 900, tokens_per_day: null}\n"}
    assert parse(files).budgets == {
        "": {"usd_per_day": 200},
        "tier=smart": {"usd_per_day": 80, "act": {"at": 1.2, "do": "pause"}},
        "shard=acme": {"usd_per_month": 900},
    }


def test_rules_of_all_files_are_one_document() -> None:
    files = {
        "alerts/a.yaml": "packs: [cost]\nrules:\n  - {name: a, when: {metric: x}}\ntests: []\n",
        "alerts/b.yaml": "name: b\nwhen: {metric: y}\n---\nname: c\nwhen:\n  metric: z\n",
    }
    repository = parse(files)
    assert repository.rules == {
        "packs": ["cost"],
        "rules": [{"name": "a", "when": {"metric": "x"}}, {"name": "b", "when": {"metric": "y"}}, {"name": "c", "when": {"metric": "z"}}],
    }
    assert str(repository.fault("rules", "rules[2].when.metric", "is bad")) == "alerts/b.yaml:6:3: when.metric: is bad"
    assert str(repository.fault("rules", "packs[0]", "is bad")) == "alerts/a.yaml:1:9: packs[0]: is bad"
    assert str(repository.fault("rules", "rules[9]", "is bad")) == "alerts:1:1: rules[9]: is bad"


def test_the_policy_and_its_faults_have_their_place() -> None:
    repository = parse({"fleet.yaml": "rollout:\n  waves: ['1']\n  bake_s: 10m\n", **FILES})
    assert repository.policy == {"waves": ["1"], "bake_s": "10m"}
    assert str(repository.fault("policy", "bake_s", "is bad")) == "fleet.yaml:3:3: rollout.bake_s: is bad"
    assert str(repository.fault("budgets", "['tier=smart'].act.at", "is bad")) == "agents/tier-smart.yaml:5:34: budgets.act.at: is bad"
    assert str(repository.fault("budgets", "['']", "is bad")) == "agents/_base.yaml:12:1: budgets: is bad"


def test_what_only_layers_together_show_is_a_fault_of_the_document() -> None:
    files = {
        "agents/tier-a.yaml": "openclaw: {x: {list: [1]}}\n",
        "shards/t.yaml": "openclaw: {x: {list: none}}\n",
        "agents/b.yaml": "openclaw: {x: {list+: [2]}}\n",
    }
    repository = parse(files)
    assert repository.document("b", {"tier": "a"})["openclaw"] == {"x": {"list": [1, 2]}}
    with pytest.raises(InvalidRepository) as caught:
        repository.document("b", {"tier": "a", "shard": "t"})
    assert str(caught.value) == ("agents/b.yaml:1:16: openclaw.x.list+: changes a list, but the layers before have 'none' there")


def test_a_hook_needs_a_command_in_some_layer_of_each_agent() -> None:
    files = {
        "agents/tier-a.yaml": "hooks:\n  migrate: {command: migrate-db}\n",
        "agents/b.yaml": "hooks:\n  migrate: {irreversible: true}\n",
    }
    assert faults(files) == ["agents/b.yaml:2:3: hooks.migrate: has no command in agents/b.yaml"]
    files["agents/b.yaml"] += "tags: {tier: a}\n"
    assert parse(files).document("b", {})["hooks"] == {"migrate": {"command": "migrate-db", "irreversible": True}}
    del files["agents/tier-a.yaml"]
    files["agents/b.yaml"] = "hooks:\n  migrate: {irreversible: true}\n"
    assert faults(files) == ["agents/b.yaml:2:3: hooks.migrate: has no command"]


def test_a_document_has_an_upper_size() -> None:
    base = "files:\n" + "".join(f"  {name}.md: {{file: p.md}}\n" for name in ("AGENTS", "SOUL", "USER"))
    files = {"agents/_base.yaml": base, "p.md": "x" * 90_000, "agents/a.yaml": "paused: true\n"}
    assert faults(files) == [
        "agents/_base.yaml:1:1: the configuration has 270,052 bytes, prompts included; at most 262,144 are possible",
        "agents/a.yaml:1:1: the configuration of a has 270,066 bytes, prompts included; at most 262,144 are possible",
    ]


def test_the_digest_knows_paths_and_texts_and_no_order() -> None:
    assert digest(FILES) == digest(dict(reversed(FILES.items())))
    assert len(digest(FILES)) == len(hashlib.sha256().hexdigest())
    others = [{**FILES, "agents/_base.yaml": BASE + " "}, {**FILES, "x": ""}, {"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}]
    assert len({digest(files) for files in (FILES, *others)}) == len(others) + 1


def test_agents_share_layers_and_not_each_others_own() -> None:
    tiers = {f"agents/tier-t{number}.yaml": f"limits: {{concurrency: {number + 1}}}\n" for number in range(3)}
    own = {f"agents/a{number}.yaml": f"limits: {{timeout_s: {number + 1}}}\n" for number in range(250)}
    repository = parse({**FILES, **tiers, **own})
    documents = [repository.document(f"a{number}", {"tier": f"t{number % 3}"}) for number in range(500)]
    assert [document["limits"]["concurrency"] for document in documents] == [number % 3 + 1 for number in range(500)]
    assert documents[7]["limits"] == {"concurrency": 2, "timeout_s": 8}
    assert repository.document("a1", {}) == {**SHARED, "limits": {"concurrency": 4, "timeout_s": 2}}
