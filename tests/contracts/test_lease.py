"""Every lease keeps these promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.adapters.lease import Leases
from functions.ports import Lease
from tests.fakes.lease import MemoryLease
from tests.tables import create_tables


def memory(_request: Any) -> Lease:
    return MemoryLease()


def on_boto3(request: Any) -> Lease:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Leases(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def lease(request: pytest.FixtureRequest) -> Lease:
    make: Callable[[Any], Lease] = request.param
    return make(request)


def test_one_holder_at_a_time(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    assert not lease.acquire("ws", "seal", "two", 150, 250)


def test_the_holder_may_take_it_again(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    assert lease.acquire("ws", "seal", "one", 150, 300)
    assert not lease.acquire("ws", "seal", "two", 250, 350)


def test_it_is_free_when_its_time_is_up(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    assert lease.acquire("ws", "seal", "two", 200, 300)
    assert not lease.acquire("ws", "seal", "one", 250, 350)


def test_it_is_free_when_let_go(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    lease.release("ws", "seal", "one")
    assert lease.acquire("ws", "seal", "two", 110, 210)


def test_only_the_holder_lets_go(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    lease.release("ws", "seal", "two")
    assert not lease.acquire("ws", "seal", "two", 110, 210)
    lease.release("ws", "other", "one")


def test_names_and_workspaces_are_apart(lease: Lease) -> None:
    assert lease.acquire("ws", "seal", "one", 100, 200)
    assert lease.acquire("ws", "report", "two", 100, 200)
    assert lease.acquire("ws2", "seal", "two", 100, 200)


def test_of_many_at_once_one_gets_it(lease: Lease) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: lease.acquire("ws", "seal", f"run-{number}", 100, 200), range(16)))
    assert sum(got) == 1
