from __future__ import annotations

from functions.domain import incident as incidents
from functions.domain.alert import Edge, EdgeKind, Severity
from functions.domain.alert_audit import Past
from functions.domain.alert_past import past_episodes
from functions.domain.incident import Incident
from functions.domain.times import MINUTE_MS

T = 1_795_478_400_000


def edge(minute: int, kind: EdgeKind = EdgeKind.FIRING, episode: int = 1, tier: str = "fast") -> Edge:
    return Edge(
        id=f"{tier}{episode}:{kind}",
        kind=kind,
        rule="slow",
        series={"tier": tier},
        episode=f"{tier}{episode}",
        at=T + minute * MINUTE_MS,
        since=T,
        severity=Severity.WARNING,
        reason="x",
    )


def over(minute: int, episode: int = 1, tier: str = "fast") -> Edge:
    return edge(minute, EdgeKind.RESOLVED, episode, tier)


def made(*edges: Edge, route: str = "all", acknowledged: int | None = None) -> Incident:
    found = incidents.open_incident(route, {}, edges[0])
    for one in edges:
        if acknowledged is not None and one.at > T + acknowledged * MINUTE_MS:
            incidents.acknowledge(found, "ada", T + acknowledged * MINUTE_MS)
            acknowledged = None
        incidents.apply_edge(found, one)
    if acknowledged is not None:
        incidents.acknowledge(found, "ada", T + acknowledged * MINUTE_MS)
    return found


def past(first: int, last: int | None, acknowledged: bool = False, tier: str = "fast") -> Past:
    ended = None if last is None else T + last * MINUTE_MS
    return Past(rule="slow", series={"tier": tier}, fired=T + first * MINUTE_MS, resolved=ended, acknowledged=acknowledged)


def test_one_that_fires_and_one_that_is_over() -> None:
    assert past_episodes([made(edge(0), edge(1, tier="smart"), over(2, tier="smart"))]) == [past(0, None), past(1, 2, tier="smart")]


def test_episodes_before_the_last_are_in_the_timeline() -> None:
    flapping = made(edge(0), over(1), edge(2, episode=2), over(4, episode=2), edge(5, episode=3))
    assert past_episodes([flapping]) == [past(0, 1), past(2, 4), past(5, None)]


def test_an_end_that_the_timeline_has_lost_is_the_next_beginning() -> None:
    found = made(edge(0), over(1), edge(2, episode=2), over(4, episode=2))
    found.timeline = [entry for entry in found.timeline if entry.at != T + MINUTE_MS]
    assert past_episodes([found]) == [past(0, 2), past(2, 4)]


def test_who_acknowledged_what() -> None:
    assert past_episodes([made(edge(0), acknowledged=1)]) == [past(0, None, acknowledged=True)]
    twice = made(edge(0), over(3), edge(5, episode=2), over(6, episode=2), acknowledged=1)
    assert past_episodes([twice]) == [past(0, 3, acknowledged=True), past(5, 6)]


def test_an_alert_of_two_routes_counts_once() -> None:
    assert past_episodes([made(edge(0)), made(edge(0), route="other", acknowledged=1)]) == [past(0, None, acknowledged=True)]


def test_nothing_is_nothing() -> None:
    assert past_episodes([]) == []
