"""The Lambda functions around seal."""

import json

from functions.domain.times import SECOND_MS
from functions.seal.handler import run
from functions.seal.tick import ticks
from tests.seal.world import START, WS, World, a_task


def test_each_minute_queues_four_ticks_of_each_workspace():
    sent = list(ticks(("a", "b"), START))
    assert [(message["workspace"], message["at"] - START, delay) for message, delay in sent] == [
        (workspace, delay * SECOND_MS, delay) for delay in (0, 15, 30, 45) for workspace in ("a", "b")
    ]


def test_each_message_is_a_tick():
    world = World(now=START + 5 * SECOND_MS)
    world.post("a1", *a_task())
    messages = [{"workspace": WS, "at": world.now}, {"workspace": WS, "at": START - 3_600_000}]
    event = {"Records": [{"body": json.dumps(message)} for message in messages]}
    first, second = run(event, world.service(), lambda: world.now, lambda: True)
    assert first[0] == WS
    assert [change.agent for change in first[1].transitions] == ["a1"]
    assert second[1].skipped == "stale: planned more than 60 s ago"
    assert world.agent("a1").last_seen == world.now
