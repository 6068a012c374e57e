"""Alert evaluation: 1,000 agents x 50 rules, 10 of them over 7-day baselines, in CPU milliseconds; beside Prometheus if it is installed.

Prometheus reads raw samples, we read rollups that seal has made; the table says so. It runs on loopback with a folder of its own, gets the
same samples by `promtool tsdb create-blocks-from openmetrics`, evaluates the same expressions by instant queries, and is ended by its pid.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from functions.domain.alert import AlertState, series_id
from functions.domain.alert_baseline import Baselines, make_baselines
from functions.domain.alert_columns import Columns, TagSets
from functions.domain.alert_data import Bucket, Buckets, Evidence
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_memo import Memo
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_round import play
from functions.domain.alert_rules import Rule
from functions.domain.alert_trailing import HourColumns, Trailing
from functions.domain.fleet import AgentState, Snapshot
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.rollup_codec import encode
from functions.domain.times import MINUTE_MS, MINUTES_PER_HOUR

AGENTS = [f"agent-{number:04}" for number in range(1_000)]
METRICS = [
    *("task.latency_ms", "task.tokens_in", "task.tokens_out", "task.cost_usd", "queue.depth"),
    *("fleet.active_workers", "agent.cpu", "agent.memory", "llm.latency_ms", "llm.tokens"),
]
MINUTE = 498_740 * MINUTES_PER_HOUR + 20
WINDOW = 5
SAMPLE_S = 15
LIMIT = 900.0
"""Above it is one sample of a thousand or so."""


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    bench = Bench()
    yield from bench.rows()
    yield {"what": "memory of a process that does all this", "figure": f"{_child_memory()} MiB", "bound": "<= 512 MiB"}
    yield from _beside_prometheus(bench)


class Bench:
    """A thousand agents, their minutes and hours."""

    def __init__(self) -> None:
        source = random.Random(11)
        self.samples = {minute: _samples(source) for minute in range(MINUTE - WINDOW, MINUTE + 3)}
        self.minutes = {minute: encode(_rollup(values)) for minute, values in self.samples.items()}
        self.hours = [encode(_rollup(_samples(source, 120))) for _ in range(2)]
        self.tags = TagSets()
        self.kept: dict[Bucket, Columns] = {}
        self.memo, self.trailing, self.baselines = Memo(), Trailing(None, self.tags), Baselines()
        self.rules = [*_plain(10, "avg"), *_plain(10, "max"), *_plain(10, "p95"), *_plain(10, "rate"), *_weekly()]
        self.states: dict[str, AlertState] = {}
        self._snapshot: Snapshot | None = None

    def rows(self) -> Iterator[dict[str, str]]:
        """Our own figures."""
        first = _cpu(lambda: self.make_usual(MINUTE))
        yield {"what": "the trailing week added up from 168 hours (once, when a process is new)", "figure": _ms(first)}
        self.evaluate(self.rules, MINUTE)
        self.snapshot(MINUTE + 60)
        anew = _cpu(lambda: self.make_usual(MINUTE + 60)) + self.cost(self.rules, MINUTE + 1)
        yield {"what": "1,000 agents x 50 rules, 10 over 7 days: a new hour and a new minute", "figure": _ms(anew), "bound": "<= 120 ms"}
        self.make_usual(MINUTE)
        fresh = self.cost(self.rules, MINUTE + 2)
        yield {"what": "the same, thresholds cached: a new minute (its 10,000 sketches read)", "figure": _ms(fresh)}
        again = min(self.cost(self.rules, MINUTE + 2) for _ in range(7))
        yield {"what": "the same, thresholds cached: the other three ticks of a minute", "figure": _ms(again), "bound": "<= 10 ms"}
        yield {"what": "… of these, alerts that are not at rest", "figure": f"{len(self.states):,} of {50 * len(AGENTS):,}"}

    def cost(self, rules: list[Rule], minute: int) -> float:
        """CPU seconds of one evaluation; reading the snapshot is not in it, a new minute's rollup is."""
        self.snapshot(minute)
        return _cpu(lambda: self.evaluate(rules, minute))

    def make_usual(self, minute: int) -> None:
        """The baselines of a minute's hour."""
        plan = self.trailing.plan(self.rules, minute)
        for hour in plan.drop:
            self.trailing.drop(hour, self._hour(hour))
        for hour in plan.add:
            self.trailing.add(hour, self._hour(hour))
        self.baselines = make_baselines(self.rules, self.evidence(minute), self.trailing, self.memo)

    def evaluate(self, rules: list[Rule], minute: int) -> None:
        """One evaluation with its state machine."""
        evidence = self.evidence(minute)
        samples = evaluate(rules, evidence, self.baselines, self.memo)
        for step in play(rules, samples, list(self.states.values()), evidence.now):
            if step.save:
                self.states[series_id(step.state.rule, step.state.series)] = step.state

    def evidence(self, minute: int) -> Evidence:
        """What a warm process has: minutes that it knows are not read again."""
        for number in range(minute - WINDOW + 1, minute + 1):
            if ("m", number) not in self.kept and number in self.minutes:
                self.kept["m", number] = Columns(self.minutes[number], self.tags)
        snapshot = self.snapshot(minute)
        return Evidence(now=snapshot.time, settled=minute, snapshot=snapshot, agents=Buckets(self.tags, self.kept))

    def snapshot(self, minute: int) -> Snapshot:
        """The fleet after a minute; each time it is asked for another minute, it is another."""
        now = (minute + 1) * MINUTE_MS + 40_000
        if self._snapshot is None or self._snapshot.time != now:
            agents = {name: AgentState(id=name, name=name, first_seen=1, last_seen=now) for name in AGENTS}
            self._snapshot = Snapshot(workspace="w", time=now, agents=agents)
        return self._snapshot

    def _hour(self, hour: int) -> HourColumns:
        return HourColumns(None, Columns(self.hours[hour % len(self.hours)], self.tags))


