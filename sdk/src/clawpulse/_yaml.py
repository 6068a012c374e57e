"""YAML with places: what a file says as JSON would have it, and where in the file each part of it stands.

What JSON cannot say is refused with its place: keys that stand twice, keys and values of other kinds, aliases that contain themselves.
Dates stay text. Marks of PyYAML count from 0, people from 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer

MAX_NODES = 200_000
"""Aliases can make a small file large."""
_TIMESTAMP, _MERGE = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"
_INDEX = re.compile(r"\[(\d+)\]")


class Place(NamedTuple):
    """Where something stands, counted from 1."""

    line: int
    column: int


class Flaw(NamedTuple):
    """What keeps a file from being read, or a part of it from being taken."""

    file: str
    place: Place
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.place.line}:{self.place.column}: {self.path + ': ' if self.path else ''}{self.reason}"


class Unreadable(Exception):
    """A file has flaws; `flaws` has them all."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("; ".join(map(str, flaws)))
        self.flaws = flaws


class Document(NamedTuple):
    """One document of a file."""

    file: str
    value: Any
    node: Any
    """As PyYAML composed it."""

    def place(self, path: str) -> Place:
        """Where a path such as `rules[0].when.above` leads, or the nearest part of it that is there."""
        return _place(locate(self.node, path))


_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""Dates are taken for text."""


class _Loader(yaml.SafeLoader):
    """All in Python: slow, and says best what is wrong."""

    yaml_implicit_resolvers = _RESOLVERS


def _fast_loader() -> Any:
    """One that parses in C, six times as fast. It composes in Python: PyYAML's C composer ends the process when a text is nested deeply."""
    base: Any = getattr(yaml, "CSafeLoader", None)
    if base is None:
        return _Loader

    class FastLoader(Composer, base):  # type: ignore[misc]
        yaml_implicit_resolvers = _RESOLVERS

        def __init__(self, text: str) -> None:
            base.__init__(self, text)
            Composer.__init__(self)

    return FastLoader


_FastLoader = _fast_loader()


def read(name: str) -> list[Document]:
    """The documents of a file, empty ones left out. Raises `Unreadable`, `OSError`."""
    try:
        text = Path(name).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable([Flaw(name, Place(1, 1), "", f"is not UTF-8: {error.reason}")]) from None
    return parse(name, text)


def parse(name: str, text: str, most: int = MAX_NODES) -> list[Document]:
    """The documents of a text, which may have so many nodes, aliases counted each time. Raises `Unreadable`."""
    try:
        try:
            loader, nodes = _composed(_FastLoader, text)
        except (yaml.YAMLError, UnicodeError):
            loader, nodes = _composed(_Loader, text)
        builder = _Builder(name, loader, most)
        documents = [Document(name, builder.build(node, ()), node) for node in nodes if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        raise Unreadable([Flaw(name, _place(mark) if mark else Place(1, 1), "", f"is not YAML: {reason}")]) from None
    except yaml.YAMLError as error:
        # Characters that YAML does not allow; it has no mark.
        raise Unreadable(
            [Flaw(name, _place_of_offset(text, getattr(error, "position", 0)), "", f"is not YAML: {_reason(error)}")]
        ) from None
    except RecursionError:
        raise Unreadable([Flaw(name, Place(1, 1), "", "is nested too deeply")]) from None
    if builder.flaws:
        raise Unreadable(builder.flaws)
    return [document for document in documents if document.value is not None]


def _composed(kind: Any, text: str) -> tuple[Any, list[Any]]:
    """A loader, and the nodes that it makes of a text."""
    loader = kind(text)
    nodes = []
    while loader.check_node():
        nodes.append(loader.get_node())
    return loader, nodes


class _Builder:
    """Makes values of nodes, and notes what cannot be one."""

    def __init__(self, file: str, loader: Any, most: int) -> None:
        self.flaws: list[Flaw] = []
        self._file = file
        self._loader = loader
        self._most = self._left = most

    def build(self, node: Any, above: tuple[int, ...], path: str = "") -> Any:
        self._left -= 1
        if self._left < 0:
            if self._left == -1:
                self._flaw(node, path, f"has more than {self._most} parts, aliases counted each time")
            return None
        if id(node) in above:
            self._flaw(node, path, "contains itself")
            return None
        inside = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, inside, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, inside, f"{path}[{number}]") for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: Any, above: tuple[int, ...], path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    found = self.build(part, above, path)
                    merged = {**(found if isinstance(found, dict) else {}), **merged}
                continue
            name = self._key(key, path)
            if name is None:
                continue
            if name in made:
                self._flaw(key, _below(path, name), "stands there twice")
            made[name] = self.build(value, above, _below(path, name))
        return {**merged, **made}

    def _key(self, node: Any, path: str) -> str | None:
        value = self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(value, str):
            shown = f"the key {node.value!r}" if isinstance(node, yaml.ScalarNode) else "a key"
            self._flaw(node, path, f"{shown} is not text: put it in quotes")
            return None
        return value

    def _scalar(self, node: Any, path: str) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            self._flaw(node, path, f"cannot be read: {_reason(error)}")
            return None
        if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            return value
        self._flaw(node, path, f"{node.value!r} is neither text, nor a finite number, nor true or false")
        return None

    def _flaw(self, node: Any, path: str, reason: str) -> None:
        self.flaws.append(Flaw(self._file, _place(node.start_mark), path, reason))


def locate(node: Any, path: str) -> Any:
    """The mark where a path leads: of a key, of an item of a list, or of the nearest part that is there."""
    mark = node.start_mark
    while path:
        found = next(_steps(node, path), None)
        if found is None:
            break
        mark, node, path = found
    return mark


def _steps(node: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """What the first part of a path may be at a node: its mark, the node below, and the rest. Keys may have dots: the longest first."""
    if isinstance(node, yaml.SequenceNode):
        index = _INDEX.match(path)
        if index and int(index[1]) < len(node.value):
            item = node.value[int(index[1])]
            yield item.start_mark, item, path[index.end() :].lstrip(".")
    if isinstance(node, yaml.MappingNode):
        keys = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
        for key, value in sorted(keys, key=lambda pair: -len(pair[0].value)):
            for written in (key.value, f"[{key.value!r}]"):
                rest = path[len(written) :]
                if path.startswith(written) and (not rest or rest[0] in ".["):
                    yield key.start_mark, value, rest.lstrip(".")


def places(node: Any, path: str = "") -> dict[str, Place]:
    """All paths below a node, for who needs many of them; what comes by `<<` stands where it was written."""
    found: dict[str, Place] = {}
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            found[f"{path}[{number}]"] = _place(item.start_mark)
            found.update(places(item, f"{path}[{number}]"))
    if isinstance(node, yaml.MappingNode):
        for key, value in sorted(node.value, key=lambda pair: bool(pair[0].tag != _MERGE)):
            if key.tag == _MERGE:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    found.update(places(part, path))
            elif isinstance(key, yaml.ScalarNode):
                found[_below(path, key.value)] = _place(key.start_mark)
                found.update(places(value, _below(path, key.value)))
    return found


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place_of_offset(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
