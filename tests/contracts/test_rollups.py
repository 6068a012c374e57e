"""Every rollup store keeps these promises."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.adapters.rollups import Rollups
from functions.domain.errors import StoreUnavailable
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.rollup_codec import decode
from functions.ports import Resolution, RollupStore
from tests.fakes.rollups import MemoryRollups
from tests.tables import create_tables

HOUR = 497_000
MINUTE = HOUR * 60
M, H = Resolution.MINUTE, Resolution.HOUR


@dataclass
class Clock:
    seconds: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Case:
    store: RollupStore
    clock: Clock

    @property
    def later(self) -> int:
        return int(self.clock.seconds) + 1000


def memory(_request: Any, clock: Clock) -> RollupStore:
    return MemoryRollups(clock)


def on_boto3(request: Any, clock: Clock) -> RollupStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Rollups(client, create_tables(client).rollups, consistent=True, now=clock)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def case(request: pytest.FixtureRequest) -> Case:
    clock = Clock()
    make: Callable[[Any, Clock], RollupStore] = request.param
    return Case(make(request, clock), clock)


def rollup(value: float, series: int = 1) -> Rollup:
    found: Rollup = {}
    for number in range(series):
        aggregate = found[SeriesKey("task.latency_ms", (("tier", f"t{number}"),))] = Aggregate()
        aggregate.add(value, 1_000)
    return found


def big(seed: int) -> Rollup:
    """Beyond one item, however well it is packed."""
    rng = random.Random(seed)
    found: Rollup = {}
    for number in range(6_000):
        aggregate = found[SeriesKey("m", (("k", f"{rng.getrandbits(128):x}"),))] = Aggregate()
        for _ in range(3):
            aggregate.add(rng.lognormvariate(3, 2), number)
    return found


def test_a_group_rollup_is_read_back(case: Case) -> None:
    case.store.put_group("ws", M, MINUTE, rollup(5.0), case.later)
    assert {at: decode(data) for at, data in case.store.read_group("ws", M, MINUTE, MINUTE + 1).items()} == {MINUTE: rollup(5.0)}


def test_an_empty_rollup_is_a_rollup(case: Case) -> None:
    case.store.put_group("ws", M, MINUTE, {}, case.later)
    assert decode(case.store.read_group("ws", M, MINUTE, MINUTE + 1)[MINUTE]) == {}


def test_the_end_is_not_included_and_what_is_absent_is_absent(case: Case) -> None:
    for minute in (MINUTE - 1, MINUTE, MINUTE + 2, MINUTE + 3):
        case.store.put_group("ws", M, minute, rollup(float(minute)), case.later)
    assert list(case.store.read_group("ws", M, MINUTE, MINUTE + 3)) == [MINUTE, MINUTE + 2]
    assert case.store.read_group("ws", M, MINUTE + 1, MINUTE + 2) == {}


def test_a_range_may_span_partitions(case: Case) -> None:
    minutes = [MINUTE - 61, MINUTE - 1, MINUTE, MINUTE + 59, MINUTE + 60, MINUTE + 125]
    for minute in minutes:
        case.store.put_group("ws", M, minute, rollup(float(minute)), case.later)
    assert list(case.store.read_group("ws", M, MINUTE - 61, MINUTE + 126)) == minutes
    for hour in (HOUR - 1, HOUR, HOUR + 30):
        case.store.put_group("ws", H, hour, rollup(float(hour)), case.later)
    assert list(case.store.read_group("ws", H, HOUR - 1, HOUR + 31)) == [HOUR - 1, HOUR, HOUR + 30]


def test_workspaces_and_resolutions_are_apart(case: Case) -> None:
    case.store.put_group("ws", M, HOUR, rollup(1.0), case.later)
    case.store.put_group("ws2", M, HOUR, rollup(2.0), case.later)
    case.store.put_group("ws", H, HOUR, rollup(3.0), case.later)
    assert decode(case.store.read_group("ws", M, HOUR, HOUR + 1)[HOUR]) == rollup(1.0)
    assert decode(case.store.read_group("ws2", M, HOUR, HOUR + 1)[HOUR]) == rollup(2.0)
    assert decode(case.store.read_group("ws", H, HOUR, HOUR + 1)[HOUR]) == rollup(3.0)


def test_a_rollup_is_replaced_whatever_the_sizes(case: Case) -> None:
    for content in (rollup(1.0), big(1), rollup(2.0), big(2), {}):
        case.store.put_group("ws", M, MINUTE, content, case.later)
        assert decode(case.store.read_group("ws", M, MINUTE - 3, MINUTE + 3)[MINUTE]) == content
        case.store.put_agents("ws", M, MINUTE, {"a1": content}, case.later)
        assert decode(case.store.read_agent("ws", "a1", M, MINUTE - 3, MINUTE + 3)[MINUTE]) == content


def test_many_agents_at_once(case: Case) -> None:
    wanted = {f"agent-{number:03d}": rollup(float(number + 1)) for number in range(60)}
    case.store.put_agents("ws", M, MINUTE, wanted, case.later)
    found = {agent: case.store.read_agent("ws", agent, M, MINUTE, MINUTE + 1) for agent in wanted}
    assert {agent: decode(buckets[MINUTE]) for agent, buckets in found.items()} == wanted
    case.store.put_agents("ws", M, MINUTE + 1, {}, case.later)


def test_an_agents_buckets_come_in_order_and_each_resolution_for_itself(case: Case) -> None:
    for minute in (MINUTE + 61, MINUTE, MINUTE + 60, MINUTE - 1):
        case.store.put_agents("ws", M, minute, {"a1": rollup(float(minute))}, case.later)
    case.store.put_agents("ws", H, HOUR, {"a1": rollup(9.0)}, case.later)
    assert list(case.store.read_agent("ws", "a1", M, MINUTE, MINUTE + 61)) == [MINUTE, MINUTE + 60]
    assert list(case.store.read_agent("ws", "a1", H, 0, HOUR + 1)) == [HOUR]
    assert case.store.read_agent("ws", "a", M, 0, MINUTE * 2) == {}


def test_what_has_expired_is_not_read_though_it_may_still_lie_there(case: Case) -> None:
    case.store.put_group("ws", M, MINUTE, rollup(1.0), case.later)
    case.store.put_agents("ws", M, MINUTE, {"a1": rollup(1.0)}, case.later)
    case.clock.seconds += 1_001
    assert case.store.read_group("ws", M, MINUTE, MINUTE + 1) == {}
    assert case.store.read_agent("ws", "a1", M, MINUTE, MINUTE + 1) == {}


class Stingy:
    """A DynamoDB client that leaves part of each batch undone, a number of times."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[str] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        refused = requests[1:] if self.refusals else []
        self.refusals -= bool(refused)
        self.taken += [request["PutRequest"]["Item"]["p"]["S"] for request in requests if request not in refused]
        return {"UnprocessedItems": {table: refused} if refused else {}}


