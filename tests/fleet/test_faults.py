"""Every fault of a repository is told at once, with file, line, column, field and reason."""

from __future__ import annotations

import pytest

from clawpulse.fleet import MAX_BYTES, MAX_FILES, InvalidRepository, parse
from tests.fleet.repositories import FILES, faults, faults_of


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("modle: {}\n", "1:1: modle: is not known; did you mean model?"),
        ("model: {primry: a/b}\n", "1:9: model.primry: is not known; did you mean primary?"),
        ("model: gpt\n", "1:1: model: must be a mapping with primary, fallbacks, not 'gpt'"),
        ("model:\n  primary: gpt\n", "2:3: model.primary: must be provider/model such as anthropic/claude-sonnet-5, not 'gpt'"),
        ("model: {fallbacks: a/b}\n", "1:9: model.fallbacks: must be a list of at most 20, not 'a/b'"),
        ("model: {fallbacks: [a/b, 3]}\n", "1:26: model.fallbacks[1]: must be provider/model such as anthropic/claude-sonnet-5, not 3"),
        ("limits: {concurrency: 0}\n", "1:10: limits.concurrency: must be a whole number from 1 to 1,000, not 0"),
        ("limits: {concurrency: 1.5}\n", "1:10: limits.concurrency: must be a whole number from 1 to 1,000, not 1.5"),
        ("limits: {timeout_s: true}\n", "1:10: limits.timeout_s: must be a whole number from 1 to 604,800, not true"),
        ("limits: {timeout_s: 10m}\n", "1:10: limits.timeout_s: must be a whole number from 1 to 604,800, not '10m'"),
        ("version: 2026.9\n", "1:1: version: must be a version such as 2026.9.6, not 2026.9: put it in quotes"),
        ("version: latest\n", "1:1: version: must be a version such as 2026.9.6, not 'latest'"),
        ("paused: yes please\n", "1:1: paused: must be true or false, not 'yes please'"),
        ("files: {AGENT.md: x}\n", "1:9: files.AGENT.md: is not known; did you mean AGENTS.md?"),
        ("files: {AGENTS.md: [x]}\n", "1:9: files.AGENTS.md: must be text, or a mapping such as file: prompts/agents.md, not a list"),
        ("files: {SOUL.md: {file: p.md}}\n", "1:19: files.SOUL.md.file: there is no file p.md in the repository"),
        ("files: {SOUL.md: {file: ../p.md}}\n", "1:19: files.SOUL.md.file: must be a path within the repository"),
        ("files: {SOUL.md: {file: /etc/passwd}}\n", "1:19: files.SOUL.md.file: must be a path within the repository"),
        ("files: {SOUL.md: {file: .git/config}}\n", "1:19: files.SOUL.md.file: must not begin with a dot"),
        ("tools: {allow: [a], allow+: [b]}\n", "1:21: tools.allow+: stands beside allow, which replaces the list: keep one of them"),
        ("limits: {concurrency+: [1]}\n", "1:10: limits.concurrency+: concurrency is no list: + and - after a key are for lists"),
        ("tools: {allow+: x}\n", "1:9: tools.allow+: must be a list of at most 1000, not 'x'"),
        ("tools: {allowed+: [x]}\n", "1:9: tools.allowed+: is not known"),
        ("openclaw: {a: {b+: 1}}\n", "1:16: openclaw.a.b+: must be a list, not 1: + and - after a key change lists"),
        ("openclaw: {a: [{b+: [], b: []}]}\n", "1:17: openclaw.a[0].b+: stands beside b"),
        ("openclaw: {a: {__proto__: 1}}\n", "1:16: openclaw.a.__proto__: no setting has such a name"),
        ("openclaw: {gateway: x}\n", "1:12: openclaw.gateway: must be a mapping, not 'x'"),
        ("openclaw: {gateway: {port: 1}}\n", "1:22: openclaw.gateway.port: cannot be rolled out"),
        ("openclaw: []\n", "1:1: openclaw: must be a mapping, not a list"),
        ("channels: {slack: {enabled: 1}}\n", "1:20: channels.slack.enabled: must be true or false, not 1"),
        ("channels: {'a b': {}}\n", "1:12: channels.a b: must be the name of a channel, not 'a b'"),
        ("hooks: {m: {command: ../x}}\n", "1:13: hooks.m.command: must be the name of an executable, not '../x'"),
        (
            "hooks: {m: {command: x, arguments: [7]}}\n",
            "1:37: hooks.m.arguments[0]: must be text that is not empty, not 7: put it in quotes",
        ),
        ("hooks: {m: {command: x, arguments: ['']}}\n", "1:37: hooks.m.arguments[0]: must be text that is not empty"),
        ("version: '2026'\n", "1:1: version: must be a version such as 2026.9.6, not '2026'"),
        ("resources: {memory: 5}\n", "1:13: resources.memory: is not known; did you mean memory_mb?"),
        ("tags: {tier: x}\n", "1:1: tags: is not known"),
        ("budgets: {usd_per_week: 1}\n", "1:11: budgets.usd_per_week: is not known; did you mean usd_per_day?"),
        ("budgets: {usd_per_day: 0}\n", "1:11: budgets.usd_per_day: must be a number above 0 to"),
        ("budgets: {act: {do: stop}}\n", "1:17: budgets.act.do: must be one of pause, not 'stop'"),
        ("budgets: {act: {do: {modl: a/b}}}\n", "1:22: budgets.act.do.modl: is not known; did you mean model?"),
        ("a: b: c\n", "1:5: is not YAML: mapping values are not allowed here"),
        ("model: {}\nmodel: {}\n", "2:1: model: stands there twice"),
        ("- model\n", "1:1: must be a mapping, not a list"),
        ("{}\n---\n{}\n", "3:1: begins a second document: put it into a file of its own"),
        ("openclaw: {a: &x [*x]}\n", "1:15: openclaw.a[0]: contains itself"),
        ("openclaw: {a: " + "[" * 40 + "]" * 40 + "}", "1:45: openclaw.a" + "[0]" * 30 + ": is nested more than 32 deep"),
        ("openclaw: {a: " + "[" * 5_000, "1:1: is nested too deeply"),
    ],
)
def test_a_fault_names_place_field_and_reason(text: str, fault: str) -> None:
    found = faults_of(text)
    assert any(line.startswith(f"agents/_base.yaml:{fault}") for line in found), found


