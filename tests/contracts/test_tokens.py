"""Every token store keeps these promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.reads_fast import FastTokens
from functions.adapters.tokens import Tokens
from functions.domain.token import TokenRecord, create
from functions.ports import TokenStore
from tests.fakes.tokens import MemoryTokens
from tests.tables import create_tables


def memory(_request: Any) -> TokenStore:
    return MemoryTokens()


def on_boto3(request: Any) -> TokenStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Tokens(client, create_tables(client).tokens)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> TokenStore:
    make: Callable[[Any], TokenStore] = request.param
    return make(request)


def record(number: int = 1, workspace: str = "ws", expires: int | None = None) -> TokenRecord:
    made, _ = create(
        workspace=workspace,
        name=f"tökén {number}",
        scopes=["read"],
        tags="shard=a",
        now=1000 - number,
        expires=expires,
        random=bytes([number]) * 41,
    )
    return made


def test_a_record_is_read_back(store: TokenStore) -> None:
    store.put(record(expires=5_000).document())
    found = store.get(record().id)
    assert found is not None
    assert TokenRecord.from_document(found) == record(expires=5_000)


def test_an_unknown_id_has_no_record(store: TokenStore) -> None:
    assert store.get("nobody") is None


def test_a_record_is_replaced(store: TokenStore) -> None:
    store.put(record().document())
    store.put({**record().document(), "revoked": 7})
    found = store.get(record().id)
    assert found is not None
    assert found["revoked"] == 7


def test_the_records_of_a_workspace_come_oldest_first(store: TokenStore) -> None:
    for number in (1, 2, 3):
        store.put(record(number).document())
    store.put(record(4, workspace="other").document())
    assert [each["name"] for each in store.list("ws")] == ["tökén 3", "tökén 2", "tökén 1"]
    assert store.list("empty") == []


@pytest.mark.cloud
def test_the_fast_client_reads_and_writes_the_same_records(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    table = create_tables(client).tokens
    env = {**os.environ, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    fast_client = FastClient(DYNAMODB, env=env)
    fast, slow = FastTokens(fast_client, table), Tokens(client, table)
    fast.put(record(1).document())
    slow.put(record(2).document())
    assert fast.get(record(2).id) == slow.get(record(2).id) == record(2).document()
    assert slow.get(record(1).id) == fast.get(record(1).id) == record(1).document()
    assert fast.get("nobody") is None
    fast_client.close()
