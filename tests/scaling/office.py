"""A workspace in memory whose groups are scaled: a test says what agents report, time passes, and a run comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.domain.fleet import AgentState, Gauges, Snapshot, encode_snapshot
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.scaling import Decision
from functions.domain.scaling_policy import DOCUMENT
from functions.domain.scaling_state import GroupState
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.evidence import EvidenceReader
from functions.ports import Resolution
from functions.scaling.service import Parts, RunReport, ScalingService
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.fleet import MemoryFleet
from tests.fakes.rollups import MemoryRollups
from tests.fakes.scaling import MemoryAnnouncer, MemoryScaling, MemoryTarget

WS = "acme"
START = 1_795_478_400_000
POLICY = {"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 20}}}

type Points = Mapping[str, Iterable[float]]


@dataclass
class Office:
    """Five agents of the tier fast, and one of the tier smart that is busy all the time."""

    now: int = START + 40_000
    fleet: MemoryFleet = field(default_factory=MemoryFleet)
    rollups: MemoryRollups = field(default_factory=MemoryRollups)
    scaling: MemoryScaling = field(default_factory=MemoryScaling)
    alerts: MemoryAlerts = field(default_factory=MemoryAlerts)
    announcer: MemoryAnnouncer = field(default_factory=MemoryAnnouncer)
    target: MemoryTarget = field(default_factory=MemoryTarget)
    count: int = 5
    queue: float | None = 0.0
    """Tasks that wait, of all agents of the tier fast together; None: nobody reports it."""
    busy: float | None = 0.6
    points: Points = field(default_factory=dict)
    """Of the tier fast, in each minute to come."""
    sealed: bool = True
    """Whether minutes are sealed from now on."""
    late: int = 0
    """Age of the snapshot, ms."""

    def __post_init__(self) -> None:
        self.policy(POLICY)
        self.service = self.another()

    def another(self, **parts: Any) -> ScalingService:
        """A process of its own."""
        given = {
            "fleet": self.fleet,
            "rollups": self.rollups,
            "scaling": self.scaling,
            "alerts": self.alerts,
            "announcer": self.announcer,
            "target": self.target,
        } | parts
        return ScalingService(Parts(evidence=EvidenceReader(given["fleet"], given["rollups"], given["alerts"]), **given))

    def policy(self, document: Mapping[str, Any]) -> None:
        self.fleet.put_settings(WS, DOCUMENT, document)

    def past(self, hours: int = 168, *, latency: float = 1000.0, usd: float = 2.0) -> None:
        """Hours before the start, each with 20 tasks of so many ms and so many USD."""
        first = START // HOUR_MS - hours
        for hour in range(first, first + hours):
            points = {"task.latency_ms": [latency] * 20, "task.cost_usd": [usd / 20] * 20}
            self.rollups.put_group(WS, Resolution.HOUR, hour, rollup(points, hour * HOUR_MS), 1)

    def run(self, minutes: int = 1, service: ScalingService | None = None) -> RunReport:
        """So many minutes pass, each with a run; the last one's report."""
        report = RunReport()
        for _ in range(minutes):
            self.now += MINUTE_MS
            self._minute()
            report = (service or self.service).run(WS, self.now)
        return report

    def follow(self, minutes: int) -> list[int]:
        """As many agents come and go as are desired; the counts."""
        counts = []
        for _ in range(minutes):
            self.run()
            self.count = self.state().decision.desired
            counts.append(self.count)
        return counts

    def state(self, group: str = "fast") -> GroupState:
        found = self.scaling.scaling_state(WS, group)
        assert found is not None
        return found

    def log(self, group: str = "fast", *, changes: bool = False) -> list[Decision]:
        return self.scaling.scaling_history(WS, group, 0, self.now * 2, 1000, changes=changes)

    def _minute(self) -> None:
        settled = self.now // MINUTE_MS - 1
        if self.sealed:
            self.rollups.put_group(WS, Resolution.MINUTE, settled, rollup(self.points, settled * MINUTE_MS), 1)
        unsealed = [] if self.sealed else [(settled - 60, settled + 1)]
        snapshot = Snapshot(
            workspace=WS,
            time=self.now - self.late,
            agents=self._agents(),
            rates_minute=settled,
            sealed_until=settled + 1,
            due_until=settled + 1,
            unsealed=unsealed,
        )
        self.fleet.put_snapshot(WS, encode_snapshot(snapshot))

    def _agents(self) -> dict[str, AgentState]:
        heard = self.now - self.late
        states = {}
        for number in range(self.count):
            workers = (None, None) if self.busy is None else (self.busy * 10, 10.0)
            depth = None if self.queue is None else self.queue / max(1, self.count)
            states[f"f-{number}"] = _agent(f"f-{number}", "fast", Gauges(depth, *workers), heard)
        # Neither one of another group nor one that is dead counts.
        states["s-0"] = _agent("s-0", "smart", Gauges(500.0, 10.0, 10.0), heard)
        states["dead"] = _agent("dead", "fast", Gauges(500.0, 10.0, 10.0), heard - 120_000)
        return states


def _agent(id: str, tier: str, gauges: Gauges, heard: int) -> AgentState:
    return AgentState(id=id, name=id, tags={"tier": tier}, first_seen=1, last_seen=heard, gauges=gauges)


def rollup(points: Points, time: int, tier: str = "fast") -> Rollup:
    found: Rollup = {}
    for name, values in points.items():
        aggregate = found[SeriesKey(name, (("tier", tier),))] = Aggregate()
        for value in values:
            aggregate.add(value, time)
    # Of another group: much worse, and nobody's business here.
    other = found[SeriesKey("llm.rate_limited", (("tier", "smart"),))] = Aggregate()
    for _ in range(50):
        other.add(1.0, time)
    return found


class Failing:
    """A part whose calls of one name raise, or crash, while it is told to."""

    def __init__(self, inner: Any, name: str, error: Callable[[], Exception], *, after: bool = False) -> None:
        self.inner, self.name, self.error, self.after = inner, name, error, after
        self.on = True

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name != self.name or not self.on:
            return found

        def failing(*arguments: Any, **named: Any) -> Any:
            if self.after:
                found(*arguments, **named)
            raise self.error()

        return failing
