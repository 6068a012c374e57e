"""The use case behind `POST /v1/metrics`, `/v1/traces` and `/v1/logs`: OTLP data become batches like those that agents send themselves.

What stands for itself (gauges, deltas, tasks, events) goes into batches whose id is made of the request's bytes: a retry makes the same
ones. Totals go another way (`functions.otlp.totals`). What leaves no trace of its agent makes an empty batch: each post is a heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from functions.domain import otlp_logs, otlp_points, otlp_spans
from functions.domain.errors import Conflict, InvalidInput
from functions.domain.intake import WritePlan
from functions.domain.otlp_mapping import without_prefix
from functions.domain.otlp_points import Meaning, Refusals
from functions.domain.otlp_resource import NOBODY, Options, envelope
from functions.domain.otlp_samples import samples
from functions.intake import Dimensions, PlanWriter, Report, Sender
from functions.otlp.post import Post, Unit, for_the_feed
from functions.otlp.speakers import Speakers
from functions.otlp.totals import Totals
from functions.ports import BatchWriter, ExporterStore, RawWriter, SettingsReader

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.metrics.v1.metrics_pb2 import ScopeMetrics
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource


class Otlp:
    """Takes OTLP data."""

    def __init__(
        self, *, batches: BatchWriter, raw: RawWriter | None, settings: SettingsReader, exporters: ExporterStore, report: Report
    ) -> None:
        """`raw` is None for a stage without raw history; `report` is told of faults that no caller can mend."""
        self._writer = PlanWriter(batches, raw, report)
        self._dimensions = Dimensions(settings, report)
        self._totals = Totals(exporters, self._writer, report)
        self._speakers = Speakers(exporters)

    def metrics(self, sender: Sender, request: ExportMetricsServiceRequest, options: Options, digest: str, now: int) -> Refusals:
        """Take data points; tells what was refused. `digest` is of the request's bytes, `now` ms.

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

    def _post(self, sender: Sender, options: Options, digest: str, now: int) -> Post:
        return Post(sender, options, digest, now, self._dimensions.of(sender.workspace, now), self._writer.keeps_raw)

    def _each(
        self, post: Post, groups: Sequence[tuple[Resource, Any]], count: Callable[[Any], int], take: Callable[[Unit, Any], bool]
    ) -> None:
        """Take what each resource sent; `take` tells whether it left a trace of its agent."""
        heads = [envelope(resource, post.options, post.dimensions) for resource, _ in groups]
        if groups and not any(heads):
            raise InvalidInput(NOBODY)
        for number, ((resource, scopes), head) in enumerate(zip(groups, heads, strict=True)):
            if head is None:
                post.refusals.add(NOBODY, count(scopes))
                continue
            unit = Unit(post, number, head, resource)
            if not take(unit, scopes):
                self._write(post, unit.heartbeat())

    def _take_points(self, unit: Unit, scopes: Any) -> bool:
        post = unit.post
        points = list(otlp_points.read(scopes, post.now, post.refusals))
        for point in points:
            point.name = without_prefix(point.name, point.scope, post.options.prefix)
        openclaw = self._speakers.openclaw(unit, points)
        totals = [point for point in points if point.meaning is Meaning.TOTAL]
        others = [point for point in points if point.meaning is not Meaning.TOTAL]
        written = self._write(post, unit.plans(samples(others, post.dimensions, openclaw, post.refusals)))
        return self._totals.take(unit, totals, openclaw=openclaw) or written

    def _take_spans(self, unit: Unit, scopes: Any) -> bool:
        post = unit.post
        found = otlp_spans.read(scopes, post.dimensions, post.now, post.refusals, from_traces=post.options.from_traces)
        counted = unit.plans(found.counted)
        # Without raw history there is no feed.
        feed = [for_the_feed(plan) for plan in unit.plans(found.feed, kind=1)] if post.keeps_raw else []
        return self._write(post, counted + feed)

    def _take_logs(self, unit: Unit, scopes: Any) -> bool:
        post = unit.post
        return self._write(post, unit.plans(otlp_logs.read(scopes, post.dimensions, post.now, post.refusals)))

    def _write(self, post: Post, plans: Iterable[WritePlan]) -> bool:
        """Write plans of what stands for itself; tells whether there were any."""
        written = False
        for plan in plans:
            written = True
            try:
                self._writer.write(post.sender.workspace, plan)
            except Conflict:
                # The id is made of the request's bytes: they were taken before, under other settings of the workspace.
                continue
        return written


def _count_points(scopes: Iterable[ScopeMetrics]) -> int:
    kinds = ((metric, metric.WhichOneof("data")) for scope in scopes for metric in scope.metrics)
    return sum(len(getattr(metric, kind).data_points) for metric, kind in kinds if kind)
