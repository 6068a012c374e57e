"""From an episode to a page: what scaling posts goes through the real evaluation and dispatch, once, to the channels that routes name."""

from __future__ import annotations

from functions.alerts.service import AlertService, Parts
from functions.domain.alert_routes import Route, Routing
from functions.domain.dispatch import Setup
from functions.domain.notification import NotificationKind
from functions.domain.selector import Selector
from functions.evidence import EvidenceReader
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.dispatcher import MemoryDispatcher
from tests.scaling.office import WS, Office

PAGES = Route(name="pages", channels=("oncall",), match=Selector.parse("pack=scaling,severity=critical"), group_wait_s=0)


class NoRules:
    def rules(self, workspace: str) -> list[object]:
        return []


def alerting(office: Office) -> AlertService:
    return AlertService(
        Parts(
            rules=NoRules(),  # type: ignore[arg-type]
            evidence=EvidenceReader(office.fleet, office.rollups, office.alerts),
            alerts=office.alerts,
            deliveries=MemoryDeliveries(),
            setup=lambda workspace: (Setup(routing=Routing((PAGES,))), []),
            queue=MemoryDispatcher(),
        )
    )


def test_one_page_an_episode_and_one_end() -> None:
    office = Office()
    alerts = alerting(office)

    def pass_by(minutes: int) -> None:
        for _ in range(minutes):
            office.run()
            alerts.run(WS, office.now, office.now)

    office.points = {"llm.rate_limited": [1.0] * 9}
    pass_by(8)
    office.points = {}
    pass_by(14)
    told = sorted(office.alerts.deliveries.values(), key=lambda one: one.created)
    assert [(one.channel, one.notification.kind) for one in told] == [
        ("oncall", NotificationKind.FIRING),
        ("oncall", NotificationKind.RESOLVED),
    ]
    (alert,) = told[0].notification.alerts
    assert (alert.rule, alert.series) == ("scaling-rate-limited", {"group": "fast"})
    assert "9 rate limits" in alert.reason