def test_all_faults_of_all_files_are_told_at_once_and_in_order() -> None:
    found = faults(
        {**FILES, "agents/tier-smart.yaml": "modle: {}\npausd: true\n", "shards/acme.yaml": "a: [\n", "alerts/x.yaml": "rules: no\n"}
    )
    assert [line.split(": ")[0] for line in found] == [
        "agents/tier-smart.yaml:1:1",
        "agents/tier-smart.yaml:2:1",
        "alerts/x.yaml:1:1",
        "shards/acme.yaml:2:1",
    ]


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("agents/a.yaml", "budgets: {}\n", "agents/a.yaml:1:1: budgets: is not known"),
        ("agents/a.yaml", "tags: {tier: smrt}\n", "agents/a.yaml:1:8: tags.tier: there is no file for the tier smrt; did you mean smart?"),
        ("agents/a.yaml", "tags: {env: prod}\n", "agents/a.yaml:1:8: tags.env: is not known; known are shard, tier"),
        ("agents/-a.yaml", "{}\n", "agents/-a.yaml:1:1: the name of the file must be an agent's id"),
        ("agents/tier-a,b.yaml", "{}\n", "agents/tier-a,b.yaml:1:1: the name of the file must be the value of a tag"),
        ("agents/_all.yaml", "{}\n", "agents/_all.yaml:1:1: the name of the file must be an agent's id"),
        ("agents/sub/a.yaml", "{}\n", "agents/sub/a.yaml:1:1: is no file of a fleet repository, and no layer names it as a prompt"),
        ("prompts/unused.md", "x", "prompts/unused.md:1:1: is no file of a fleet repository, and no layer names it as a prompt"),
        ("fleet.yaml", "rolout: {}\n", "fleet.yaml:1:1: rolout: is not known; did you mean rollout?"),
        ("fleet.yaml", "rollout: 5\n", "fleet.yaml:1:1: rollout: must be a mapping, not 5"),
        ("alerts/a.yaml", "rules: {}\n", "alerts/a.yaml:1:1: rules: must be a list"),
        ("alerts/a.yaml", "rules:\n  - when: {}\n", "alerts/a.yaml:2:5: rules[0].name: is missing"),
        ("alerts/a.yaml", "rulez: []\n", "alerts/a.yaml:1:1: name: is missing"),
        ("alerts/a.yaml", "rules: [x]\n", "alerts/a.yaml:1:9: rules[0]: must be a mapping, not 'x'"),
        ("prompts/AGENTS.md", "a\nb\0c", "prompts/AGENTS.md:2:1: has a character 0: is it text?"),
        ("agents/a.yaml", "openclaw: {x: '\ud800'}\n", "agents/a.yaml:1:1: has characters that UTF-8 does not have"),
    ],
)
def test_files_are_what_their_path_says(path: str, text: str, fault: str) -> None:
    found = faults({**FILES, path: text})
    assert len(found) >= 1
    assert found[0].startswith(fault), found


