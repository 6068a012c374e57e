"""A workspace in memory in which seal and evaluation run as they do when deployed: agents post, time passes, alerts are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from functions.alerts.service import AlertService, Parts, RunReport
from functions.domain.alert import Edge
from functions.domain.delivery import Delivery
from functions.domain.incident import Incident
from functions.domain.times import SECOND_MS
from functions.evidence import EvidenceReader
from functions.ports import AlertStore, RollupStore
from functions.runtime.alert_setup import setup_reader
from functions.runtime.rule_book import RuleBook
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.dispatcher import MemoryDispatcher
from tests.seal.world import WS, World, a_failure, a_task

DEAD = {"name": "dead", "severity": "critical", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}, "missing_series": "keep"}
SLOW = {
    "name": "slow",
    "per": "tier",
    "when": {"metric": "task.latency_ms", "aggregation": "p95", "over": "1m", "above": 1000},
}
FAILING = {
    "name": "failing",
    "per": "agent",
    "when": {"event": "task.failed", "aggregation": "count", "over": "1m", "above": 0},
    "no_data": "resolve",
}
ROUTES = {"routes": [{"name": "all", "channels": ["chat"], "group_by": ["rule"], "group_wait": "0s"}]}
CHANNELS = {"chat": {"kind": "webhook", "url": "https://example.org/hook", "secret": {"vault": f"clawpulse/{WS}/hook", "key": "key"}}}


class SharedDeliveries(MemoryDeliveries):
    """Reads what the alert store has written: on DynamoDB they are one table."""

    def __init__(self, alerts: MemoryAlerts) -> None:
        super().__init__()
        self._alerts = alerts

    def recent(self, workspace: str, since: int) -> list[Delivery]:
        return [delivery for (ws, _), delivery in sorted(self._alerts.deliveries.items()) if ws == workspace and delivery.created >= since]


@dataclass
class Office:
    """Everything that a test touches; time moves with the world's."""

    world: World = field(default_factory=World)
    alerts: MemoryAlerts = field(init=False)
    queue: MemoryDispatcher = field(default_factory=MemoryDispatcher)
    edges: list[Edge] = field(default_factory=list)
    service: AlertService = field(init=False)

    def __post_init__(self) -> None:
        self.alerts = MemoryAlerts(lambda: self.world.now / 1000)
        self.world.rules = RuleBook(self.world.fleet)
        self.setting("channels", CHANNELS)
        self.setting("routes", ROUTES)
        self.service = self.evaluator()

    def setting(self, name: str, document: Any) -> None:
        self.world.fleet.put_settings(WS, name, document)

    def rules(self, *rules: dict[str, Any]) -> None:
        self.setting("rules", {"packs": [], "rules": list(rules)})

    def evaluator(self, alerts: AlertStore | None = None, rollups: RollupStore | None = None, queue: Any = None) -> AlertService:
        fleet, store = self.world.fleet, alerts or self.alerts
        return AlertService(
            Parts(
                rules=RuleBook(fleet),
                evidence=EvidenceReader(fleet, rollups or self.world.rollups, store),
                alerts=store,
                deliveries=SharedDeliveries(self.alerts),
                setup=setup_reader(fleet, store),
                queue=queue or self.queue,
            )
        )

    def evaluate(self) -> RunReport:
        report = self.service.run(WS, self.world.now, self.world.now)
        self.edges += report.edges
        return report

    def run(self, seconds: int, *posts: tuple[str, list[Any]], after: Callable[[], object] = lambda: None, **info: Any) -> list[RunReport]:
        """Let time pass in steps of 15 s: posts, a tick of seal, an evaluation."""
        reports = []
        for _ in range(seconds // 15):
            self.world.now += 15 * SECOND_MS
            for agent, series in posts:
                self.world.post(agent, *series, **info)
            self.world.tick()
            reports.append(self.evaluate())
            after()
        return reports

    def told(self) -> list[str]:
        """What was queued for people: `rule kind` in order."""
        notifications = [delivery.notification for _, delivery in sorted(self.alerts.deliveries.items())]
        return [f"{told.alerts[0].rule} {told.kind}" for told in notifications]

    def incidents(self) -> list[Incident]:
        return self.alerts.incidents(WS)


__all__ = ["CHANNELS", "DEAD", "FAILING", "ROUTES", "SLOW", "WS", "Office", "a_failure", "a_task"]
