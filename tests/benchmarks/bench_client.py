"""One call of the SDK beside DogStatsD's client, OpenTelemetry's SDK, prometheus_client and a dict append; import time and memory.

`python -m tests.benchmarks client`. Peers are set up as their users are told to; none of them sends anything while it is timed.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from datadog.dogstatsd.base import DogStatsd
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Histogram

from clawpulse import Client
from tests.benchmarks.measure import beside, duration, medians, show

CALLS = 4_000
CALLS_A_THREAD = 2_000
THREADS = 8
TAGS = {"tier": "fast", "shard": "acme", "task_id": "t-123456"}
DOG_TAGS = [f"{key}:{value}" for key, value in TAGS.items()]

Loop = Callable[[int], None]


class _Sink(BaseHTTPRequestHandler):
    """Takes batches and forgets them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _client() -> Iterator[Client]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        with tempfile.TemporaryDirectory() as spool, Client(url=address, agent="bench", flush_seconds=300, spool=spool) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def _dogstatsd() -> Iterator[DogStatsd]:
    """Buffered, as its users are told to; its datagrams go to a socket that nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        yield (dog := DogStatsd(host="127.0.0.1", port=sink.getsockname()[1], disable_buffering=False, disable_telemetry=True))
        dog.disable_buffering = True
        dog.close_socket()


@contextlib.contextmanager
def _opentelemetry() -> Iterator[Any]:
    """A histogram of the SDK, with a reader that reads when asked."""
    provider = MeterProvider([InMemoryMetricReader()])
    yield provider.get_meter("bench").create_histogram("task.latency_ms")
    provider.shutdown()


def _ours(client: Client, kept: list[Any]) -> dict[str, Loop]:
    """Loops of n calls each; no call is wrapped in another."""
    metric, bound, append, now = client.metric, client.bind("task.latency_ms", tags=TAGS), kept.append, time.time

    def cp_metric(n: int) -> None:
        for _ in range(n):
            metric("task.latency_ms", 812.5, tags=TAGS)

    def bound_series(n: int) -> None:
        for _ in range(n):
            bound(812.5)

    def append_dict(n: int) -> None:
        for _ in range(n):
            append({"name": "task.latency_ms", "value": 812.5, "tags": TAGS, "time": now()})

    return {"cp_metric": cp_metric, "bound": bound_series, "append": append_dict}


def _peers(dog: DogStatsd, record: Callable[..., None]) -> dict[str, Loop]:
    """The same of others."""
    histogram, labels = dog.histogram, Histogram("task_latency_ms", "For a benchmark", list(TAGS), registry=CollectorRegistry()).labels
    child = labels(**TAGS)

    def dogstatsd(n: int) -> None:
        for _ in range(n):
            histogram("task.latency_ms", 812.5, tags=DOG_TAGS)

    def opentelemetry(n: int) -> None:
        for _ in range(n):
            record(812.5, TAGS)

    def prometheus(n: int) -> None:
        for _ in range(n):
            labels(**TAGS).observe(812.5)

    def prometheus_child(n: int) -> None:
        for _ in range(n):
            child.observe(812.5)

    return {"dogstatsd": dogstatsd, "opentelemetry": opentelemetry, "prometheus": prometheus, "prometheus_child": prometheus_child}


def _alone(loop: Loop) -> Callable[[], int]:
    def run() -> int:
        loop(CALLS)
        return CALLS

    return run


def _threaded(loop: Loop) -> Callable[[], int]:
    """The same calls from several threads at once."""

    def run() -> int:
        threads = [threading.Thread(target=loop, args=(CALLS_A_THREAD,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return CALLS_A_THREAD * THREADS

    return run


def _calls() -> tuple[dict[str, float], dict[str, float], float]:
    """Nanoseconds a call of each, alone and from threads; and p99.99 of ours."""
    kept: list[Any] = []
    with _client() as client, _dogstatsd() as dog, _opentelemetry() as histogram:
        loops = {**_ours(client, kept), **_peers(dog, histogram.record)}

        def rest() -> None:
            """What the background does is not the caller's time: in an agent the inbox is short."""
            client.flush(10)
            kept.clear()

        alone = medians({name: _alone(loop) for name, loop in loops.items()}, before=rest)
        many = medians({name: _threaded(loop) for name, loop in loops.items()}, rounds=9, before=rest)
        return alone, many, _slowest(client)


