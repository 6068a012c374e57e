"""The client against a real server on loopback."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType

import jsonschema
import pytest

from clawpulse import Client, InvalidSettings
from tests.sdk.server import Reply, Server
from tests.sdk.test_wire import SCHEMA

NewClient = Callable[..., Client]


def test_points_and_events_arrive_in_columns(server: Server, new_client: NewClient) -> None:
    client = new_client(tags={"env": "prod"}, info={"name": "Agent one"})
    for value in (812.0, 640.5):
        client.metric("task.latency_ms", value, tags={"tier": "fast", "task_id": f"t{value}"})
    client.event("task.failed", tags={"tier": "fast"}, payload={"err": "boom"})
    assert client.flush()
    batch = server.full_batches[0]
    jsonschema.validate(batch, SCHEMA)
    (series,) = batch["series"]
    assert series["values"] == [812.0, 640.5]
    assert series["tags"] == {"tier": "fast"}
    assert series["attributes"] == {"task_id": ["t812.0", "t640.5"]}
    assert batch["events"][0]["payloads"] == [{"err": "boom"}]
    assert batch["tags"] == {"env": "prod"}
    assert batch["info"]["name"] == "Agent one"
    assert "clawpulse" in batch["info"]["versions"]
    assert abs(batch["time"] + series["times"][0] - time.time() * 1000) < 10_000
    headers = server.posts[-1].headers
    assert headers["Authorization"] == "Bearer cp_test"
    assert headers["Content-Encoding"] == "gzip"


def test_batches_are_cut_by_age_without_a_flush(server: Server, new_client: NewClient) -> None:
    new_client().metric("a", 1)
    server.wait(lambda: server.values("a") == [1.0])


def test_a_batch_has_at_most_1000_points(server: Server, new_client: NewClient) -> None:
    client = new_client(flush_seconds=30)
    for value in range(2_500):
        client.metric("a", value)
    assert client.flush()
    sizes = [len(batch["series"][0]["values"]) for batch in server.full_batches]
    assert sizes == [1_000, 1_000, 500]
    assert sorted(server.values("a")) == list(range(2_500))
    assert [batch["seq"] for batch in server.batches] == [0, 1, 2, 3]


def test_large_payloads_make_more_batches_instead_of_too_large_ones(server: Server, new_client: NewClient) -> None:
    client = new_client(flush_seconds=30)
    for number in range(400):
        client.event("big", payload={"text": f"{number}" + "x" * 4_000})
    assert client.flush(10)
    assert server.event_count("big") == 400
    assert len(server.full_batches) > 1


def test_an_idle_agent_sends_heartbeats(server: Server, new_client: NewClient) -> None:
    new_client(heartbeat_seconds=0.1)
    server.wait(lambda: len(server.batches) >= 3)
    assert all(not batch.keys() & {"series", "events", "sketches"} for batch in server.batches)
    for batch in server.batches:
        jsonschema.validate(batch, SCHEMA)


def test_a_retry_sends_the_same_bytes(server: Server, new_client: NewClient) -> None:
    server.replies = [Reply(), Reply(503), Reply(500), Reply(429)]
    client = new_client()
    server.wait(lambda: len(server.posts) == 1)
    client.metric("a", 5)
    for _ in range(10):
        if client.flush(0.5):  # each flush tries without waiting for the pause to end
            break
    assert server.values("a") == [5.0]
    tries = server.posts[1:5]
    assert [post.status for post in tries] == [503, 500, 429, 200]
    assert len({post.body for post in tries}) == 1


def test_retry_after_is_honoured_even_by_a_flush(server: Server, new_client: NewClient) -> None:
    server.replies = [Reply(), Reply(429, {"Retry-After": "1"})]
    client = new_client()
    server.wait(lambda: len(server.posts) == 1)
    client.metric("a", 1)
    server.wait(lambda: len(server.posts) == 2)
    assert client.flush(5)
    assert server.values("a") == [1.0]
    assert server.posts[2].time - server.posts[1].time >= 1.0


@pytest.mark.parametrize("date", ["Tue, 24 Nov 2026 00:00:00 GMT", "Mon, 01 Jan 2035 00:00:00 GMT"])
def test_retry_after_as_a_date_is_read_by_the_clock_of_the_server(server: Server, new_client: NewClient, date: str) -> None:
    later = date.replace("00:00:00", "00:00:01")
    server.replies = [Reply(), Reply(503, {"Retry-After": later, "Date": date})]
    client = new_client()
    server.wait(lambda: len(server.posts) == 1)
    client.metric("a", 1)
    assert client.flush(5)
    assert server.posts[2].time - server.posts[1].time >= 1.0


def test_the_state_of_the_configuration_travels_in_info(server: Server, new_client: NewClient) -> None:
    for config in ({"written": "abc", "error": "line 1:\nno"}, {}):
        assert new_client(info={"config": config}).flush()
    server.wait(lambda: len(server.batches) == 2)
    assert [batch["info"]["config"] for batch in server.batches] == [{"written": "abc", "error": "line 1: no"}, {}]
    for batch in server.batches:
        jsonschema.validate(batch, SCHEMA)


def test_one_connection_is_kept(server: Server, new_client: NewClient) -> None:
    client = new_client()
    for value in range(5):
        client.metric("a", value)
        assert client.flush()
    assert len({post.connection for post in server.posts}) == 1


def test_a_connection_that_the_server_closed_is_opened_again_without_a_pause(server: Server, new_client: NewClient) -> None:
    server.default = Reply(close=True)
    client = new_client()
    for value in range(3):
        client.metric("a", value)
        assert client.flush()
    assert server.values("a") == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_batch_is_dropped_counted_and_logged_once(
    server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    refusal = Reply(status, body={"title": "Not acceptable", "detail": "v must be 1"})
    # The greeting, then each batch and the one that tells of its loss.
    server.replies = [Reply(), refusal, Reply(), refusal, Reply()]
    client = new_client(flush_seconds=30)
    server.wait(lambda: len(server.posts) == 1)
    for value in (1, 2):
        client.metric("a", value)
        client.metric("a", value)
        assert client.flush()
    client.metric("a", 3)
    assert client.flush()
    assert server.values("a") == [3.0]
    assert sum(server.values("clawpulse.dropped")) == 4
    refusals = [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]
    assert len(refusals) == 1
    assert "v must be 1" in refusals[0]


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_token_is_told_once_and_the_data_kept(
    server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server.default = Reply(status, body={"detail": "the token is revoked"})
    client = new_client()
    client.metric("a", 1)
    assert not client.flush(0.5)
    assert not client.flush(0.3)
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "the token is revoked" in errors[0].getMessage()
    assert "cp_test" not in caplog.text
    server.default = Reply()
    assert client.flush()
    assert server.values("a") == [1.0]


@pytest.mark.parametrize("status", [404, 405])
def test_where_the_api_is_not_nothing_is_lost(server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture, status: int) -> None:
    """A load balancer during a deployment, a proxy in between, a wrong stage: none of them has seen the batch."""
    server.default = Reply(status, body={"detail": "no such page"})
    client = new_client()
    client.metric("a", 1)
    assert not client.flush(0.5)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "is not the API" in errors[0]
    server.default = Reply()
    assert client.flush()
    assert server.values("a") == [1.0]


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with Client(url="http://127.0.0.1:9", token="t", flush_seconds=0.05) as client:
        started = time.monotonic()
        client.metric("a", 1)
        assert not client.flush(0.3)
        assert client.close(0.2) is False
        assert time.monotonic() - started < 3
    assert "cannot deliver" in caplog.text


def test_a_slow_server_delays_nobody_but_the_background(server: Server, new_client: NewClient) -> None:
    server.default = Reply(after=0.6)
    client = new_client(timeout_seconds=0.2)
    started = time.perf_counter()
    for value in range(1_000):
        client.metric("a", value)
    assert time.perf_counter() - started < 0.5
    assert not client.flush(0.3)
    server.default = Reply()
    server.wait(lambda: len(server.values("a")) == 1_000)


@pytest.mark.parametrize("bound", [{"spool": "off", "buffer_bytes": 65_536}, {"spool_bytes": 65_536}], ids=["memory", "disk"])
def test_a_full_buffer_drops_the_oldest_and_counts_them(
    server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture, bound: dict[str, object]
) -> None:
    server.default = Reply(503, {"Retry-After": "1"})
    client = new_client(flush_seconds=30, **bound)
    for value in range(30_000):
        client.metric("a", value * 1.2345678901)
        if value % 1_000 == 999:
            client.flush(0.01)
    server.default = Reply()
    client.metric("last", 1)
    assert client.flush(10)
    assert client.flush(10)
    arrived, dropped = len(server.values("a")), sum(server.values("clawpulse.dropped"))
    assert server.values("last") == [1.0]
    assert 0 < arrived < 30_000
    lost = 30_000 - arrived
    assert dropped == lost
    assert "buffer is full" in caplog.text


def test_eight_threads_lose_nothing(server: Server, new_client: NewClient) -> None:
    client = new_client()

    def record(number: int) -> None:
        for value in range(500):
            client.metric("a", number * 500 + value, tags={"thread": str(number), "task_id": f"{number}-{value}"})

    threads = [threading.Thread(target=record, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush(10)
    assert sorted(server.values("a")) == list(range(4_000))


def test_asyncio_tasks_are_not_held_up(server: Server, new_client: NewClient) -> None:
    client = new_client()

    async def agent_task(number: int) -> None:
        client.event("task.started", tags={"task_id": str(number)})
        await asyncio.sleep(0)
        client.metric("a", number, tags={"task_id": str(number)})
        client.event("task.completed", tags={"task_id": str(number)})

    async def run() -> bool:
        await asyncio.gather(*(agent_task(number) for number in range(200)))
        return await asyncio.to_thread(client.flush)

    assert asyncio.run(run())
    assert sorted(server.values("a")) == list(range(200))
    assert server.event_count("task.completed") == 200


def test_the_points_of_a_task_travel_in_one_batch(server: Server, new_client: NewClient) -> None:
    client = new_client(flush_seconds=1)
    client.event("task.started", tags={"task_id": "t1"})
    time.sleep(0.6)
    client.metric("task.latency_ms", 600, tags={"task_id": "t1"})
    client.metric("other", 1)
    time.sleep(0.6)
    client.metric("task.cost_usd", 0.1, tags={"task_id": "t1"})
    client.event("task.completed", tags={"task_id": "t1"})
    server.wait(lambda: server.event_count("task.completed") == 1)
    (batch,) = [batch for batch in server.full_batches if "task.completed" in [row["name"] for row in batch.get("events", ())]]
    assert {row["name"] for row in batch["series"]} >= {"task.latency_ms", "task.cost_usd"}
    assert {row["name"] for row in batch["events"]} == {"task.started", "task.completed"}


def test_bad_arguments_never_raise_are_logged_once_a_kind_and_counted(
    server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        def __float__(self) -> float:
            raise RuntimeError("no")

    client = new_client(flush_seconds=30)
    for _ in range(3):
        client.metric("bad name!", 1)
        client.metric(None, 1)  # type: ignore[arg-type]
        client.metric("a", "12")  # type: ignore[arg-type]
        client.metric("a", float("nan"))
        client.metric("a", Odd())  # type: ignore[arg-type]
        client.metric("a", 1, time=1.7e12)
        client.metric("a", 1, time="now")  # type: ignore[arg-type]
        client.event("a", payload=None, time=datetime(2026, 1, 1))  # noqa: DTZ001  that is the fault
    assert client.flush()
    assert server.values("a") == []
    assert sum(server.values("clawpulse.invalid")) == 24
    messages = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(messages) == 3
    for text, message in zip(("'bad name!'", "'12'", "time"), messages, strict=True):
        assert text in message


def test_a_fault_in_a_tag_costs_the_tag_only(server: Server, new_client: NewClient) -> None:
    client = new_client(flush_seconds=30)
    client.metric("a", 1, tags={"tier": "fast", "bad key": "x", "long": "y" * 300, "none": None, "list": [1], "n": 3, "on": True, 5: "z"})
    client.metric("a", 2, tags=["not", "a", "mapping"])  # type: ignore[arg-type]
    client.metric("a", 3, tags=MappingProxyType({"tier": "x"}))
    client.event("e", payload=object())
    circular: dict[str, object] = {}
    circular["self"] = circular
    client.event("e", payload=circular)
    client.event("e", payload={"nan": float("nan"), 3: "three"})
    client.event("e", payload={"text": "\ud800"}, tags={"tier": "\udfff"})
    assert client.flush()
    assert sorted(server.values("a")) == [1.0, 2.0, 3.0]
    (batch,) = [batch for batch in server.full_batches if "events" in batch]
    jsonschema.validate(batch, SCHEMA)
    tags = [row["tags"] for row in batch["series"] if 1.0 in row["values"] and row["name"] == "a"]
    assert tags == [{"tier": "fast", "long": "y" * 256, "n": "3", "on": "true"}]
    payloads = [payload for row in batch["events"] for payload in row.get("payloads", [None])]
    assert {"nan": "NaN", "3": "three"} in payloads
    assert {"text": "?"} in payloads
    assert len(payloads) == 4


def test_what_the_caller_changes_later_does_not_travel(server: Server, new_client: NewClient) -> None:
    client = new_client()
    tags, payload = {"tier": "fast"}, {"steps": [1]}
    client.metric("a", 1, tags=tags)
    client.event("e", payload=payload)
    tags["tier"] = "changed"
    payload["steps"].append(2)
    assert client.flush()
    batch = server.full_batches[0]
    assert batch["series"][0]["tags"] == {"tier": "fast"}
    assert batch["events"][0]["payloads"] == [{"steps": [1]}]


def test_no_value_is_no_point(server: Server, new_client: NewClient) -> None:
    client = new_client()
    client.metric("task.cost_usd", None)
    client.metric("a", True)
    assert client.flush()
    assert server.values("task.cost_usd") == []
    assert server.values("clawpulse.invalid") == []
    assert server.values("a") == [1.0]


def test_times(server: Server, new_client: NewClient) -> None:
    client = new_client()
    client.metric("a", 1, time=1_795_478_400.25)
    client.metric("a", 2, time=datetime(2026, 11, 24, tzinfo=UTC))
    assert client.flush()
    batch = server.full_batches[0]
    assert [batch["time"] + offset for offset in batch["series"][0]["times"]] == [1_795_478_400_250, 1_795_478_400_000]


def test_a_bound_series(server: Server, new_client: NewClient) -> None:
    client = new_client()
    record = client.bind("queue.depth", tags={"queue": "main"})
    record(3)
    record(4)
    assert client.flush()
    assert server.full_batches[0]["series"][0]["values"] == [3.0, 4.0]
    assert server.full_batches[0]["series"][0]["tags"] == {"queue": "main"}


def test_a_bound_series_with_bad_tags_does_not_raise(server: Server, new_client: NewClient) -> None:
    client = new_client()
    client.bind("queue.depth", tags=7)(3)  # type: ignore[arg-type]
    assert client.flush()
    assert (server.values("queue.depth"), server.values("clawpulse.invalid")) == ([3.0], [1.0])


def test_names_without_a_text_do_not_raise(server: Server, new_client: NewClient) -> None:
    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError("no")

        __str__ = __repr__

    client = new_client()
    client.event(Mute(), payload={"k": Mute()})  # type: ignore[arg-type]
    client.metric(Mute(), 1, tags=7)  # type: ignore[arg-type]
    client.metric("a", 1)
    assert client.flush()
    client.close()
    client.metric(Mute(), 1)  # type: ignore[arg-type]
    assert server.values("a") == [1.0]


def test_flushes_that_nobody_waits_for_any_more_are_forgotten() -> None:
    client = Client(url="http://127.0.0.1:9", token="cp_x", agent="a", spool="off")
    background = client._background
    assert background is not None
    for _ in range(50):
        client.metric("a", 1)
        assert not client.flush(0.0)
    deadline = time.monotonic() + 15
    while background._flushes and time.monotonic() < deadline:
        time.sleep(0.02)
    assert background._flushes == []
    client.close(0.0)


def test_several_agents_in_one_process(server: Server, new_client: NewClient) -> None:
    clients = [new_client(agent=f"agent-{number}") for number in range(10)]
    for number, client in enumerate(clients):
        client.metric("a", number)
    assert all(client.flush() for client in clients)
    assert {batch["agent"]: batch["series"][0]["values"] for batch in server.full_batches} == {f"agent-{n}": [float(n)] for n in range(10)}
    assert len({batch["epoch"] for batch in server.batches}) == 10


def test_what_the_server_remarks_is_told_once(server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    server.default = Reply(
        body={
            "accepted": 0,
            "rejected": [{"in": "series", "series": 0, "point": 0, "reason": "older than 24 h"}],
            "rejectedCount": 1,
            "limited": [{"tag": "tier", "values": 57}],
            "time": 0,
        }
    )
    client = new_client()
    for value in range(3):
        client.metric("a", value)
        client.flush()
    assert [caplog.text.count(text) for text in ("older than 24 h", "tag tier has too many values (57)", "clock")] == [1, 1, 1]
    server.default = Reply()
    client.flush()
    assert sum(server.values("clawpulse.rejected")) >= 3


def test_an_answer_that_is_no_json_does_not_matter(server: Server, new_client: NewClient) -> None:
    server.default = Reply(body=["odd"])  # type: ignore[arg-type]
    client = new_client()
    client.metric("a", 1)
    assert client.flush()


def test_after_close_nothing_is_recorded_and_it_is_said_once(
    server: Server, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_client()
    client.metric("a", 1)
    assert client.close()
    client.metric("a", 2)
    client.metric("a", 3)
    assert client.close()
    assert client.flush()
    assert server.values("a") == [1.0]
    assert caplog.text.count("closed") == 1


def test_configure_delivers_and_begins_anew(server: Server, new_client: NewClient) -> None:
    client = new_client()
    client.metric("a", 1)
    client.configure(url=server.url, token="cp_other", agent="agent-2")
    client.metric("a", 2)
    assert client.flush()
    assert {(b["agent"], *b["series"][0]["values"]) for b in server.full_batches} == {("agent-1", 1.0), ("agent-2", 2.0)}


def test_without_a_url_nothing_happens(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLAWPULSE_URL", raising=False)
    caplog.set_level(logging.INFO)
    client = Client()
    for value in range(3):
        client.metric("a", value)
        client.event("e")
    assert client.flush()
    assert client.close()
    assert [r.levelname for r in caplog.records] == ["INFO"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": "ftp://host"}, "url"),
        ({"url": "host:80"}, "url"),
        ({"url": "http://user:secret@host/"}, "url"),
        ({"url": "http://host:99999"}, "url"),
        ({"url": 5}, "url"),
        ({"token": "two\nlines"}, "token"),
        ({"agent": "-x"}, "agent"),
        ({"agent": "x" * 129}, "agent"),
        ({"tags": "env"}, "tags"),
        ({"tags": {"a b": "x"}}, "tags"),
        ({"tags": {"env": ""}}, "tags"),
        ({"tags": 7}, "tags"),
        ({"flush_seconds": "soon"}, "flush_seconds"),
        ({"flush_seconds": 0}, "flush_seconds"),
        ({"info": {"colour": "red"}}, "info"),
        ({"info": {"versions": {"a b": "1"}}}, "versions"),
        ({"versions": {f"v{number}": "1" for number in range(20)}}, "versions"),
        ({"attributes": "a b"}, "attributes"),
        ({"spool": 5}, "spool"),
        ({"spool": ""}, "spool"),
        ({"spool_bytes": 100}, "spool_bytes"),
        ({"aggregate": "maybe"}, "aggregate"),
        ({"info": {"config": {"written": "a b"}}}, "config: written"),
        ({"info": {"config": ["x"]}}, "config"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_settings_name_what_is_wrong(settings: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidSettings, match=named) as caught:
        Client(**{"url": "http://127.0.0.1:9", "agent": "a", **settings})  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)
