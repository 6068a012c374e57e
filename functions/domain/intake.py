"""What is to be written for one posted batch: decided here, executed by `ingest.service`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from functions.domain import batch, tasks
from functions.domain.batch import CheckedBatch, Column, Rejection, Rejections, SketchPoint
from functions.domain.cardinality import MAX_SERIES, Folding, Limited, fold
from functions.domain.cost_intake import PARTS, Apart, apart, without_cost
from functions.domain.items import BatchItem
from functions.domain.naming import naming
from functions.domain.raw import RawRecord, raw_records
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.times import LATE_AFTER_MS, MINUTE_MS, minute_end, minute_of

MAX_MINUTES = 300
"""Minutes that one batch may touch, each of which is a write; so it is done within the time of one request."""


class Answer(msgspec.Struct, kw_only=True, rename="camel"):
    """What the agent is told."""

    accepted: int
    rejected: Sequence[Rejection]
    rejected_count: int
    duplicate: bool
    limited: Sequence[Limited]
    time: int
    """Server time, ms."""
    desired: str | msgspec.UnsetType | None = msgspec.UNSET
    """Hash of the configuration that the agent should have; None when nobody has set one, absent when it did not ask."""
    desired_keys: str | msgspec.UnsetType = msgspec.UNSET
    """Fingerprints of the keys that the agent should use (`key_fingerprint.told`); absent when it did not ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """Everything that one batch makes us write. The same text gives the same keys and contents, however often it comes."""

    items: Sequence[BatchItem]
    late: frozenset[int]
    """Minutes whose item needs a late mark after it."""
    raw: Sequence[RawRecord]
    common: Mapping[str, str]
    """Dimensions that all raw records share."""
    stamp: str
    accepted: int
    rejected: Rejections
    limited: Sequence[Limited]
    time: int
    agent: str
    asks: bool
    """Whether the agent wants to know its desired configuration."""
    asks_keys: bool
    """Whether it wants to know which keys it should use."""

    def answer(
        self,
        duplicate: bool,
        desired: str | msgspec.UnsetType | None = msgspec.UNSET,
        desired_keys: str | msgspec.UnsetType = msgspec.UNSET,
    ) -> Answer:
        """What the agent is told once all is written."""
        return Answer(
            accepted=self.accepted,
            rejected=self.rejected.listed,
            rejected_count=self.rejected.count,
            duplicate=duplicate,
            limited=self.limited,
            time=self.time,
            desired=desired,
            desired_keys=desired_keys,
        )


def plan(text: bytes, *, workspace: str, dimensions: frozenset[str], scope: TagPairs, now: int, raw: bool) -> WritePlan:
    """Plan the writes of a batch's JSON text. `scope` is the token's tag scope, `raw` whether raw history is kept, `now` ms.

    Raises `InvalidInput` and `TooLarge` for a batch that cannot be taken at all, `NotAllowed` for one that contradicts the scope.
    """
    checked = batch.check(text, naming(dimensions, scope), now)
    folding = fold([column.identity.key for column in checked.columns] + [point.identity.key for point in checked.sketches])
    _without_surplus(checked, folding)
    rollups = _rollups(checked, folding)
    common = {"workspace": workspace, "agent": checked.agent, "batch": checked.id}
    digest = sha256(text).hexdigest()[:32]
    failures = _failures(checked)
    shared: dict[str, Any] = {"agent": checked.agent, "batch": checked.id, "received": now, "digest": digest, "info": checked.info}
    items = [
        BatchItem(minute=minute, rollup=rollup, failures=failures.get(minute, b""), **shared)
        for minute, rollup in sorted((rollups or {minute_of(now): {}}).items())
    ]
    return WritePlan(
        items=items,
        late=frozenset(item.minute for item in items if now > minute_end(item.minute) + LATE_AFTER_MS),
        raw=raw_records(checked, dimensions, common) if raw else (),
        common=common,
        stamp=f"{now}:{checked.agent}:{checked.id}",
        accepted=checked.posted - checked.rejected.count,
        rejected=checked.rejected,
        limited=folding.limited,
        time=now,
        agent=checked.agent,
        asks=checked.info.config is not None,
        asks_keys=checked.info.keys is not None,
    )


_TOO_MANY_SERIES = f"a batch has at most {MAX_SERIES} series"
_TOO_MANY_MINUTES = f"a batch touches at most {MAX_MINUTES} minutes; send the others in another batch"


def _without_surplus(checked: CheckedBatch, folding: Folding) -> None:
    """Reject, in place, what is in too many series or minutes."""
    if folding.complete and _few_minutes(checked):
        return
    minutes: set[int] = set()
    checked.columns = [left for column in checked.columns if (left := _left_of(column, folding, minutes, checked.rejected)).times]
    checked.sketches = [point for point in checked.sketches if _is_left(point, folding, minutes, checked.rejected)]


