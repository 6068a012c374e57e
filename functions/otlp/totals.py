"""Totals of cumulative streams: an exporter's record and the batches that it makes advance together.

A step reads the record, takes the points in, and replaces it on condition that nobody did so in the meantime. The same write takes in
the batches that the step makes, their id the record's epoch and version. Then they are written. Whoever comes next writes them once
more before another step: if we died between the two, that is when it is made good, and otherwise it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from functions.domain import otlp_streams
from functions.domain.errors import ClawPulseError, InvalidInput, StoreUnavailable
from functions.domain.otlp_mapping import TELLING
from functions.domain.otlp_points import NS_PER_MS, Point, Refusals
from functions.domain.otlp_samples import batch_text, parted, samples, seam
from functions.domain.otlp_streams import KEEP_MS, MAX_RECORD, TOUCH_MS, Exporter, Pending
from functions.domain.times import SECOND_MS
from functions.intake import PlanWriter, Report
from functions.otlp.post import EPOCH, TOO_MUCH, Post, Unit
from functions.ports import ExporterStore, Slot

ATTEMPTS = 6
"""To replace a record while other requests do."""
_CHUNK = 1_000
"""Points taken in one step: what they make fits into the record beside it."""
_SECOND_NS = SECOND_MS * NS_PER_MS
_PARTS = 1_024
"""More batches than one step can make."""
_MAX_REMEMBERED = 10_000

type Who = tuple[str, str, str]
"""Workspace, agent and exporter."""


class Totals:
    """Takes totals."""

    def __init__(self, exporters: ExporterStore, writer: PlanWriter, report: Report) -> None:
        self._exporters = exporters
        self._writer = writer
        self._report = report
        self._delivered: dict[Who, int] = {}
        """Versions of records whose batches this process has written: it need not do so again."""

    def take(self, unit: Unit, points: Iterable[Point], *, openclaw: bool) -> bool:
        """Write what points add, some at a time; tells whether they added anything. Raises `NotAllowed`, `StoreUnavailable`."""
        written = False
        for some in _chunks(sorted(points, key=_order)):
            if unit.post.spend(len(some), 1):
                written = self._advance(unit, some, openclaw) or written
            else:
                unit.post.refusals.add(TOO_MUCH, len(some))
        return written

    def _advance(self, unit: Unit, points: list[Point], openclaw: bool) -> bool:
        for _ in range(ATTEMPTS):
            written = self._step(unit, points, openclaw)
            if written is not None:
                return written
        raise StoreUnavailable("several requests of this exporter at once", retry_after_s=1)

    def _step(self, unit: Unit, points: list[Point], openclaw: bool) -> bool | None:
        """One try: whether the points added anything; None when somebody else was faster."""
        post, who = unit.post, (unit.post.sender.workspace, unit.head.agent, unit.exporter)
        slot = self._exporters.read(*who, post.now)
        record = self._record(unit, who, slot, points)
        refusals = Refusals()
        added, changed = otlp_streams.advance(record, points, refusals)
        if not changed and slot.data and post.now - record.touched < TOUCH_MS:
            post.refusals += refusals
            return False
        parts = parted(samples(added, post.dimensions, openclaw, refusals))
        texts = [batch_text(unit.head, record.epoch, slot.version * _PARTS + place, part) for place, part in enumerate(parts)]
        # Planned before anything is written: a tag that is not allowed leaves the record as it is.
        plans = [post.plan(text, refusals) for text in texts]
        record.pending = Pending(texts, post.sender.scope) if texts else None
        record.touched = post.now
        data = otlp_streams.encode(record)
        if len(data) > MAX_RECORD:
            post.refusals.add("belong to an exporter with more streams than can be remembered", len(points))
            return False
        if not self._exporters.write(*who, data, seen=slot.version, expires=post.now + KEEP_MS):
            return None
        post.refusals += refusals
        for plan in plans:
            self._writer.write(post.sender.workspace, plan)
        self._remember(who, slot.version + 1)
        return bool(plans)

    def _record(self, unit: Unit, who: Who, slot: Slot, points: list[Point]) -> Exporter:
        """The exporter's record, its batches written; a new one if none is known."""
        record = otlp_streams.decode(slot.data) if slot.data else None
        if record is None:
            epoch = f"{EPOCH}-{unit.exporter[:8]}-{unit.post.seq(unit.number, slot.version):x}"
            return otlp_streams.begin(points, epoch, unit.post.now)
        if record.pending and self._delivered.get(who) != slot.version:
            self._redo(unit.post, record.pending)
            self._remember(who, slot.version)
        return record

    def _redo(self, post: Post, pending: Pending) -> None:
        """Write what the last step made, once more: whoever made that step may have died before he did."""
        for text in pending.texts:
            refusals = Refusals()
            try:
                self._writer.write(post.sender.workspace, post.plan(text, refusals, pending.scope))
            except StoreUnavailable:
                raise
            except ClawPulseError as error:
                self._report("a batch of totals that was left over cannot be written", error)
            if refusals.count:
                self._report("points of totals that were left over cannot be taken any more", InvalidInput(refusals.message()))

    def _remember(self, who: Who, version: int) -> None:
        if len(self._delivered) >= _MAX_REMEMBERED:
            self._delivered.clear()
        self._delivered[who] = version


def _order(point: Point) -> tuple[int, bool, int]:
    """By time; of a second first what tasks used and what they cost, which belongs into one batch."""
    return point.time // _SECOND_NS, point.name not in TELLING, point.time


def _one_time(one: Point, other: Point) -> bool:
    return _order(one)[:2] == _order(other)[:2] and one.name in TELLING


def _chunks(points: list[Point]) -> Iterator[list[Point]]:
    while points:
        end = seam(points, _CHUNK, _one_time) if len(points) > _CHUNK else len(points)
        yield points[:end]
        points = points[end:]
