"""Copies and renames files of a repository, comments and all; decides on texts, and writes only what is sound as a whole.

A name is a path (`agents/tier-fast.yaml`, `prompts/AGENTS.md`) or what comes before `.yaml` in one: `tier-fast`, `acme`, `agent-7`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from clawpulse.fleet.faults import InvalidRepository
from clawpulse.fleet.folder import FOLDERS
from clawpulse.fleet.kinds import path_fault
from clawpulse.fleet.layers import AGENT, ALERTS, BASE, POLICY, SHARD, TIER, Role, prompt_files, role_of
from clawpulse.fleet.repository import Repository, parse
from clawpulse.fleet.sources import read_source

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_NO_TEXT = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML takes for something else."""


class Refused(ValueError):
    """What was asked for is not possible; the text says why. Nothing was changed."""


class Edit(NamedTuple):
    """What is to be done to files."""

    path: str
    """Of the file that is made."""
    gone: str | None
    """The file that it was before, if that goes."""
    texts: dict[str, str]
    """New texts of files, among them that one's."""
    mentions: list[str]
    """Places (`file:line`) that speak of the old name in words that are not understood here: alert rules, comments."""


def clone(files: Mapping[str, str], source: str, new: str) -> Edit:
    """A copy of a tier's, shard's or agent's file under another name. Raises `Refused`."""
    before = _sound(files)
    path = _found(files, source)
    role = role_of(path)
    if role is None or role.kind in (ALERTS, POLICY):
        raise Refused(f"{path} is the file of no tier, shard or agent")
    edit = Edit(_free(files, new, role), None, {}, [])
    edit.texts[edit.path] = files[path]
    _checked(before, {**files, **edit.texts}, None, None)
    return edit


def rename(files: Mapping[str, str], old: str, new: str) -> Edit:
    """Another name for a tier, shard, agent or prompt, also where layers name it. Raises `Refused`."""
    before = _sound(files)
    path = _found(files, old)
    role = role_of(path)
    if role is not None and role.kind in (ALERTS, POLICY, BASE):
        raise Refused(f"{path} keeps its name: only tiers, shards, agents and prompts have one of their own")
    edit = Edit(_free(files, new, role), path, {}, [])
    made = role_of(edit.path)
    if (made and made.kind) != (role and role.kind):
        raise Refused(f"{edit.path} would be something else than {path}")
    changed = {**files, **dict(_repointed(files, path, role, edit.path, made))}
    after = {edit.path if name == path else name: text for name, text in changed.items()}
    edit.texts.update({name: text for name, text in after.items() if files.get(name) != text})
    edit.mentions.extend(_mentions(after, role))
    _checked(before, after, role, made)
    return edit


def write(root: Path, edit: Edit) -> None:
    """Do it. Raises `OSError`, `FileExistsError` when the file that is to be made is there."""
    target = root / edit.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8", newline="") as file:
        file.write(edit.texts[edit.path])
    for path, text in edit.texts.items():
        if path != edit.path:
            (root / path).write_bytes(text.encode())
    if edit.gone:
        (root / edit.gone).unlink()


def _sound(files: Mapping[str, str]) -> Repository:
    try:
        return parse(files)
    except InvalidRepository as error:
        count = len(error.faults)
        raise Refused(f"the repository has {count} {'fault' if count == 1 else 'faults'}, the first: {error.faults[0]}") from None


def _found(files: Mapping[str, str], name: str) -> str:
    """The file that a name means."""
    candidates = [name, *(f"{folder}/{name}.yaml" for folder in FOLDERS[:2])]
    found = [path for path in candidates if path in files]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{name} is the name of {' and '.join(found)}: give the path")
    known = [path for path in files if not path.startswith(f"{FOLDERS[2]}/")]
    close = get_close_matches(name, [*known, *(Path(path).stem for path in known)], n=1)
    there = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
    raise Refused(f"there is no {name}; {there}")


def _free(files: Mapping[str, str], new: str, role: Role | None) -> str:
    """The path that a new name means, for a file of that kind; one that is not there yet."""
    path = new
    if role is not None and "/" not in new:
        start = "tier-" if role.kind == TIER and not new.startswith("tier-") else ""
        path = f"{'shards' if role.kind == SHARD else 'agents'}/{start}{new.removesuffix('.yaml')}.yaml"
    reason = path_fault(path)
    if reason:
        raise Refused(f"{new}: {reason}")
    if role is not None and role_of(path) is None:
        raise Refused(f"{new} is no name for a tier, shard or agent")
    if path in files:
        raise Refused(f"{path} is there already")
    return path


def _checked(before: Repository, files: Mapping[str, str], old: Role | None, new: Role | None) -> None:
    """Refuse an edit that makes faults, or changes what anybody gets who is not called otherwise now."""
    try:
        after = parse(files)
    except InvalidRepository as error:
        raise Refused(f"that would be a fault: {error.faults[0]}") from None
    for kind, names in ((TIER, before.tiers), (SHARD, before.shards), (AGENT, before.agents)):
        for name in names:
            now = new.name if new and old == (kind, name) else name
            if _document(before, kind, name) != _document(after, kind, now):
                raise Refused(f"that would change what the {kind} {name} gets, for an anchor is used twice: change it by hand")


def _document(repository: Repository, kind: str, name: str) -> Mapping[str, Any]:
    return repository.document(name, {}) if kind == AGENT else repository.document("", {kind: name})


def _repointed(files: Mapping[str, str], old: str, role: Role | None, new: str, made: Role | None) -> Iterator[tuple[str, str]]:
    """The texts of layers that name the old file, with the new name in its place."""
    for path, text in files.items():
        source = read_source(path, text, []) if role_of(path) else None
        if source is None or source.document is None:
            continue
        named: list[tuple[str, ...]]
        if role is None:
            named = [("files", at[len("files.") : -len(".file")], "file") for at, file in prompt_files(source.value) if file == old]
        else:
            named = [("tags", role.kind)] if (source.value.get("tags") or {}).get(role.kind) == role.name else []
        if named:
            nodes = [_node(source.document.node, *keys) for keys in named]
            yield path, _replaced(text, nodes, made.name if made else new)


def _node(node: Any, *keys: str) -> Any:
    """The node of a value by its keys."""
    for key in keys:
        node = next((value for name, value in node.value if name.value == key), None)
        if node is None:
            raise Refused("a name that is to be changed comes by an alias: change it by hand")
    return node


def _replaced(text: str, nodes: list[Any], word: str) -> str:
    """A text with other words where nodes stand."""
    lines = text.splitlines(keepends=True)
    for node in sorted(nodes, key=lambda node: (node.start_mark.line, node.start_mark.column), reverse=True):
        start, end = node.start_mark, node.end_mark
        line = lines[start.line]
        if start.line != end.line or line[start.column] in "&!":
            raise Refused(f"a name that is to be changed has an anchor or takes several lines (line {start.line + 1}): change it by hand")
        lines[start.line] = line[: start.column] + _scalar(word) + line[end.column :]
    return "".join(lines)


def _scalar(word: str) -> str:
    return word if _PLAIN.fullmatch(word) and word.lower() not in _NO_TEXT else json.dumps(word, ensure_ascii=False)


def _mentions(files: Mapping[str, str], role: Role | None) -> list[str]:
    if role is None or role.kind == AGENT:
        return []
    pattern = re.compile(rf"\b{role.kind}\s*(=|:)\s*[\"']?{re.escape(role.name)}(?![A-Za-z0-9_-])")
    return [f"{path}:{number}" for path in sorted(files) for number, line in enumerate(files[path].splitlines(), 1) if pattern.search(line)]
