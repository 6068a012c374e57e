"""Failures: failed tasks grouped by what went wrong, so that a thousand of one kind are one line with a count.

    batch ─▶ per minute a few `Failure`s ─▶ batch item ─▶ seal merges a minute's into `FailureGroup`s ─▶ minute and hour items

A group's **fingerprint** is made of the error's type and its message without what differs from case to case (numbers, ids, quoted
texts). Samples are cut and without secrets. Like rollups, groups are always built anew from all parts of their minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from functions.domain import tasks
from functions.domain.batch import CheckedBatch, Column
from functions.domain.redaction import redact, redact_text
from functions.domain.times import MINUTE_MS

MAX_A_MINUTE = 10
"""Kinds of failure that one batch tells of in a minute; the rest counts as `OTHER`."""
MAX_GROUPS = 200
"""Groups of a stored minute or hour."""
MAX_AGENTS = 50
"""Agents that a group names."""
MAX_MESSAGE = 200
MAX_SAMPLE = 512
OTHER = "__other__"
NEW = "task.new_errors"
"""A metric that nobody sends: seal counts a group there in the minute that it was first seen."""
_TYPE = "error"
_TEXTS = ("err", "error", "message", "reason", "detail")
_TYPED = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,60}(?:Error|Exception|Timeout|Failure|Interrupt))\b:?\s*")
_VARIABLE = re.compile(
    r"\"[^\"]{0,200}\"|'[^']{0,200}'|`[^`]{0,200}`"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"
    r"|https?://\S+|(?<![\w.])/[\w./-]+"
    r"|\d+(?:[.,:]\d+)*"
)


class Failure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Failures of one kind in one minute of one batch."""

    type: str
    message: str
    """Normalised."""
    tier: str
    count: int
    last: int
    """ms."""
    sample: str
    """JSON of the payload, or nothing."""

    @property
    def fingerprint(self) -> str:
        """The key of its group."""
        return fingerprint(self.type, self.message)


class FailureGroup(msgspec.Struct, array_like=True, gc=False):
    """All failures of one kind in some time."""

    type: str
    message: str
    count: int
    first: int
    """ms."""
    last: int
    agents: dict[str, int]
    """How many by agent, `__other__` for those beyond `MAX_AGENTS`."""
    tiers: dict[str, int]
    samples: list[str]
    """At most three, newest first."""


def fingerprint(type: str, message: str) -> str:
    """The key of a group."""
    return sha256(f"{type}\n{message}".encode()).hexdigest()[:16]


def normalised(text: str) -> str:
    """A message without what differs from case to case."""
    text = redact_text(text[: 4 * MAX_MESSAGE])
    return " ".join(_VARIABLE.sub("…", text).split())[:MAX_MESSAGE]


