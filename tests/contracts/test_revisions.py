"""Every store of revisions keeps these promises."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from functions.adapters.revisions import CHUNK, Revisions
from functions.domain.errors import StoreUnavailable
from functions.domain.revision import Revision
from functions.ports import RevisionStore
from tests.fakes.revisions import MemoryRevisions
from tests.tables import create_tables

FILES = {"agents/_base.yaml": "model: {primary: größer/eins}\n", "prompts/a.md": "Zeile\r\nzwei\u2028"}


def memory(_request: Any) -> RevisionStore:
    return MemoryRevisions()


def on_dynamodb(request: Any) -> RevisionStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Revisions(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_dynamodb, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> RevisionStore:
    make: Callable[[Any], RevisionStore] = request.param
    return make(request)


def revision(number: int, digest: str = "d1", **more: Any) -> Revision:
    return Revision(number=number, digest=digest, message="größer", by="token1", at=1_795_464_000_000 + number, **more)


def test_there_is_none_at_first(store: RevisionStore) -> None:
    assert (store.latest("ws"), store.read("ws", 1), store.recent("ws", 5)) == (None, None, [])


def test_one_is_read_back_as_it_was_put(store: RevisionStore) -> None:
    first = revision(1, commit="abc", of=None, rollout="r1", cost_by="t", cost_usd=1.5, settings=("rules",))
    assert store.put("ws", first, FILES)
    assert (store.latest("ws"), store.read("ws", 1)) == (first, first)
    assert store.files("ws", first) == FILES


def test_a_number_is_put_once(store: RevisionStore) -> None:
    assert store.put("ws", revision(1), FILES)
    assert not store.put("ws", revision(1, "d2"), {"fleet.yaml": "x"})
    assert store.latest("ws") == revision(1)
    assert store.files("ws", revision(1)) == FILES


def test_revisions_with_the_same_files_share_them(store: RevisionStore) -> None:
    store.put("ws", revision(1), FILES)
    store.put("ws", revision(2, "d2"), {"fleet.yaml": ""})
    assert store.put("ws", revision(3, of=1), FILES)
    assert store.files("ws", revision(3)) == FILES
    assert store.files("ws", revision(2, "d2")) == {"fleet.yaml": ""}


def test_the_newest_come_first(store: RevisionStore) -> None:
    for number in range(1, 13):
        store.put("ws", revision(number), FILES)
    assert [found.number for found in store.recent("ws", 3)] == [12, 11, 10]
    assert len(store.recent("ws", 50)) == 12
    assert store.latest("ws") == revision(12)


def test_only_the_version_that_was_seen_is_replaced(store: RevisionStore) -> None:
    store.put("ws", revision(1, rollout="r1"), FILES)
    after = msgspec.structs.replace(revision(1), version=1)
    assert store.update("ws", after)
    assert not store.update("ws", after)
    assert not store.update("ws", msgspec.structs.replace(revision(2), version=1))
    assert store.latest("ws") == after


def test_workspaces_are_apart(store: RevisionStore) -> None:
    store.put("ws", revision(1), FILES)
    assert (store.latest("ws2"), store.read("ws2", 1)) == (None, None)
    assert store.put("ws2", revision(1), {"fleet.yaml": ""})
    assert store.files("ws", revision(1)) == FILES


def test_the_largest_repository_fits(store: RevisionStore) -> None:
    text = random.Random(1).randbytes(1_000_000).hex()
    files = {f"prompts/{number}.md": text[number::4] for number in range(4)}
    assert len(text) > 3 * CHUNK
    store.put("ws", revision(1), files)
    assert store.files("ws", revision(1)) == files


def test_of_many_who_put_the_same_number_one_wins(store: RevisionStore) -> None:
    with ThreadPoolExecutor(5) as pool:
        won = list(pool.map(lambda number: store.put("ws", revision(1, commit=f"c{number}"), FILES), range(5)))
    assert won.count(True) == 1
    assert store.latest("ws") == revision(1, commit=f"c{won.index(True)}")


@pytest.mark.cloud
def test_files_that_a_dead_writer_left_incomplete_are_made_good(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    table = create_tables(client).fleet
    store = Revisions(client, table)
    files = {"prompts/a.md": random.Random(2).randbytes(400_000).hex()}
    store.put("ws", revision(1), files)
    client.delete_item(TableName=table, Key={"p": {"S": "ws|revision-files"}, "s": {"S": "d1|001"}})
    with pytest.raises(StoreUnavailable, match="revision 1"):
        store.files("ws", revision(1))
    assert store.put("ws", revision(2), files)
    assert store.files("ws", revision(1)) == files
