"""Answers about capacity, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

import math
from typing import Any

from functions.api.capacity_answers import BurstTest, CeilingAnswer, IntervalsAnswer, PlanAnswer, TailTest, TierAnswer, WaitAnswer
from functions.api.tracker import BandAnswer, QueueWaitAnswer, ServiceAnswer, SlowAnswer, TailAnswer, TrackAnswer, TrackerAnswer
from tests.dashboard.answer_parts import HOUR, NOW, shown, wave


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


def routes() -> dict[str, Any]:
    """By path."""
    return {"/api/capacity": plan(), "/api/tracker": tracker()}
