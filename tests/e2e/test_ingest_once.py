"""One batch, posted 50 times from 8 threads while the ingest process is killed: every point is there once, in every store."""

from __future__ import annotations

import gzip
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.batches import Batches
from functions.adapters.raw import RawQueries
from functions.adapters.rollups import Rollups
from functions.domain.rollup_codec import rows
from functions.ports import Resolution
from tests.cloud import DeployedCloud
from tests.ingest.support import batch, encoded, events, planned, series

pytestmark = pytest.mark.cloud

POSTS, THREADS = 50, 8
KILL_AFTER = (10, 25)
"""Answers after which every ingest process is killed."""
AGENT = "once-1"
WORKSPACE = "default"
SEALED_WITHIN_S = 150
NAMES = ("once.gauge", "task.latency_ms", "task.cost_usd", "task.completed")


def document(now: int) -> dict[str, Any]:
    """490 points over three minutes: gauges, and tasks with two metrics and an event each."""
    ids = [f"once-task-{i}" for i in range(80)]
    spread = tuple(-i * 1_500 for i in range(80))
    more: dict[str, Any] = {"tags": {"tier": "fast"}, "attributes": {"task_id": ids}}
    gauges = tuple(float(i) for i in range(250))
    return batch(
        agent=AGENT,
        time=now,
        series=[
            series("once.gauge", gauges, tuple(-i * 480 for i in range(250))),
            series("task.latency_ms", tuple(100.0 + i for i in range(80)), spread, **more),
            series("task.cost_usd", tuple(0.5 for _ in ids), spread, **more),
        ],
        events=[events("task.completed", spread, **more)],
    )


class Posting:
    """Posts the batch again and again, and notes what became of it."""

    def __init__(self, cloud: DeployedCloud, body: bytes) -> None:
        self._cloud = cloud
        self._body = gzip.compress(body)
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.accepted: set[int] = set()
        self.fresh = 0
        """Answers that tell of something new."""
        self.killed: list[int] = []

    def post(self) -> int:
        headers = {"Authorization": f"Bearer {self._cloud.token}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
        request = urllib.request.Request(f"{self._cloud.api_url}/v1/batches", self._body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, answer = response.status, json.load(response)
        except urllib.error.HTTPError as error:
            status, answer = error.code, {}
            error.close()
        with self._lock:
            self._note(status, answer)
        return status

    def _note(self, status: int, answer: dict[str, Any]) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.accepted.add(answer["accepted"])
            self.fresh += not answer["duplicate"]
        if self.statuses.total() in KILL_AFTER:
            self.killed += kill_ingest(self._cloud.endpoint)


def kill_ingest(endpoint: str) -> list[int]:
    """Kill this cloud's ingest processes; other clouds may run on the machine."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_ingest(entry, endpoint)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def _is_ingest(process: Path, endpoint: str) -> bool:
    try:
        command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
    except OSError:
        return False
    return b"functions.ingest.handler" in command and f"AWS_ENDPOINT_URL={endpoint}\0".encode() in environment


def test_every_point_is_there_once(cloud: DeployedCloud) -> None:
    now = int(time.time() * 1000)
    posted = document(now)
    body = encoded(posted)
    plan = planned(posted, now=now)
    posting = Posting(cloud, body)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: posting.post(), range(POSTS)))
    assert posting.post() == 200
    assert len(posting.killed) >= len(KILL_AFTER)
    assert posting.statuses[200] > POSTS // 2
    assert set(posting.statuses) <= {200, 500, 502, 503, 504}
    assert posting.accepted == {490}
    assert posting.fresh <= len(plan.items)

    assert in_batches(cloud, [item.minute for item in plan.items]) == expected()
    assert in_raw_history(cloud) == Counter(record.table for record in plan.raw)
    assert in_rollups(cloud, [item.minute for item in plan.items]) == expected()


def expected() -> dict[str, tuple[int, float]]:
    """Count and sum of each series."""
    return {
        "once.gauge": (250, float(sum(range(250)))),
        "task.latency_ms": (80, float(sum(range(100, 180)))),
        "task.cost_usd": (80, 40.0),
        "task.completed": (80, 80.0),
    }


def in_batches(cloud: DeployedCloud, minutes: list[int]) -> dict[str, tuple[int, float]]:
    batches = Batches(cloud.client("dynamodb"), cloud.settings.batches_table, cloud.settings.buckets)
    items = [item for minute in minutes for item in batches.read_minute(WORKSPACE, minute) if item.agent == AGENT]
    assert len(items) == len(minutes)
    return totals([item.data for item in items])


def in_raw_history(cloud: DeployedCloud) -> Counter[str]:
    queries, database = RawQueries(cloud.client("timestream-query")), cloud.settings.raw_database
    found: Counter[str] = Counter()
    for table in ("points", "tasks", "events"):
        (row,) = queries.query(f"""SELECT count(*) AS n FROM "{database}"."{table}" WHERE agent = '{AGENT}'""", 1).rows
        found[table] = row["n"]
    return found


def in_rollups(cloud: DeployedCloud, minutes: list[int]) -> dict[str, tuple[int, float]]:
    """The agent's rollups, once seal has finished the newest minute."""
    rollups = Rollups(cloud.client("dynamodb"), cloud.settings.rollups_table)
    until = time.monotonic() + SEALED_WITHIN_S
    while True:
        found = rollups.read_agent(WORKSPACE, AGENT, Resolution.MINUTE, min(minutes), max(minutes) + 1)
        if found.keys() == set(minutes) or time.monotonic() > until:
            return totals(list(found.values()))
        time.sleep(1)


def totals(data: list[bytes]) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for row in (row for each in data for row in rows(each, NAMES)):
        count, total = found.get(row.key.name, (0, 0.0))
        found[row.key.name] = (count + row.count, total + row.sum)
    return found
