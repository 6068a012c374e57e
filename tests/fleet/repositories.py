"""Repositories of a few files, for tests."""

from __future__ import annotations

from clawpulse.fleet import InvalidRepository, parse

BASE = """\
model:
  primary: anthropic/claude-sonnet-5
  fallbacks: [openai/gpt-5]
files:
  AGENTS.md: {file: prompts/AGENTS.md}
  SOUL.md: calm
limits: {concurrency: 4, timeout_s: 600}
tools:
  allow: [read, write]
channels:
  slack: {enabled: true, botToken: {secret: slack/bot}}
budgets: {usd_per_day: 200}
"""
SMART = """\
model: {primary: anthropic/claude-opus-5}
tools:
  allow+: [exec, read]
limits: {timeout_s: null}
budgets: {usd_per_day: 80, act: {at: 1.2, do: pause}}
"""
ACME = """\
channels:
  slack:
    botToken: {secret: acme/bot}
"""
AGENT = """\
tools: {allow-: [write]}
paused: true
"""
FILES = {
    "agents/_base.yaml": BASE,
    "agents/tier-smart.yaml": SMART,
    "shards/acme.yaml": ACME,
    "agents/agent-7.yaml": AGENT,
    "prompts/AGENTS.md": "Be kind.\n",
}


def faults(files: dict[str, str]) -> list[str]:
    """What is wrong with files, as lines; empty when they are sound."""
    try:
        parse(files)
    except InvalidRepository as error:
        return [str(fault) for fault in error.faults]
    return []


def faults_of(text: str, path: str = "agents/_base.yaml", **others: str) -> list[str]:
    """What is wrong with one file."""
    return faults({path: text, **others})
