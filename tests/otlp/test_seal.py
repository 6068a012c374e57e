"""An OpenClaw that speaks nothing but OTLP, as operators see it: rollups and the fleet after seal."""

from __future__ import annotations

import pytest

from clawpulse.sketch import Sketch
from functions.domain import rollup_codec
from functions.domain.fleet import decode_snapshot
from functions.domain.tasks import tasks_of
from functions.domain.times import MINUTE_MS, SECOND_MS, minute_of
from functions.ports import Resolution
from functions.seal.service import SealService
from tests.fakes.lease import MemoryLease
from tests.fakes.rollups import MemoryRollups
from tests.otlp.support import World, protobuf, recorded

AGENT = "claw-1"


def test_tasks_errors_tokens_cost_latency_and_health_are_right() -> None:
    world, rollups, posts = World(), MemoryRollups(), recorded()
    service = SealService(world.batches, rollups, world.fleet, MemoryLease())
    start, end = posts[0]["receivedAt"], posts[-1]["receivedAt"] + 2 * MINUTE_MS
    healthy: set[str] = set()
    for now in range(start, end, 15 * SECOND_MS):
        while posts and posts[0]["receivedAt"] <= now:
            post = posts.pop(0)
            headers = {"x-clawpulse-agent": AGENT}
            world.accept(post["path"], protobuf(post["path"], post["body"]), now=post["receivedAt"], headers=headers)
        service.tick("ws", now, now, "run")
        data = world.fleet.snapshot("ws")
        assert data is not None
        state = decode_snapshot(data).agents[AGENT]
        healthy.add(str(state.health.status))

    minutes = rollups.read_agent("ws", AGENT, Resolution.MINUTE, minute_of(start), minute_of(end)).values()
    group = rollups.read_group("ws", Resolution.MINUTE, minute_of(start), minute_of(end)).values()
    for found in (minutes, group):
        decoded = [rollup_codec.decode(data) for data in found]
        counts = sum((tasks_of(rollup) for rollup in decoded[1:]), tasks_of(decoded[0]))
        assert (counts.finished, counts.failed, counts.tokens_in, counts.tokens_out) == (5, 1, 4539, 7)
        assert counts.cost_usd == pytest.approx(0.0150837)
        latency = Sketch()
        for rollup in decoded:
            for key, aggregate in rollup.items():
                if key.name == "task.latency_ms":
                    latency.merge(aggregate.sketch)
        assert (latency.count, latency.sum) == (5, pytest.approx(121_806))
    assert (state.gauges.queue_depth, state.host) == (0.0, "vm")
    assert state.progress.last_progress is not None
    # It was silent for minutes while it was recorded.
    assert healthy >= {"green", "red"}
