"""`POST /v1/batches` from the gateway's event to its answer, with stores in memory."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from functions.domain.errors import StoreUnavailable
from functions.domain.rollup_codec import rows
from functions.domain.times import MINUTE_MS
from functions.ingest.handler import handle
from functions.ingest.service import Ingest
from tests.fakes.batches import MemoryBatches
from tests.fakes.fleet import MemoryFleet
from tests.fakes.raw import MemoryRaw
from tests.ingest.support import MINUTE, NOW, batch, events, request, series


class World:
    """Ingest and its stores."""

    def __init__(self, *, keeps_raw: bool = True, batches: MemoryBatches | None = None) -> None:
        self.batches = batches or MemoryBatches()
        self.raw = MemoryRaw()
        self.fleet = MemoryFleet()
        self.faults: list[str] = []
        self.ingest = Ingest(
            batches=self.batches,
            raw=self.raw if keeps_raw else None,
            settings=self.fleet,
            report=lambda message, error: self.faults.append(f"{message}: {error}"),
        )

    def post(self, document: Any, now: int = NOW, **options: Any) -> tuple[int, dict[str, Any]]:
        answer = handle(request(document, **options), self.ingest, now)
        return answer["statusCode"], json.loads(answer["body"])

    def points(self) -> int:
        return sum(row.count for stored, _ in self.batches.items.values() for row in rows(stored.data))


FULL = batch(
    series=[series("task.latency_ms", (1.0, 2.0, 3.0), (-21_000, 0, 1), tags={"tier": "fast"}, attributes={"task_id": ["a", "b", None]})],
    events=[events("task.completed", tags={"task_id": "a"})],
)


@pytest.mark.parametrize("options", [{}, {"zipped": True}, {"plain": True}, {"zipped": True, "headers": {"content-encoding": "GZIP"}}])
def test_a_batch_is_written_in_every_coding(options: dict[str, Any]) -> None:
    world = World()
    status, answer = world.post(FULL, **options)
    assert (status, answer["accepted"], answer["duplicate"], answer["time"]) == (200, 4, False, NOW)
    assert world.points() == 4
    assert {key[1] for key in world.batches.items} == {MINUTE - 1, MINUTE}
    assert sorted(key[0] for key in world.raw.records) == ["events", "points", "tasks", "tasks"]


def test_a_repeated_batch_changes_nothing() -> None:
    world = World()
    world.post(FULL)
    items, records = dict(world.batches.items), dict(world.raw.records)
    for late in (0, 5 * MINUTE_MS):
        status, answer = world.post(FULL, now=NOW + late)
        assert (status, answer["accepted"], answer["duplicate"]) == (200, 4, True)
    assert (world.batches.items, world.raw.records) == (items, records)


def test_a_late_batch_is_marked_after_its_item_and_again_when_repeated() -> None:
    world = World()
    world.post(FULL, now=NOW + MINUTE_MS * 5)
    assert {key[1] for key in world.batches.marks} == {MINUTE - 1, MINUTE}
    world.batches.marks.clear()
    world.post(FULL, now=NOW + MINUTE_MS * 6)
    assert {key[1] for key in world.batches.marks} == {MINUTE - 1, MINUTE}


def test_a_batch_in_time_is_not_marked() -> None:
    world = World()
    world.post(FULL)
    assert world.batches.marks == {}


def test_the_same_id_with_other_content_is_409() -> None:
    world = World()
    world.post(FULL)
    status, problem = world.post(batch(series=[series("task.latency_ms", (9.0,))]))
    assert (status, problem["title"]) == (409, "Conflict")
    assert "batch k3f9x2.12 of agent agent-7 is known with other content" in problem["detail"]
    assert world.points() == 4


def test_a_stage_without_raw_history_keeps_rollups() -> None:
    world = World(keeps_raw=False)
    assert world.post(FULL)[0] == 200
    assert (world.points(), world.raw.records) == (4, {})


def test_rejected_raw_records_are_reported_and_the_rollups_kept() -> None:
    world = World()
    world.post(FULL)
    world.batches.items.clear()
    changed = json.loads(json.dumps(FULL))
    changed["series"][0]["values"] = [7.0, 2.0, 3.0]
    assert world.post(changed)[0] == 200
    assert world.points() == 4
    assert [fault.split(":")[0] for fault in world.faults] == ["raw records rejected"]


def test_dimensions_come_from_the_workspace_s_settings() -> None:
    world = World()
    world.fleet.put_settings("ws", "workspace", {"dimensions": ["colour"]})
    world.post(batch(series=[series(tags={"tier": "fast", "colour": "red"})]))
    ((stored, _),) = world.batches.items.values()
    assert [row.key.tags for row in rows(stored.data)] == [(("colour", "red"),)]


def test_settings_are_read_once_a_minute_and_old_ones_serve_while_the_store_is_away() -> None:
    class Flaky(MemoryFleet):
        reads = 0

        def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
            self.reads += 1
            if self.reads > 1:
                raise StoreUnavailable("away")
            return super().settings(workspace, name)

    fleet = Flaky()
    ingest = Ingest(batches=MemoryBatches(), raw=None, settings=fleet, report=lambda *_: None)
    for seq, later in enumerate((0, 59_999, 60_000)):
        assert handle(request(batch(seq=seq)), ingest, NOW + later)["statusCode"] == 200
    assert fleet.reads == 2


def test_settings_that_are_not_valid_are_reported_and_the_default_applies() -> None:
    world = World()
    world.fleet.put_settings("ws", "workspace", {"dimensions": 7})
    assert world.post(FULL)[0] == 200
    assert world.faults[0].startswith("stored settings are not valid")


@pytest.mark.parametrize(
    ("authorizer", "status", "detail"),
    [
        ({"state": "expired"}, 401, "the token is expired"),
        ({"state": "revoked"}, 401, "the token is revoked"),
        ({"workspace": ""}, 401, "no token"),
        ({"scopes": "read operate"}, 403, "this needs the scope ingest; the token has read, operate"),
        ({"tags": "shard=acme"}, 403, "tag shard=other contradicts the token, which is limited to shard=acme"),
    ],
)
def test_what_a_token_may_not(authorizer: dict[str, str], status: int, detail: str) -> None:
    world = World()
    found, problem = world.post(batch(tags={"shard": "other"}), **authorizer)
    assert found == status
    assert detail in problem["detail"]
    assert world.batches.items == {}


def test_an_admin_may_ingest() -> None:
    assert World().post(FULL, scopes="admin")[0] == 200


@pytest.mark.parametrize(
    ("body", "options", "status", "detail"),
    [
        (b"", {}, 400, "no body"),
        (b"{}", {}, 400, "missing required field"),
        (b'{"v"', {}, 400, "truncated"),
        (b"\x1f\x8bxx", {}, 400, "gzip stream is damaged"),
        (gzip.compress(b"{}")[:-4], {}, 400, "cut short"),
        (gzip.compress(b"{}") * 2, {}, 400, "bytes after the end"),
        (b"plain", {"headers": {"Content-Encoding": "gzip"}}, 400, "gzip stream is damaged"),
        (b"{}", {"headers": {"Content-Encoding": "br"}}, 400, "content encoding 'br' is not possible"),
        (gzip.compress(b" " * 200_000_000), {}, 413, "at most 1048576 bytes"),
        (b" " * 1_048_577, {}, 413, "at most 1048576 bytes"),
    ],
    ids=["empty", "object", "cut", "magic", "short", "twice", "not-gzip", "br", "bomb", "large"],
)
def test_what_cannot_be_read(body: bytes, options: dict[str, Any], status: int, detail: str) -> None:
    found, problem = World().post(body, **options)
    assert (found, problem["status"]) == (status, status)
    assert detail in problem["detail"]


def test_a_bad_field_is_named() -> None:
    status, problem = World().post(batch(agent=7))
    assert (status, problem["field"]) == (400, "agent")


def test_a_broken_base64_body_is_400() -> None:
    event = {**request(FULL), "body": "a"}
    assert handle(event, World().ingest, NOW)["statusCode"] == 400


def test_problems_are_problem_json() -> None:
    answer = handle(request(b"{}"), World().ingest, NOW)
    assert answer["headers"]["Content-Type"] == "application/problem+json"


def test_a_store_that_is_away_is_503_with_a_time_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    class Away(MemoryBatches):
        def put(self, *_: Any) -> Any:
            raise StoreUnavailable("dynamodb: ThrottlingException", retry_after_s=7)

    answer = handle(request(FULL), World(batches=Away()).ingest, NOW)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "7")
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["service"], line["reason"], line["request"]) == ("ERROR", "ingest", "dynamodb: ThrottlingException", "r-1")


def test_a_bug_is_500_without_details_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(MemoryBatches):
        def put(self, *_: Any) -> Any:
            raise ZeroDivisionError("secret detail")

    answer = handle(request(FULL), World(batches=Broken()).ingest, NOW)
    assert answer["statusCode"] == 500
    assert "secret detail" not in answer["body"]
    assert json.loads(capsys.readouterr().out)["error"] == "ZeroDivisionError"


def test_good_requests_and_bad_input_leave_no_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.post(FULL)
    world.post(b"{}")
    world.post(batch(series=[series(values=("x",))], seq=13))
    assert capsys.readouterr().out == ""
