"""The fields of a layer: what an agent's configuration may have, and what goes beside it into files of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clawpulse.fleet.faults import kind
from clawpulse.fleet.kinds import Either, Fields, Flag, Items, Kind, Named, Number, Open, Prompt, Report, Text, Words

AGENT_ID = Text("", r"[A-Za-z0-9][A-Za-z0-9._:@-]*", "an agent's id: letters, digits and . _ : @ - after a letter or digit", 128)
TAG_VALUE = Text("", r"[^\x00-\x1f\x7f-\x9f,=|!/]+", "the value of a tag: no , = | ! / and no control characters", 200)
PROMPTS = ("AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "BOOTSTRAP.md", "MEMORY.md")
"""Files that OpenClaw lets a gateway set."""
_MODEL = Text("A model: provider/model.", r"[A-Za-z0-9][A-Za-z0-9._-]*/[^\s\x00-\x1f]+", "provider/model such as anthropic/claude-sonnet-5")
_TOOL = Text("", r"\S+", "the name of a tool", 128)

_CUTS_OFF = ("auth", "bind", "customBindHost", "mode", "port", "reload", "remote", "tls")
"""Of the gateway: who changes these cannot reach it any more to put them back. Agents refuse them."""


@dataclass(frozen=True)
class _OpenClaw(Open):
    """OpenClaw's own configuration, as far as it can be rolled out."""

    def check(self, value: Any, path: str, report: Report) -> None:
        """A mapping that leaves the way to the gateway alone."""
        super().check(value, path, report)
        gateway = value.get("gateway") if isinstance(value, dict) else None
        if gateway is not None and not isinstance(gateway, dict):
            report(f"{path}.gateway", f"must be a mapping, not {kind(gateway)}")
        elif gateway:
            for key in _CUTS_OFF:
                if gateway.get(key) is not None:
                    report(f"{path}.gateway.{key}", "cannot be rolled out: agents that lose their gateway by it could not be put back")


DOCUMENT: dict[str, Kind] = {
    "model": Fields(
        "Which model the agent uses.",
        {"primary": _MODEL, "fallbacks": Items("Models that are tried when the primary one fails, in this order.", _MODEL, 20)},
    ),
    "files": Fields(
        "Prompt files of the agent, as text or as the file of this repository that has it.",
        {name: Prompt(f"The agent's {name}.") for name in PROMPTS},
    ),
    "limits": Fields(
        "What the agent may use.",
        {
            "concurrency": Number("How many tasks it works on at a time.", 1, 1_000, whole=True),
            "timeout_s": Number("How long a task may take, in seconds.", 1, 604_800, whole=True),
            "max_tokens": Number("How many tokens an answer of the model may have.", 1, 100_000_000, whole=True),
        },
    ),
    "tools": Fields(
        "Which tools the agent may use.",
        {"allow": Items("These; without it, all.", _TOOL), "deny": Items("Not these; wins over allow.", _TOOL)},
    ),
    "channels": Named(
        "OpenClaw's channels by name, as its own configuration has them; secrets as references.",
        Text("", r"[A-Za-z0-9][A-Za-z0-9._-]*", "the name of a channel", 64),
        Open("", {"enabled": Flag("Whether the channel is used.")}),
    ),
    "openclaw": _OpenClaw("Any further part of OpenClaw's configuration; wins over the other fields; secrets as references."),
    "version": Text(
        "OpenClaw's version; changing it is irreversible.",
        r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,3}(-[0-9A-Za-z.-]{1,40})?",
        "a version such as 2026.9.6",
        64,
    ),
    "hooks": Named(
        "Commands that are run once whenever their entry changes, by name.",
        Text("", r"[A-Za-z0-9][A-Za-z0-9._-]*", "the name of a hook", 64),
        Fields(
            "",
            {
                "command": Text(
                    "An executable in the agent's folder commands.d.", r"[A-Za-z0-9][A-Za-z0-9._-]*", "the name of an executable", 128
                ),
                "arguments": Items("What it is called with.", Text("", r"[^\x00]+", "text that is not empty", 4_096), 100),
                "irreversible": Flag("Whether going back does not undo it: needs an approval and a backup, and is never put back."),
            },
        ),
    ),
    "resources": Fields(
        "What the agent needs of its host.",
        {"cpu": Number("Cores.", most=4_096), "memory_mb": Number("Memory, in MB.", 1, 100_000_000)},
    ),
    "paused": Flag("Drained: takes no new work."),
}
"""Members of an agent's desired document."""

TAGS = Fields("Layers of this agent, where its own tags do not say them.", {"tier": TAG_VALUE, "shard": TAG_VALUE})

_AMOUNTS = {
    f"{what}_per_{period}": Number(f"{name} of the whole group, each {period} of UTC.")
    for what, name in (("tokens", "Tokens"), ("usd", "Dollars"))
    for period in ("hour", "day", "month")
}
_ACT = Fields(
    "What the group's budgets of tokens and dollars do to its agents.",
    {
        "at": Number("From which share of a budget on: 1.2 is 120 percent.", most=100),
        "do": Either("Pause the agents, or switch their model.", Fields("", {"model": _MODEL}), Words("", ("pause",))),
        "until": Words("When it ends: with the period, or when somebody raises the budget.", ("period", "raised")),
        "budgets": Either("Which budgets; without it, all.", Items("", Words("", tuple(_AMOUNTS))), Words("", tuple(_AMOUNTS))),
    },
)
BUDGETS = Fields(
    "What the group of this file may use: _base.yaml is the whole workspace. No part of the agents' configuration.",
    {
        **_AMOUNTS,
        "cpu_percent": Number("Processor of each agent's host.", most=100),
        "memory_percent": Number("Memory of each agent's host.", most=100),
        "warn": Number("Share of a budget from which on it warns; 0.8 without.", most=100),
        "alert": Number("Share of a budget from which on it alerts; 1 without.", most=100),
        "act": _ACT,
    },
)


def layer(file_kind: str) -> Fields:
    """What a file may have: `base`, `tier`, `shard` or `agent`."""
    return Fields("", {**DOCUMENT, **({"tags": TAGS} if file_kind == "agent" else {"budgets": BUDGETS})})


def json_schema() -> dict[str, Any]:
    """What `fleet.schema.json` has: all layers, for editors. Only lint knows in which files `tags` and `budgets` may stand."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A layer of a fleet repository of ClawPulse",
        **Fields("", {**DOCUMENT, "tags": TAGS, "budgets": BUDGETS}).schema(),
    }
