"""Alerts, incidents and rules as the API answers them, made from its own models."""

from __future__ import annotations

from typing import Any

from functions.api.alerts import AlertAnswer, Alerts
from functions.api.deliveries import Deliveries, DeliveryAnswer, Failure
from functions.api.incident_view import Happened, IncidentAnswer, IncidentDetails, MemberAnswer, NoteAnswer
from functions.api.incidents import Incidents
from functions.api.rules import PackAnswer, Packs, RuleAnswer, RulesAnswer
from functions.api.silences import SilenceAnswer, Silences, WeeklyAnswer
from functions.api.trials import Audit, Backtest, EpisodeAnswer, FindingAnswer, LineAnswer, Picture, SpentAnswer
from functions.domain.alert import Data, Phase, Severity
from functions.domain.delivery import DeliveryState
from functions.domain.notification import NotificationKind
from tests.dashboard.answer_parts import HOUR, MINUTE, NOW, shown

INCIDENT = "0192f6a1b2c-0123456789ab"


def alert(rule: str = "slow", minutes: int = 12, **changes: Any) -> AlertAnswer:
    series = changes.pop("series", {"tier": "fast"})
    severity = changes.pop("severity", "critical")
    known: dict[str, Any] = {
        "id": f"{rule}|{','.join(f'{key}={value}' for key, value in series.items())}|0011223344556677",
        "rule": rule,
        "series": series,
        "labels": {"rule": rule, "severity": severity, "env": "prod", **series},
        "severity": severity,
        "phase": Phase.FIRING,
        "since": NOW - minutes * MINUTE,
        "fired_at": NOW - minutes * MINUTE,
        "value": 2_812.0,
        "threshold": 2_000.0,
        "reason": "p95 of task.latency_ms over 10 min is 2.8 s, above 2 s",
        "data": Data.OK,
        "evaluated": NOW - 15_000,
        "flapping": False,
        "acknowledged_by": None,
        "silenced_by": None,
        "inhibited_by": None,
        "incident": INCIDENT,
        "runbook": "https://example.org/runbooks/slow",
        "owner": "ada",
    }
    return AlertAnswer(**known | changes)


def alerts(*found: AlertAnswer) -> Any:
    return shown(Alerts(alerts=list(found), total=len(found), next=None))


def silence(id: str = "a1b2c3", hours: float = 2, **changes: Any) -> SilenceAnswer:
    known: dict[str, Any] = {
        "id": id,
        "matchers": "rule=slow,tier=batch",
        "starts": NOW - HOUR,
        "ends": NOW + round(hours * HOUR),
        "weekly": None,
        "comment": "planned work on the batch tier",
        "by": "ada (tok1)",
        "active": True,
    }
    return SilenceAnswer(**known | changes)


WEEKEND = WeeklyAnswer(days=["sat", "sun"], begin="00:00", end="24:00")


def silences(*found: SilenceAnswer, faults: tuple[str, ...] = ()) -> Any:
    return shown(Silences(silences=list(found), faults=list(faults)))


def _brief(minutes: int, **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": INCIDENT,
        "title": "slow (env=prod): 3 alerts",
        "severity": Severity.CRITICAL,
        "state": "open",
        "opened": NOW - minutes * MINUTE,
        "closed": None,
        "route": "on-call",
        "group": {"rule": "slow", "env": "prod"},
        "firing": 2,
        "alerts": 3,
        "acknowledged_by": [],
        "hidden": None,
        "flapping": False,
    }
    return known | changes


def incident(minutes: int = 42, **changes: Any) -> IncidentAnswer:
    return IncidentAnswer(**_brief(minutes, **changes))


def incidents(*found: IncidentAnswer) -> Any:
    return shown(Incidents(incidents=list(found), total=len(found)))


def member(tier: str, minutes: int, ended: int | None = None, **changes: Any) -> MemberAnswer:
    known: dict[str, Any] = {
        "alert": f"slow|tier={tier}|0011223344556677",
        "rule": "slow",
        "series": {"tier": tier},
        "labels": {"rule": "slow", "tier": tier, "env": "prod"},
        "severity": Severity.CRITICAL,
        "firing": ended is None,
        "since": NOW - (minutes + 2) * MINUTE,
        "fired_at": NOW - minutes * MINUTE,
        "ended": None if ended is None else NOW - ended * MINUTE,
        "value": 2_812.0,
        "threshold": 2_000.0,
        "reason": "p95 of task.latency_ms over 10 min is 2.8 s, above 2 s",
        "end_reason": "" if ended is None else "p95 of task.latency_ms over 10 min is 600 ms, not above 1.6 s for 5 min",
        "acknowledged_by": None,
        "runbook": "https://example.org/runbooks/slow",
        "owner": "ada",
    }
    return MemberAnswer(**known | changes)


def delivery(id: str, minutes: int, **changes: Any) -> DeliveryAnswer:
    known: dict[str, Any] = {
        "id": id,
        "channel": "slack-ops",
        "incident": INCIDENT,
        "kind": NotificationKind.FIRING,
        "title": "slow (env=prod): 3 alerts",
        "created": NOW - minutes * MINUTE,
        "state": DeliveryState.SENT,
        "reason": "",
        "attempts": 0,
        "failures": [],
        "retry_at": None,
        "ended": NOW - minutes * MINUTE + 2_000,
        "reference": "1795478400.001",
    }
    return DeliveryAnswer(**known | changes)


