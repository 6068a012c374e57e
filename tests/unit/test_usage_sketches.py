"""Sketches of many hours, brought together while they are read."""

from __future__ import annotations

from random import Random

import pytest

from functions.domain import rollup_codec
from functions.domain.alert_columns import Column, Columns, TagSets
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.usage_frame import UsageFrame
from functions.domain.usage_sketches import WholeSketches

HOUR = 498_000
LATENCY = "task.latency_ms"


def test_quantiles_of_the_whole_time_are_those_of_sketches_kept_by_hour() -> None:
    source = Random(9)
    by_hour = UsageFrame(HOUR, HOUR + 100, names={LATENCY}, sketches={LATENCY})
    whole = UsageFrame(HOUR, HOUR + 100, names={LATENCY}, whole={LATENCY})
    for hour in range(HOUR, HOUR + 100):
        rollup: Rollup = {}
        for agent in ("a1", "a2", "a3"):
            one = rollup[SeriesKey(LATENCY, (("agent", agent),))] = Aggregate()
            one.extend([source.gauss(0, 1) * 10 ** source.randrange(5) for _ in range(7)], [0] * 7)
        for frame in (by_hour, whole):
            frame.add(hour, rollup_codec.encode(rollup))
    for by in ((), ("agent",)):
        for q in (0.0, 0.05, 0.5, 0.95, 1.0):
            assert list(whole.quantile(LATENCY, whole.group(by), q)) == list(by_hour.quantile(LATENCY, by_hour.group(by), q))
    with pytest.raises(KeyError):
        whole.quantile(LATENCY, whole.group(()), 0.5, hourly=True)


def test_a_damaged_sketch_is_left_out_and_its_hour_named() -> None:
    tags, sketches = TagSets(), WholeSketches()
    rollup: Rollup = {SeriesKey(LATENCY): Aggregate()}
    rollup[SeriesKey(LATENCY)].add(5.0, 0)
    sound = Columns(rollup_codec.encode(rollup), tags).column(LATENCY)
    assert sound is not None
    sketches.add(HOUR, sound)
    sketches.add(HOUR + 1, Column(sound.tags, sound.scalars, [b"\xff\xff"]))
    assert sketches.settle()[2].sum() == 1
    assert sketches.damaged == {HOUR + 1}
