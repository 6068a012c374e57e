"""Groups of failures: all of one kind in a minute or hour, of whom, and samples.

Like rollups they are always built anew from all parts, and the order of the parts does not matter. Beyond a bound the smallest are folded
into `OTHER`, so that nothing is lost from the counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import msgspec

from functions.domain.failures import OTHER, Failure, fingerprint

MAX_GROUPS = 200
"""Groups of a stored minute or hour."""
MAX_CELLS = 100
"""Pairs of agent and tags that a group counts apart."""
MAX_SAMPLES = 3
OTHER_KINDS = fingerprint(OTHER, "")
"""Key of the group of all that is beyond a bound."""


class Sample(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """The payload of one failure."""

    at: int
    """ms."""
    agent: str
    tags: str
    text: str
    """JSON, perhaps cut."""


class FailureGroup(msgspec.Struct, array_like=True, gc=False):
    """All failures of one kind in some time."""

    type: str
    message: str
    count: int
    first: int
    """ms."""
    last: int
    cells: dict[str, int]
    """How many by `cell_key`; `OTHER_CELL` has those beyond the bound."""
    samples: list[Sample]
    """The newest different ones, newest first."""


def cell_key(agent: str, tags: str) -> str:
    """Whose failures: an agent, and tags as `Failure.tags` has them."""
    return f"{agent}|{tags}"


def cell_of(key: str) -> tuple[str, str]:
    """Agent and tags of a `cell_key`."""
    agent, _, tags = key.partition("|")
    return agent, tags


OTHER_CELL = cell_key(OTHER, OTHER)


def group_failures(parts: Iterable[tuple[str, Failure]]) -> dict[str, FailureGroup]:
    """The groups of a minute, by fingerprint; `parts` name the agent of each failure."""
    return merge_groups({failure.fingerprint: _group_of(agent, failure)} for agent, failure in parts)


def merge_groups(parts: Iterable[Mapping[str, FailureGroup]]) -> dict[str, FailureGroup]:
    """The groups of several minutes or hours; the parts stay as they are."""
    merged: dict[str, FailureGroup] = {}
    for groups in parts:
        for key, group in groups.items():
            _merge(merged, key, group)
    return {key: _with_few_cells(group) for key, group in sorted(_few(merged).items())}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, FailureGroup])


def encode_groups(groups: Mapping[str, FailureGroup]) -> bytes:
    """The stored form of a minute or hour."""
    return zlib.compress(_ENCODER.encode(groups), 1)


def decode_groups(data: bytes) -> dict[str, FailureGroup]:
    """Read `encode_groups` back; raises `ValueError`."""
    try:
        return _DECODER.decode(zlib.decompress(data))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"no groups of failures: {error}") from None


def _group_of(agent: str, failure: Failure) -> FailureGroup:
    samples = [Sample(failure.last, agent, failure.tags, failure.sample)] if failure.sample else []
    cells = {cell_key(agent, failure.tags): failure.count}
    return FailureGroup(failure.type, failure.message, failure.count, failure.first, failure.last, cells, samples)


def _merge(groups: dict[str, FailureGroup], key: str, other: FailureGroup) -> None:
    mine = groups.get(key)
    if mine is None:
        groups[key] = msgspec.structs.replace(other, cells=dict(other.cells), samples=list(other.samples))
        return
    mine.count += other.count
    mine.first, mine.last = min(mine.first, other.first), max(mine.last, other.last)
    for cell, count in other.cells.items():
        mine.cells[cell] = mine.cells.get(cell, 0) + count
    mine.samples = newest(mine.samples + other.samples)


def newest(samples: Iterable[Sample]) -> list[Sample]:
    """The newest different ones, newest first."""
    by_text: dict[str, Sample] = {}
    for one in sorted(samples):
        by_text[one.text] = one
    return sorted(by_text.values(), reverse=True)[:MAX_SAMPLES]


def _few(groups: dict[str, FailureGroup]) -> dict[str, FailureGroup]:
    """The largest groups, the others as one."""
    if len(groups) <= MAX_GROUPS:
        return groups
    ordered = sorted(groups.keys() - {OTHER_KINDS}, key=lambda key: (-groups[key].count, key))
    kept = {key: groups[key] for key in ordered[: MAX_GROUPS - 1]}
    for key in (*ordered[MAX_GROUPS - 1 :], *({OTHER_KINDS} & groups.keys())):
        _merge(kept, OTHER_KINDS, msgspec.structs.replace(groups[key], type=OTHER, message="", samples=[]))
    return kept


def _with_few_cells(group: FailureGroup) -> FailureGroup:
    cells = group.cells
    if len(cells) > MAX_CELLS:
        ordered = sorted(cells.keys() - {OTHER_CELL}, key=lambda cell: (-cells[cell], cell))
        kept = {cell: cells[cell] for cell in ordered[: MAX_CELLS - 1]}
        cells = {**kept, OTHER_CELL: sum(cells.values()) - sum(kept.values())}
    return msgspec.structs.replace(group, cells=dict(sorted(cells.items())))
