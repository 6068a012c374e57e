"""Today's fleet as a repository of files: the way back from desired documents to what `clawpulse.fleet` compiles.

    compile(export(fleet)) == fleet

holds for every agent that is not left out, and export sees to it: each document is tried by itself first. One that a repository cannot say
(set by hand, for something that ClawPulse's hook does not read) counts as empty, with the reason: applying the repository then leaves alone
what the agent has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from clawpulse.fleet import InvalidRepository, parse
from functions.domain.fleet_layers import SHARD, TIER, Document, Layers, Tags, layers, same

FLEET, BASE, ALERTS = "fleet.yaml", "agents/_base.yaml", "alerts/rules.yaml"
LONG = 80
"""A longer prompt, or one of several lines, becomes a file of its own."""
_TRIED = "a0"
_TITLES = {BASE: "All agents", FLEET: "The fleet", ALERTS: "Alert rules"}
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(slots=True)
class Export:
    """A repository, and what is not in it."""

    files: dict[str, str] = field(default_factory=dict)
    """Texts by path."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why an agent's document is not in it, by agent."""
    notes: list[str] = field(default_factory=list)
    """What else is not in it, or in another form."""


def export(
    documents: Mapping[str, Document],
    tags: Mapping[str, Tags],
    *,
    policy: Document | None = None,
    rules: Document | None = None,
    budgets: Mapping[str, Document] | None = None,
) -> Export:
    """The repository of agents' desired documents (empty: none is set) and of the workspace's documents."""
    made = Export()
    said = {agent: document if _is_said(agent, document, made) else {} for agent, document in documents.items()}
    found = layers(said, tags, tiers=_named(tags, TIER, tier_file), shards=_named(tags, SHARD, shard_file))
    for agent in [agent for agent in found.agents if not _has_file(agent)]:
        made.left_out[agent] = f"{agent_file(agent)} is not the file of an agent: it gets what all others of its tier and shard have"
        del found.agents[agent]
    texts = _budgeted(found, budgets or {}, made)
    for path, layer in texts.items():
        made.files[path] = _yaml(path, _with_texts_apart(layer, path, made.files))
    if policy:
        made.files[FLEET] = _yaml(FLEET, {"rollout": policy})
    if rules:
        made.files[ALERTS] = _yaml(ALERTS, rules)
    return made


def tier_file(value: str) -> str:
    """The file of a tier."""
    return f"agents/tier-{value}.yaml"


def shard_file(value: str) -> str:
    """The file of a shard."""
    return f"shards/{value}.yaml"


def agent_file(agent: str) -> str:
    """The file of an agent."""
    return f"agents/{agent}.yaml"


def _is_said(agent: str, document: Document, made: Export) -> bool:
    """Whether a repository can say the document for this agent; otherwise the reason is noted."""
    if not document:
        return True
    try:
        if same(parse({agent_file(_TRIED): _yaml("", document)}).document(_TRIED, {}), document):
            return True
        reason = "its configuration has a null, or a key that ends in + or -, which files use otherwise"
    except InvalidRepository as error:
        fault = error.faults[0]
        reason = f"{fault.path}: {fault.reason}" if fault.path else fault.reason
    made.left_out[agent] = reason
    return False


def _has_file(agent: str) -> bool:
    try:
        return agent in parse({agent_file(agent): "{}\n"}).agents
    except InvalidRepository:
        return False


def _named(tags: Mapping[str, Tags], tag: str, file: Any) -> Iterable[str]:
    """Values of a tag that can be names of files."""
    for value in sorted({found[tag] for found in tags.values() if found.get(tag)}):
        if _is_value(value, file):
            yield value


def _is_value(value: str, file: Any) -> bool:
    try:
        repository = parse({file(value): "{}\n"})
    except InvalidRepository:
        return False
    return value in (*repository.tiers, *repository.shards)


def _budgeted(found: Layers, budgets: Mapping[str, Document], made: Export) -> dict[str, dict[str, Any]]:
    """The layers by file, with the budgets of their groups; all budgets are left out when a group has no file."""
    files = {BASE: found.base} | {tier_file(value): layer for value, layer in found.tiers.items()}
    files |= {shard_file(value): layer for value, layer in found.shards.items()}
    files |= {agent_file(agent): layer for agent, layer in found.agents.items()}
    homes = {group: _home(group) for group in budgets}
    homeless = [group for group, home in homes.items() if home is None]
    if homeless:
        made.notes.append(f"budgets are not in it: a repository has none for the group {homeless[0]}")
    else:
        for group, home in homes.items():
            files[home or ""] = {**files.get(home or "", {}), "budgets": dict(budgets[group])}
    return {path: dict(layer) for path, layer in files.items() if layer}


def _home(group: str) -> str | None:
    """The file that has the budgets of a group."""
    if not group:
        return BASE
    tag, _, value = group.partition("=")
    file = {TIER: tier_file, SHARD: shard_file}.get(tag)
    return file(value) if file and _is_value(value, file) else None


def _with_texts_apart(layer: Document, path: str, files: dict[str, str]) -> dict[str, Any]:
    """A layer with long prompts as files of their own, which are added; equal texts share one."""
    prompts = layer.get("files")
    if not isinstance(prompts, Mapping):
        return dict(layer)
    known = {text: path for path, text in files.items() if path.startswith("prompts/")}
    apart: dict[str, Any] = {}
    for name, text in prompts.items():
        if not isinstance(text, str) or (len(text) <= LONG and "\n" not in text) or not _FILE_NAME.fullmatch(name):
            apart[name] = text
            continue
        place = known.setdefault(text, f"prompts/{path.removesuffix('.yaml').removeprefix('agents/')}/{name}")
        files[place] = text
        apart[name] = {"file": place}
    return {**layer, "files": apart}


def _yaml(path: str, document: Document) -> str:
    text: str = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    return f"# {_TITLES[path]}\n{text}" if path in _TITLES else text


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they stand; no anchors, which people do not read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
