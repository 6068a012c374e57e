"""Sections on what people did: alerts, rollouts, keys, budgets; from what the stores have of them."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert import Edge, EdgeKind, Severity, episode_id
from functions.domain.budget_state import BudgetState, Level
from functions.domain.delivery import Delivery, DeliveryState
from functions.domain.incident import Incident, acknowledge, apply_edge, open_incident
from functions.domain.notification import Notification, NotificationKind
from functions.domain.report import Section
from functions.domain.report_alerts import alerts
from functions.domain.report_budgets import budgets
from functions.domain.report_data import ReportData
from functions.domain.report_keys import keys
from functions.domain.report_rollouts import rollouts
from functions.domain.rollout import Hold, HoldCause, Phase, Policy, Rollout
from functions.domain.rotation import Rotation, RotationPhase
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from functions.domain.usage_frame import UsageFrame

LAST = 498_000
FIRST = LAST - 168
START, END = FIRST * HOUR_MS, LAST * HOUR_MS


def data(**more: Any) -> ReportData:
    """A week without any usage."""
    given: dict[str, Any] = {
        "workspace": "team",
        "selector": Selector(),
        "start": START,
        "end": END,
        "now": END + MINUTE_MS,
        "usage": UsageFrame(FIRST, LAST, names=()),
        "before": UsageFrame(2 * FIRST - LAST, FIRST, names=()),
        "overlay": {},
        "agents": [],
    }
    return ReportData(**{**given, **more})


def edge(kind: EdgeKind, at: int, rule: str) -> Edge:
    episode = episode_id(rule, {}, 1)
    return Edge(
        id=f"{episode}:{kind}", kind=kind, rule=rule, episode=episode, at=at, since=at - MINUTE_MS, severity=Severity.CRITICAL, reason="bad"
    )


def incident(rule: str, opened: int, *, acknowledged: int | None = None, closed: int | None = None) -> Incident:
    firing = edge(EdgeKind.FIRING, opened, rule)
    made = open_incident("default", {}, firing)
    apply_edge(made, firing)
    if acknowledged is not None:
        acknowledge(made, "ann", acknowledged)
    if closed is not None:
        apply_edge(made, edge(EdgeKind.RESOLVED, closed, rule))
        made.closed = closed
    return made


def value(section: Section, label: str) -> Any:
    return next(one.value for one in section.stats if one.label == label)


def test_times_of_incidents_and_noise() -> None:
    heard = incident("slow", START + HOUR_MS, acknowledged=START + HOUR_MS + 4 * MINUTE_MS, closed=START + 2 * HOUR_MS)
    noise = incident("flaps", START + 3 * HOUR_MS, closed=START + 3 * HOUR_MS + 20 * MINUTE_MS)
    still = incident("broken", END - 3 * HOUR_MS)
    section = alerts(data(incidents=[still, noise, heard], incidents_before=[heard]))
    assert value(section, "Incidents") == 3
    assert value(section, "Time to acknowledge") == 240
    assert value(section, "Time to resolve") == 40 * 60
    assert value(section, "Noise") == pytest.approx(1 / 3)
    assert [one.title for one in section.findings] == ["1 incident is still open"]
    assert [row[1:] for row in section.tables[0].rows] == [
        ["broken", "critical", None, None, "open"],
        ["flaps", "critical", None, 1200, "over"],
        ["slow", "critical", 240, 3600, "over"],
    ]


def test_a_quiet_week_has_no_times_and_no_noise_instead_of_zeros() -> None:
    section = alerts(data())
    assert section.summary == "No alert fired."
    assert [value(section, label) for label in ("Noise", "Time to acknowledge", "Time to resolve")] == [None, None, None]


def test_messages_that_did_not_arrive() -> None:
    notification = Notification(
        kind=NotificationKind.FIRING, workspace="team", incident="i1", title="x", severity=Severity.CRITICAL, at=START, started=START
    )
    lost = Delivery(
        id="d", channel="chat", notification=notification, created=START, state=DeliveryState.UNDELIVERED, reason="404 no such channel"
    )
    (found,) = alerts(data(deliveries=[lost])).findings
    assert "1 message to chat" in found.evidence
    assert "404 no such channel" in found.evidence
    assert alerts(data(deliveries=[lost], selector=Selector.parse("tenant=acme"))).findings == []


def rollout(id: str, phase: Phase, **more: Any) -> Rollout:
    return Rollout(id=id, title=f"change {id}", created=START, by="t", policy=Policy(), waves=2, members=6, phase=phase, since=END, **more)


def test_rollouts_that_went_back_and_that_wait() -> None:
    held = rollout("r3", Phase.HELD, hold=Hold(cause=HoldCause.INCONCLUSIVE, reason="too few tasks"))
    back = rollout("r2", Phase.REVERTED, reason="errors 9 % above both")
    section = rollouts(data(rollouts=[held, back, rollout("r1", Phase.SUCCEEDED)]))
    assert section.summary == "3 changes were brought to agents, 1 was taken back, 1 is under way."
    assert [(one.title, one.evidence) for one in section.findings] == [
        ("“change r3” waits for a decision", "too few tasks"),
        ("“change r2” was taken back", "errors 9 % above both"),
    ]


def rotation(id: str, phase: RotationPhase, since: int, provider: str = "anthropic") -> Rotation:
    return Rotation(id=id, provider=provider, created=since - HOUR_MS, by="t", new="f", phase=phase, since=since)


def test_a_keys_age_is_that_of_its_last_rotation() -> None:
    old = rotation("k1", RotationPhase.SUCCEEDED, END - 80 * DAY_MS, "openai")
    older = rotation("k0", RotationPhase.SUCCEEDED, END - 200 * DAY_MS, "openai")
    fresh = rotation("k2", RotationPhase.SUCCEEDED, END - 2 * DAY_MS)
    section = keys(data(rotations=[fresh, old, older], key_ages={"openai": 60, "mistral": 90}))
    assert section is not None
    assert [row[:4] for row in section.tables[0].rows] == [
        ["anthropic", "", 2, 90],
        ["mistral", "", None, 90],
        ["openai", "", 80, 60],
    ]
    assert [one.title for one in section.findings] == ["The key of openai is 80 days old"]
    assert section.summary == "1 key rotation, 1 of them done. 1 key is older than allowed."


def test_keys_are_the_whole_workspaces() -> None:
    fresh = rotation("k2", RotationPhase.SUCCEEDED, END)
    assert keys(data(rotations=[fresh], selector=Selector.parse("tier=fast"))) is None
    assert keys(data()) is None


def budget(group: str, level: Level | None, used: float | None, forecast: float | None) -> BudgetState:
    return BudgetState(
        group=group,
        tags=(),
        budget="usd_per_month",
        start=START,
        end=END,
        used=used,
        limit=100.0,
        share=None if used is None else used / 100,
        forecast=forecast,
        level=level,
        reason="told",
        agent=None,
        act=None,
    )


def test_budgets_that_are_used_up_and_that_will_be() -> None:
    states = [
        budget("a", Level.OK, 40, 80),
        budget("b", Level.OK, 70, 140),
        budget("c", Level.ALERT, 120, 150),
        budget("d", None, None, None),
    ]
    section = budgets(data(budgets=states, budgets_at=END))
    assert section is not None
    assert section.summary == "Of 4 budgets 1 is used up, and 1 more will be at the rate so far."
    assert [(one.title, str(one.severity)) for one in section.findings] == [
        ("c: usd per month is used up", "critical"),
        ("b: usd per month will be used up", "warning"),
    ]
    assert section.tables[0].rows[-1] == ["d", "usd per month", None, 100, None, None, "not known"]
    assert budgets(data()) is None
