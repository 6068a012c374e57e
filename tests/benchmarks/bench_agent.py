"""The bash agent on its host beside prometheus-node-exporter and collectd: CPU and memory. `python -m tests.benchmarks agent`.

Nobody waits for minutes here: each runs many cycles close together, and the CPU time of one, all its processes counted, is spread over
the interval it stands for. Memory is the proportional set size of what stays between cycles.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from clawpulse_local.ports import free_ports
from tests.benchmarks.measure import show

ROOT = Path(__file__).parents[2]
CYCLES = 30
PAUSE = 0.4
"""Seconds between cycles that stand for 15 and 60."""
_TICK = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    cpu: float
    """Seconds a cycle."""
    pss: float
    """MiB."""

    def share(self, seconds: int) -> float:
        """Percent of a core at an interval."""
        return 100 * self.cpu / seconds

    def text(self, seconds: int) -> str:
        return f"{self.share(seconds):.3f} %, {self.pss:.1f} MiB"


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    posts = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).posts += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _sink(certificate: Path | None) -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    http.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://localhost:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()


def _cpu(process: subprocess.Popen[bytes]) -> float:
    """Seconds that a process and its ended children have used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def _pss(process: subprocess.Popen[bytes]) -> float:
    """Often a child shares memory for a moment: the largest of some looks counts."""
    looks = []
    for _ in range(7):
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        looks.append(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024)
        time.sleep(0.07)
    return max(looks)


def _measure(process: subprocess.Popen[bytes], cycles: Callable[[], int], each: Callable[[], object]) -> Cost:
    """The cost of a cycle; `cycles` counts them, `each` runs between."""
    time.sleep(3 * PAUSE)
    cpu, first = _cpu(process), cycles()
    while cycles() - first < CYCLES:
        each()
        time.sleep(PAUSE)
    return Cost((_cpu(process) - cpu) / (cycles() - first), _pss(process))


@contextlib.contextmanager
def _started(*command: str | Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _agent(folder: Path, certificate: Path | None, lines: int) -> Cost:
    """The agent itself, with so many lines from others each cycle."""
    subprocess.run([ROOT / "agent" / "build", folder / "dist"], check=True)
    home = folder / f"home-{certificate is not None}-{lines}"

    def write() -> None:
        with (home / "intake" / "lines").open("a") as intake:
            intake.write(f"m\t{time.time() * 1000:.0f}\ttask.latency_ms\t812.5\ttier=fast\tshard=acme\ttask_id=t-1\n" * lines)

    with _sink(certificate) as url:
        settings = {"URL": url, "TOKEN": "cp_bench", "HOME": str(home), "CONFIG": str(home / "none"), "HEARTBEAT_SECONDS": str(PAUSE)}
        settings |= {"CACERT": str(certificate)} if certificate else {}
        with _started(
            folder / "dist" / "clawpulse-agent", "run", **{f"CLAWPULSE_{key}": value for key, value in settings.items()}
        ) as process:
            return _measure(process, lambda: _Sink.posts, write if lines else lambda: None)


def _node_exporter(program: str) -> Cost:
    """Its cycle is a scrape."""
    (port,) = free_ports(1)
    scrapes = 0

    def scrape() -> None:
        nonlocal scrapes
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            answer.read()
            scrapes += 1

    with _started(program, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error") as process:
        return _measure(process, lambda: scrapes, scrape)


_COLLECTD = """
Interval {interval}
BaseDir "{folder}"
PIDFile "{folder}/pid"
LoadPlugin cpu
LoadPlugin memory
LoadPlugin load
LoadPlugin df
LoadPlugin uptime
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
"""


def _collectd(program: str, folder: Path) -> Cost:
    """The same five things, written to files: it has nothing that posts JSON over HTTPS in its core."""
    (folder / "collectd.conf").write_text(_COLLECTD.format(interval=PAUSE, folder=folder))
    with _started(program, "-f", "-C", folder / "collectd.conf") as process:
        started = time.monotonic()
        return _measure(process, lambda: int((time.monotonic() - started) / PAUSE), lambda: None)


def _certificate(folder: Path) -> Path | None:
    """A certificate for localhost with its key, if openssl is here."""
    if not shutil.which("openssl"):
        return None
    file = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/key.pem", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "key.pem").read_text())
    return file


def _calls(folder: Path) -> float:
    """Microseconds of one cp_metric in bash; the median of some rounds."""
    script = f"source {ROOT}/agent/clawpulse.sh; for ((i = 0; i < 2000; i++)); do cp_metric task.latency_ms 812.5 --tag tier=fast; done"
    empty = f"source {ROOT}/agent/clawpulse.sh; for ((i = 0; i < 2000; i++)); do :; done"
    env = {"PATH": os.environ["PATH"], "CLAWPULSE_HOME": str(folder / "calls")}

    def seconds(text: str) -> float:
        started = time.perf_counter()
        subprocess.run(["bash", "-c", text], env=env, check=True)
        return time.perf_counter() - started

    return statistics.median(seconds(script) - seconds(empty) for _ in range(5)) / 2000 * 1e6


def _row(what: str, ours: Cost, peer: str, theirs: Cost | None, seconds: int, bound: str) -> dict[str, str]:
    row = {"what": f"{what}, every {seconds} s", "figure": ours.text(seconds), "bound": bound}
    if theirs is None:
        return {**row, "beside": f"{peer} is not installed"}
    return {**row, "beside": f"{peer} {theirs.text(seconds)}", "ratio": f"{ours.cpu / theirs.cpu:.2f}, {ours.pss / theirs.pss:.2f}"}


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    exporter, collectd = shutil.which("prometheus-node-exporter"), shutil.which("collectd") or shutil.which("collectd", path="/usr/sbin")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate = _certificate(folder)
        ours = _agent(folder, certificate, 0)
        what = "agent, CPU of a core and PSS, " + ("https" if certificate else "http")
        theirs = _node_exporter(exporter) if exporter else None
        yield _row(what, ours, "node_exporter", theirs, 15, "<= 0.10 %, <= 1.5 MiB")
        theirs = _collectd(collectd, folder) if collectd else None
        yield _row(what, ours, "collectd", theirs, 15, "")
        yield _row(what, ours, "collectd", theirs, 60, "<= 0.03 %")
        yield {"what": "likewise, http, every 15 s", "figure": _agent(folder, None, 0).text(15)}
        yield {"what": "likewise, http and 50 lines of others, every 15 s", "figure": _agent(folder, None, 50).text(15)}
        yield {"what": "cp_metric in bash, one tag", "figure": f"{_calls(folder):.0f} us"}


def main() -> None:
    show(list(rows()))


if __name__ == "__main__":
    main()