def _few_minutes(checked: CheckedBatch) -> bool:
    """Whether the batch cannot touch too many minutes."""
    times = [time for column in checked.columns for time in (min(column.times), max(column.times))]
    times += [point.time for point in checked.sketches]
    return not times or max(times) - min(times) < (MAX_MINUTES - 1) * MINUTE_MS


def _left_of(column: Column, folding: Folding, minutes: set[int], rejected: Rejections) -> Column:
    if column.identity.key not in folding.series:
        rejected.add(column.part, column.index, None, _TOO_MANY_SERIES, len(column.times))
        return column.only(())
    kept = []
    for i, time in enumerate(column.times):
        if _admit(minute_of(time), minutes):
            kept.append(i)
        else:
            rejected.add(column.part, column.index, column.places[i], _TOO_MANY_MINUTES)
    return column.only(kept)


def _is_left(point: SketchPoint, folding: Folding, minutes: set[int], rejected: Rejections) -> bool:
    known = point.identity.key in folding.series
    left = known and _admit(minute_of(point.time), minutes)
    if not left:
        rejected.add("sketches", point.index, None, _TOO_MANY_MINUTES if known else _TOO_MANY_SERIES)
    return left


def _admit(minute: int, minutes: set[int]) -> bool:
    """Whether a minute may be touched, counting it in if so."""
    if len(minutes) < MAX_MINUTES:
        minutes.add(minute)
    return minute in minutes


def _failures(checked: CheckedBatch) -> dict[int, bytes]:
    """What failed in each minute, encoded."""
    if not any(column.identity.key.name in (tasks.FAILED, tasks.ERRORS) for column in checked.columns):
        return {}
    # Most batches tell of none, and the function starts faster without.
    from functions.domain.failures import encode_failures, failures_of

    return {minute: encode_failures(found) for minute, found in failures_of(checked).items()}


def _rollups(checked: CheckedBatch, folding: Folding) -> dict[int, Rollup]:
    """The rollup of each minute that has a point."""
    rollups: dict[int, Rollup] = {}
    for column in checked.columns:
        key = folding.series[column.identity.key]
        for minute, values, times in _by_minute(column):
            _aggregate(rollups, minute, key).extend(values, times)
    for point in checked.sketches:
        key = folding.series[point.identity.key]
        _aggregate(rollups, minute_of(point.time), key).merge(Aggregate(point.sketch, point.last, point.time))
    _tell_apart(rollups, without_cost(checked.columns, checked.sketches), folding)
    return rollups


def _tell_apart(rollups: dict[int, Rollup], found: Apart, folding: Folding) -> None:
    """Add the tokens without a cost under their own names. A series that is all of that kind shares its aggregates with its part."""
    if not found.columns and not found.sketches:
        return
    split = {folding.series[key] for key in found.split}
    if any(key.name in PARTS for key in folding.series):
        # The batch has points of such a name itself, and theirs must not come into the tokens.
        split.update(folding.series.values())
    for column in found.columns:
        key = folding.series[column.identity.key]
        part = apart(key)
        if key in split:
            for minute, values, times in _by_minute(column):
                _aggregate(rollups, minute, part).extend(values, times)
        else:
            for minute in _minutes(column.times):
                rollups[minute][part] = rollups[minute][key]
    for point in found.sketches:
        key, minute = folding.series[point.identity.key], minute_of(point.time)
        if key in split:
            _aggregate(rollups, minute, apart(key)).merge(Aggregate(point.sketch, point.last, point.time))
        else:
            rollups[minute][apart(key)] = rollups[minute][key]


def _aggregate(rollups: dict[int, Rollup], minute: int, key: SeriesKey) -> Aggregate:
    rollup = rollups.setdefault(minute, {})
    aggregate = rollup.get(key)
    if aggregate is None:
        rollup[key] = aggregate = Aggregate()
    return aggregate


def _minutes(times: list[int]) -> Collection[int]:
    first, last = minute_of(min(times)), minute_of(max(times))
    return (first,) if first == last else {time // MINUTE_MS for time in times}


def _by_minute(column: Column) -> Iterable[tuple[int, list[float], list[int]]]:
    """Values and times of a column, minute by minute."""
    first, last = minute_of(min(column.times)), minute_of(max(column.times))
    if first == last:
        return ((first, column.values, column.times),)
    minutes: dict[int, tuple[list[float], list[int]]] = {}
    for value, time in zip(column.values, column.times, strict=True):
        values, times = minutes.setdefault(time // MINUTE_MS, ([], []))
        values.append(value)
        times.append(time)
    return [(minute, *points) for minute, points in minutes.items()]
