"""Client and ingest agree: whatever the client lets through, ingest takes."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import wire
from clawpulse._aggregation import Piece
from clawpulse._batches import batches
from clawpulse._intake import Intake
from clawpulse._payload import snapshot
from clawpulse._settings import ATTRIBUTES, resolve
from clawpulse.sketch import Sketch
from clawpulse.wire import Aggregate, Header
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import WritePlan, plan
from functions.domain.wire import decompress

NOW = 1_795_478_400_000
ANY_TEXT = st.text(max_size=300)
LONG_TEXT = st.text("xyz", min_size=257, max_size=300)
KEYS = st.sampled_from(["task_id", "user", "plan", "x.y-z", "bad key"]) | st.integers(0, 99).map("key_{}".format) | ANY_TEXT
TAG_VALUES = ANY_TEXT | LONG_TEXT | st.integers() | st.booleans() | st.none() | st.floats() | st.lists(st.integers(), max_size=1)
TAGS = st.dictionaries(KEYS.filter(lambda key: key not in DEFAULT_DIMENSIONS), TAG_VALUES, max_size=12)
MANY_TAGS = st.integers(0, 60).map(lambda n: {f"key_{i}": "x" for i in range(n)})
NAMES = st.sampled_from(["task.latency_ms", "task.cost_usd", "task.started", "a/b", "no name"]) | ANY_TEXT
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)
PAYLOADS = JSON | st.text(min_size=3_900, max_size=4_200)
VALUES = st.floats(-1e290, 1e290) | st.integers(-(10**12), 10**12) | ANY_TEXT | st.just(float("nan"))
TIMES = st.floats(NOW / 1000 - 7_200, NOW / 1000 + 500)
RECORDS = st.tuples(NAMES, VALUES | PAYLOADS.map(snapshot), TIMES, TAGS | MANY_TAGS)


def ingested(items: list[Any], now: int = NOW) -> WritePlan:
    settings = resolve({}, url="http://127.0.0.1:9", agent="agent-1", tags={"env": "prod"}, name="One", versions={"openclaw": "1"})
    assert settings
    body = wire.encode(Header(settings.agent, "e1", 0, now, settings.tags, settings.info), items)
    assert len(gzip.decompress(body)) <= wire.MAX_BYTES
    return plan(decompress(body, "gzip"), workspace="w", dimensions=frozenset(DEFAULT_DIMENSIONS), scope=(), now=now, raw=True)


@given(st.lists(RECORDS, max_size=8))
def test_ingest_takes_whatever_the_client_lets_through(records: list[tuple[Any, Any, float, Any]]) -> None:
    intake = Intake(ATTRIBUTES, lambda kind, text: None)
    items = [item for record in records if (item := intake.take(*record)) is not None]
    planned = ingested(items)
    assert planned.rejected.count == 0, planned.rejected.listed
    assert planned.accepted == len(items)


def test_ingest_takes_sketches() -> None:
    planned = ingested([Aggregate("queue.depth", NOW - 90_000, 4.0, Sketch([1.0, 4.0]).to_bytes(), (("queue", "main"),))])
    assert planned.rejected.count == 0
    assert planned.accepted >= 1


@pytest.mark.parametrize(
    "points",
    [
        [wire.Point(f"name_{number}", 1.0, NOW) for number in range(950)],
        [wire.Point("name", 1.0, NOW - 60_000 * number) for number in range(950)],
        [wire.Point("name", 1.0, NOW, (), {"task_id": "\U0001f99e" * 256, "other": f"{number}" * 80}) for number in range(950)],
    ],
    ids=["names", "minutes", "bytes"],
)
def test_what_is_too_varied_for_one_batch_goes_in_several(points: list[wire.Point]) -> None:
    pieces = [Piece(point, ((number, number + 1),), 1) for number, point in enumerate(points)]
    made = batches(Header("agent-1", "e1", 7, NOW), pieces, {"clawpulse.invalid": 3})
    assert [batch.seq for batch in made] == list(range(7, 7 + len(made)))
    assert sum(batch.points for batch in made) == 950
    assert [batch.counts for batch in made] == [{"clawpulse.invalid": 3}] + [{}] * (len(made) - 1)
    for batch in made:
        planned = plan(decompress(batch.body), workspace="w", dimensions=frozenset(DEFAULT_DIMENSIONS), scope=(), now=NOW, raw=True)
        assert planned.rejected.count == 0
        assert planned.accepted == batch.points + len(batch.counts)