def test_what_the_store_did_not_take_is_sent_again_with_growing_pauses() -> None:
    client: Any = Stingy(refusals=3)
    pauses: list[float] = []
    Rollups(client, "t", sleep=pauses.append).put_agents("ws", M, MINUTE, {f"a{n}": rollup(1.0) for n in range(10)}, 1)
    assert sorted(client.taken) == sorted(f"ws|agent|a{n}" for n in range(10))
    assert pauses == sorted(pauses)
    assert len(pauses) == 3


def test_a_store_that_takes_nothing_is_unavailable_in_the_end() -> None:
    client: Any = Stingy(refusals=10**6)
    with pytest.raises(StoreUnavailable, match="not taken"):
        Rollups(client, "t", sleep=lambda _: None).put_agents("ws", M, MINUTE, {f"a{n}": rollup(1.0) for n in range(20)}, 1)


def test_an_agent_matrix_is_apart_from_the_group(case: Case) -> None:
    case.store.put_group("ws", M, MINUTE, rollup(5.0), case.later)
    case.store.put_matrix("ws", M, MINUTE, rollup(7.0), case.later)
    case.store.put_matrix("ws", H, HOUR, rollup(9.0), case.later)
    assert {time: decode(data) for time, data in case.store.read_matrix("ws", M, MINUTE, MINUTE + 5).items()} == {MINUTE: rollup(7.0)}
    assert {time: decode(data) for time, data in case.store.read_matrix("ws", H, HOUR, HOUR + 1).items()} == {HOUR: rollup(9.0)}
    assert {time: decode(data) for time, data in case.store.read_group("ws", M, MINUTE, MINUTE + 5).items()} == {MINUTE: rollup(5.0)}
    assert case.store.read_matrix("ws2", M, MINUTE, MINUTE + 5) == {}


def test_failures_are_kept_beside_rollups(case: Case) -> None:
    case.store.put_failures("ws", M, MINUTE, b"first", case.later)
    case.store.put_failures("ws", M, MINUTE, b"second" * 100_000, case.later)
    case.store.put_failures("ws", H, HOUR, b"hour", case.later)
    assert case.store.read_failures("ws", M, MINUTE - 5, MINUTE + 5) == {MINUTE: b"second" * 100_000}
    assert case.store.read_failures("ws", H, HOUR, HOUR + 1) == {HOUR: b"hour"}
    assert case.store.read_failures("ws2", M, MINUTE, MINUTE + 1) == {}


def test_usage_is_read_back_piece_by_piece(case: Case) -> None:
    case.store.put_usage("ws", HOUR, 1, rollup(5.0), case.later)
    case.store.put_usage("ws", HOUR, 6, rollup(7.0), case.later)
    case.store.put_usage("ws", HOUR + 1, 1, rollup(9.0), case.later)
    found = case.store.read_usage("ws", HOUR, HOUR + 1)
    assert [decode(piece) for piece in found[HOUR]] == [rollup(5.0), rollup(7.0)]
    assert list(found) == [HOUR]
    assert [decode(piece) for piece in case.store.read_usage("ws", HOUR, HOUR + 2, 1)[HOUR + 1]] == [rollup(9.0)]


def test_usage_is_replaced_and_expires(case: Case) -> None:
    case.store.put_usage("ws", HOUR, 1, rollup(5.0), case.later)
    case.store.put_usage("ws", HOUR, 1, rollup(6.0), case.later)
    assert [decode(piece) for piece in case.store.read_usage("ws", HOUR, HOUR + 1)[HOUR]] == [rollup(6.0)]
    case.clock.seconds += 2_000
    assert case.store.read_usage("ws", HOUR, HOUR + 1) == {}
    assert case.store.read_usage("other", HOUR, HOUR + 1) == {}
