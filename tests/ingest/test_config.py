"""What an agent says of its configuration goes in with its batch, and what it should have comes back with the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import clawpulse
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.reads_fast import FastDesired
from functions.domain.desired import desired
from functions.domain.errors import StoreUnavailable
from functions.domain.wire import Config
from functions.ingest.handler import handle
from functions.ingest.service import Ingest
from functions.ports import DesiredReader
from tests.adapters.aws_server import serving
from tests.fakes.batches import MemoryBatches
from tests.fakes.desired import MemoryDesired
from tests.fakes.fleet import MemoryFleet
from tests.ingest.support import NOW, batch, request, series

SCHEMA = json.loads((Path(clawpulse.__file__).parent / "wire.schema.json").read_text())
WANTED = desired({"model": "m-2"}, time=NOW, by="t")


class Counting(MemoryDesired):
    """Counts reads; fails when it is told to."""

    reads = 0
    away = False

    def hash_of(self, workspace: str, agent: str) -> str | None:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("fleet table: away")
        return super().hash_of(workspace, agent)


class World:
    def __init__(self, store: DesiredReader | None = None) -> None:
        self.desired = Counting()
        self.desired.put("ws", "agent-7", WANTED, None)
        self.batches, self.faults = MemoryBatches(), list[str]()
        self.ingest = Ingest(
            batches=self.batches,
            raw=None,
            settings=MemoryFleet(),
            report=lambda message, error: self.faults.append(f"{message}: {error}"),
            desired=store or self.desired,
        )

    def post(self, document: Any, **options: Any) -> dict[str, Any]:
        answer = handle(request(document, **options), self.ingest, NOW)
        assert answer["statusCode"] == 200, answer["body"]
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def stored(self) -> Config | None:
        ((item, _),) = self.batches.items.values()
        return item.info.config


@pytest.mark.parametrize("config", [{}, {"written": "a", "applied": "b"}, {"error": "no such model"}, {"written": None}, 7, {"foo": 1}])
def test_who_asks_is_told(config: Any) -> None:
    world = World()
    assert world.post(batch(info={"config": config}))["desired"] == WANTED.hash
    assert world.post(batch(agent="agent-8", info={"config": config}))["desired"] is None
    assert world.desired.reads == 2


@pytest.mark.parametrize("document", [batch(), batch(info={"name": "x"}), batch(info={"config": None})])
def test_who_does_not_ask_costs_no_read(document: Any) -> None:
    world = World()
    assert "desired" not in world.post(document)
    assert (world.desired.reads, world.stored()) == (0, None)


def test_a_repeated_batch_is_told_too() -> None:
    world = World()
    document = batch(info={"config": {}}, series=[series()])
    first, again = world.post(document), world.post(document)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["desired"] == again["desired"] == WANTED.hash


def test_a_batch_is_taken_though_the_hash_cannot_be_read() -> None:
    world = World()
    world.desired.away = True
    answer = world.post(batch(info={"config": {"written": "w"}}, series=[series()]))
    assert (answer["accepted"], "desired" in answer) == (1, False)
    assert world.stored() == Config(written="w")
    assert world.faults == ["a desired configuration could not be told: fleet table: away"]


@pytest.mark.parametrize("config", [Config(), Config(written="A.b_c:d-9", applied="x" * 64, error="Zeile 1\nZeile 2 ü" + "e" * 239)])
def test_what_it_says_is_stored(config: Config) -> None:
    world = World()
    said = {name: value for name in ("written", "applied", "error") if (value := getattr(config, name))}
    assert world.post(batch(info={"config": said}))["rejected"] == []
    assert world.stored() == config


@pytest.mark.parametrize(
    ("config", "stored", "reasons"),
    [
        ({"written": "x y", "applied": "ok"}, Config(applied="ok"), ["config.written: has characters that are not possible there"]),
        ({"written": ""}, Config(), ["config.written: has characters that are not possible there"]),
        ({"written": "x" * 65, "error": "e"}, Config(error="e"), ["config.written: Expected `str` of length <= 64"]),
        ({"applied": "ok\n"}, Config(), ["config.applied: has characters that are not possible there"]),
        ({"applied": 5}, Config(), ["config.applied: Expected `str | null`, got `int`"]),
        ({"error": "e" * 257}, Config(), ["config.error: Expected `str` of length <= 256"]),
        ({"applid": "x"}, Config(), ["config.applid: is not known; known are written, applied, error"]),
        (["x"], Config(), ["config: Expected `object`, got `array`"]),
    ],
)
def test_a_fault_in_it_is_told_and_loses_nothing_else(config: Any, stored: Config, reasons: list[str]) -> None:
    world = World()
    answer = world.post(batch(info={"model": "m", "config": config}, series=[series(values=(1.0, 2.0))]))
    assert (answer["accepted"], answer["rejectedCount"]) == (2, 0)
    assert answer["rejected"] == [{"in": "info", "series": 0, "point": None, "reason": reason} for reason in reasons]
    assert world.stored() == stored


@pytest.mark.parametrize(
    "config", [None, {}, {"written": None}, {"error": "x\ny"}, {"written": "a b"}, {"applied": 5}, {"error": "e" * 257}, {"foo": 1}, 7]
)
def test_the_schema_of_the_wire_says_the_same(config: Any) -> None:
    document = batch(info={"config": config})
    fits = jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
    assert fits == (World().post(document)["rejected"] == [])


def test_its_reasons_stand_beside_those_of_points() -> None:
    answer = World().post(batch(info={"config": {"written": "?"}}, series=[series(values=(1.0, "x"))]))
    assert (answer["accepted"], answer["rejectedCount"]) == (1, 1)
    assert [each["in"] for each in answer["rejected"]] == ["series", "info"]


def test_the_read_is_one_small_one_that_is_not_repeated() -> None:
    with serving((500, b"")) as server:
        client = FastClient(DYNAMODB, env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, endpoint=server.url)
        world = World(FastDesired(client, "fleet"))
        assert "desired" not in world.post(batch(info={"config": {}}))
        client.close()
    (sent,) = server.requests
    assert json.loads(sent.partition(b"\r\n\r\n")[2]) == {
        "TableName": "fleet",
        "Key": {"p": {"S": "ws|desired"}, "s": {"S": "agent-7"}},
        "ProjectionExpression": "h",
    }
