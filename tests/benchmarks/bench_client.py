"""One call of the SDK beside a dict append and DogStatsD's client; import time and memory. `python -m tests.benchmarks client`."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from datadog.dogstatsd.base import DogStatsd

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
        with Client(url=f"http://127.0.0.1:{server.server_port}", agent="bench", flush_seconds=300) as client:
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


def _contestants(client: Client, dog: DogStatsd, kept: list[Any]) -> dict[str, Loop]:
    """Loops of n calls each; no call is wrapped in another."""
    metric, bound, histogram, append, now = client.metric, client.bind("task.latency_ms", tags=TAGS), dog.histogram, kept.append, time.time

    def cp_metric(n: int) -> None:
        for _ in range(n):
            metric("task.latency_ms", 812.5, tags=TAGS)

    def bound_series(n: int) -> None:
        for _ in range(n):
            bound(812.5)

    def append_dict(n: int) -> None:
        for _ in range(n):
            append({"name": "task.latency_ms", "value": 812.5, "tags": TAGS, "time": now()})

    def dogstatsd(n: int) -> None:
        for _ in range(n):
            histogram("task.latency_ms", 812.5, tags=DOG_TAGS)

    return {"cp_metric": cp_metric, "bound": bound_series, "append": append_dict, "dogstatsd": dogstatsd}


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
    with _client() as client, _dogstatsd() as dog:
        loops = _contestants(client, dog, kept)

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


def _imports() -> dict[str, str]:
    bare, ours, dog = (_import_cost(module) for module in ("sys", "clawpulse", "datadog.dogstatsd"))
    return {
        "what": "import, over bare Python",
        "figure": f"{(ours[0] - bare[0]) * 1_000:.0f} ms, {ours[1] - bare[1]:.1f} MiB",
        "beside": f"dogstatsd {(dog[0] - bare[0]) * 1_000:.0f} ms, {dog[1] - bare[1]:.1f} MiB",
        "ratio": f"{(ours[0] - bare[0]) / (dog[0] - bare[0]):.3f}",
        "bound": "<= 20 ms, <= 6 MiB",
    }


def rows() -> list[dict[str, str]]:
    alone, many, slowest = _calls()
    return [
        beside("cp_metric, 3 tags", alone["cp_metric"], "dogstatsd histogram", alone["dogstatsd"], "<= 350 ns, <= 0.15"),
        beside("cp_metric, 3 tags", alone["cp_metric"], "append of a dict", alone["append"]),
        beside("bound series", alone["bound"], "dogstatsd histogram", alone["dogstatsd"], "<= 120 ns"),
        beside(f"cp_metric, {THREADS} threads", many["cp_metric"], "dogstatsd histogram", many["dogstatsd"], "<= 0.2"),
        {"what": "cp_metric, p99.99", "figure": duration(slowest), "bound": "<= 50 us"},
        _imports(),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
