"""Ingest: CPU of one 500-point batch, from the gateway's event to the bytes for the stores, and what each function imports.

`handler` is everything: base64, gunzip, validation, rollups, raw records, the requests as JSON. Beside it stands only the validation
of the same batch by pydantic after `json.loads`. CPU is this thread's, so that the stores' stand-ins do not count.

`plan` is from the JSON text to rollups. What it costs to tell tokens without a cost apart is seen beside the same batch with the tokens
under another name.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from functions.adapters.batch_table import put_request
from functions.adapters.batches_fast import FastBatches
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.raw_fast import FastRaw, write_request
from functions.adapters.raw_table import chunks
from functions.domain import tasks
from functions.domain.intake import plan
from functions.domain.items import BatchItem
from functions.domain.raw import RawRecord
from functions.domain.wire import decode
from functions.ingest.handler import handle
from functions.ingest.service import Ingest
from functions.ports import BatchWriter, PutOutcome, RawWriter
from tests.adapters.aws_server import serving
from tests.benchmarks.measure import show
from tests.fakes.fleet import MemoryFleet
from tests.ingest.support import DIMENSIONS, NOW, batch, encoded, events, request, series

POINTS = 500
ROUNDS = 60
BUCKETS = 8
FUNCTIONS = {
    "ingest": "functions.ingest.handler",
    "otlp": "functions.otlp.handler",
    "authorizer": "functions.authorizer.handler",
    "tick": "functions.seal.tick",
    "seal": "functions.seal.handler",
    "api": "functions.api.app",
}
TYPICAL = "boto3, pydantic, aws_lambda_powertools"
IMPORT_BOUNDS = {"ingest": "<= 80 ms", "authorizer": "<= 80 ms"}


def typical_batch() -> dict[str, Any]:
    """What a busy agent sends: 64 tasks in three tiers with four metrics and two events each, the rest gauges."""
    source = random.Random(1)
    posted: list[dict[str, Any]] = []
    happened: list[dict[str, Any]] = []
    for number, tier in enumerate(("fast", "smart", "batch")):
        ids = [f"task-{number}-{i}" for i in range(21 + (number == 0))]
        times = sorted(-source.randrange(15_000) for _ in ids)
        more: dict[str, Any] = {"tags": {"tier": tier, "shard": "acme"}, "attributes": {"task_id": ids}}
        metrics = ("task.latency_ms", "task.tokens_in", "task.tokens_out", "task.cost_usd")
        posted += [series(name, tuple(round(source.lognormvariate(6, 1), 2) for _ in ids), tuple(times), **more) for name in metrics]
        happened += [events(name, tuple(times), **more) for name in ("task.started", "task.completed")]
    left = POINTS - sum(len(each["times"]) for each in (*posted, *happened))
    for name in ("agent.cpu", "agent.memory", "queue.depth", "fleet.active_workers"):
        times = sorted(-source.randrange(15_000) for _ in range(left // 4 + (name == "agent.cpu") * (left % 4)))
        posted.append(series(name, tuple(round(source.random(), 3) for _ in times), tuple(times)))
    return batch(tags={"env": "prod"}, info={"model": "m", "versions": {"clawpulse": "0.1.0"}}, series=posted, events=happened)


class PydanticSeries(BaseModel):
    """As the wire has it."""

    name: str = Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_./-]*$")
    tags: dict[str, str] = Field(default={}, max_length=20)
    times: list[int]
    values: list[float] = []
    attributes: dict[str, list[str | None]] = {}


class PydanticBatch(BaseModel):
    """As the wire has it, without the checks across fields that ours makes."""

    v: int
    agent: str = Field(max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$")
    epoch: str
    seq: int = Field(ge=0)
    time: int
    tags: dict[str, str] = {}
    info: dict[str, Any] = {}
    series: list[PydanticSeries]
    events: list[PydanticSeries]


class PydanticPoint(BaseModel):
    """The same point where each names its series itself, as most APIs have it."""

    name: str = Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_./-]*$")
    time: int
    value: float
    tags: dict[str, str] = Field(default={}, max_length=20)


class PydanticRows(BaseModel):
    """A batch of such points."""

    points: list[PydanticPoint] = Field(max_length=1000)


def as_rows(document: Mapping[str, Any]) -> bytes:
    """The batch with one object a point."""
    rows = []
    for each in (*document["series"], *document["events"]):
        ids = each.get("attributes", {}).get("task_id") or [None] * len(each["times"])
        for i, time_ms in enumerate(each["times"]):
            tags = {**each.get("tags", {}), **({"task_id": ids[i]} if ids[i] else {})}
            value = each["values"][i] if "values" in each else 1.0
            rows.append({"name": each["name"], "time": NOW + time_ms, "value": value, "tags": tags})
    return json.dumps({"points": rows}).encode()


class NoBatches:
    """Makes the request's bytes and keeps nothing."""

    def put(self, workspace: str, item: BatchItem) -> PutOutcome:
        msgspec.json.encode(put_request("batches", BUCKETS, workspace, item))
        return PutOutcome.WRITTEN

    def mark_late(self, workspace: str, agent: str, minute: int, stamp: str) -> None:
        pass


