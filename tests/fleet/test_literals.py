"""A secret that is written out is a fault, wherever it stands, and no fault repeats it."""

from __future__ import annotations

import pytest

from tests.fleet.repositories import FILES, faults, faults_of

KEY = "sk-ant-" + "api03-Zx91" * 3
GITHUB = "ghp_" + "a1B2c3D4" * 4
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("channels: {slack: {botToken: plain-words}}\n", "1:20: channels.slack.botToken: is written out"),
        ("channels: {slack: {botToken: 12345}}\n", "1:20: channels.slack.botToken: is written out"),
        ("channels: {slack: {apiKeys: [one, two]}}\n", "1:20: channels.slack.apiKeys: is written out"),
        ("channels: {line: {channelSecret: abc}}\n", "1:19: channels.line.channelSecret: is written out"),
        ("openclaw: {gateway: {auth: {token: abc}}}\n", "1:29: openclaw.gateway.auth.token: is written out"),
        ("openclaw: {a: {secret: abc, other: 1}}\n", "1:16: openclaw.a.secret: is written out"),
        ("openclaw: {a: {password: abc}}\n", "1:16: openclaw.a.password: is written out"),
        (f"openclaw: {{note: 'use {KEY}'}}\n", "1:12: openclaw.note: looks like a secret"),
        (f"openclaw: {{list: [x, {GITHUB}]}}\n", "1:22: openclaw.list[1]: looks like a secret"),
        ("openclaw: {url: 'https://me:hunter2@host/x'}\n", "1:12: openclaw.url: looks like a secret"),
        (f"openclaw: {{{GITHUB}: 1}}\n", "1:12: openclaw.[redacted]: looks like a secret"),
        (f"model: {{primary: {KEY}}}\n", "1:9: model.primary: looks like a secret"),
        (f"hooks: {{m: {{command: x, arguments: [{KEY}]}}}}\n", "1:37: hooks.m.arguments[0]: looks like a secret"),
        (f"files: {{SOUL.md: 'the key is {KEY}'}}\n", "1:9: files.SOUL.md: looks like a secret"),
        (f"channels: {{slack: {{botToken: {{secret: {KEY}}}}}}}\n", "1:31: channels.slack.botToken.secret: is no name of a secret"),
        ("channels: {slack: {botToken: {secret: 'a b'}}}\n", "1:31: channels.slack.botToken.secret: is no name of a secret"),
    ],
)
def test_a_secret_is_a_fault_with_its_place(text: str, place: str) -> None:
    found = faults_of(text)
    assert any(line.startswith(f"agents/_base.yaml:{place}") for line in found), found
    for secret in (KEY, GITHUB, "hunter2", "plain-words"):
        assert not any(secret in line for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "channels: {slack: {botToken: {secret: slack/bot}}}\n",
        "channels: {slack: {botToken: '${SLACK_BOT_TOKEN}', signingSecret: ''}}\n",
        "openclaw: {auth: {mode: token, cookie: true, apiKey: {source: exec, provider: fleet, id: x}}}\n",
        "openclaw: {maxTokens: 5, session: {token: null}}\n",
        "files: {SOUL.md: 'Never show a token, password: or sk-this-is-no-key-but-words.'}\n",
        "files: {SOUL.md: 'cp_metric_name counts'}\n",
    ],
)
def test_what_only_speaks_of_secrets_is_none(text: str) -> None:
    assert faults_of(text) == []


def test_prompts_alerts_and_the_policy_are_looked_through() -> None:
    found = faults(
        {
            **FILES,
            "prompts/AGENTS.md": f"one\ntwo {KEY}\n",
            "alerts/a.yaml": f"name: a\nwhen: {{metric: x}}\ndescription: {GITHUB}\n",
            "fleet.yaml": f"rollout: {{approve: ['{GITHUB}']}}\n",
        }
    )
    assert [line.partition(": ")[0] for line in found] == ["alerts/a.yaml:3:1", "fleet.yaml:1:21", "prompts/AGENTS.md:2:1"]
    found = faults({**FILES, "prompts/AGENTS.md": f"x\n{PRIVATE}\n"})
    assert [line.partition(": ")[0] for line in found] == ["prompts/AGENTS.md:2:1"]


def test_comments_are_looked_through() -> None:
    found = faults_of(f"paused: true\n# the key was {KEY}\n")
    assert [line.partition(": ")[0] for line in found] == ["agents/_base.yaml:2:1"]
    assert len(faults_of(f"openclaw: {{note: {KEY}}}  # {KEY}\n")) == 1


def test_a_text_that_cannot_be_read_is_not_quoted_when_it_is_a_secret() -> None:
    for text in (f"a: b: {KEY}\n", f"? [x]\n: {KEY}\n", f"{KEY}: 1\n{KEY}: 2\n"):
        found = faults_of(text)
        assert found
        assert not any(KEY in line for line in found)