def _samples(source: random.Random, amount: int = MINUTE_MS // 1000 // SAMPLE_S) -> dict[tuple[str, str], list[float]]:
    return {(name, agent): [round(source.lognormvariate(5, 0.6), 1) for _ in range(amount)] for name in METRICS for agent in AGENTS}


def _rollup(samples: dict[tuple[str, str], list[float]]) -> Rollup:
    made: Rollup = {}
    for (name, agent), values in samples.items():
        aggregate = made[SeriesKey(name, (("agent", agent),))] = Aggregate()
        aggregate.extend(values, list(range(len(values))))
    return made


def _plain(amount: int, aggregation: str, over: str = "5m", limit: float = LIMIT) -> list[Rule]:
    limit = limit / (SAMPLE_S if aggregation == "rate" else 1)
    return [
        _rule(f"{aggregation}-{number}", {"metric": name, "aggregation": aggregation, "over": over, "above": limit + number})
        for number, name in enumerate((METRICS * 5)[:amount])
    ]


def _weekly() -> list[Rule]:
    baseline = {"of": "trailing_7d", "factor": 3, "min_points": 100}
    return [
        _rule(f"week-{number}", {"metric": name, "aggregation": "p99", "over": "5m", "baseline": baseline})
        for number, name in enumerate(METRICS)
    ]


def _rule(name: str, when: dict[str, object]) -> Rule:
    return parse_rules({"name": name, "per": "agent", "when": when})[0]


def _beside_prometheus(bench: Bench) -> Iterator[dict[str, str]]:
    what = "1,000 agents x 50 rules `last value above`"
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        yield {"what": what, "beside": "Prometheus is not installed (apt package prometheus)"}
        return
    last = [(rule, f"{_name(METRICS[n % 10])} > {LIMIT + n}") for n, rule in enumerate(_plain(50, "last", "1m"))]
    mean = [(rule, f"avg_over_time({_name(METRICS[n])}[5m]) > {LIMIT + n}") for n, rule in enumerate(_plain(10, "avg"))]
    tail = [(rule, f"quantile_over_time(0.95, {_name(METRICS[n])}[5m]) > {LIMIT + n}") for n, rule in enumerate(_plain(10, "p95"))]
    with tempfile.TemporaryDirectory(prefix="clawpulse-bench-") as folder:
        server = Prometheus(Path(folder), bench)
        try:
            for text, pairs, bound in (
                (what, last, "<= 0.2"),
                ("1,000 agents x 10 rules `mean of 5 minutes above`", mean, ""),
                ("1,000 agents x 10 rules `p95 of 5 minutes above`", tail, ""),
            ):
                yield _row(text, server, bench, pairs, bound)
        finally:
            server.stop()


def _row(text: str, server: Prometheus, bench: Bench, pairs: list[tuple[Rule, str]], bound: str) -> dict[str, str]:
    """Ours is the mean of the four ticks of a minute, of which only the first has a new rollup to read."""
    rules = [rule for rule, _ in pairs]
    bench.states.clear()
    bench.evaluate(rules, MINUTE)
    bench.kept.pop(("m", MINUTE + 1), None)
    ours = sum(bench.cost(rules, MINUTE + 1) for _ in range(4)) / 4
    theirs = server.cpu([query for _, query in pairs])
    return {
        "what": f"{text}; we read rollups",
        "figure": _ms(ours),
        "beside": f"Prometheus, raw samples {_ms(theirs)}",
        "ratio": f"{ours / theirs:.2f}",
        "bound": bound,
    }


class Prometheus:
    """A server of its own on loopback, with the bench's samples."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        source, data, config = folder / "samples.txt", folder / "data", folder / "prometheus.yml"
        source.write_text("".join(_open_metrics(bench)))
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)], check=True, capture_output=True, timeout=300
        )
        config.write_text("global: {}\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        options = [f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}"]
        self._process = subprocess.Popen(
            ["prometheus", *options, "--storage.tsdb.retention.time=100y"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    def cpu(self, queries: list[str], rounds: int = 5) -> float:
        """CPU seconds of the server to evaluate all of them once; what it takes to answer over HTTP is in it, and is little."""
        for query in queries:
            self._query(query)
        before = self._seconds()
        for _ in range(rounds):
            for query in queries:
                self._query(query)
        return (self._seconds() - before) / rounds

    def stop(self) -> None:
        """End it, by its pid."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    def _wait(self) -> None:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"{self._url}/-/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError("Prometheus did not become ready in 30 s")

    def _query(self, query: str) -> int:
        at = ((MINUTE + 1) * MINUTE_MS - 1) / 1000
        asked = urllib.parse.urlencode({"query": query, "time": at})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}", timeout=60) as answer:
            found = json.load(answer)
        if found["status"] != "success":
            raise ValueError(f"{query}: {found}")
        return len(found["data"]["result"])

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


def _open_metrics(bench: Bench) -> Iterator[str]:
    for name in METRICS:
        yield f"# TYPE {_name(name)} gauge\n"
        for agent in AGENTS:
            for minute, samples in bench.samples.items():
                for number, value in enumerate(samples[name, agent]):
                    yield f'{_name(name)}{{agent="{agent}"}} {value} {minute * 60 + number * SAMPLE_S}\n'
    yield "# EOF\n"


def _name(metric: str) -> str:
    return metric.replace(".", "_")


def _child_memory() -> int:
    """MiB at the most that a fresh process uses for the first three rows."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_alerts", "memory"], check=True, capture_output=True, text=True, timeout=300
    )
    return int(done.stdout)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def main() -> None:
    """Print the rows, or what memory they take."""
    if sys.argv[1:] == ["memory"]:
        list(Bench().rows())
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        return
    for row in rows():
        print(
            "  ".join(
                f"{row.get(column, ''):<{width}}"
                for column, width in (("what", 88), ("figure", 12), ("beside", 36), ("ratio", 7), ("bound", 0))
            )
        )


if __name__ == "__main__":
    main()
