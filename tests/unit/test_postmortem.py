from __future__ import annotations

from functions.domain import incident as incidents
from functions.domain.alert import Edge, EdgeKind, Severity
from functions.domain.delivery import Delivery, DeliveryState
from functions.domain.incident import Incident
from functions.domain.notification import Notification, NotificationKind
from functions.domain.postmortem import MAX_ALERTS, postmortem
from functions.domain.times import HOUR_MS, MINUTE_MS

T = 1_795_478_400_000
"""2026-11-24 00:00:00 UTC."""


def edge(minute: int = 0, kind: EdgeKind = EdgeKind.FIRING, **more: object) -> Edge:
    given = {"series": {"tier": "fast"}, "severity": Severity.WARNING, "reason": "p95 is 812 ms, above 500 ms", "rule": "slow", **more}
    return Edge(
        id=f"{given['rule']}{given['series']}:{kind}",
        kind=kind,
        episode=f"{given['rule']}{given['series']}",
        at=T + minute * MINUTE_MS,
        since=T - 2 * MINUTE_MS,
        value=812.25,
        threshold=500.0,
        **given,  # type: ignore[arg-type]
    )


def opened(*edges: Edge) -> Incident:
    found = incidents.open_incident("all", {}, edges[0])
    for one in edges:
        incidents.apply_edge(found, one)
    return found


def message(found: Incident, state: DeliveryState, kind: NotificationKind = NotificationKind.FIRING, **more: object) -> Delivery:
    told = Notification(kind=kind, workspace="ws", incident=found.id, title="x", severity=Severity.WARNING, at=T, started=T)
    ended = T + MINUTE_MS if state is not DeliveryState.PENDING else None
    return Delivery(id=f"d-{state}-{kind}", channel="chat", notification=told, created=T, state=state, ended=ended, **more)  # type: ignore[arg-type]


def test_the_whole_of_one_that_is_over() -> None:
    found = opened(
        edge(runbook="https://example.org/slow", owner="ada"),
        edge(5, rule="dead", series={"agent": "a|1"}, severity=Severity.CRITICAL, reason="no heartbeat\nfor 40 s"),
    )
    incidents.acknowledge(found, "kim", T + 10 * MINUTE_MS)
    incidents.add_note(found, "kim", "the prompt\n# was changed", T + 12 * MINUTE_MS)
    for one in (
        edge(20, EdgeKind.RESOLVED, reason="p95 is 100 ms"),
        edge(30, EdgeKind.RESOLVED, rule="dead", series={"agent": "a|1"}, reason="is back"),
    ):
        incidents.apply_edge(found, one)
    found.closed = T + 30 * MINUTE_MS
    text = postmortem(found, [message(found, DeliveryState.SENT)], T + HOUR_MS, cost_usd=12.5)
    assert text.splitlines()[0] == "# Postmortem (draft): dead and 1 more: 2 alerts"
    for line in (
        "- Severity: critical",
        "- Began: 2026-11-23 23:58:00 UTC; first alert: 2026-11-24 00:00:00 UTC, 2 min later",
        "- First message: 2026-11-24 00:01:00 UTC, 3 min after it began",
        "- Acknowledged: 2026-11-24 00:10:00 UTC by kim, 10 min after the first alert",
        "- Resolved: 2026-11-24 00:30:00 UTC, 30 min after the first alert",
        "- Cost of the agents concerned, while it lasted: $12.5",
        "- Owner: ada",
        "- Runbook: https://example.org/slow",
        "| 2026-11-24 00:00:00 UTC | slow (tier=fast) | 812.25 | 500 | p95 is 812 ms, above 500 ms"
        " | 2026-11-24 00:20:00 UTC: p95 is 100 ms | kim |",
        "| 2026-11-24 00:05:00 UTC | dead (agent=a\\|1) | 812.25 | 500 | no heartbeat for 40 s | 2026-11-24 00:30:00 UTC: is back | kim |",
        "- 2026-11-23 23:58:00 UTC the first condition held",
        "- 2026-11-24 00:01:00 UTC message (firing) to chat: sent",
        "- 2026-11-24 00:12:00 UTC note by kim: the prompt # was changed",
    ):
        assert line in text.splitlines(), line
    timeline = [line[2:25] for line in text.splitlines() if line.startswith("- 2026")]
    assert timeline == sorted(timeline)
    assert "Why did nobody acknowledge" not in text
    assert "What was the cause" in text


def test_one_that_goes_on_and_of_which_nobody_knows() -> None:
    found = opened(edge())
    found.hidden = "silenced by s1 (upgrade)"
    text = postmortem(found, [], T + 90 * MINUTE_MS)
    for line in (
        "- First message: none is known to have been sent",
        "- Acknowledged: by nobody",
        "- Resolved: not yet; it has lasted 1 h 30 min",
        "- Cost of the agents concerned, while it lasted: _not known_",
        "- Owner: _nobody is named_",
        "- Why was nobody told? silenced by s1 (upgrade)",
        "- Why did nobody acknowledge it?",
        "- Which runbook would have helped? None of its rules has one.",
    ):
        assert line in text.splitlines(), line
    assert "| still fires | nobody |" in text


def test_what_went_wrong_with_telling_is_asked_about() -> None:
    found = opened(edge())
    incidents.acknowledge(found, "kim", T + 45 * MINUTE_MS)
    others = opened(edge(1, rule="dead"))
    text = postmortem(
        found, [message(found, DeliveryState.UNDELIVERED, reason="400: no"), message(others, DeliveryState.SENT)], T + HOUR_MS
    )
    assert "- Why could chat not be told?" in text
    assert "- Why did it take 45 min until somebody acknowledged it?" in text
    assert "message (firing) to chat: undelivered, 400: no" in text
    assert "First message: none" in text


def test_alerts_beyond_the_table_are_counted() -> None:
    found = opened(*(edge(series={"agent": f"a{number:03d}"}) for number in range(MAX_ALERTS + 5)))
    found.unlisted = 7
    text = postmortem(found, [], T)
    assert text.count("| still fires |") == MAX_ALERTS
    assert "And 12 more." in text.splitlines()


def test_an_incident_without_anything() -> None:
    assert "by nobody" in postmortem(Incident(id="i1", route="all", opened=T), [], T)
