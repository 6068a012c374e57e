"""Every store of approval links keeps these promises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from functions.adapters.approval_links import ApprovalLinks
from functions.domain.approval_link import ApprovalLink, used
from functions.domain.rollout import Action
from functions.ports import LinkStore
from tests.fakes.links import MemoryLinks
from tests.tables import create_tables

NOW = 1_795_478_400_000
LINK = ApprovalLink(id="0a1b2c3d4e5f", hash="ab" * 32, rollout="r1", wave=2, channel="chat", created=NOW, expires=NOW + 1000)


def memory(_request: Any) -> LinkStore:
    return MemoryLinks()


def on_boto3(request: Any) -> LinkStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return ApprovalLinks(client, create_tables(client).rollouts)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> LinkStore:
    make: Callable[[Any], LinkStore] = request.param
    return make(request)


def test_what_was_put_is_read_in_its_workspace_only(store: LinkStore) -> None:
    store.put("team", LINK)
    assert store.read("team", LINK.id) == LINK
    assert store.read("other", LINK.id) is None
    assert store.read("team", "ffffffffffff") is None


def test_one_that_was_used_is_replaced_once(store: LinkStore) -> None:
    store.put("team", LINK)
    after = used(LINK, Action.APPROVE, NOW)
    assert after is not None
    assert store.save("team", after)
    assert not store.save("team", msgspec.structs.replace(after, action=Action.ABORT))
    assert store.read("team", LINK.id) == after
    assert not store.save("other", after)


def test_of_many_who_use_it_at_once_one_does(store: LinkStore) -> None:
    store.put("team", LINK)
    won: list[bool] = []

    def use(action: Action) -> None:
        after = used(LINK, action, NOW)
        assert after is not None
        won.append(store.save("team", after))

    threads = [threading.Thread(target=use, args=(action,)) for action in [Action.APPROVE, Action.ABORT] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [False] * 5 + [True]