def failures_of(batch: CheckedBatch) -> dict[int, tuple[Failure, ...]]:
    """The failures that a batch tells of, by minute, most frequent first."""
    failed = [column for column in batch.columns if column.part == "events" and column.identity.key.name == tasks.FAILED]
    errors = [column for column in batch.columns if column.identity.key.name == tasks.ERRORS]
    if not failed and not errors:
        return {}
    types = {task: name for column in errors for task, name in zip(_cells(column, "task_id"), _types(column), strict=True) if task and name}
    found = [failure for column in failed for failure in _of_events(column, types)]
    told = {task for column in failed for task in _cells(column, "task_id")}
    found += [failure for column in errors for failure in _of_errors(column, told)]
    minutes: dict[int, dict[tuple[str, str, str], Failure]] = {}
    for failure in found:
        kinds = minutes.setdefault(failure.last // MINUTE_MS, {})
        key = (failure.type, failure.message, failure.tier)
        kinds[key] = _joined(kinds[key], failure) if key in kinds else failure
    return {minute: _few(kinds.values()) for minute, kinds in minutes.items()}


def _of_events(column: Column, types: Mapping[str, str]) -> Iterable[Failure]:
    tier = dict(column.identity.key.tags).get("tier", "")
    payloads: Sequence[Any] = column.payloads or [None] * len(column.times)
    rows = zip(column.times, _cells(column, "task_id"), _types(column), payloads, strict=True)
    for time, task, known, payload in rows:
        text, sample = _payload(payload)
        given = known or types.get(task or "", "")
        named = _TYPED.match(text)
        if not given and named:
            given, text = named[1], text[named.end() :]
        yield Failure(redact_text(given)[:80] or "unknown", normalised(text), tier, 1, time, sample)


def _of_errors(column: Column, told: set[str | None]) -> Iterable[Failure]:
    """Those of tasks that no event speaks of; without a task's id nobody can tell, so they count only where there are no events."""
    tier = dict(column.identity.key.tags).get("tier", "")
    for time, value, task, name in zip(column.times, column.values, _cells(column, "task_id"), _types(column), strict=True):
        if value > 0 and (task not in told if task else not told):
            yield Failure(redact_text(name)[:80] or "unknown", "", tier, max(1, round(value)), time, "")


def _payload(raw: Any) -> tuple[str, str]:
    """The text of an error, and the payload as a sample."""
    if raw is None or bytes(raw) == b"null":
        return "", ""
    try:
        found = redact(msgspec.json.decode(raw))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "", ""
    texts = [found.get(key) for key in _TEXTS] if isinstance(found, dict) else [found]
    text = next((text for text in texts if isinstance(text, str) and text), "")
    return text, msgspec.json.encode(found).decode()[:MAX_SAMPLE]


def _cells(column: Column, key: str) -> list[str | None]:
    fixed = dict(column.identity.attributes).get(key)
    return list(column.attributes.get(key) or [fixed] * len(column.times))


def _types(column: Column) -> list[str]:
    """Of each point, what its tag or attribute `error` says."""
    tagged = dict(column.identity.key.tags).get(_TYPE)
    return [tagged or cell or "" for cell in _cells(column, _TYPE)]


def _joined(one: Failure, other: Failure) -> Failure:
    newest = other if other.last >= one.last else one
    return msgspec.structs.replace(newest, count=one.count + other.count, sample=newest.sample or one.sample or other.sample)


def _few(found: Iterable[Failure]) -> tuple[Failure, ...]:
    ordered = sorted(found, key=lambda failure: (-failure.count, failure.type, failure.message, failure.tier))
    rest = ordered[MAX_A_MINUTE:]
    if not rest:
        return tuple(ordered)
    other = Failure(OTHER, "", "", sum(failure.count for failure in rest), max(failure.last for failure in rest), "")
    return (*ordered[:MAX_A_MINUTE], other)


_ENCODER = msgspec.msgpack.Encoder()
_FAILURES = msgspec.msgpack.Decoder(tuple[Failure, ...])
_GROUPS = msgspec.msgpack.Decoder(dict[str, FailureGroup])


def encode_failures(failures: Iterable[Failure]) -> bytes:
    """As a batch item has them."""
    return _ENCODER.encode(tuple(failures))


def decode_failures(data: bytes) -> tuple[Failure, ...]:
    """Read `encode_failures` back; raises `ValueError`."""
    try:
        return _FAILURES.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no failures: {error}") from None


def encode_groups(groups: Mapping[str, FailureGroup]) -> bytes:
    """The stored form of a minute or hour."""
    return _ENCODER.encode(groups)


def decode_groups(data: bytes) -> dict[str, FailureGroup]:
    """Read `encode_groups` back; raises `ValueError`."""
    try:
        return _GROUPS.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no groups of failures: {error}") from None


def group_failures(parts: Iterable[tuple[str, Failure]]) -> dict[str, FailureGroup]:
    """The groups of a minute, by fingerprint; `parts` name the agent of each failure."""
    groups: dict[str, FailureGroup] = {}
    for agent, failure in sorted(parts, key=lambda part: (part[1].last, part[0])):
        tiers = {failure.tier: failure.count} if failure.tier else {}
        samples = [failure.sample] if failure.sample else []
        one = FailureGroup(failure.type, failure.message, failure.count, failure.last, failure.last, {agent: failure.count}, tiers, samples)
        _merge(groups, failure.fingerprint, one)
    return _bounded(groups)


def merge_groups(parts: Iterable[Mapping[str, FailureGroup]]) -> dict[str, FailureGroup]:
    """The groups of several minutes or hours."""
    merged: dict[str, FailureGroup] = {}
    for groups in parts:
        for key, group in groups.items():
            _merge(merged, key, group)
    return _bounded(merged)


def _merge(groups: dict[str, FailureGroup], key: str, other: FailureGroup) -> None:
    mine = groups.get(key)
    if mine is None:
        groups[key] = msgspec.structs.replace(other, agents=dict(other.agents), tiers=dict(other.tiers), samples=list(other.samples))
        return
    newer = other.last >= mine.last
    mine.count += other.count
    mine.first, mine.last = min(mine.first, other.first), max(mine.last, other.last)
    mine.samples = list(dict.fromkeys([*other.samples, *mine.samples] if newer else [*mine.samples, *other.samples]))[:3]
    for agent, count in other.agents.items():
        name = agent if agent in mine.agents or len(mine.agents) < MAX_AGENTS else OTHER
        mine.agents[name] = mine.agents.get(name, 0) + count
    for tier, count in other.tiers.items():
        mine.tiers[tier] = mine.tiers.get(tier, 0) + count


def _bounded(groups: dict[str, FailureGroup]) -> dict[str, FailureGroup]:
    if len(groups) <= MAX_GROUPS:
        return groups
    ordered = sorted(groups, key=lambda key: (-groups[key].count, key))
    kept = {key: groups[key] for key in ordered[: MAX_GROUPS - 1]}
    for key in ordered[MAX_GROUPS - 1 :]:
        group = groups[key]
        other = msgspec.structs.replace(group, type=OTHER, message="", samples=[])
        _merge(kept, fingerprint(OTHER, ""), other)
    return kept
