"""Answers about scaling, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

from typing import Any

from functions.api.scaling import Groups, History
from functions.api.scaling_simulation import ChangeAnswer, CurvesAnswer, SimulationAnswer
from functions.api.scaling_view import GroupAnswer, HistoryEntry, SignalAnswer, ToldAnswer
from tests.dashboard.answer_parts import MINUTE, NOW, shown, wave


def signal(
    name: Any, zone: Any, level: float | None, value: float | None, vote: Any = "none", baseline: float | None = None
) -> SignalAnswer:
    return SignalAnswer(
        signal=name, zone=zone, since=NOW - 5 * MINUTE, value=value, baseline=baseline, level=level, vote=vote, reason=f"{name} is {zone}"
    )


def signals(level: float = 3.2) -> list[SignalAnswer]:
    zone = "high" if level > 2 else "low" if level < 0.5 else "middle"
    return [
        signal("queue", zone, level, level * 12, "up" if zone == "high" else "none"),
        signal("latency", "middle", 1.2, 2_900, baseline=2_400),
        signal("saturation", "high" if level > 2 else "middle", min(1, 0.4 + level / 6), min(1, 0.4 + level / 6)),
        signal("rate_limited", "silent", None, None),
        signal("cost", "middle", 1.1, 4.4, baseline=4.0),
    ]


def group(name: str = "fast", **changes: Any) -> GroupAnswer:
    usual: dict[str, Any] = {
        "group": name,
        "tags": f"tier={name}",
        "stale": False,
        "as_of": NOW,
        "decided": NOW,
        "desired": 18,
        "current": 12,
        "wanted": 21,
        "min": 2,
        "max": 40,
        "action": "grow",
        "changed": NOW - 2 * MINUTE,
        "queue_depth": 38,
        "latency_p95_ms": 2_900,
        "latency_baseline_ms": 2_400,
        "saturation": 0.93,
        "rate_limited_per_minute": None,
        "cost_usd_per_hour": 4.4,
        "cost_baseline_usd_per_hour": 4.0,
        "reason": "queue: 3.2 waiting an agent > 2 for 60 s",
        "limits": ["step_up: 50% of 12 agents"],
        "signals": signals(),
        "paging": [],
        "target": None,
    }
    return GroupAnswer(**usual | changes)


def groups() -> Any:
    nothing = dict.fromkeys(
        (
            "decided",
            "desired",
            "current",
            "wanted",
            "min",
            "max",
            "action",
            "changed",
            "target",
            "queue_depth",
            "latency_p95_ms",
            "latency_baseline_ms",
            "saturation",
            "rate_limited_per_minute",
            "cost_usd_per_hour",
            "cost_baseline_usd_per_hour",
        )
    )
    stale = group(
        "smart", **nothing, stale=True, as_of=NOW - 9 * MINUTE, reason="nothing is known of the group since", limits=[], signals=[]
    )
    hold = group(
        "batch",
        action="hold",
        desired=6,
        current=6,
        wanted=6,
        signals=signals(1),
        limits=[],
        paging=["rate_limited"],
        reason="no signal asks for more",
        target={"asg": "clawpulse-batch", "capacity": 2, "done": NOW, "error": None},
    )
    return shown(Groups(groups=[hold, group(), stale]))


def history() -> Any:
    found, count = [], 8
    for minute in range(300):
        level = 3.4 * wave(minute, 140)
        wanted = round(6 + 10 * wave(minute - 10, 140))
        before, count = count, wanted if minute % 12 == 0 else count
        action = "grow" if count > before else "shrink" if count < before else "hold"
        told = [ToldAnswer(signal="rate_limited", began=True, since=NOW, text="429s: 9 a minute")] if minute == 100 else []
        found.append(
            HistoryEntry(
                time=NOW - (300 - minute) * MINUTE,
                action=action,
                before=before,
                desired=count,
                current=before,
                wanted=wanted,
                reason="queue: 3.2 waiting an agent > 2 for 60 s",
                limits=[],
                told=told,
                signals=signals(level),
            )
        )
    return shown(History(decisions=found[::-1]))


def simulation() -> Any:
    minutes = 360
    desired = [round(4 + 8 * wave(minute // 10 * 10, 120)) for minute in range(minutes)]
    queue = [30.0 * max(0, wave(minute + 8, 120) - 0.7) for minute in range(minutes)]
    change = ChangeAnswer(time=NOW, action="grow", before=4, to=6, reason="queue is high", limits=[])
    curves = CurvesAnswer(
        start=NOW,
        arrived=[100 + 60 * wave(minute, 120) for minute in range(minutes)],
        desired=desired,
        agents=desired,
        queue=queue,
        p95_seconds=[3 + one / 10 for one in queue],
        saturation=[0.7] * minutes,
    )
    return shown(
        SimulationAnswer(
            group="fast",
            start=NOW,
            end=NOW + minutes * MINUTE,
            minutes=minutes,
            tasks=46_800,
            service_time=3,
            service_time_p95=7.5,
            least=4,
            most=12,
            total=31,
            direction_changes=5,
            changes=[change],
            longest_queue=9,
            longest_wait_seconds=14.2,
            worst_p95_seconds=3.9,
            left_waiting=0,
            refused=0,
            agent_hours=48.2,
            constant=11,
            constant_agent_hours=66,
            usd=None,
            told=[],
            curves=curves,
            picture=None,
            notes=["tasks are a flow, in steps of 5 seconds"],
        )
    )


def routes() -> dict[str, Any]:
    """By path."""
    return {
        "/api/scaling": groups(),
        "/api/scaling/fast/history": history(),
        "/api/scaling-policy": {"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 40}}},
        "POST /api/scaling-simulation": simulation(),
    }