def _slowest(client: Client) -> float:
    """The 99.99th percentile of single calls."""
    metric, clock, times = client.metric, time.perf_counter_ns, []
    for _ in range(25):
        client.flush(10)
        for _ in range(CALLS):
            started = clock()
            metric("task.latency_ms", 812.5, tags=TAGS)
            times.append(clock() - started)
    times.sort()
    return times[int(len(times) * 0.9999)]


_COST = """
import {module}
print(int(open("/proc/self/statm").read().split()[1]) * 4096)
"""


def _import_cost(module: str) -> tuple[float, float]:
    """Seconds and MiB that a process with this import takes; medians."""
    times, sizes = [], []
    for _ in range(9):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-I", "-c", _COST.format(module=module)], capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - started)
        sizes.append(int(done.stdout) / 2**20)
    return statistics.median(times), statistics.median(sizes)


def _imports() -> list[dict[str, str]]:
    modules = ("sys", "clawpulse", "datadog.dogstatsd", "opentelemetry.sdk.metrics", "prometheus_client")
    bare, ours, *peers = map(_import_cost, modules)
    return [
        {
            "what": "import, over bare Python",
            "figure": f"{(ours[0] - bare[0]) * 1_000:.0f} ms, {ours[1] - bare[1]:.1f} MiB",
            "beside": f"{module} {(peer[0] - bare[0]) * 1_000:.0f} ms, {peer[1] - bare[1]:.1f} MiB",
            "ratio": f"{(ours[0] - bare[0]) / (peer[0] - bare[0]):.3f}",
            "bound": "<= 20 ms, <= 6 MiB",
        }
        for module, peer in zip(modules[2:], peers, strict=True)
    ]


_RUNNING = """
import os, tempfile
from clawpulse import Client
with tempfile.TemporaryDirectory() as spool:
    client = Client(url="http://127.0.0.1:9", agent="bench", spool=spool, exit_seconds=0)
    for second in range(20):
        for number in range(500):
            client.metric("task.latency_ms", number * 1.1, tags={"tier": "fast", "task_id": f"t-{second}-{number}"})
        client.flush(0.05)
    print(int(open("/proc/self/statm").read().split()[1]) * 4096)
    print(sum(file.stat().st_size for folder in os.scandir(spool) for file in os.scandir(folder)))
    client.close(0)
"""


def _running() -> dict[str, str]:
    """A process with 10,000 points that wait because nobody takes them."""
    bare = _import_cost("sys")[1]
    done = subprocess.run([sys.executable, "-I", "-c", _RUNNING], capture_output=True, text=True, check=True)
    resident, spooled = map(int, done.stdout.split())
    return {
        "what": "running, server away, 10,000 points waiting",
        "figure": f"{resident / 2**20 - bare:.1f} MiB over bare Python, {spooled / 10_000:.0f} B of disk each",
    }


def rows() -> list[dict[str, str]]:
    alone, many, slowest = _calls()
    ours, bound, threads = alone["cp_metric"], alone["bound"], f"cp_metric, {THREADS} threads"
    return [
        beside("cp_metric, 3 tags", ours, "dogstatsd histogram", alone["dogstatsd"], "<= 350 ns, <= 0.15"),
        beside("cp_metric, 3 tags", ours, "opentelemetry record", alone["opentelemetry"]),
        beside("cp_metric, 3 tags", ours, "prometheus labels().observe", alone["prometheus"]),
        beside("cp_metric, 3 tags", ours, "append of a dict", alone["append"]),
        beside("bound series", bound, "dogstatsd histogram", alone["dogstatsd"], "<= 120 ns"),
        beside("bound series", bound, "prometheus child.observe", alone["prometheus_child"]),
        beside(threads, many["cp_metric"], "dogstatsd histogram", many["dogstatsd"], "<= 0.2"),
        beside(threads, many["cp_metric"], "opentelemetry record", many["opentelemetry"]),
        beside(threads, many["cp_metric"], "prometheus labels().observe", many["prometheus"]),
        {"what": "cp_metric, p99.99", "figure": duration(slowest), "bound": "<= 50 us"},
        *_imports(),
        _running(),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
