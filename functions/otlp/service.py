"""The use case behind `POST /v1/metrics`, `/v1/traces` and `/v1/logs`: OTLP data become batches like those that agents send themselves.

What stands for itself (gauges, deltas, tasks, events) goes into batches whose id is made of the request's bytes: a retry makes the same
ones. Totals go another way: what they add depends on what was known before. An exporter's record is replaced on condition that nobody
did so in the meantime, and takes in with it, in one write, the batch that this step makes, its id the record's version. Then the batch
is written. Whoever comes next writes it again before another step: if we died between the two, that is when it is made good, and
otherwise it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from functions.domain import intake, otlp_logs, otlp_points, otlp_spans, otlp_streams
from functions.domain.errors import ClawPulseError, Conflict, InvalidInput, StoreUnavailable
from functions.domain.intake import WritePlan
from functions.domain.otlp_mapping import is_openclaw, without_prefix
from functions.domain.otlp_points import Meaning, Point, Refusals
from functions.domain.otlp_resource import NOBODY, Options, envelope, exporter_id, mark_id
from functions.domain.otlp_samples import Envelope, Sample, batch_text, parted, samples
from functions.domain.otlp_streams import KEEP_MS, MAX_RECORD, TOUCH_MS, Pending
from functions.domain.rollup import TagPairs
from functions.domain.times import MINUTE_MS, minute_of
from functions.intake import Dimensions, PlanWriter, Report, Sender
from functions.ports import BatchWriter, ExporterStore, RawWriter, SettingsReader

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.metrics.v1.metrics_pb2 import ScopeMetrics
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

EPOCH = "otlp"
"""Of batches whose id is made of a request's bytes."""
MAX_BATCHES = 40
"""That one request may make, each of which is some writes: it has to be done within the function's time."""
ATTEMPTS = 6
"""To replace an exporter's record while other requests do."""
_SEQ_BITS = 52
_CHUNK = 1_000
"""Totals taken in one step: what they make fits into the record beside it."""
_PARTS = 1_024
"""Batches that one step may make, and more."""
_MARK = b"1"
_MARK_AGE_MS = MINUTE_MS
_MAX_REMEMBERED = 10_000
_TOO_MANY = f"are beyond the {MAX_BATCHES} batches that one request may make; send smaller ones"