def messages() -> list[DeliveryAnswer]:
    """One that went out, and one that failed for good."""
    failures = [Failure(at=NOW - 40 * MINUTE, reason="503 Service Unavailable"), Failure(at=NOW - 38 * MINUTE, reason="410 Gone")]
    lost = {
        "channel": "pager",
        "state": DeliveryState.UNDELIVERED,
        "reason": "410 Gone",
        "attempts": 2,
        "failures": failures,
        "reference": "",
    }
    return [delivery("d1", 41), delivery("d2", 41, **lost)]


def deliveries(*found: DeliveryAnswer) -> Any:
    return shown(Deliveries(deliveries=list(found), total=len(found)))


def story(**changes: Any) -> Any:
    """An open incident with all that one may have."""
    minutes = [(44, "rollout r1 started: model m-3 for tier=fast"), (42, "firing: slow (tier=fast): p95 is 2.8 s, above 2 s")]
    minutes += [(30, "firing: slow (tier=smart): p95 is 2.2 s, above 2 s"), (12, "resolved: slow (tier=smart): p95 is 600 ms")]
    known: dict[str, Any] = {
        "members": [member("fast", 42), member("batch", 20), member("smart", 30, 12)],
        "unlisted": 0,
        "timeline": [Happened(at=NOW - ago * MINUTE, text=text) for ago, text in minutes],
        "notes": [NoteAnswer(at=NOW - 25 * MINUTE, by="ada (tok1)", text="The provider's status page says degraded.")],
        "deliveries": messages(),
        "partial": False,
        "new_errors": "/api/errors?new=true&start=2026-11-24T00:00:00.000Z",
    }
    brief = {key: changes.pop(key) for key in tuple(changes) if key not in known}
    return shown(IncidentDetails(**_brief(42, **brief), **known | changes))


SLOW: dict[str, Any] = {
    "name": "slow",
    "description": "The p95 latency of a tier is above 2 s.",
    "severity": "critical",
    "per": "tier",
    "when": {"metric": "task.latency_ms", "aggregation": "p95", "over": "10m", "above": 2000},
    "for": "2m",
}
STOCK: dict[str, Any] = {
    "name": "error-rate-rising",
    "severity": "critical",
    "per": "tier",
    "when": {"metric": "task.error_rate", "over": "10m", "change": "absolute", "above": 0.05},
}


def rules(*own: dict[str, Any], packs: tuple[str, ...] = ("tasks",)) -> Any:
    """What is in force: one rule of a pack, and own ones."""
    stock = [] if STOCK["name"] in [one["name"] for one in own] else [STOCK]
    known = [("tasks", one) for one in stock] + [("own", one) for one in own]
    found = [
        RuleAnswer(
            name=one["name"],
            origin=origin,
            replaces="tasks" if origin == "own" and one["name"] == STOCK["name"] else None,
            severity=one.get("severity", "warning"),
            digest="d1",
            expires=None,
            document=one,
        )
        for origin, one in known
    ]
    document = {"packs": list(packs), "rules": list(own)}
    return shown(RulesAnswer(packs=list(packs), rules=found, own=document, faults=[]))


def packs() -> Any:
    return shown(
        Packs(packs=[PackAnswer(name="tasks", in_force=True, rules=[STOCK]), PackAnswer(name="cost", in_force=False, rules=[SLOW])])
    )


def backtest(hours: int = 24, notes: tuple[str, ...] = ()) -> Any:
    """A day of two tiers, one of which was slow twice."""
    end, start = NOW, NOW - hours * HOUR
    step = 6 * MINUTE

    def value(at: int, level: float, slow: bool) -> float:
        hour = (at - start) / HOUR
        return level + 120 * ((at // step) % 5) + (1_500 if slow and (5 < hour < 6.5 or 17 < hour < 17.6) else 0)

    lines = [
        LineAnswer(series={"tier": tier}, points=[(at, value(at, level, tier == "fast"), 2_000.0) for at in range(start, end, step)])
        for tier, level in (("fast", 800.0), ("smart", 1_100.0))
    ]
    episodes = [
        EpisodeAnswer(
            series={"tier": "fast"},
            severity=Severity.CRITICAL,
            since=start + round(from_hour * HOUR),
            fired=start + round(from_hour * HOUR) + 2 * MINUTE,
            resolved=start + round(to_hour * HOUR),
            value=2_312.0,
            threshold=2_000.0,
            reason="p95 of task.latency_ms over 10 min is 2.3 s, above 2 s",
            coarse=False,
            to_page=SpentAnswer(tokens=12_400.0, usd=1.24),
            in_all=SpentAnswer(tokens=98_000.0, usd=9.8),
        )
        for from_hour, to_hour in ((5, 6.5), (17, 17.6))
    ]
    return shown(
        Backtest(
            rule="slow",
            start=start,
            end=end,
            minutes_from=start,
            step_minutes=1,
            total=len(episodes),
            episodes=episodes,
            notes=list(notes),
            picture=Picture(step=step // 1_000, lines=lines),
        )
    )


def audit() -> Any:
    findings = [
        FindingAnswer(
            rule="slow", fault="flapping", text="It fired 41 times in 30 days.", proposal="Give it keep_firing_for: 15m.", others=[]
        ),
        FindingAnswer(
            rule="slow",
            fault="overlapping",
            text="In 9 of 10 cases error-rate-rising fires, too.",
            proposal="Let one inhibit the other.",
            others=["error-rate-rising"],
        ),
        FindingAnswer(
            rule="error-rate-rising",
            fault="never fired",
            text="Not once in 30 days.",
            proposal="Replay it over 30 days, or lower its bound.",
            others=[],
        ),
    ]
    return shown(Audit(start=NOW - 30 * 24 * HOUR, end=NOW, rules=2, findings=findings))
