"""Failures: failed tasks told by kind, so that a thousand of one kind are one line with a count.

    batch ─▶ per minute a few `Failure`s ─▶ batch item ─▶ seal merges a minute's into groups (`failure_groups`) ─▶ minute and hour items

A kind's **fingerprint** is made of the error's type and its message without what differs from case to case (`failure_text`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from functions.domain import tasks
from functions.domain.batch import CheckedBatch, Column
from functions.domain.failure_text import kind, said, sample
from functions.domain.rollup import TagPairs
from functions.domain.times import MINUTE_MS

MAX_A_MINUTE = 10
"""Kinds of failure that one batch tells of in a minute; the rest counts as `OTHER`."""
MAX_TAGS = 256
"""Characters of the tags that are kept with a failure; more become `OTHER`."""
MAX_COUNT = 1_000_000
"""Failures that one point may stand for."""
OTHER = "__other__"
_TYPE = "error"
_BARE = b""


class Failure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Failures of one kind in one minute of one batch."""

    type: str
    message: str
    """Normalised."""
    tags: str
    """Dimensions that the point had of its own, `k=v,k=v`; `OTHER` when these are too long to keep."""
    count: int
    first: int
    """ms."""
    last: int
    sample: str
    """JSON of the newest payload, or nothing."""

    @property
    def fingerprint(self) -> str:
        """The key of its group."""
        return fingerprint(self.type, self.message)


def fingerprint(type: str, message: str) -> str:
    """The key of a kind."""
    return sha256(f"{type}\n{message}".encode(errors="replace")).hexdigest()[:16]


def pairs_of(tags: str) -> TagPairs:
    """A failure's tags as a key has them."""
    pairs = (pair.partition("=") for pair in tags.split(",") if "=" in pair)
    return tuple((key, value) for key, _, value in pairs)


class _Seen(msgspec.Struct, gc=False):
    """One failure, its payload not yet looked at as a sample: few become one."""

    type: str
    message: str
    tags: str
    count: int
    time: int
    payload: bytes


def failures_of(batch: CheckedBatch) -> dict[int, tuple[Failure, ...]]:
    """The failures that a batch tells of, by minute, most frequent first."""
    failed = [column for column in batch.columns if column.part == "events" and column.identity.key.name == tasks.FAILED]
    errors = [column for column in batch.columns if column.part == "series" and column.identity.key.name == tasks.ERRORS]
    if not failed and not errors:
        return {}
    types = {task: name for column in errors for task, name in zip(_cells(column, "task_id"), _types(column), strict=True) if task and name}
    found = [seen for column in failed for seen in _of_events(column, types)]
    told = {task for column in failed for task in _cells(column, "task_id")}
    found += [seen for column in errors for seen in _of_errors(column, told)]
    minutes: dict[int, dict[tuple[str, str, str], list[_Seen]]] = {}
    for seen in found:
        minutes.setdefault(seen.time // MINUTE_MS, {}).setdefault((seen.type, seen.message, seen.tags), []).append(seen)
    return {minute: _few(kinds.values()) for minute, kinds in minutes.items()}


def _of_events(column: Column, types: Mapping[str, str]) -> Iterable[_Seen]:
    tags, payloads = _tags(column), [bytes(payload) for payload in column.payloads or ()] or [_BARE] * len(column.times)
    for time, task, known, payload in zip(column.times, _cells(column, "task_id"), _types(column), payloads, strict=True):
        words = said(payload)
        yield _Seen(*kind(known or types.get(task or "", "") or words.type, words.text), tags, 1, time, payload)


def _of_errors(column: Column, told: set[str | None]) -> Iterable[_Seen]:
    """Those of tasks that no event speaks of; without a task's id nobody can tell, so they count only where there are no events."""
    tags = _tags(column)
    for time, value, task, name in zip(column.times, column.values, _cells(column, "task_id"), _types(column), strict=True):
        if value > 0 and (task not in told if task else not told):
            yield _Seen(*kind(name, ""), tags, max(1, round(min(value, MAX_COUNT))), time, _BARE)


def _tags(column: Column) -> str:
    text = ",".join(f"{key}={value}" for key, value in column.identity.key.tags if key != _TYPE)
    return text if len(text) <= MAX_TAGS else OTHER


def _cells(column: Column, key: str) -> list[str | None]:
    fixed = dict(column.identity.attributes).get(key)
    return list(column.attributes.get(key) or [fixed] * len(column.times))


def _types(column: Column) -> list[str]:
    """Of each point, what its tag or attribute `error` says."""
    tagged = dict(column.identity.key.tags).get(_TYPE)
    return [tagged or cell or "" for cell in _cells(column, _TYPE)]


def _few(kinds: Iterable[list[_Seen]]) -> tuple[Failure, ...]:
    ordered = sorted(kinds, key=lambda seen: (-_count(seen), seen[0].type, seen[0].message, seen[0].tags))
    few = [_failure(seen) for seen in ordered[:MAX_A_MINUTE]]
    rest = [seen for others in ordered[MAX_A_MINUTE:] for seen in others]
    if rest:
        few.append(Failure(OTHER, "", OTHER, _count(rest), min(seen.time for seen in rest), max(seen.time for seen in rest), ""))
    return tuple(few)


def _failure(seen: list[_Seen]) -> Failure:
    by_time = sorted(seen, key=lambda one: one.time)
    newest = next((one.payload for one in reversed(by_time) if one.payload), _BARE)
    one = by_time[0]
    return Failure(one.type, one.message, one.tags, _count(seen), one.time, by_time[-1].time, sample(newest))


def _count(seen: list[_Seen]) -> int:
    return sum(one.count for one in seen)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[Failure, ...])


def encode_failures(failures: Iterable[Failure]) -> bytes:
    """As a batch item has them."""
    return _ENCODER.encode(tuple(failures))


def decode_failures(data: bytes) -> tuple[Failure, ...]:
    """Read `encode_failures` back; raises `ValueError`."""
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no failures: {error}") from None