@dataclass(slots=True)
class _Post:
    """One request on its way."""

    sender: Sender
    options: Options
    digest: str
    """Of the request's bytes."""
    now: int
    dimensions: frozenset[str]
    refusals: Refusals = field(default_factory=Refusals)
    batches: int = 0

    def seq(self, *place: int) -> int:
        """The number of a batch: the same for the same bytes."""
        made = sha256(f"{self.digest}:{':'.join(map(str, place))}".encode()).digest()
        return int.from_bytes(made[:8]) >> (64 - _SEQ_BITS)

    def admit(self, parts: Iterable[list[Sample]]) -> list[list[Sample]]:
        """The parts that may still become batches; the others are refused."""
        admitted = []
        for part in parts:
            if self.batches < MAX_BATCHES:
                self.batches += 1
                admitted.append(part)
            else:
                self.refusals.add(_TOO_MANY, len(part))
        return admitted


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one resource of a request sent."""

    post: _Post
    number: int
    head: Envelope
    resource: Resource

    @property
    def exporter(self) -> str:
        """Id of the exporter."""
        return exporter_id(self.resource, self.post.sender.scope)


class Otlp:
    """Takes OTLP data."""

    def __init__(
        self, *, batches: BatchWriter, raw: RawWriter | None, settings: SettingsReader, exporters: ExporterStore, report: Report
    ) -> None:
        """`raw` is None for a stage without raw history; `report` is told of faults that no caller can mend."""
        self._writer = PlanWriter(batches, raw, report)
        self._dimensions = Dimensions(settings, report)
        self._exporters = exporters
        self._report = report
        self._delivered: dict[tuple[str, str, str], int] = {}
        """Versions of exporters' records whose batches this process has written: it need not do so again."""
        self._marks: dict[tuple[str, str, str], tuple[int, bool]] = {}

    def metrics(self, sender: Sender, request: ExportMetricsServiceRequest, options: Options, digest: str, now: int) -> Refusals:
        """Take data points; tells what was refused.

        Raises, as the others do, `InvalidInput` when no resource names an agent, `NotAllowed` when a tag contradicts the token's scope, and
        `StoreUnavailable`.
        """
        post = self._post(sender, options, digest, now)
        groups = [(group.resource, group.scope_metrics) for group in request.resource_metrics]
        self._each(post, groups, _count_points, self._take_points)
        return post.refusals

    def traces(self, sender: Sender, request: ExportTraceServiceRequest, options: Options, digest: str, now: int) -> Refusals:
        """Take spans; tells what was refused."""
        post = self._post(sender, options, digest, now)
        groups = [(group.resource, group.scope_spans) for group in request.resource_spans]
        self._each(post, groups, lambda scopes: sum(len(scope.spans) for scope in scopes), self._take_spans)
        return post.refusals

    def logs(self, sender: Sender, request: ExportLogsServiceRequest, options: Options, digest: str, now: int) -> Refusals:
        """Take log records; tells what was refused."""
        post = self._post(sender, options, digest, now)
        groups = [(group.resource, group.scope_logs) for group in request.resource_logs]
        self._each(post, groups, lambda scopes: sum(len(scope.log_records) for scope in scopes), self._take_logs)
        return post.refusals

    def _post(self, sender: Sender, options: Options, digest: str, now: int) -> _Post:
        return _Post(sender, options, digest, now, self._dimensions.of(sender.workspace, now))

    def _each(
        self, post: _Post, groups: Sequence[tuple[Resource, Any]], count: Callable[[Any], int], take: Callable[[_Unit, Any], bool]
    ) -> None:
        """Take what each resource sent, and if that leaves no trace of its agent, an empty batch: each post is a heartbeat."""
        heads = [envelope(resource, post.options, post.dimensions) for resource, _ in groups]
        if groups and not any(heads):
            raise InvalidInput(NOBODY)
        for number, ((resource, scopes), head) in enumerate(zip(groups, heads, strict=True)):
            if head is None:
                post.refusals.add(NOBODY, count(scopes))
            elif not take(_Unit(post, number, head, resource), scopes):
                self._write(post, [self._plan(post, batch_text(head, EPOCH, post.seq(number), []), post.refusals)])

    def _take_spans(self, unit: _Unit, scopes: Any) -> bool:
        post = unit.post
        found = otlp_spans.read(scopes, post.dimensions, post.now, post.refusals, from_traces=post.options.from_traces)
        counted = self._plans(unit, found.counted, 0)
        # Without raw history there is no feed.
        feed = [_for_the_feed(plan) for plan in self._plans(unit, found.feed, 1)] if self._writer.keeps_raw else []
        self._write(post, counted + feed)
        return bool(counted or feed)

    def _take_logs(self, unit: _Unit, scopes: Any) -> bool:
        post = unit.post
        plans = self._plans(unit, otlp_logs.read(scopes, post.dimensions, post.now, post.refusals), 0)
        self._write(post, plans)
        return bool(plans)

    def _take_points(self, unit: _Unit, scopes: Any) -> bool:
        post = unit.post
        points = list(otlp_points.read(scopes, post.now, post.refusals))
        for point in points:
            point.name = without_prefix(point.name, point.scope, post.options.prefix)
        openclaw = self._openclaw(unit, points)
        totals = [point for point in points if point.meaning is Meaning.TOTAL]
        others = [point for point in points if point.meaning is not Meaning.TOTAL]
        plans = self._plans(unit, samples(others, post.dimensions, openclaw, post.refusals), 0)
        self._write(post, plans)
        return self._take_totals(unit, totals, openclaw) or bool(plans)

    def _take_totals(self, unit: _Unit, points: list[Point], openclaw: bool) -> bool:
        """Take totals into the exporter's record and write what they add, some at a time; tells whether they added anything."""
        written = False
        for some in _chunks(sorted(points, key=lambda point: point.time)):
            if unit.post.batches >= MAX_BATCHES:
                unit.post.refusals.add(_TOO_MANY, len(some))
                continue
            written = self._advance(unit, some, openclaw) or written
        return written

    def _advance(self, unit: _Unit, points: list[Point], openclaw: bool) -> bool:
        for _ in range(ATTEMPTS):
            written = self._step(unit, points, openclaw)
            if written is not None:
                return written
        raise StoreUnavailable("several requests of this exporter at once", retry_after_s=1)

    def _step(self, unit: _Unit, points: list[Point], openclaw: bool) -> bool | None:
        """One try; None when somebody else was faster."""
        post, who = unit.post, (unit.post.sender.workspace, unit.head.agent, unit.exporter)
        slot = self._exporters.read(*who, post.now)
        record = otlp_streams.decode(slot.data) if slot.data else None
        if record is None:
            record = otlp_streams.begin(points, f"{EPOCH}-{unit.exporter[:8]}-{post.seq(unit.number, slot.version):x}", post.now)
        elif record.pending and self._delivered.get(who) != slot.version:
            self._redo(post, record.pending)
            self._remember(who, slot.version)
        refusals = Refusals()
        added, changed = otlp_streams.advance(record, points, refusals)
        if not changed and slot.data and post.now - record.touched < TOUCH_MS:
            post.refusals += refusals
            return False
        parts = parted(samples(added, post.dimensions, openclaw, refusals))
        texts = [batch_text(unit.head, record.epoch, slot.version * _PARTS + place, part) for place, part in enumerate(parts)]
        plans = [self._plan(post, text, refusals) for text in texts]
        record.pending = Pending(texts, post.sender.scope) if texts else None
        record.touched = post.now
        data = otlp_streams.encode(record)
        if len(data) > MAX_RECORD:
            post.refusals.add("belong to an exporter with more streams than can be remembered", len(points))
            return False
        if not self._exporters.write(*who, data, seen=slot.version, expires=post.now + KEEP_MS):
            return None
        post.refusals += refusals
        post.batches += len(plans)
        self._write(post, plans)
        self._remember(who, slot.version + 1)
        return bool(plans)

    def _redo(self, post: _Post, pending: Pending) -> None:
        """Write what the last step made, once more: whoever made that step may have died before it did."""
        for text in pending.texts:
            refusals = Refusals()
            try:
                self._write(post, [self._plan(post, text, refusals, pending.scope)])
            except StoreUnavailable:
                raise
            except ClawPulseError as error:
                self._report("a batch of totals that was left over cannot be written", error)
            if refusals.count:
                self._report("points of totals that were left over cannot be taken any more", InvalidInput(refusals.message()))

    def _remember(self, who: tuple[str, str, str], version: int) -> None:
        if len(self._delivered) >= _MAX_REMEMBERED:
            self._delivered.clear()
        self._delivered[who] = version

    def _openclaw(self, unit: _Unit, points: Iterable[Point]) -> bool:
        """Whether OpenClaw speaks for the agent, here or through another exporter: then gen_ai metrics tell nothing new."""
        here, general = False, False
        for point in points:
            here = here or is_openclaw(point.scope, point.name)
            general = general or point.name.startswith("gen_ai.")
        if not here and not general:
            return False
        who = (unit.post.sender.workspace, unit.head.agent, mark_id(unit.post.sender.scope))
        now = unit.post.now
        checked, known = self._marks.get(who, (0, False))
        if now - checked < (TOUCH_MS if known else _MARK_AGE_MS) and known >= here:
            return known
        slot = self._exporters.read(*who, now)
        if here:
            # Of two at once one fails, which has the same to say.
            self._exporters.write(*who, _MARK, seen=slot.version, expires=now + KEEP_MS)
        if len(self._marks) >= _MAX_REMEMBERED:
            self._marks.clear()
        self._marks[who] = (now, here or slot.data is not None)
        return self._marks[who][1]

    def _plans(self, unit: _Unit, found: Iterable[Sample], kind: int) -> list[WritePlan]:
        """The plans of what stands for itself."""
        post = unit.post
        parts = post.admit(parted(found))
        texts = [batch_text(unit.head, EPOCH, post.seq(unit.number, kind, place), part) for place, part in enumerate(parts)]
        return [self._plan(post, text, post.refusals) for text in texts]

    def _plan(self, post: _Post, text: bytes, refusals: Refusals, scope: TagPairs | None = None) -> WritePlan:
        plan = intake.plan(
            text,
            workspace=post.sender.workspace,
            dimensions=post.dimensions,
            scope=post.sender.scope if scope is None else scope,
            now=post.now,
            raw=self._writer.keeps_raw,
        )
        for rejection in plan.rejected.listed:
            refusals.add(rejection.reason)
        return plan

    def _write(self, post: _Post, plans: Iterable[WritePlan]) -> None:
        for plan in plans:
            try:
                self._writer.write(post.sender.workspace, plan)
            except Conflict:
                # The id is made of the request's bytes: they were taken before, under other settings of the workspace.
                continue


def _for_the_feed(plan: WritePlan) -> WritePlan:
    """The plan with its raw records, and of the rollups only a sign of life."""
    return replace(plan, items=[replace(plan.items[-1], minute=minute_of(plan.time), rollup={})], late=frozenset())


def _chunks(points: list[Point]) -> Iterator[list[Point]]:
    return (points[place : place + _CHUNK] for place in range(0, len(points), _CHUNK))


def _count_points(scopes: Iterable[ScopeMetrics]) -> int:
    kinds = ((metric, metric.WhichOneof("data")) for scope in scopes for metric in scope.metrics)
    return sum(len(getattr(metric, kind).data_points) for metric, kind in kinds if kind)
