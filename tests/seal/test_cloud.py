"""Seal on the real stores: what agents put in comes out as rollups and fleet."""

from __future__ import annotations

from typing import Any

import pytest

from functions.adapters.batches import Batches
from functions.adapters.fleet import Fleet
from functions.adapters.lease import Leases
from functions.adapters.rollups import Rollups
from functions.domain.fleet import decode_snapshot
from functions.domain.items import AgentInfo, BatchItem
from functions.domain.rollup_codec import decode
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.ports import Resolution
from functions.seal.service import SealService
from tests.seal.world import MINUTE, START, a_task, count_of, points
from tests.tables import create_tables

BUCKETS = 2
AGENTS = 12


@pytest.mark.cloud
def test_a_minute_goes_through_the_real_stores(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    tables = create_tables(client)
    batches, fleet = Batches(client, tables.batches, BUCKETS), Fleet(client, tables.fleet)
    rollups = Rollups(client, tables.rollups, consistent=True, now=lambda: START / 1000)
    service = SealService(batches, rollups, fleet, Leases(client, tables.fleet))
    for number in range(AGENTS):
        batches.put("ws", _item(f"a{number:02d}", seq=0, received=START + number))
    service.tick("ws", START + MINUTE_MS, START + MINUTE_MS, "one")
    report = service.tick("ws", START + 100 * SECOND_MS, START + 100 * SECOND_MS, "two")
    assert MINUTE in report.sealed
    group = decode(rollups.read_group("ws", Resolution.MINUTE, MINUTE, MINUTE + 1)[MINUTE])
    assert count_of(group, "task.latency_ms", env="prod") == AGENTS
    assert count_of(decode(rollups.read_agent("ws", "a07", Resolution.MINUTE, MINUTE, MINUTE + 1)[MINUTE]), "task.completed") == 1

    batches.put("ws", _item("a07", seq=1, received=START + 101 * SECOND_MS))
    batches.mark_late("ws", "a07", MINUTE, "stamp")
    assert service.tick("ws", START + 115 * SECOND_MS, START + 115 * SECOND_MS, "three").reopened == [MINUTE]
    assert batches.late_marks("ws", 10) == []
    assert count_of(decode(rollups.read_agent("ws", "a07", Resolution.MINUTE, MINUTE, MINUTE + 1)[MINUTE]), "task.completed") == 2

    data = fleet.snapshot("ws")
    assert data is not None
    assert list(decode_snapshot(data).agents) == list(fleet.agents("ws")) == [f"a{number:02d}" for number in range(AGENTS)]
    assert fleet.agents("ws")["a07"]["status"] == "green"


def _item(agent: str, seq: int, received: int) -> BatchItem:
    return BatchItem(
        agent=agent,
        batch=f"e1.{seq}",
        minute=MINUTE,
        received=received,
        digest=str(seq),
        info=AgentInfo(tags={"env": "prod"}, versions={"openclaw": "1"}),
        rollup=points(*a_task(), time=START),
    )