class NoRaw:
    """Makes the requests' bytes and keeps nothing."""

    def write(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        for chunk in chunks(records):
            msgspec.json.encode(write_request("raw", chunk, common))


def ingest(batches: BatchWriter, raw: RawWriter | None) -> Ingest:
    return Ingest(batches=batches, raw=raw, settings=MemoryFleet(), report=lambda *_: None)


def cpu_medians(contestants: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """ms of this thread's CPU for each, all in one run in shuffled order."""
    source, times = random.Random(1), {name: list[float]() for name in contestants}
    for number in range(ROUNDS + 5):
        order = list(contestants)
        source.shuffle(order)
        for name in order:
            started = time.thread_time_ns()
            contestants[name]()
            if number >= 5:
                times[name].append((time.thread_time_ns() - started) / 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


def batch_rows() -> Iterator[dict[str, str]]:
    document = typical_batch()
    text, rows_text, event = encoded(document), as_rows(document), request(document, zipped=True)
    endpoints = json.dumps({"Endpoints": [{"Address": "", "CachePeriodInMinutes": 1440}]}).encode()
    with serving((200, b"{}")) as server, serving((200, endpoints.replace(b'""', f'"{server.url}"'.encode()))) as front:
        env = {"AWS_ENDPOINT_URL": front.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        client, raw = FastClient(DYNAMODB, env=env, endpoint=server.url), FastRaw("raw", env=env)
        nothing, rollups_only, stored = ingest(NoBatches(), NoRaw()), ingest(NoBatches(), None), ingest(FastBatches(client, "t", 8), raw)
        one_call = ingest(FastBatches(client, "t", 8), None)
        for each in (nothing, rollups_only, stored, one_call):
            assert handle(event, each, NOW)["statusCode"] == 200
        found = cpu_medians(
            {
                "rollups": lambda: handle(event, rollups_only, NOW),
                "all": lambda: handle(event, nothing, NOW),
                "one call": lambda: handle(event, one_call, NOW),
                "stored": lambda: handle(event, stored, NOW),
                "decode": lambda: decode(text),
                "pydantic": lambda: PydanticBatch.model_validate(json.loads(text)),
                "pydantic rows": lambda: PydanticRows.model_validate(json.loads(rows_text)),
            }
        )
        client.close()
        raw.close()
    yield _row("validation, columnar", found["decode"], "json + pydantic, same batch", found["pydantic"])
    for what, key, bound in (
        ("handler, rollups, before the store call", "rollups", "<= 0.8 ms"),
        ("handler, rollups, with its store call", "one call", "<= 1.6 ms"),
        ("handler, rollups and raw history, before the store calls", "all", ""),
        ("handler, rollups and raw history, with 5 store calls", "stored", ""),
    ):
        yield _row(what, found[key], "json + pydantic, 500 points in rows", found["pydantic rows"], bound)


def plan_rows() -> Iterator[dict[str, str]]:
    document = typical_batch()
    without = document | {"series": [each for each in document["series"] if each["name"] != tasks.COST]}
    texts = {"every": encoded(document), "none": encoded(without)}
    texts |= {f"{name}, renamed": text.replace(b'"task.tokens_', b'"work.tokens_') for name, text in texts.items()}
    found = cpu_medians({name: partial(_plan, text) for name, text in texts.items()})
    for name, what, bound in (("every", "every task has a cost", "<= 1.05"), ("none", "no task has one", "<= 1.2")):
        ours, theirs = found[name], found[f"{name}, renamed"]
        beside = f"tokens under another name {theirs:.2f} ms"
        yield {
            "what": f"plan, rollups, {what}",
            "figure": f"{ours:.2f} ms",
            "beside": beside,
            "ratio": f"{ours / theirs:.2f}",
            "bound": bound,
        }


def _plan(text: bytes) -> None:
    plan(text, workspace="w", dimensions=DIMENSIONS, scope=(), now=NOW, raw=False)


def _row(what: str, ours: float, peer: str, theirs: float, bound: str = "") -> dict[str, str]:
    figure = f"{ours:.2f} ms, {POINTS / ours:.0f}k points/s"
    return {"what": what, "figure": figure, "beside": f"{peer} {theirs:.2f} ms", "ratio": f"{ours / theirs:.2f}", "bound": bound}


def import_ms(modules: str, cache: str) -> float:
    """ms of CPU that an import takes in a fresh interpreter with compiled files, the least of seven: a busy machine only adds."""
    program = f"import time; t = time.process_time(); import {modules}; print(time.process_time() - t)"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": cache}

    def once() -> float:
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"import {modules} fails: {done.stderr.strip().splitlines()[-1]}")
        return float(done.stdout) * 1e3

    once()
    return min(once() for _ in range(7))


def import_rows() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as cache:
        typical = import_ms(TYPICAL, cache)
        for function, module in FUNCTIONS.items():
            ours = import_ms(module, cache)
            yield {
                "what": f"import of {function}",
                "figure": f"{ours:.0f} ms",
                "beside": f"{TYPICAL} {typical:.0f} ms",
                "ratio": f"{ours / typical:.2f}",
                "bound": IMPORT_BOUNDS.get(function, ""),
            }


def rows() -> Iterator[dict[str, str]]:
    yield from batch_rows()
    yield from plan_rows()
    yield from import_rows()


def main() -> None:
    show(list(rows()))


if __name__ == "__main__":
    main()
