"""A posted batch, checked: what can be kept of it, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from clawpulse.sketch import Sketch
from functions.domain import loose, wire
from functions.domain.errors import TooLarge
from functions.domain.items import AgentInfo
from functions.domain.naming import Identity, Naming, key_fault
from functions.domain.times import DAY_MS, MINUTE_MS

type Part = Literal["series", "sketches", "events", "info"]

MAX_POINTS = 1_000
"""Points, events and sketches of a batch together."""
MAX_AGE_MS = DAY_MS
MAX_AHEAD_MS = 10 * MINUTE_MS
MAX_PAYLOAD = 4_096
MAX_SKETCH = 2_048
"""Bytes."""
MAX_SKETCH_COUNT = 10**9
MAX_LISTED = 100
"""Reasons in an answer."""

_SERIES = msgspec.json.Decoder(wire.Series)
_EVENTS = msgspec.json.Decoder(wire.Events)
_SKETCHED = msgspec.json.Decoder(wire.Sketched)


class Rejection(msgspec.Struct, gc=False):
    """A point, or all of a series when `point` is None, and the reason. What is said of `info` concerns no point, and no series."""

    part: Part = msgspec.field(name="in")
    series: int
    point: int | None
    reason: str


@dataclass(slots=True)
class Rejections:
    """What was not accepted: the first reasons, and how many points in all."""

    listed: list[Rejection] = field(default_factory=list)
    count: int = 0

    def add(self, part: Part, series: int, point: int | None, reason: str, points: int = 1) -> None:
        """Count some points, list one reason for them."""
        self.count += points
        if len(self.listed) < MAX_LISTED:
            self.listed.append(Rejection(part, series, point, reason))


class Column(msgspec.Struct, gc=False):
    """The good points of one series or of events as they were posted. All columns have one length."""

    part: Part
    index: int
    """Place among the batch's series or events."""
    identity: Identity
    times: list[int]
    """ms since 1970."""
    values: list[float]
    places: Sequence[int]
    """Place of each point in its column as posted."""
    ordinal: int
    """Points posted before this column in the batch."""
    attributes: wire.Attributes
    payloads: list[msgspec.Raw] | None = None

    def only(self, kept: Sequence[int]) -> Column:
        """The column with only some of its points."""
        return msgspec.structs.replace(
            self,
            times=[self.times[i] for i in kept],
            values=[self.values[i] for i in kept],
            places=[self.places[i] for i in kept],
            attributes={key: [cells[i] for i in kept] for key, cells in self.attributes.items()},
            payloads=self.payloads and [self.payloads[i] for i in kept],
        )


class SketchPoint(msgspec.Struct, gc=False):
    """A good sketch."""

    index: int
    identity: Identity
    time: int
    last: float
    sketch: Sketch


@dataclass(slots=True, kw_only=True)
class CheckedBatch:
    """What can be kept of a batch."""

    agent: str
    id: str
    """`epoch.seq`."""
    info: AgentInfo
    columns: list[Column]
    sketches: list[SketchPoint]
    rejected: Rejections
    posted: int
    """Points, events and sketches, good or not."""


def check(text: bytes, naming: Naming, now: int) -> CheckedBatch:
    """Check the JSON text of a batch. `now` is the server's time in ms.

    Raises `InvalidInput` for a batch that cannot be read, `TooLarge`, `NotAllowed` for a tag that contradicts the token's scope.
    """
    batch = wire.decode(text)
    check_ = _Check(naming, batch.time, now)
    if isinstance(batch, wire.Batch):
        check_.fitting(batch)
    else:
        check_.loose(batch)
    tags, tag_faults = naming.agent_tags(batch.tags)
    config, config_faults = wire.read_config(batch.info.config)
    keys, key_faults = wire.read_keys(batch.info.keys)
    for fault in (*tag_faults, *config_faults, *key_faults):
        check_.rejected.add("info", 0, None, fault, points=0)
    info = AgentInfo(
        tags=tags,
        name=batch.info.name,
        model=batch.info.model,
        host=batch.info.host,
        versions=batch.info.versions,
        scope=dict(naming.scope),
        config=config,
        keys=keys,
    )
    return CheckedBatch(
        agent=batch.agent,
        id=f"{batch.epoch}.{batch.seq}",
        info=info,
        columns=check_.columns,
        sketches=check_.sketches,
        rejected=check_.rejected,
        posted=check_.posted,
    )


