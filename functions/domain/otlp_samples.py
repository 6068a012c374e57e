"""What OTLP data amount to as points of ours, and the batches that carry them: as many as our own limits ask for."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from clawpulse.sketch import Sketch
from functions.domain.batch import MAX_POINTS, MAX_SKETCH, MAX_SKETCH_COUNT
from functions.domain.cardinality import MAX_SERIES
from functions.domain.cost_intake import COST_SOURCE
from functions.domain.intake import MAX_MINUTES
from functions.domain.naming import MAX_NAME
from functions.domain.otlp_attributes import labels, tag_value
from functions.domain.otlp_mapping import FIGURES, OPENCLAW, Target, is_openclaw, mapped
from functions.domain.otlp_points import Point, Refusals
from functions.domain.otlp_values import Distribution, Number, Summary, mean, sketch_of
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.tasks import COST
from functions.domain.times import SECOND_MS, minute_of


class Sample(msgspec.Struct, gc=False, kw_only=True):
    """A point, a distribution or an event of ours."""

    name: str
    tags: TagPairs
    time: int
    """ms."""
    value: float | Sketch
    attributes: TagPairs = ()
    payload: msgspec.Raw | None = None
    event: bool = False


def samples(points: Iterable[Point], dimensions: frozenset[str], openclaw: bool, refusals: Refusals) -> Iterator[Sample]:
    """What data points amount to; `openclaw` tells that OpenClaw is known to speak for the agent."""
    for point in points:
        found = mapped(point.name, point.unit, point.attributes, openclaw=openclaw or is_openclaw(point.scope, point.name))
        if not found.targets and not point.name.strip():
            refusals.add("a metric without a name")
        tags, others = labels(point.attributes, dimensions)
        for target in found.targets:
            own = sorted_pairs(_with_source(tags, point) if target.name == COST and COST_SOURCE in dimensions else tags)
            for name, value in _valued(target, point, found.factor):
                if isinstance(value, str):
                    refusals.add(f"{point.name[:MAX_NAME]} {value}")
                else:
                    yield Sample(name=name, tags=own, time=point.time_ms, value=value, attributes=tuple(others.items()))


def _with_source(tags: dict[str, str], point: Point) -> dict[str, str]:
    """Tags of a cost with who priced it: what the point says of it, OpenClaw, else the scope that recorded it."""
    source = OPENCLAW if is_openclaw(point.scope, point.name) else tag_value(point.scope).strip()
    return {COST_SOURCE: source, **tags} if source else tags


def _valued(target: Target, point: Point, factor: float) -> Iterator[tuple[str, float | Sketch | str]]:
    """Names and values, or reasons why there is none."""
    value = point.value
    if isinstance(value, Number):
        yield target.name, 1.0 if target.form == "count" else value.value * factor
    elif isinstance(value, Summary):
        yield f"{target.name}.count", float(value.count)
        yield f"{target.name}.sum", value.sum * factor
    elif not value.count:
        return
    elif target.form == "count":
        yield target.name, float(value.count)
    elif target.form == "mean":
        average = mean(value)
        yield target.name, "has no sum" if average is None else average * factor
    else:
        yield target.name, _sketch(value, factor)


def _sketch(value: Distribution, factor: float) -> Sketch | str:
    if value.count > MAX_SKETCH_COUNT:
        return f"counts more than {MAX_SKETCH_COUNT} values at once"
    sketch = sketch_of(value, factor)
    if not isinstance(sketch, str) and len(sketch.to_bytes()) > MAX_SKETCH:
        return f"fills so many buckets that its sketch has more than {MAX_SKETCH} bytes"
    return sketch


class Envelope(msgspec.Struct, frozen=True):
    """What a batch says besides its points."""

    agent: str
    tags: Mapping[str, str]
    info: Mapping[str, Any]


def batch_text(envelope: Envelope, epoch: str, seq: int, found: Sequence[Sample]) -> bytes:
    """The JSON text of a batch, as an agent would send it; times are offsets to 1970."""
    document = {"v": 1, "agent": envelope.agent, "epoch": epoch, "seq": seq, "time": 0, "tags": envelope.tags, "info": envelope.info}
    points = [sample for sample in found if not isinstance(sample.value, Sketch)]
    parts = {
        "series": [_column(group) for group in _grouped(sample for sample in points if not sample.event)],
        "events": [_column(group) for group in _grouped(sample for sample in points if sample.event)],
        "sketches": [_sketched(sample, sample.value) for sample in found if isinstance(sample.value, Sketch)],
    }
    return msgspec.json.encode({**document, **{name: part for name, part in parts.items() if part}})


def parted(found: Iterable[Sample]) -> Iterator[list[Sample]]:
    """The samples in as many parts as the limits of a batch ask for, by time: so each part touches few minutes.

    What tasks used and what they cost comes at one time, and stays together; if that is too much, at least what has the same tags.
    """
    part: list[Sample] = []
    series: set[tuple[str, TagPairs]] = set()
    minutes: set[int] = set()
    for sample in merged(sorted(found, key=_order)):
        part.append(sample)
        series.add((sample.name, sample.tags))
        minutes.add(minute_of(sample.time))
        if len(part) > MAX_POINTS or len(series) > MAX_SERIES or len(minutes) > MAX_MINUTES:
            end = seam(part, len(part) - 1, _one_time, _one_cell)
            yield part[:end]
            part = part[end:]
            series, minutes = {(each.name, each.tags) for each in part}, {minute_of(each.time) for each in part}
    if part:
        yield part


def seam[T](found: Sequence[T], place: int, *together: Callable[[T, T], bool]) -> int:
    """The last place up to `place` where what belongs together is not parted, by the first of the rules that leaves any; else `place`."""
    for rule in together:
        end = place
        while end and rule(found[end - 1], found[end]):
            end -= 1
        if end:
            return end
    return place


def _order(sample: Sample) -> tuple[int, bool, TagPairs, int]:
    """By time; of a second the figures first, by tags."""
    other = sample.name not in FIGURES
    return sample.time // SECOND_MS, other, () if other else _cell(sample), sample.time


def _one_time(one: Sample, other: Sample) -> bool:
    return one.name in FIGURES and other.name in FIGURES and one.time // SECOND_MS == other.time // SECOND_MS


def _one_cell(one: Sample, other: Sample) -> bool:
    return _one_time(one, other) and _cell(one) == _cell(other)


def _cell(sample: Sample) -> TagPairs:
    return tuple(pair for pair in sample.tags if pair[0] != COST_SOURCE)


def merged(found: Iterable[Sample]) -> list[Sample]:
    """The samples, distributions of one series and time made one: their streams differ in attributes only."""
    known: dict[tuple[str, TagPairs, int], Sample] = {}
    out = []
    for sample in found:
        if isinstance(sample.value, Sketch):
            before = known.get((sample.name, sample.tags, sample.time))
            if before is not None and isinstance(before.value, Sketch) and _fit_together(before.value, sample.value):
                continue
            known[sample.name, sample.tags, sample.time] = sample
        out.append(sample)
    return out


def _fit_together(sketch: Sketch, other: Sketch) -> bool:
    """Merge the other one in, if what comes of it may be sent."""
    both = sketch.copy()
    both.merge(other)
    if both.count > MAX_SKETCH_COUNT or len(both.to_bytes()) > MAX_SKETCH:
        return False
    sketch.merge(other)
    return True


def _grouped(found: Iterable[Sample]) -> Iterable[list[Sample]]:
    """Samples that can share columns: of one series, with the same attributes."""
    groups: dict[tuple[Any, ...], list[Sample]] = {}
    for sample in found:
        keys = tuple(key for key, _ in sample.attributes)
        groups.setdefault((sample.name, sample.tags, keys), []).append(sample)
    return groups.values()


def _column(group: list[Sample]) -> dict[str, Any]:
    first = group[0]
    column: dict[str, Any] = {"name": first.name, "tags": dict(first.tags), "times": [sample.time for sample in group]}
    if first.event:
        column["payloads"] = [sample.payload for sample in group]
    else:
        column["values"] = [sample.value for sample in group]
    if first.attributes:
        column["attributes"] = {key: [sample.attributes[i][1] for sample in group] for i, (key, _) in enumerate(first.attributes)}
    return column


def _sketched(sample: Sample, sketch: Sketch) -> dict[str, Any]:
    encoded = base64.b64encode(sketch.to_bytes()).decode()
    return {"name": sample.name, "tags": dict(sample.tags), "time": sample.time, "last": sketch.sum / sketch.count, "sketch": encoded}
