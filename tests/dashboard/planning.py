"""Answers about cost, capacity, scaling and reports, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

import math
import time
from typing import Any

from pydantic import BaseModel

from functions.api.budgets import BudgetAnswer, StateAnswer
from functions.api.capacity_answers import (
    BurstTest,
    CeilingAnswer,
    IntervalsAnswer,
    PlanAnswer,
    TailTest,
    TierAnswer,
    WaitAnswer,
)
from functions.api.cost_burn_down import BurnDownAnswer, ForecastAnswer
from functions.api.cost_chargeback import BillAnswer, ChargebackAnswer
from functions.api.cost_regressions import CauseAnswer, RegressionAnswer, RegressionsAnswer, SuspectAnswer
from functions.api.costs import AccountAnswer, LedgerAnswer, LineAnswer, SourceAnswer, TokensAnswer, UnpricedAnswer
from functions.api.report_view import ReportAnswer, ReportDetails, ReportFile
from functions.api.reports import Reports
from functions.api.scaling import Groups, History
from functions.api.scaling_simulation import ChangeAnswer, CurvesAnswer, SimulationAnswer
from functions.api.scaling_view import GroupAnswer, HistoryEntry, SignalAnswer, ToldAnswer
from functions.api.tracker import BandAnswer, QueueWaitAnswer, ServiceAnswer, SlowAnswer, TailAnswer, TrackAnswer, TrackerAnswer

HOUR = 3_600_000
MINUTE = 60_000
NOW = int(time.time() * 1000) // HOUR * HOUR
WEEK = 168


def shown(answer: BaseModel) -> Any:
    """As the API sends it."""
    return answer.model_dump(mode="json", by_alias=True)


def wave(place: int, width: int = 24) -> float:
    """Between 0 and 1, up and down."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * place / width)


def account(usd: float | None, tasks: int = 1_000, unpriced: int = 0) -> dict[str, Any]:
    sources = [] if usd is None else [SourceAnswer(how="reported", source="genai-prices 0.2.3", tasks=tasks, usd=usd)]
    return {
        "usd": usd,
        "reported_usd": usd,
        "priced_usd": None,
        "tasks": tasks + unpriced,
        "reported_tasks": 0 if usd is None else tasks,
        "priced_tasks": 0,
        "unpriced_tasks": unpriced,
        "unpriced_tokens": unpriced * 900.0,
        "tokens": TokensAnswer(input=tasks * 1_200.0, output=tasks * 300.0, cache_read=tasks * 5_000.0, cache_write=0),
        "sources": sources,
    }


MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5-mini", "gemini-2.5-flash", "llama-local", "mistral-large", "o4-mini")


def ledger(models: tuple[str, ...] = MODELS, unpriced: int = 120) -> Any:
    costs = [410.0 / 2**place for place in range(len(models))]
    lines = [
        LineAnswer(
            tags={"model": model},
            points=[
                (NOW - (28 - step) * 6 * HOUR, None if (step, place) == (9, 0) else usd / 28 * (0.4 + wave(step + place, 4)))
                for step in range(28)
            ],
            **account(usd, 1_000 * (place + 1), unpriced if place == 4 else 0),
        )
        for place, (model, usd) in enumerate(zip(models, costs, strict=True))
    ]
    total = AccountAnswer(**account(sum(costs) if costs else None, 28_000 if costs else 0, unpriced if costs else 0))
    missing = [UnpricedAnswer(model="llama-local", tasks=unpriced, tokens=unpriced * 900.0)] if costs and unpriced else []
    return shown(LedgerAnswer(start=NOW - WEEK * HOUR, end=NOW, lines=lines, total=total, unpriced_models=missing, notes=[]))


def budgets() -> Any:
    def one(group: str, budget: str, used: float | None, limit: float, level: Any, reason: str) -> BudgetAnswer:
        share = None if used is None else used / limit
        return BudgetAnswer(
            group=group,
            budget=budget,
            start=NOW,
            end=NOW,
            used=used,
            limit=limit,
            share=share,
            forecast=None if used is None else used * 1.3,
            level=level,
            reason=reason,
            agent=None,
            act=None,
        )

    found = [
        one("", "usd_per_month", 1_930, 2_500, "warn", "77 % of $2,500 a month"),
        one("tier=smart", "tokens_per_day", 1_240_000, 1_000_000, "act", "124 % of 1 M tokens a day"),
        one("team=search", "cpu_percent", 40, 80, "ok", "half"),
        one("shard=acme", "usd_per_month", None, 900, None, "no task reported a price"),
    ]
    return shown(StateAnswer(budgets=found, as_of=NOW, stale=False))