def test_a_fault_in_a_layer_does_not_make_its_prompts_strangers() -> None:
    assert faults({**FILES, "agents/_base.yaml": FILES["agents/_base.yaml"] + "x: 1\n"}) == [
        f"agents/_base.yaml:13:1: x: is not known; known are {', '.join(sorted(('budgets', *KNOWN)))}"
    ]
    assert len(faults({**FILES, "agents/_base.yaml": "a: [\n"})) == 1


def test_a_fault_in_a_layer_makes_none_in_those_that_build_on_it() -> None:
    agent = "tags: {tier: smart}\nhooks: {m: {arguments: ['7']}}\n"
    assert faults({"agents/tier-smart.yaml": "hooks: {m: {command: go}}\nx: 1\n", "agents/a.yaml": agent}) == [
        f"agents/tier-smart.yaml:2:1: x: is not known; known are {', '.join(sorted(('budgets', *KNOWN)))}"
    ]


KNOWN = ("channels", "files", "hooks", "limits", "model", "openclaw", "paused", "resources", "tools", "version")


def test_there_are_limits_to_size_number_and_aliases() -> None:
    assert faults({"agents/_base.yaml": "#" * MAX_BYTES}) == [
        ":1:1: the files of the repository have 2,000,017 bytes; at most 2,000,000 are possible"
    ]
    many = {f"agents/a{number}.yaml": "" for number in range(MAX_FILES + 1)}
    assert faults(many) == [":1:1: the repository has 2,001 files; at most 2,000 are possible"]
    levels = "".join(f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9))
    assert "parts, aliases counted each time" in faults_of(f"openclaw:\n  a0: &a0 [x]\n{levels}")[0]


def test_a_prompt_is_no_longer_than_agents_take() -> None:
    files = {"agents/_base.yaml": "files:\n  AGENTS.md: {file: p.md}\n", "p.md": "x" * 119_499}
    assert faults(files) == ["agents/_base.yaml:2:3: files.AGENTS.md: has 119,501 bytes as JSON; agents take at most 119,500"]
    assert faults({**files, "p.md": "x" * 119_498}) == []


def test_an_error_knows_its_faults_by_file_and_line() -> None:
    with pytest.raises(InvalidRepository, match=r"agents/_base\.yaml:1:1: a: is not known") as caught:
        parse({"agents/_base.yaml": "a: 1\nb: 2\n"})
    assert [(fault.file, fault.line, fault.column, fault.path) for fault in caught.value.faults] == [
        ("agents/_base.yaml", 1, 1, "a"),
        ("agents/_base.yaml", 2, 1, "b"),
    ]
