"""The shape of a batch item."""

from __future__ import annotations

import random

import pytest

from functions.adapters.batch_table import KEEP_S, put_request
from functions.domain.errors import TooLarge
from functions.domain.items import AgentInfo, BatchItem, bucket_of
from functions.domain.rollup import Aggregate, Rollup, SeriesKey


def item(rollup: Rollup) -> BatchItem:
    return BatchItem(agent="a", batch="e.0", minute=5, received=300_000, digest="d", info=AgentInfo(), rollup=rollup)


def test_keys_and_expiry() -> None:
    attributes = put_request("t", 8, "ws", item({}))["Item"]
    assert attributes["p"] == {"S": f"ws|{bucket_of('a', 8)}|5"}
    assert attributes["s"] == {"S": "a|e.0"}
    assert attributes["x"] == {"N": str(300 + KEEP_S)}


def test_agents_spread_over_the_buckets() -> None:
    assert {bucket_of(f"agent-{i}", 8) for i in range(100)} == set(range(8))


def test_more_than_the_store_takes_is_told_before_it_is_sent() -> None:
    rollup: Rollup = {SeriesKey(random.Random(i).randbytes(4_000).hex()): Aggregate() for i in range(100)}
    with pytest.raises(TooLarge, match="send it in parts"):
        put_request("t", 8, "ws", item(rollup))