class _Check:
    """Goes through a batch once, sorting good from bad."""

    def __init__(self, naming: Naming, base: int, now: int) -> None:
        self._naming = naming
        self._base = base
        self._oldest = now - MAX_AGE_MS
        self._newest = now + MAX_AHEAD_MS
        self.columns: list[Column] = []
        self.sketches: list[SketchPoint] = []
        self.rejected = Rejections()
        self.posted = 0

    def fitting(self, batch: wire.Batch) -> None:
        """Take in a batch that has the right types everywhere."""
        _check_size(sum(map(_size, batch.series)) + sum(map(_size, batch.events)) + len(batch.sketches))
        for index, series in enumerate(batch.series):
            self._columns("series", index, series)
        for index, events in enumerate(batch.events):
            self._columns("events", index, events)
        for index, sketched in enumerate(batch.sketches):
            self._sketch(index, sketched)

    def loose(self, batch: wire.LooseBatch) -> None:
        """Take in a batch with faults."""
        _check_size(sum(map(wire.size_of, (*batch.series, *batch.events))) + len(batch.sketches))
        for index, raw in enumerate(batch.series):
            series = wire.try_decode(raw, _SERIES)
            self._loose("series", index, raw) if isinstance(series, wire.Fault) else self._columns("series", index, series)
        for index, raw in enumerate(batch.events):
            events = wire.try_decode(raw, _EVENTS)
            self._loose("events", index, raw) if isinstance(events, wire.Fault) else self._columns("events", index, events)
        for index, raw in enumerate(batch.sketches):
            sketched = wire.try_decode(raw, _SKETCHED)
            self._sketch(index, sketched)

    def _columns(self, part: Part, index: int, found: wire.Series | wire.Events) -> None:
        posted = _size(found)
        self._take(part, index, found, range(posted))
        self.posted += posted

    def _loose(self, part: Part, index: int, raw: msgspec.Raw) -> None:
        """Take in columns with bad cells: the points of the good ones."""
        posted = wire.size_of(raw)
        found = loose.series(raw) if part == "series" else loose.events(raw)
        if isinstance(found, str):
            self.rejected.add(part, index, None, found, posted)
        else:
            for place, reason in sorted(found.faults.items()):
                self.rejected.add(part, index, place, reason)
            if found.good.times:
                self._take(part, index, found.good, [place for place in range(posted) if place not in found.faults])
        self.posted += posted

    def _take(self, part: Part, index: int, found: wire.Series | wire.Events, places: Sequence[int]) -> None:
        """Take in good cells; `places` are where they stood in the columns."""
        identity = self._naming.identify(found.name, found.tags)
        fault = identity if isinstance(identity, str) else _columns_fault(found)
        if fault or isinstance(identity, str):
            self.rejected.add(part, index, None, fault or "", len(places) or 1)
            self.posted += not places
            return
        times = [self._base + offset for offset in found.times]
        if not times:
            return
        values, payloads = (found.values, None) if isinstance(found, wire.Series) else ([1.0] * len(times), found.payloads)
        column = Column(part, index, identity, times, values, places, self.posted, found.attributes, payloads)
        if min(times) < self._oldest or max(times) > self._newest or (payloads and not all(map(_fits, payloads))):
            column = self._good_points(column)
        if column.times:
            self.columns.append(column)

    def _good_points(self, column: Column) -> Column:
        """The column without its points that have a fault."""
        kept = []
        for i, time in enumerate(column.times):
            reason = self._time_fault(time)
            if not reason and column.payloads and not _fits(column.payloads[i]):
                reason = f"a payload has at most {MAX_PAYLOAD} bytes of UTF-8"
            if reason:
                self.rejected.add(column.part, column.index, column.places[i], reason)
            else:
                kept.append(i)
        return column.only(kept)

    def _time_fault(self, time: int) -> str | None:
        if time < self._oldest:
            return "is more than 24 h old"
        return "is more than 10 min ahead of the server's clock" if time > self._newest else None

    def _sketch(self, index: int, found: wire.Sketched | wire.Fault) -> None:
        self.posted += 1
        taken = found.text if isinstance(found, wire.Fault) else self._sketch_point(index, found)
        if isinstance(taken, str):
            self.rejected.add("sketches", index, None, taken)
        else:
            self.sketches.append(taken)

    def _sketch_point(self, index: int, found: wire.Sketched) -> SketchPoint | str:
        identity = self._naming.identify(found.name, found.tags)
        if isinstance(identity, str):
            return identity
        time = self._base + found.time
        if fault := self._time_fault(time):
            return fault
        sketch = _read_sketch(found.sketch)
        return sketch if isinstance(sketch, str) else SketchPoint(index, identity, time, found.last, sketch)


def _read_sketch(data: bytes) -> Sketch | str:
    """The sketch, or why it can be none."""
    if len(data) > MAX_SKETCH:
        return f"a sketch has at most {MAX_SKETCH} bytes"
    try:
        sketch = Sketch.from_bytes(data)
    except ValueError as error:
        return str(error)
    if not 0 < sketch.count <= MAX_SKETCH_COUNT:
        return f"a sketch has 1 to {MAX_SKETCH_COUNT} values"
    if max(-sketch.min, sketch.max, abs(sketch.sum) / sketch.count) > wire.MAX_VALUE:
        return f"values lie between -{wire.MAX_VALUE} and {wire.MAX_VALUE}"
    return sketch


def _check_size(points: int) -> None:
    if points > MAX_POINTS:
        raise TooLarge(f"a batch has at most {MAX_POINTS} points, events and sketches; this one has {points}")


def _size(found: wire.Series | wire.Events) -> int:
    """How many points were posted, whatever the columns' lengths."""
    return max(len(found.times), len(found.values)) if isinstance(found, wire.Series) else len(found.times)


def _columns_fault(found: wire.Series | wire.Events) -> str | None:
    """Why columns of good cells make no points."""
    size = len(found.times)
    if len(found.attributes) > wire.MAX_TAGS:
        return f"a series has at most {wire.MAX_TAGS} attributes"
    last = ("values", found.values) if isinstance(found, wire.Series) else ("payloads", found.payloads)
    for name, column in (last, *found.attributes.items()):
        if column is not None and len(column) != size:
            return f"the column {name} has {len(column)} entries, times has {size}"
    return next(filter(None, map(key_fault, found.attributes)), None)


def _fits(payload: msgspec.Raw) -> bool:
    """Whether a payload is short enough and text."""
    data = bytes(payload)
    try:
        return len(data) <= MAX_PAYLOAD and bool(data.decode())
    except UnicodeDecodeError:
        return False
