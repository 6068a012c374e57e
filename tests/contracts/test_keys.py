"""Every store of desired keys keeps these promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.keys import DesiredKeys
from functions.adapters.reads_fast import FastKeys
from functions.domain.key_fingerprint import fingerprint
from functions.ports import KeyStore
from tests.fakes.keys import MemoryKeys
from tests.tables import create_tables

FIRST, SECOND = (fingerprint(key, "0a1b2c3d") for key in ("sk-one", "sk-two"))


def memory(_request: Any) -> KeyStore:
    return MemoryKeys()


def on_boto3(request: Any) -> KeyStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return DesiredKeys(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> KeyStore:
    make: Callable[[Any], KeyStore] = request.param
    return make(request)


def test_an_agent_has_none_at_first(store: KeyStore) -> None:
    assert (store.keys_of("ws", "a1"), store.all_keys("ws")) == ({}, {})


def test_only_what_was_seen_is_replaced(store: KeyStore) -> None:
    assert not store.assign("ws", "a1", "anthropic", SECOND, FIRST)
    assert store.assign("ws", "a1", "anthropic", FIRST, None)
    assert not store.assign("ws", "a1", "anthropic", SECOND, None)
    assert not store.assign("ws", "a1", "anthropic", None, SECOND)
    assert store.assign("ws", "a1", "anthropic", SECOND, FIRST)
    assert store.keys_of("ws", "a1") == {"anthropic": SECOND}


def test_providers_agents_and_workspaces_are_apart(store: KeyStore) -> None:
    store.assign("ws", "a1", "anthropic", FIRST, None)
    store.assign("ws", "a1", "openai", SECOND, None)
    store.assign("ws", "a2", "openai", FIRST, None)
    store.assign("ws2", "a1", "openai", FIRST, None)
    assert store.all_keys("ws") == {"a1": {"anthropic": FIRST, "openai": SECOND}, "a2": {"openai": FIRST}}
    assert store.assign("ws", "a2", "openai", None, FIRST)
    assert store.assign("ws", "a1", "openai", None, SECOND)
    assert store.all_keys("ws") == {"a1": {"anthropic": FIRST}}
    assert store.keys_of("ws2", "a1") == {"openai": FIRST}


@pytest.mark.cloud
def test_the_hot_path_reads_what_the_other_wrote(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    table = create_tables(client).fleet
    DesiredKeys(client, table).assign("ws", "a1", "anthropic", FIRST, None)
    env = {**os.environ, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    fast = FastClient(DYNAMODB, env=env)
    assert FastKeys(fast, table).keys_of("ws", "a1") == {"anthropic": FIRST}
    assert FastKeys(fast, table).keys_of("ws", "a2") == {}
    fast.close()
