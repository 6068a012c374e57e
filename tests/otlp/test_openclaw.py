"""What a real OpenClaw sent goes in and comes out right."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import Any

import pytest

from functions.domain.rollup import SeriesKey
from functions.domain.rollup_codec import rows
from functions.domain.tasks import count_tasks
from tests.otlp.support import World, protobuf, recorded

AGENT = "claw-1"
HEADERS = {"x-clawpulse-agent": AGENT}
KINDS = ("sum", "histogram")
RENAMED = {"openclaw.cost.usd", "openclaw.model_call.duration_ms", "openclaw.tokens"}
SPLIT = {
    "openclaw.context.tokens": "openclaw.context",
    "openclaw.session.state": "openclaw.state",
    "openclaw.message.processed": "openclaw.outcome",
    "gen_ai.client.token.usage": "gen_ai.token.type",
}


def play(world: World, posts: list[dict[str, Any]]) -> None:
    for post in posts:
        world.accept(post["path"], protobuf(post["path"], post["body"]), now=post["receivedAt"], headers=HEADERS)


@pytest.fixture
def world() -> World:
    world = World()
    play(world, recorded())
    return world


def last_totals() -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[int, float]]:
    """The last total of every stream, counted from the posts as they are: the process was new, nothing was reset."""
    found: dict[Any, tuple[int, float]] = {}
    for post in recorded():
        for group in post["body"].get("resourceMetrics", ()):
            for metric in (metric for scope in group["scopeMetrics"] for metric in scope["metrics"]):
                kind = next(kind for kind in KINDS if kind in metric)
                for each in metric[kind]["dataPoints"]:
                    said = tuple(sorted((each["key"], each["value"]["stringValue"]) for each in each.get("attributes", ())))
                    total = each["asDouble"] if kind == "sum" else each["sum"]
                    found[metric["name"], said] = (int(each.get("count", 0)), total)
    return found


def test_tasks_tokens_and_cost_are_those_that_openclaw_counted(world: World) -> None:
    totals = world.totals()
    counts = count_tasks((name, count, total) for name, (count, total) in totals.items())
    assert (counts.finished, counts.failed, counts.error_rate) == (5, 1, 0.2)
    assert (counts.tokens_in, counts.tokens_out) == (4539, 7)
    assert totals["task.tokens_cache_read"] == (1, 4539)
    assert counts.cost_usd == pytest.approx(0.0150837)
    assert totals["task.latency_ms"] == (5, pytest.approx(63_746 + 58_060))
    assert totals["llm.latency_ms"] == (11, pytest.approx(37_284))


def test_every_other_metric_keeps_its_name_and_its_total(world: World) -> None:
    truth: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for (name, said), (count, total) in last_totals().items():
        attributes = dict(said)
        if name in RENAMED or (name == "openclaw.run.duration_ms" and "openclaw.outcome" in attributes):
            continue
        if name == "openclaw.queue.depth" and attributes.get("openclaw.channel") == "heartbeat":
            continue
        own = f"{name}.{attributes[SPLIT[name]]}" if name in SPLIT else name
        before = truth[own]
        truth[own] = (before[0] + count, before[1] + total)
    totals = world.totals()
    assert len(truth) > 20
    for name, (count, total) in truth.items():
        assert totals[name][1] == pytest.approx(total), name
        if count:
            assert totals[name][0] == count, name
    ours = {name for name in totals if name.startswith(("task.", "llm.", "log.", "queue."))}
    assert set(totals) == set(truth) | ours


def test_the_depth_of_the_queue_is_what_the_heartbeat_saw(world: World) -> None:
    count, total = world.totals()["queue.depth"]
    assert (count > 0, total) == (True, 0.0)


def test_latency_quantiles_are_in_the_buckets_of_the_runs(world: World) -> None:
    values = []
    for stored, _ in world.batches.items.values():
        values += [(row.count, row.min, row.max) for row in rows(stored.data) if row.key.name == "task.latency_ms"]
    assert sum(count for count, _, _ in values) == 5
    # The first run was alone between two exports: it is known exactly.
    assert (1, 15_693.0, 15_693.0) in values


def test_no_series_is_made_of_lanes_and_sessions(world: World) -> None:
    keys = {row.key for stored, _ in world.batches.items.values() for row in rows(stored.data)}
    assert {tag for key in keys for tag, _ in key.tags} == {"model", "cost_source"}
    assert {dict(key.tags)["cost_source"] for key in keys if key.name == "task.cost_usd"} == {"openclaw"}
    assert SeriesKey("openclaw.queue.wait_ms") in keys


def test_runs_are_in_the_feed_once_and_count_once(world: World) -> None:
    tasks = world.raw_values("tasks")
    assert sorted(task["latency_ms"] for task in tasks) == [9849, 10_108, 15_694, 58_061]
    (failed,) = [task for task in tasks if task["status"] == "failed"]
    assert (failed["error"], failed["model"], failed["task_id"]) == ("Error", "fake-1", "20bc3f58d8e58e15f9d3805fa5f2f509")
    assert json.loads(failed["attributes"])["openclaw.channel"] == "webchat"


def test_traces_alone_count_when_told_so() -> None:
    world = World()
    for post in recorded():
        if post["path"] == "/v1/traces":
            headers = {"x-clawpulse-count": "traces"}
            world.accept(post["path"], protobuf(post["path"], post["body"]), now=post["receivedAt"], headers=headers)
    totals = world.totals()
    counts = count_tasks((name, count, total) for name, (count, total) in totals.items())
    # One run's span is not among the posts.
    assert (counts.finished, counts.failed) == (4, 1)
    assert (counts.tokens_in, counts.tokens_out, totals["task.tokens_cache_read"]) == (4539, 7, (1, 4539))


def test_warnings_are_counted_and_their_text_is_no_tag(world: World) -> None:
    assert world.totals()["log.warnings"] == (4, 4.0)
    assert all("boom" not in str(tags) for tags in world.tags("log.warnings"))


def test_each_post_is_a_heartbeat(world: World) -> None:
    assert world.agents() == {AGENT}
    assert {stored.info.host for stored, _ in world.batches.items.values()} == {"vm", None}
    assert {stored.received for stored, _ in world.batches.items.values()} == {post["receivedAt"] for post in recorded()}


def test_without_a_header_the_host_names_the_agent_where_the_resource_has_it() -> None:
    world = World()
    for post in recorded():
        world.accept(post["path"], protobuf(post["path"], post["body"]), now=post["receivedAt"])
    # OpenClaw's log records come from a resource without the host's name.
    assert world.agents() == {"vm", "openclaw-gateway"}


def test_how_the_process_was_called_is_stored_nowhere(world: World) -> None:
    everything = repr([*world.batches.items.values(), *world.raw.records.items(), *world.exporters.records.values()])
    assert "/opt/openclaw" not in everything
    assert "loopback" not in everything


@pytest.mark.parametrize("seed", range(4))
def test_repeated_and_reordered_posts_come_to_the_same(world: World, seed: int) -> None:
    other = World()
    posts = recorded()
    shuffled = posts[:1] + random.Random(seed).sample(posts * 2, len(posts) * 2)
    for post in shuffled:
        other.accept(post["path"], protobuf(post["path"], post["body"]), now=posts[-1]["receivedAt"], headers=HEADERS)
    sums = {name: pytest.approx(total) for name, (_, total) in world.totals().items() if name not in ("queue.depth", "task.latency_ms")}
    assert {name: total for name, (_, total) in other.totals().items() if name in sums} == sums
    assert other.totals()["task.latency_ms"] == (5, pytest.approx(121_806))
    assert sorted(task["task_id"] for task in other.raw_values("tasks")) == sorted(task["task_id"] for task in world.raw_values("tasks"))


def test_a_prefix_makes_no_difference(world: World) -> None:
    renamed = World()
    for post in recorded():
        body = json.loads(json.dumps(post["body"]).replace('"name": "openclaw.', '"name": "acme.'))
        renamed.accept(post["path"], protobuf(post["path"], body), now=post["receivedAt"], headers={"x-clawpulse-metric-prefix": "acme"})
    metrics = {name: found for name, found in world.totals().items() if not name.startswith("log.")}
    assert {name: found for name, found in renamed.totals().items() if not name.startswith("log.")} == metrics