def burn_down(budget: str = "usd_per_month", limit: float | None = 2_500) -> Any:
    hours, ahead = 25 * 24, 5 * 24
    start = NOW - hours * HOUR
    points, total = [], 0.0
    for hour in range(hours):
        total += 2 + 3 * wave(hour)
        points.append((start + (hour + 1) * HOUR, total))
    coming = [(NOW + (hour + 1) * HOUR, total + 3.5 * hour, total + 2.9 * hour, total + 4.3 * hour) for hour in range(ahead)]
    expected, low, high = coming[-1][1:]
    forecast = ForecastAnswer(
        expected=expected, low=low, high=high, level=0.8, chance_above=0.38 if limit else None, points=coming, notes=[]
    )
    return shown(
        BurnDownAnswer(
            group="",
            budget=budget,
            start=start,
            end=NOW + ahead * HOUR,
            as_of=NOW,
            limit=limit,
            used=total,
            reported=total * 0.9,
            passed=NOW + 100 * HOUR if limit else None,
            points=points,
            forecast=forecast,
            reason=None,
            notes=[],
        )
    )


def regressions() -> Any:
    cause = CauseAnswer(
        at=NOW - 30 * HOUR,
        low=NOW - 32 * HOUR,
        high=NOW - 29 * HOUR,
        culprit="rollout of prompt v12",
        suspects=[
            SuspectAnswer(
                change="rollout of prompt v12", id="r1", at=NOW - 31 * HOUR, score=0.84, why="reached all of its agents 40 minutes before"
            )
        ],
        reason="The cost a task rose by half within an hour.",
    )

    def one(tier: str, verdict: Any, before: float, ratio: float, why: CauseAnswer | None = None) -> RegressionAnswer:
        return RegressionAnswer(
            tags={"tier": tier},
            verdict=verdict,
            before=before,
            after=before * ratio,
            tasks_before=5_000,
            tasks_after=5_400,
            ratio=ratio,
            low=ratio - 0.1,
            high=ratio + 0.1,
            traffic=before * 400,
            mix=0.4,
            per_task=before * (ratio - 1) * 5_400,
            reason=f"a task costs {ratio} times as much",
            cause=why,
            notes=[],
        )

    groups = [one("smart", "regression", 0.021, 1.5, cause), one("fast", "same", 0.004, 1.03), one("batch", "improvement", 0.011, 0.7)]
    return shown(RegressionsAnswer(start=NOW - 2 * WEEK * HOUR, middle=NOW - WEEK * HOUR, end=NOW, groups=groups, notes=[]))


def bills() -> Any:
    made = [
        BillAnswer(tags={"tenant": name}, **account(usd, tasks)) for name, usd, tasks in (("acme", 812.5, 9_000), ("globex", 91.2, 700))
    ]
    lonely = BillAnswer(tags={}, **account(None, 40))
    total = AccountAnswer(**account(903.7, 9_740))
    return shown(
        ChargebackAnswer(
            start=NOW - 25 * 24 * HOUR,
            end=NOW,
            bills=[*made, lonely],
            total=total,
            notes=["40 tasks with 36,000 tokens have no price, and are in no sum"],
        )
    )


def tier(name: str, rate: float, time_s: float, current: int, factor: float = 1, **changes: Any) -> TierAnswer:
    use = 0.85 if name == "batch" else 0.65
    exact = rate * factor * time_s / use
    agents = math.ceil(exact)
    usual: dict[str, Any] = {
        "tags": {"tier": name},
        "agents": agents,
        "with_headroom": math.ceil(agents * 1.3),
        "exact": exact,
        "wanted": math.ceil(agents * 1.3),
        "arrival_rate": rate * factor,
        "service_time": time_s,
        "utilization": use,
        "headroom": 1.3,
        "concurrency": 1,
        "load": rate * factor * time_s,
        "wait": WaitAnswer(probability=0.31, mean_s=0.42, p95_s=2.2),
        "wait_with_headroom": WaitAnswer(probability=0.04, mean_s=0.02, p95_s=0.0),
        "intervals": IntervalsAnswer(
            agents=(agents - 2, agents + 3),
            with_headroom=(agents, agents + 7),
            arrival_rate=(rate * 0.9, rate * 1.1),
            service_time=(time_s * 0.97, time_s * 1.04),
        ),
        "tail": TailTest(index=3.1, low=2.4, high=3.9, tasks=18_000, heavy=False),
        "bursts": BurstTest(index=1.1, limit=1.2, minutes=1_440, bursty=False),
        "ceiling": None,
        "limited": False,
        "current": current,
        "change": math.ceil(agents * 1.3) - current,
        "usd_per_month": (math.ceil(agents * 1.3) - current) * 12.5,
        "reasons": [
            f"arrival rate: the 95th percentile of 288 windows of 5 minutes is {rate} tasks a second",
            "utilisation: 0.65, for somebody waits for the answer",
        ],
    }
    return TierAnswer(**usual | changes)


