"""The worker's decisions, turned by hand: no thread, no network, a clock of our own."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clawpulse._assembly import disk_of
from clawpulse._delivery import MAX_BACKOFF_SECONDS, MAX_RETRY_AFTER_SECONDS, Action, Answer, judge
from clawpulse._reports import Reports
from clawpulse._sender import DirectSender
from clawpulse._settings import _ARGUMENTS, Settings, resolve
from clawpulse._store import Store
from clawpulse._worker import Outside, Worker

T0 = 1_795_478_400.0
OK = Answer(200)
DOWN = Answer(0, "ConnectionRefusedError")


class ScriptedTransport:
    """Answers as told, then 200."""

    def __init__(self, *answers: Answer) -> None:
        self.answers: Iterator[Answer] = iter(answers)
        self.bodies: list[bytes] = []

    def post(self, body: bytes, timeout: float) -> Answer:
        self.bodies.append(body)
        return next(self.answers, OK)

    def close(self) -> None:
        pass

    @property
    def batches(self) -> list[dict[str, Any]]:
        return [json.loads(gzip.decompress(body)) for body in self.bodies]


def some_settings(**changes: Any) -> Settings:
    settings = resolve({}, url="http://127.0.0.1:9", agent="agent-1", **changes)
    assert settings
    return settings


class SwitchedTransport(ScriptedTransport):
    """Away until it is up; keeps what arrives."""

    up = False
    tries = 0

    def post(self, body: bytes, timeout: float) -> Answer:
        self.tries += 1
        return super().post(body, timeout) if self.up else DOWN


def new_worker(transport: ScriptedTransport, clock: Callable[[], float] = lambda: T0, **changes: Any) -> tuple[Worker, list[Any]]:
    inbox: list[Any] = []
    reports = Reports()
    settings = some_settings(**{"aggregate": False, **changes})
    store = Store(None, settings.buffer_bytes, reports, lambda: "e1", now=0.0)
    outside = Outside(DirectSender(transport), store, chance=lambda: 0.999, clock=clock)
    return Worker(settings, inbox, outside, reports, now=0.0), inbox


def test_an_idle_agent_is_seen_every_15_seconds() -> None:
    transport = ScriptedTransport()
    worker, _ = new_worker(transport)
    for second in range(61):
        worker.step(float(second))
    assert [batch["seq"] for batch in transport.batches] == [0, 1, 2, 3]


def test_heartbeats_do_not_pile_up_while_the_server_is_away() -> None:
    transport = ScriptedTransport(*[DOWN] * 1_000)
    worker, _ = new_worker(transport)
    for second in range(600):
        worker.step(float(second))
    assert {batch["seq"] for batch in transport.batches} == {0}


def test_pauses_grow_up_to_a_minute() -> None:
    transport = ScriptedTransport(*[DOWN] * 1_000)
    worker, inbox = new_worker(transport)
    inbox += ("a", 1, 1_795_478_400.0, None)
    tries = []
    for second in range(1_200):
        before = len(transport.bodies)
        worker.step(float(second))
        if len(transport.bodies) > before:
            tries.append(second)
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert gaps[0] <= 2
    assert 58 <= gaps[-1] <= 61
    assert len(set(transport.bodies)) == 1


def test_batches_made_during_an_outage_arrive_in_order_once_it_is_over() -> None:
    transport = ScriptedTransport(*[DOWN] * 5)
    worker, inbox = new_worker(transport)
    for second in range(100):
        inbox += ("a", second, 1_795_478_400.0 + second, None)
        worker.step(float(second))
    mark = worker.flush(100.0)
    for _ in range(100):
        worker.step(100.0)
    assert worker.settled(mark)
    batches = transport.batches[5:]
    assert [batch["seq"] for batch in batches] == list(range(len(batches)))
    assert [value for batch in batches for row in batch["series"] for value in row["values"]] == [float(n) for n in range(100)]


def test_an_hour_without_a_server_loses_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    transport, reports, clock = SwitchedTransport(), Reports(), [0.0]
    settings = some_settings(spool=str(tmp_path))
    store = Store(disk_of(settings), settings.buffer_bytes, reports, lambda: "e1", now=0.0)
    inbox: list[Any] = []
    outside = Outside(DirectSender(transport), store, chance=lambda: 0.5, clock=lambda: T0 + clock[0])
    worker = Worker(settings, inbox, outside, reports, now=0.0)
    recorded = 0
    for second in range(3_700):
        for _ in range(5):
            inbox += ("n", recorded, T0 + second, {"request_id": f"{recorded:x}"})
            recorded += 1
        clock[0] = float(second)
        worker.step(clock[0])
    assert transport.tries < 200
    assert store.waiting > 300
    transport.up = True
    mark = worker.flush(3_760.0)
    for turn in range(1_000):
        worker.step(3_761.0 + turn)
        if worker.settled(mark):
            break
    arrived = [value for batch in transport.batches for row in batch.get("series", ()) for value in row["values"] if row["name"] == "n"]
    assert arrived == list(range(recorded))
    assert {row["name"] for batch in transport.batches for row in batch.get("series", ())} == {"n"}
    worker.close(4_800.0)
    assert list(tmp_path.rglob("*.log")) == []


@pytest.mark.parametrize("more", [0, 34])
def test_what_a_flush_drops_is_told_by_the_next_process_at_the_latest(tmp_path: Path, more: int) -> None:
    """In a full spool, a record that says that something was delivered may itself be one too many."""
    transport, words, total, sent = SwitchedTransport(), Random(more), 1_000 + more, 0
    for epoch in ("e1", "e2"):
        reports, inbox = Reports(), list[Any]()
        settings = some_settings(spool=str(tmp_path), spool_bytes=2**16)
        store = Store(disk_of(settings), settings.buffer_bytes, reports, lambda epoch=epoch: epoch, now=0.0)
        outside = Outside(DirectSender(transport), store, chance=lambda: 0.5, clock=lambda: T0)
        worker = Worker(settings, inbox, outside, reports, now=0.0)
        while sent < total:
            inbox += ("n", sent, T0, {"request_id": words.randbytes(100).hex()})
            if sent % 20 == 0:
                worker.step(sent * 1.0)
            sent += 1
        transport.up, now = True, 2.0 * total
        worker.flush(now)
        worker.step(now)
        while store.waiting:
            worker.step(now := now + 1)
        worker.close(now)
    rows = [row for batch in transport.batches for row in batch.get("series", ())]
    told = sum(sum(row["values"]) for row in rows if row["name"] == "clawpulse.dropped")
    assert told + sum(len(row["values"]) for row in rows if row["name"] == "n") == total
    assert list(tmp_path.rglob("*.log")) == []


def test_a_strange_object_costs_only_itself() -> None:
    class Strange(dict[str, str]):
        def values(self) -> Any:
            raise RuntimeError("no")

    transport = ScriptedTransport()
    worker, inbox = new_worker(transport)
    inbox += ("a", 1, 1_795_478_400.0, Strange(x="y"), "b", 2, 1_795_478_400.0, None)
    worker.flush(0.0)
    worker.step(0.0)
    assert {row["name"]: row["values"] for row in transport.batches[0]["series"]} == {"b": [2.0], "clawpulse.invalid": [1.0]}


def test_an_object_without_a_text_costs_only_itself() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError("no")

        __float__ = __bool__ = __str__ = __repr__

    transport = ScriptedTransport()
    worker, inbox = new_worker(transport)
    for record in [(Mute(), 1, T0, None), ("a", Mute(), T0, None), ("a", 1, Mute(), None), ("a", 1, T0, Mute())]:
        inbox += record
    inbox += ("b", 2, T0, {"k": Mute()}, "c", 3, T0, None)
    worker.flush(0.0)
    worker.step(0.0)
    found = {row["name"]: row["values"] for row in transport.batches[0]["series"]}
    assert found == {"b": [2.0], "c": [3.0], "clawpulse.invalid": [5.0]}


def test_flushing_again_and_again_does_not_press_a_server_that_is_away() -> None:
    transport = ScriptedTransport(*[DOWN] * 100)
    worker, inbox = new_worker(transport)
    inbox += ("a", 1, T0, None)
    for turn in range(500):
        worker.flush(turn / 100)
        worker.step(turn / 100)
    assert 5 <= len(transport.bodies) <= 6


def test_losses_that_many_threads_count_are_all_counted_once() -> None:
    reports, threads, each = Reports(), 4, 20_000
    taken: list[int] = []

    def lose() -> None:
        for _ in range(each):
            reports.dropped(1, "the test drops it")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=lose) for _ in range(threads)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            taken.append(sum(reports.take_counts().values()))
    finally:
        sys.setswitchinterval(interval)
    assert sum(taken) + sum(reports.take_counts().values()) == threads * each


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        (Answer(200), Action.DELIVERED),
        (Answer(202), Action.DELIVERED),
        (Answer(302), Action.RETRY),
        (Answer(400), Action.DROP),
        (Answer(401), Action.RETRY),
        (Answer(403), Action.RETRY),
        (Answer(404), Action.RETRY),
        (Answer(405), Action.RETRY),
        (Answer(407), Action.RETRY),
        (Answer(408), Action.RETRY),
        (Answer(409), Action.DROP),
        (Answer(413), Action.DROP),
        (Answer(425), Action.RETRY),
        (Answer(429), Action.RETRY),
        (Answer(500), Action.RETRY),
        (Answer(503), Action.RETRY),
        (DOWN, Action.RETRY),
    ],
)
def test_what_becomes_of_a_batch(answer: Answer, action: Action) -> None:
    assert judge(answer, failures=0, chance=0.5).action is action


def test_how_long_the_next_try_waits() -> None:
    assert judge(Answer(503, retry_after=7.0), 0, 0.0).delay == 7.0
    assert judge(Answer(503, retry_after=7.0), 0, 0.99).delay < 7.8
    assert judge(Answer(429, retry_after=1e9), 0, 0.0).delay == MAX_RETRY_AFTER_SECONDS
    assert judge(Answer(401), 0, 0.0).delay >= 30
    assert judge(DOWN, 0, 0.0).delay == 0.0
    assert judge(DOWN, 3, 0.5).delay == 4.0
    assert judge(DOWN, 10_000, 0.999).delay < MAX_BACKOFF_SECONDS


def test_settings_of_the_environment() -> None:
    settings = resolve(
        {
            "CLAWPULSE_URL": "https://host/prod/v1/batches",
            "CLAWPULSE_TOKEN": " cp_x\n",
            "CLAWPULSE_AGENT": "agent-9",
            "CLAWPULSE_TAGS": "env=prod, tier=fast",
            "CLAWPULSE_NAME": "Nine",
            "CLAWPULSE_MODEL": "some-model",
            "CLAWPULSE_VERSIONS": "openclaw=2026.9.6",
            "CLAWPULSE_ATTRIBUTES": "user_id, order",
            "CLAWPULSE_FLUSH_SECONDS": "2.5",
        }
    )
    assert settings
    assert (settings.url, settings.token, settings.agent, settings.flush_seconds) == ("https://host/prod", "cp_x", "agent-9", 2.5)
    assert settings.tags == {"env": "prod", "tier": "fast"}
    assert {"user_id", "order", "task_id"} <= settings.attributes
    assert settings.info["name"] == "Nine"
    assert settings.info["model"] == "some-model"
    assert settings.info["versions"]["openclaw"] == "2026.9.6"
    assert resolve({}) is None
    assert resolve({"CLAWPULSE_URL": ""}) is None


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"CLAWPULSE_SPOOL": "/var/spool/x"}, "/var/spool/x"),
        ({"CLAWPULSE_SPOOL": "off"}, ""),
        ({"XDG_STATE_HOME": "/state"}, "/state/clawpulse/spool"),
        ({}, str(Path("~/.local/state/clawpulse/spool").expanduser())),
    ],
)
def test_where_the_spool_is(env: dict[str, str], folder: str) -> None:
    settings = resolve({"CLAWPULSE_URL": "https://a", **env})
    assert settings
    assert settings.spool == folder


@pytest.mark.parametrize(("text", "on"), [("on", True), ("Off", False), ("0", False), ("true", True)])
def test_whether_values_are_aggregated(text: str, on: bool) -> None:
    settings = resolve({"CLAWPULSE_URL": "https://a", "CLAWPULSE_AGGREGATE": text})
    assert settings
    assert settings.aggregate is on


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "sdk" / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in _ARGUMENTS)
    assert all(f"`CLAWPULSE_{name.upper()}`" in readme for name in _ARGUMENTS if name != "info")


def test_arguments_go_before_the_environment() -> None:
    settings = resolve({"CLAWPULSE_URL": "https://a", "CLAWPULSE_AGENT": "x"}, agent="y", tags={"env": "dev"})
    assert settings
    assert (settings.url, settings.agent, settings.tags) == ("https://a", "y", {"env": "dev"})


@pytest.mark.parametrize(
    ("url", "exposed"),
    [("http://10.0.0.8:4566", True), ("https://host", False), ("http://127.0.0.1:1", False), ("http://localhost", False)],
)
def test_whether_the_token_travels_openly(url: str, exposed: bool) -> None:
    settings = resolve({}, url=url, token="cp_x", agent="a")
    assert settings
    assert settings.open_token is exposed
