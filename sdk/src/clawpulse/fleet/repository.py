"""A fleet repository: files in, the configuration of every agent out.

    agents/_base.yaml ─▶ agents/tier-<tier>.yaml ─▶ shards/<shard>.yaml ─▶ agents/<agent>.yaml        (`merging` says how)

It reads no file and asks nobody: command line and server get the same documents from the same texts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

from clawpulse.fleet import layers as read
from clawpulse.fleet.faults import Fault, InvalidRepository, kind, nearest
from clawpulse.fleet.layers import AGENT, ALERTS, BASE, LAYERS, SHARD, TIER, Layer
from clawpulse.fleet.literals import HALVES, NO_TEXT
from clawpulse.fleet.merging import NotAList, merge
from clawpulse.fleet.origins import origins
from clawpulse.fleet.rules import Rules
from clawpulse.fleet.sources import Source, TooMany, most, read_source

MAX_BYTES = 2_000_000
"""Of all files together, in UTF-8."""
MAX_FILES = 2_000
MAX_DOCUMENT = 262_144
"""Of an agent's configuration as JSON, in UTF-8."""


class Repository:
    """One that has no fault."""

    def __init__(self, layers: list[Layer], policy: Source | None, rules: Rules) -> None:
        self._layers = {layer.role: layer for layer in layers}
        self._policy, self._rules = policy, rules
        self._merged: dict[tuple[str, ...], dict[str, Any]] = {}
        names = {kind: sorted(role.name for role in self._layers if role.kind == kind) for kind in LAYERS}
        self.agents = names[AGENT]
        """Ids of the agents that have a file."""
        self.tiers, self.shards = names[TIER], names[SHARD]
        self.policy: dict[str, Any] | None = None if policy is None else policy.value.get("rollout")
        """How changes are rolled out, as the settings document `rollout-policy`; None: the repository does not say."""
        self.rules: dict[str, Any] | None = rules.document
        """The workspace's own alert rules, as `PUT /api/rules` takes them; None: the repository does not say."""
        self.budgets: dict[str, dict[str, Any]] = {_group(layer): layer.budgets for layer in layers if layer.budgets}
        """By group, as the settings document `budgets`: `""` is the whole workspace, `tier=smart` a tier."""

    def document(self, agent: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """What an agent with these effective tags shall have; `tags` in its file go before them.

        Raises `InvalidRepository` when its layers do not make a whole together: a hook without a command, more than `MAX_DOCUMENT` bytes.
        """
        layers = self._above(agent, tags)
        document = self._document(layers)
        faults = list(self._incomplete(document, agent, layers))
        if faults:
            raise InvalidRepository(faults)
        return document

    def origin(self, agent: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Where each part of that document comes from: `file:line` of the last layer with a say in it, by path (`model.primary`)."""
        layers = self._above(agent, tags)
        return origins(self._document(layers), layers)

    def fault(self, section: str, path: str, reason: str) -> Fault:
        """A fault that the server found in `rules`, `policy` or `budgets`, with its place. Paths of budgets begin with `['tier=smart']`."""
        if section == "rules":
            return self._rules.fault(path, reason)
        if section == "policy":
            source = self._policy or Source(read.POLICY_FILE, None)
            return source.fault(f"rollout.{path}".rstrip("."), reason)
        for layer in self._layers.values():
            start = f"[{_group(layer)!r}]"
            if layer.budgets and path.startswith(start):
                return layer.source.fault(f"budgets{path[len(start) :]}", reason)
        return Fault(read.BASE_FILE, 1, 1, path, reason)

    def _above(self, agent: str, tags: Mapping[str, str]) -> list[Layer]:
        """The layers of an agent, the first that is merged first."""
        own = self._layers.get(read.Role(AGENT, agent))
        said = {**tags, **(own.tags if own else {})}
        base, tier, shard = read.Role(BASE, "_base"), read.Role(TIER, said.get("tier", "")), read.Role(SHARD, said.get("shard", ""))
        return [layer for role in (base, tier, shard) if (layer := self._layers.get(role))] + ([own] if own else [])

    def _document(self, layers: list[Layer]) -> dict[str, Any]:
        """A merged document of its own. Most agents share all layers but their own, and these are merged once."""
        shared = [layer for layer in layers if layer.role.kind != AGENT]
        key = tuple(layer.file for layer in shared)
        if key not in self._merged:
            self._merged[key] = _merged({}, shared)
        document: dict[str, Any] = _copy(_merged(self._merged[key], layers[len(shared) :]))
        return document

    def _incomplete(self, document: Mapping[str, Any], agent: str, layers: list[Layer]) -> Iterator[Fault]:
        """What is missing of a document, and what is too much."""
        for name, hook in document.get("hooks", {}).items():
            if not hook.get("command"):
                path = f"hooks.{name}"
                last = next(layer for layer in reversed(layers) if (layer.value.get("hooks") or {}).get(name) is not None)
                yield last.source.fault(path, f"has no command in {', '.join(layer.file for layer in layers)}")
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MAX_DOCUMENT:
            reason = (
                f"the configuration{agent and f' of {agent}'} has {size:,} bytes, prompts included; at most {MAX_DOCUMENT:,} are possible"
            )
            yield layers[-1].source.fault("", reason)


def parse(files: Mapping[str, str]) -> Repository:
    """A repository of its files, by path from its root. Raises `InvalidRepository` with every fault, or a thousand."""
    faults = list(_too_much(files))
    if faults:
        raise InvalidRepository(faults)
    try:
        repository = _read(files, faults)
    except TooMany:
        repository = None
    if repository is None or faults:
        raise InvalidRepository(most(faults))
    _try_out(repository)
    return repository


def _read(files: Mapping[str, str], faults: list[Fault]) -> Repository:
    """What files say, as far as they have no faults, which are appended. Raises `TooMany`."""
    sources: dict[str, Source] = {}
    rules = Rules()
    roles = {path: role for path in sorted(files) if (role := read.role_of(path))}
    for path, role in roles.items():
        faults += read.role_faults(path, role)
        if role.kind == ALERTS:
            rules.add(path, files[path], faults)
        elif source := read_source(path, files[path], faults):
            source.find_literals(faults)
            sources[path] = source
    found = {path: read.read_layer(roles[path], sources[path], files, faults) for path in sources if roles[path].kind in LAYERS}
    faults += _text_faults(files, roles, sources, faults)
    policy = sources.get(read.POLICY_FILE)
    faults += _policy_faults(policy) if policy else []
    layers = [layer for layer in found.values() if layer]
    faults += _tag_faults(layers, set(roles.values()))
    faults += _hook_faults(layers) if not faults else []
    return Repository(layers, policy, rules)


def digest(files: Mapping[str, str]) -> str:
    """What a repository is known by: the SHA-256 of its paths and texts, 64 hex digits. The order of the files does not matter."""
    whole = sha256()
    for path in sorted(files):
        for text in (path, files[path]):
            data = text.encode("utf-8", "surrogatepass")
            whole.update(b"%d:" % len(data) + data)
    return whole.hexdigest()


def _too_much(files: Mapping[str, str]) -> Iterator[Fault]:
    """What keeps files from being looked at."""
    if len(files) > MAX_FILES:
        yield Fault("", 1, 1, "", f"the repository has {len(files):,} files; at most {MAX_FILES:,} are possible")
    for path in files:
        if HALVES.search(path) or HALVES.search(files[path]):
            yield Fault(ascii(path)[1:-1], 1, 1, "", NO_TEXT)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for item in files.items() for text in item)
    if size > MAX_BYTES:
        yield Fault("", 1, 1, "", f"the files of the repository have {size:,} bytes; at most {MAX_BYTES:,} are possible")


def _text_faults(files: Mapping[str, str], roles: Mapping[str, Any], sources: Mapping[str, Source], known: list[Fault]) -> list[Fault]:
    """What is wrong with files as texts, and those that nobody names: they would be lost."""
    named = {file for source in sources.values() for _, file in read.prompt_files(source.value)}
    all_read = all(path in sources for path, role in roles.items() if role.kind in LAYERS)
    strangers = [path for path in files if path not in roles and path not in named] if all_read else []
    places = {(fault.file, fault.line) for fault in known}
    found = [fault for path, text in files.items() for fault in read.text_faults(path, text) if (fault.file, fault.line) not in places]
    return found + [Fault(path, 1, 1, "", "is no file of a fleet repository, and no layer names it as a prompt") for path in strangers]


def _policy_faults(source: Source) -> Iterator[Fault]:
    """Only the shape: the server knows the policy."""
    for key, value in source.value.items():
        if key != "rollout":
            yield source.fault(key, "is not known" + nearest(key, ["rollout"]))
        elif not isinstance(value, dict):
            yield source.fault(key, f"must be a mapping, not {kind(value)}")


def _tag_faults(layers: list[Layer], roles: Collection[read.Role]) -> list[Fault]:
    """Agents that name a tier or shard without a file, which is a slip: tags in an agent's file are for nothing else."""
    names = {tag: sorted(role.name for role in roles if role.kind == tag) for tag in (TIER, SHARD)}
    return [
        layer.source.fault(f"tags.{tag}", f"there is no file for the {tag} {value}{nearest(value, names[tag])}")
        for layer in layers
        for tag, value in layer.tags.items()
        if value not in names[tag]
    ]


def _hook_faults(layers: list[Layer]) -> list[Fault]:
    """Hooks to which no layer gives a command; of all layers, for one that has faults may give it."""
    hooks = [(layer, name, hook) for layer in layers for name, hook in (layer.value.get("hooks") or {}).items() if hook]
    complete = {name for _, name, hook in hooks if hook.get("command")}
    return [layer.source.fault(f"hooks.{name}", "has no command") for layer, name, _ in hooks if name not in complete]


def _try_out(repository: Repository) -> None:
    """Raise what shows only when layers are put together, as far as files tell which go together."""
    groups = [{}, *({"tier": tier} for tier in repository.tiers), *({"shard": shard} for shard in repository.shards)]
    trials = [*(("", tags) for tags in groups), *((agent, {}) for agent in repository.agents)]
    faults = [fault for agent, tags in trials for fault in _faults_of(repository, agent, tags)]
    if faults:
        raise InvalidRepository(most(faults))


def _faults_of(repository: Repository, agent: str, tags: Mapping[str, str]) -> list[Fault]:
    try:
        repository.document(agent, tags)
    except InvalidRepository as error:
        return error.faults
    return []


def _merged(lower: dict[str, Any], layers: list[Layer]) -> dict[str, Any]:
    for layer in layers:
        lower = _over(lower, layer)
    return lower


def _over(lower: dict[str, Any], layer: Layer) -> dict[str, Any]:
    try:
        return merge(lower, layer.value)
    except NotAList as error:
        raise InvalidRepository([layer.source.fault(error.path, str(error))]) from None


def _group(layer: Layer) -> str:
    """The group that a file's budgets are for, as the settings document calls it."""
    return "" if layer.role.kind == BASE else f"{layer.role.kind}={layer.role.name}"


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
