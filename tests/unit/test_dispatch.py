"""Dispatch: edges become incidents, incidents become messages, each told once."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import incident as incidents
from functions.domain.alert import Edge, EdgeKind, Severity, episode_id
from functions.domain.alert_routes import parse_routing
from functions.domain.channels import MAX_CHANNELS
from functions.domain.dispatch import Plan, Setup, dispatch
from functions.domain.incident import Incident
from functions.domain.inhibition import Inhibitors, parse_inhibitions
from functions.domain.notification import NotificationKind as Kind
from functions.domain.silence import Silence

START = 1_795_478_400_000
S, M, H = 1_000, 60_000, 3_600_000
ROUTES = {
    "routes": [
        {"name": "pages", "match": "severity=critical", "channels": ["pager"], "continue": True, "group_wait": "0s"},
        {"name": "rest", "channels": ["chat"], "group_by": ["rule", "tier"]},
    ]
}


def setup(**more: Any) -> Setup:
    return Setup(routing=parse_routing(more.pop("routes", ROUTES), ["pager", "chat"]), **more)


def edge(kind: EdgeKind = EdgeKind.FIRING, *, rule: str = "slow", at: int = START, since: int = 0, **more: Any) -> Edge:
    series = more.pop("series", {"tier": "fast"})
    severity = Severity(more.pop("severity", "warning"))
    episode = episode_id(rule, series, since)
    return Edge(
        id=f"{at:011x}-{episode}-{kind}",
        kind=kind,
        rule=rule,
        series=series,
        episode=episode,
        at=at,
        since=since,
        severity=severity,
        labels={**series, **more.pop("labels", {})},
        reason=more.pop("reason", "p95 is 812 ms, above 500 ms"),
    )


class Desk:
    """Runs dispatch over time, keeping what it plans."""

    def __init__(self, **more: Any) -> None:
        self.setup = setup(**more)
        self.known: dict[str, Incident] = {}
        self.archive: dict[str, Incident] = {}
        self.messages: list[tuple[int, str, Kind, int]] = []

    def run(self, now: int, *edges: Edge) -> Plan:
        plan = dispatch("ws", edges, self.known.values(), self.setup, now)
        for change in plan.changes:
            before = self.known.pop(change.incident.id, None)
            assert change.incident.version == (before.version if before else 0) + 1
            (self.archive if change.archived else self.known)[change.incident.id] = change.incident
            for delivery in change.deliveries:
                told = delivery.notification
                self.messages.append(((now - START) // S, delivery.channel, told.kind, told.firing))
        return plan

    def kinds(self, channel: str = "chat") -> list[str]:
        return [f"{kind}@{at}" for at, to, kind, _ in self.messages if to == channel]


def over(at: int, **more: Any) -> Edge:
    return edge(EdgeKind.RESOLVED, at=at, **more)


def test_alerts_of_one_cause_are_one_message() -> None:
    desk = Desk()
    desk.run(START, edge(series={"tier": "fast", "agent": "a1"}))
    desk.run(START + 15 * S, edge(series={"tier": "fast", "agent": "a2"}, at=START + 15 * S))
    desk.run(START + 30 * S)
    desk.run(START + 45 * S)
    assert desk.messages == [(30, "chat", Kind.FIRING, 2)]


def test_an_incident_that_is_over_before_its_first_message_tells_nobody() -> None:
    desk = Desk()
    desk.run(START, edge())
    desk.run(START + 15 * S, over(START + 15 * S))
    desk.run(START + 60 * S)
    assert desk.messages == []
    assert [found.closed for found in desk.known.values()] == [START + 15 * S]


def test_the_end_is_told_at_once_and_once() -> None:
    desk = Desk()
    desk.run(START, edge())
    desk.run(START + 30 * S)
    for at in (60, 75, 90):
        desk.run(START + at * S, *([over(START + 60 * S)] if at == 60 else []))
    assert desk.kinds() == ["firing@30", "resolved@60"]


def test_one_of_two_that_ends_is_an_update_after_the_interval() -> None:
    desk = Desk()
    desk.run(START, edge(series={"agent": "a1"}), edge(series={"agent": "a2"}))
    for at in range(30, 400, 15):
        desk.run(START + at * S, *([over(START + 60 * S, series={"agent": "a1"})] if at == 60 else []))
    assert desk.kinds() == ["firing@30", "update@330"]
    assert desk.messages[-1][3] == 1


def test_a_graver_alert_does_not_wait() -> None:
    desk = Desk(routes={"routes": [{"name": "all", "channels": ["chat"], "group_by": []}]})
    desk.run(START, edge())
    desk.run(START + 30 * S)
    desk.run(START + 45 * S, edge(rule="dead", severity="critical", at=START + 45 * S))
    assert desk.kinds() == ["firing@30", "update@45"]


def test_what_nobody_acknowledged_is_told_again() -> None:
    desk = Desk()
    desk.run(START, edge())
    for at in range(30, 9 * 3600, 900):
        desk.run(START + at * S)
    assert desk.kinds() == ["firing@30", "update@14430", "update@28830"]


def test_an_acknowledgement_is_told_and_ends_with_the_alert() -> None:
    desk = Desk()
    desk.run(START, edge())
    desk.run(START + 30 * S)
    (found,) = desk.known.values()
    assert incidents.acknowledge(found, "token1", START + 40 * S)
    assert not incidents.acknowledge(found, "token2", START + 41 * S)
    for at in range(45, 6 * 3600, 900):
        desk.run(START + at * S)
    assert desk.kinds() == ["firing@30", "acknowledged@45"]
    desk.run(START + 7 * H, over(START + 7 * H), edge(since=7, at=START + 7 * H + 1))
    for at in range(7 * 3600 + 15, 12 * 3600, 900):
        desk.run(START + at * S)
    assert desk.kinds()[2:] == ["update@25200", "update@39615"], "the new episode is nobody's yet: told, and told again"


def test_a_critical_alert_takes_both_routes() -> None:
    desk = Desk()
    desk.run(START, edge(severity="critical"))
    desk.run(START + 30 * S)
    assert (desk.kinds("pager"), desk.kinds("chat")) == (["firing@0"], ["firing@30"])


def test_the_same_edge_twice_is_one() -> None:
    desk = Desk()
    first = edge()
    plan = desk.run(START, first)
    assert plan.consumed == (first,)
    assert desk.run(START + 15 * S, first).changes == ()


def test_a_silence_hides_and_what_still_fires_is_told_after_it() -> None:
    silence = Silence.parse("s1", {"matchers": "rule=slow", "starts": START, "ends": START + 10 * M, "comment": "load test"})
    desk = Desk(silences=[silence])
    desk.run(START, edge())
    for at in range(15, 700, 15):
        desk.run(START + at * S)
    assert desk.kinds() == ["firing@600"]


def test_the_end_of_what_was_told_is_told_in_a_silence_too() -> None:
    silence = Silence.parse("s1", {"matchers": "rule=slow", "starts": START + M, "ends": START + H})
    desk = Desk(silences=[silence])
    desk.run(START, edge())
    desk.run(START + 30 * S)
    desk.run(START + 90 * S)
    assert [found.hidden for found in desk.known.values()] == ["silenced by s1"]
    desk.run(START + 100 * S, over(START + 100 * S))
    assert desk.kinds() == ["firing@30", "resolved@100"]


def test_a_consequence_is_not_told_while_its_cause_fires() -> None:
    rules = parse_inhibitions([{"source": "rule=dead", "target": "rule=slow", "equal": ["agent"]}])
    desk = Desk(inhibitions=rules)
    desk.run(START, edge(rule="dead", series={"agent": "a1"}), edge(series={"agent": "a1"}), edge(series={"agent": "a2"}))
    desk.run(START + 30 * S)
    assert desk.messages == [(30, "chat", Kind.FIRING, 1), (30, "chat", Kind.FIRING, 1)]
    desk.run(START + 40 * S, over(START + 40 * S, rule="dead", series={"agent": "a1"}))
    desk.run(START + 335 * S)
    assert desk.messages[-1] == (335, "chat", Kind.UPDATE, 2)


def test_flapping_is_told_once_and_its_end_all_the_same() -> None:
    desk = Desk(routes={"routes": [{"name": "all", "channels": ["chat"], "group_wait": "0s", "group_interval": "10s"}]})
    for number in range(40):
        at = START + number * 60 * S
        desk.run(at, edge(since=number, at=at))
        if number < 39:
            desk.run(at + 30 * S, over(at + 30 * S, since=number))
    kinds = [kind for _, _, kind, _ in desk.messages]
    assert kinds == [*([Kind.FIRING, *[Kind.RESOLVED, Kind.UPDATE] * 5, Kind.RESOLVED]), Kind.FLAPPING]
    (found,) = desk.known.values()
    assert len(found.members) == 1
    desk.run(START + 40 * M, over(START + 40 * M, since=39))
    desk.run(START + 49 * M)
    assert desk.messages[-1][2] is Kind.FLAPPING, "it has not been quiet for long"
    desk.run(START + 50 * M)
    assert desk.messages[-1][2] is Kind.RESOLVED


def test_a_graver_alert_is_told_while_lesser_ones_flap() -> None:
    desk = Desk(routes={"routes": [{"name": "all", "channels": ["chat"], "group_by": [], "group_wait": "0s", "group_interval": "10s"}]})
    for number in range(20):
        at = START + number * 60 * S
        desk.run(at, edge(since=number, at=at))
        desk.run(at + 30 * S, over(at + 30 * S, since=number))
    assert desk.messages[-1][2] is Kind.FLAPPING
    for number in range(20, 24):
        at = START + number * 60 * S
        desk.run(at, edge(rule="dead", severity="critical", since=number, at=at))
        desk.run(at + 30 * S, over(at + 30 * S, rule="dead", severity="critical", since=number))
    assert [kind for _, _, kind, _ in desk.messages].count(Kind.UPDATE) == 6, "five of before, and the grave one once"


def test_a_closed_incident_goes_to_the_archive() -> None:
    desk = Desk()
    desk.run(START, edge(), over(START + 1))
    desk.run(START + 2 * H)
    assert (len(desk.known), len(desk.archive)) == (0, 1)
    desk.run(START + 3 * H, edge(since=5, at=START + 3 * H))
    assert len(desk.known) == 1


def test_what_no_route_takes_is_an_incident_that_nobody_is_sent() -> None:
    desk = Desk(routes={"routes": [{"name": "pages", "match": "severity=critical", "channels": ["pager"]}]})
    desk.run(START, edge())
    desk.run(START + M)
    assert desk.messages == []
    assert [found.firing[0].edge.rule for found in desk.known.values()] == ["slow"]


def test_an_alert_that_fired_under_other_routes_still_ends() -> None:
    desk = Desk()
    desk.run(START, edge())
    desk.run(START + 30 * S)
    desk.setup = setup(routes={"routes": [{"name": "new", "channels": ["chat"], "group_by": ["rule"]}]})
    desk.run(START + 60 * S, over(START + 60 * S))
    assert desk.kinds() == ["firing@30", "resolved@60"]


def test_the_end_goes_where_the_beginning_went_though_the_route_is_gone() -> None:
    desk = Desk(routes={"routes": [{"name": "old", "channels": ["pager"], "group_wait": "0s"}]})
    desk.run(START, edge())
    desk.setup = setup(routes={"routes": [{"name": "new", "match": "severity=info", "channels": ["chat"]}]})
    desk.run(START + 60 * S, over(START + 60 * S))
    assert (desk.kinds("pager"), desk.kinds("chat")) == (["firing@0", "resolved@60"], [])
    desk = Desk(routes={"routes": [{"name": "all", "channels": ["pager"], "group_wait": "0s"}]})
    desk.run(START, edge())
    desk.setup = setup(routes={"routes": [{"name": "all", "channels": ["chat"], "group_interval": "10s"}]})
    desk.run(START + 30 * S, edge(at=START + 30 * S, series={"tier": "smart"}))
    desk.run(START + 60 * S, over(START + 60 * S), over(START + 60 * S, series={"tier": "smart"}))
    assert (desk.kinds("pager"), desk.kinds("chat")) == (["firing@0", "resolved@60"], ["update@30", "resolved@60"])


def test_a_stored_incident_is_read_back_and_damage_is_told() -> None:
    desk = Desk()
    desk.run(START, edge())
    (found,) = desk.known.values()
    incidents.add_note(found, "token1", "looking", START)
    assert incidents.decode_incident(incidents.encode_incident(found)) == found
    for damaged in (b"", b"\x02x", incidents.encode_incident(found)[:-4]):
        try:
            incidents.decode_incident(damaged)
        except incidents.IncidentUnreadable:
            continue
        raise AssertionError("damage went unseen")


STEPS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 900)), max_size=40)


@given(STEPS, st.booleans())
def test_whatever_comes_each_firing_told_gets_its_end(steps: list[tuple[int, bool, int]], repeat_edges: bool) -> None:
    desk = Desk()
    now, firing = START, {}
    for number, fires, pause in steps:
        now += pause * S
        series = {"agent": f"a{number}"}
        edges = []
        if fires and number not in firing:
            firing[number] = now
            edges = [edge(series=series, since=now, at=now)]
        elif not fires and number in firing:
            edges = [over(now, series=series, since=firing.pop(number))]
        desk.run(now, *edges)
        if repeat_edges:
            desk.run(now + 1, *edges)
    for number, since in firing.items():
        desk.run(now + 2, over(now + 2, series={"agent": f"a{number}"}, since=since))
    desk.run(now + 3)
    desk.run(now + 11 * M)
    desk.run(now + 59 * M)
    kinds = [kind for _, _, kind, _ in desk.messages]
    assert all(found.closed is not None for found in desk.known.values())
    if kinds:
        assert kinds[-1] is Kind.RESOLVED
    assert all(before is not after for before, after in itertools.pairwise(kinds) if after in (Kind.RESOLVED, Kind.FLAPPING))


@given(
    st.lists(st.tuples(st.sampled_from(["dead", "slow", "late"]), st.integers(0, 3), st.sampled_from(["warning", "critical"])), max_size=12)
)
def test_inhibitors_that_are_looked_up_are_those_that_are_searched_for(alerts: list[tuple[str, int, str]]) -> None:
    documents = [
        {"source": "rule=dead", "target": "rule=~slow|late", "equal": ["agent"]},
        {"source": "severity=critical", "target": "severity=~critical|warning", "equal": ["rule"]},
    ]
    rules = parse_inhibitions(documents)
    firing = [(str(place), {"rule": rule, "agent": f"a{agent}", "severity": level}) for place, (rule, agent, level) in enumerate(alerts)]
    inhibitors = Inhibitors(rules, firing)
    for alert, labels in firing:
        causes = {
            other
            for other, theirs in firing
            if other != alert and any(rule.inhibits(theirs, labels) and not rule.inhibits(labels, theirs) for rule in rules)
        }
        found = inhibitors.of(alert, labels)
        assert found in causes if causes else found is None


def test_a_new_alert_of_a_full_incident_is_told_when_others_are_over() -> None:
    desk = Desk()
    storm = [edge(series={"agent": f"a{number}"}) for number in range(incidents.MAX_MEMBERS)]
    desk.run(START, *storm)
    desk.run(START + 30 * S)
    desk.run(START + M, *(over(START + M, series={"agent": f"a{number}"}) for number in range(1_000)))
    desk.run(START + 6 * M)
    desk.run(START + 7 * M, edge(at=START + 7 * M, series={"agent": "new"}))
    desk.run(START + 12 * M)
    (found,) = desk.known.values()
    assert (len(found.members), found.unlisted) == (incidents.MAX_MEMBERS, 0)
    assert desk.messages[-1] == (720, "chat", Kind.UPDATE, 1_001)


def test_an_alert_that_is_only_counted_is_counted_until_it_ends() -> None:
    more = [edge(rule="dead", series={"agent": f"a{number}"}) for number in range(incidents.MAX_MEMBERS + 2)]
    found = incidents.open_incident("all", {"rule": "dead"}, more[0])
    for one in more:
        incidents.apply_edge(found, msgspec.structs.replace(one, id=f"{one.episode}:firing"))
    assert (len(found.members), found.unlisted) == (incidents.MAX_MEMBERS, 2)
    incidents.apply_edge(found, msgspec.structs.replace(more[-1], id="end", kind=EdgeKind.RESOLVED))
    assert found.unlisted == 1


def test_an_incident_fits_into_an_item_whatever_tags_its_alerts_have() -> None:
    chance = random.Random(1)
    desk = Desk()
    grave = edge(severity="critical", series={"agent": "grave"})
    tags = [{f"tag{place}": chance.randbytes(24).hex() for place in range(6)} for _ in range(1_500)]
    desk.run(START, grave, *(edge(series={"agent": f"a{number}"}, labels=labels) for number, labels in enumerate(tags)))
    for found in desk.known.values():
        assert len(incidents.encode_incident(found)) <= incidents.MAX_BYTES
        assert len(found.members) + found.unlisted in (1, 1_501)
        assert any(member.edge.severity is Severity.CRITICAL for member in found.members.values())


def test_a_message_to_all_channels_fits_into_a_transaction() -> None:
    assert 1 + MAX_CHANNELS <= 100, "the incident and its deliveries are written together"
