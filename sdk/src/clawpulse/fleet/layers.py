"""The files of a repository, one by one: what each of them is by its path, and what is in it, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from clawpulse.fleet import literals
from clawpulse.fleet.faults import Fault
from clawpulse.fleet.fields import AGENT_ID, TAG_VALUE, layer
from clawpulse.fleet.kinds import Text, path_fault
from clawpulse.fleet.sources import Source
from clawpulse.redaction import has_token

POLICY_FILE = "fleet.yaml"
BASE_FILE = "agents/_base.yaml"
BASE, TIER, SHARD, AGENT, ALERTS, POLICY = "base", "tier", "shard", "agent", "alerts", "policy"
LAYERS = (BASE, TIER, SHARD, AGENT)
MAX_PROMPT = 119_500
"""Of one prompt as JSON, in UTF-8: it is an argument of OpenClaw's command, for which systems have a limit."""
FIELDS = {name: layer(name) for name in LAYERS}
_PATHS = (
    (POLICY, re.compile(r"(fleet)\.yaml")),
    (BASE, re.compile(r"agents/(_base)\.yaml")),
    (TIER, re.compile(r"agents/tier-([^/]+)\.yaml")),
    (AGENT, re.compile(r"agents/([^/]+)\.yaml")),
    (SHARD, re.compile(r"shards/([^/]+)\.yaml")),
    (ALERTS, re.compile(r"alerts/([^/]+)\.yaml")),
)
_NAMES: Mapping[str, Text] = {TIER: TAG_VALUE, SHARD: TAG_VALUE, AGENT: AGENT_ID}


class Role(NamedTuple):
    """What a file is for."""

    kind: str
    name: str
    """Of the tier, shard or agent."""


@dataclass
class Layer:
    """A file that configures agents."""

    role: Role
    source: Source
    value: dict[str, Any]
    """Members of the document; prompts as text."""
    tags: dict[str, str]
    budgets: dict[str, Any]

    @property
    def file(self) -> str:
        """Its path."""
        return self.source.file


def role_of(path: str) -> Role | None:
    """What a file is by its path; None: a text file, or none of the repository's."""
    return next((Role(name, found[1]) for name, pattern in _PATHS if (found := pattern.fullmatch(path))), None)


def role_faults(path: str, role: Role) -> list[Fault]:
    """What is wrong with the name of a file."""
    reasons: list[str] = []
    if role.kind in _NAMES:
        _NAMES[role.kind].check(role.name, "", lambda _, reason: reasons.append(reason))
    return [Fault(path, 1, 1, "", f"the name of the file {reason}") for reason in reasons]


def read_layer(role: Role, source: Source, files: Mapping[str, str], faults: list[Fault]) -> Layer | None:
    """A file that configures agents, its prompts taken from the other files; None when something is wrong with it."""
    before = len(faults)
    report = source.reporter(faults)
    FIELDS[role.kind].check(source.value, "", report)
    for path, file in prompt_files(source.value):
        if file not in files and not path_fault(file):
            report(path, missing(file))
    if len(faults) > before:
        return None
    value = {key: inner for key, inner in source.value.items() if key not in ("tags", "budgets")}
    if isinstance(value.get("files"), dict):
        value["files"] = {name: files[text["file"]] if isinstance(text, dict) else text for name, text in value["files"].items()}
        for name, text in value["files"].items():
            size = len(json.dumps(text, ensure_ascii=False).encode()) if text else 0
            if size > MAX_PROMPT:
                report(f"files.{name}", f"has {size:,} bytes as JSON; agents take at most {MAX_PROMPT:,}")
    return Layer(role, source, value, _given(source.value.get("tags")), _given(source.value.get("budgets")))


def prompt_files(value: Any) -> Iterator[tuple[str, str]]:
    """The text files that a layer names, each with the path of the place where it does."""
    named = value.get("files") if isinstance(value, dict) else None
    for name, text in named.items() if isinstance(named, dict) else ():
        if isinstance(text, dict) and isinstance(text.get("file"), str):
            yield f"files.{name}.file", text["file"]


def missing(file: str) -> str:
    """What is wrong where a layer names a file that is not there."""
    return f"there is no file {file} in the repository"


def text_faults(path: str, text: str) -> list[Fault]:
    """What is wrong with a file as a text, comments of YAML included."""
    faults = []
    if "\0" in text:
        faults.append(Fault(path, text.count("\n", 0, text.index("\0")) + 1, 1, "", "has a character 0: is it text?"))
    if has_token(text):
        number = next((number for number, line in enumerate(text.splitlines(), 1) if has_token(line)), 1)
        faults.append(Fault(path, number, 1, "", literals.LOOKS))
    return faults


def _given(value: dict[str, Any] | None) -> dict[str, Any]:
    """Without what is null."""
    return {key: inner for key, inner in (value or {}).items() if inner is not None}
