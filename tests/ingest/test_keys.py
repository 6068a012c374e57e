"""What an agent says of its API keys goes in with its batch, and which it should use comes back; the keys themselves never do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import StoreUnavailable
from functions.domain.items import info_from_json, info_to_json
from functions.domain.key_fingerprint import PROVIDER_PATTERN, fingerprint, is_fingerprint, salt_of
from functions.domain.wire import KeyReport
from functions.ingest.handler import handle
from functions.ingest.service import Ingest
from tests.fakes.batches import MemoryBatches
from tests.fakes.fleet import MemoryFleet
from tests.fakes.keys import MemoryKeys
from tests.ingest.support import NOW, batch, request, series

SALT = "0a1b2c3d"
WANTED = fingerprint("sk-ant-new", SALT)
RUNS = fingerprint("sk-ant-old", SALT)


class Keys(MemoryKeys):
    """Fails when it is told to."""

    away = False

    def keys_of(self, workspace: str, agent: str) -> dict[str, str]:
        if self.away:
            raise StoreUnavailable("fleet table: away")
        return super().keys_of(workspace, agent)


class World:
    """An ingest with keys for agent-7."""

    def __init__(self) -> None:
        self.batches, self.keys, self.faults = MemoryBatches(), Keys(), list[str]()
        self.keys.assign("ws", "agent-7", "anthropic", WANTED, None)
        self.keys.assign("ws", "agent-7", "openai", RUNS, None)
        self.ingest = Ingest(
            batches=self.batches,
            raw=None,
            settings=MemoryFleet(),
            keys=self.keys,
            report=lambda message, error: self.faults.append(f"{message}: {error}"),
        )

    def post(self, document: Any) -> dict[str, Any]:
        answer = handle(request(document), self.ingest, NOW)
        assert answer["statusCode"] == 200, answer["body"]
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def stored(self) -> Any:
        ((item, _),) = self.batches.items.values()
        return item.info.keys


def test_who_asks_is_told() -> None:
    assert World().post(batch(info={"keys": {}}))["desiredKeys"] == f"anthropic={WANTED} openai={RUNS}"
    assert World().post(batch(agent="agent-8", info={"keys": {}}))["desiredKeys"] == ""
    assert "desiredKeys" not in World().post(batch(info={"name": "x"}))
    assert "desiredKeys" not in World().post(batch(info={"keys": None}))


def test_what_it_says_is_stored() -> None:
    world = World()
    said = {"anthropic": {"fingerprint": RUNS, "used": NOW}, "openai": {"error": "401: key refused"}}
    assert world.post(batch(info={"keys": said}))["rejected"] == []
    assert world.stored() == {"anthropic": KeyReport(fingerprint=RUNS, used=NOW), "openai": KeyReport(error="401: key refused")}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (7, "keys: Expected `object`, got `int`"),
        ({"Anthropic": {}}, f"keys.Anthropic: a provider's name is like {PROVIDER_PATTERN}"),
        ({"anthropic": {"key": "sk-ant-secret"}}, "keys.anthropic: Object contains unknown field `key`"),
        ({"anthropic": {"fingerprint": "sk-ant-secret"}}, "keys.anthropic: has characters that are not possible there"),
        ({f"p{number}": {} for number in range(9)}, "keys.p8: an agent has keys of at most 8 providers"),
    ],
)
def test_what_cannot_be_taken_is_named_and_costs_no_point(keys: Any, reason: str) -> None:
    world = World()
    answer = world.post(batch(info={"keys": keys}, series=[series()]))
    assert [each["reason"] for each in answer["rejected"]] == [reason]
    assert answer["rejectedCount"] == 0
    assert answer["accepted"] > 0
    assert "sk-ant" not in str(world.stored())


def test_a_store_that_is_away_costs_nothing_but_the_answer() -> None:
    world = World()
    world.keys.away = True
    assert "desiredKeys" not in world.post(batch(info={"keys": {}}))
    assert world.faults == ["the desired keys could not be told: fleet table: away"]


@given(st.text(min_size=1), st.text("0123456789abcdef", min_size=8, max_size=8))
def test_a_fingerprint_tells_keys_apart_and_not_the_key(key: str, salt: str) -> None:
    print_ = fingerprint(key, salt)
    assert is_fingerprint(print_)
    assert salt_of(print_) == salt
    assert print_ == fingerprint(key, salt)
    assert print_ != fingerprint(key + "x", salt)


def test_reports_survive_storage() -> None:
    info = info_from_json(b'{"keys":{"anthropic":{"fingerprint":"%s"}}}' % RUNS.encode())
    assert info_from_json(info_to_json(info)) == info