def plan(factor: float = 1, tiers: list[TierAnswer] | None = None) -> Any:
    ceiling = CeilingAnswer(limit="anthropic-prod", quantity="input_tokens", amount=2_000_000, used=2_600_000, arrival_rate=2.6)
    found = (
        tiers
        if tiers is not None
        else [
            tier("fast", 4.2, 3.1, 21, factor),
            tier(
                "smart",
                2.9,
                11.4,
                60,
                factor,
                ceiling=ceiling,
                limited=True,
                with_headroom=48,
                change=-12,
                usd_per_month=-150,
                tail=TailTest(index=1.4, low=1.2, high=1.7, tasks=7_000, heavy=True),
            ),
            tier("batch", 0.8, 42.0, 44, factor, bursts=BurstTest(index=4.2, limit=1.2, minutes=1_440, bursty=True)),
            tier(
                "new",
                0,
                0,
                3,
                agents=None,
                with_headroom=None,
                exact=None,
                wanted=None,
                arrival_rate=None,
                service_time=None,
                utilization=None,
                headroom=None,
                concurrency=None,
                load=None,
                wait=None,
                wait_with_headroom=None,
                intervals=None,
                tail=None,
                bursts=None,
                change=None,
                usd_per_month=None,
                reasons=["no task told how long it took"],
            ),
        ]
    )
    known = [one for one in found if one.agents is not None]
    return shown(
        PlanAnswer(
            agents=sum(one.agents or 0 for one in known),
            with_headroom=sum(one.with_headroom or 0 for one in known),
            usd_per_month=212.5 if known else None,
            start=NOW - 24 * HOUR,
            end=NOW,
            source="minutes",
            tiers=found,
            notes=["1 of 4 tiers are not in the sums"] if len(known) < len(found) else [],
        )
    )


def tracker() -> Any:
    def one(name: str, rate: float, mean: float, *, heavy: bool = False) -> TrackAnswer:
        tail = TailAnswer(index=1.4 if heavy else 3.2, low=1.1, high=1.8 if heavy else 4.0, tasks=9_000, heavy=heavy)
        bands = [
            BandAnswer(
                start=NOW - (24 - hour) * HOUR,
                p50=None if hour == 7 else mean * (0.7 + wave(hour) / 4),
                p95=None if hour == 7 else mean * (2 + wave(hour)),
                p99=None if hour == 7 else mean * (3 + 2 * wave(hour)),
            )
            for hour in range(24)
        ]
        return TrackAnswer(
            tags={"tier": name},
            agents=20,
            tasks=9_000,
            errors=90,
            arrivals=9_100,
            arrival_rate=rate,
            service=ServiceAnswer(tasks=9_000, mean=mean, p50=mean * 0.8, p95=mean * 2.5, p99=mean * 4, spread=1.1, tail=tail),
            concurrency=rate * mean,
            workers=1,
            utilization=0.62,
            utilization_source="tasks",
            queue_depth=3.4,
            wait=QueueWaitAnswer(mean=0.8, p95=None, source="queue depth"),
            bands=bands,
        )

    tie = SlowAnswer(
        tier="smart",
        factor="model",
        value="gpt-5-mini",
        tasks=800,
        slow=160,
        threshold=31.0,
        times=4.1,
        text="gpt-5-mini is slow 4.1 times as often as other models of smart",
    )
    return shown(
        TrackerAnswer(
            start=NOW - 24 * HOUR,
            end=NOW,
            groups=[one("fast", 4.1, 3.1), one("smart", 2.8, 11.4, heavy=True)],
            left_out=0,
            slow=[tie],
            notes=[],
        )
    )


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


REPORT = "20261123T070000Z-ab12cd34ef"


def report(state: Any = "done", **changes: Any) -> dict[str, Any]:
    done = state == "done"
    usual = {
        "id": REPORT,
        "state": state,
        "reason": "usage could not be read" if state == "failed" else None,
        "title": "Week of 16 November" if done else None,
        "summary": "214 agents did 1.2 M tasks for $2,310; errors doubled on Thursday." if done else None,
        "start": NOW - WEEK * HOUR,
        "end": NOW,
        "tags": "",
        "schedule": "weekly",
        "by": "schedule",
        "created": NOW - HOUR,
        "made": NOW if done else None,
        "channels": ["team-mail"] if done else [],
    }
    return usual | changes


def reports(*found: dict[str, Any]) -> Any:
    return shown(Reports(reports=[ReportAnswer(**one) for one in found], next=None))


def details(found: dict[str, Any], url: str = "https://files.example/report.html?signature=1") -> Any:
    files = [
        ReportFile(format=name, content_type="text/html", bytes=size, url=url, expires=NOW + 15 * MINUTE)
        for name, size in (("html", 48_200), ("markdown", 9_100), ("json", 30_500))
    ]
    return shown(ReportDetails(**found, files=files if found["state"] == "done" else [], deliveries=[]))


def everything() -> dict[str, Any]:
    """Answers by path, of a fleet that has all of it."""
    return {
        "/api/cost": ledger(),
        "/api/budgets/state": budgets(),
        "/api/cost/burn-down": burn_down(),
        "/api/cost/regressions": regressions(),
        "/api/cost/chargeback": bills(),
        "/api/capacity": plan(),
        "/api/tracker": tracker(),
        "/api/scaling": groups(),
        "/api/scaling/fast/history": history(),
        "/api/scaling-policy": {"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 40}}},
        "POST /api/scaling-simulation": simulation(),
        "/api/reports": reports(
            report(),
            report("running", id="20261124T070000Z-ab12cd34ee", schedule=None, by="tok1"),
            report("failed", id="20261125T070000Z-ab12cd34ee"),
        ),
        f"/api/reports/{REPORT}": details(report()),
        "POST /api/reports": (202, details(report("queued"))),
    }
