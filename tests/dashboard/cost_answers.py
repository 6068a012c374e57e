"""Answers about cost, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

from typing import Any

from functions.api.budgets import BudgetAnswer, StateAnswer
from functions.api.cost_anomalies import AnomaliesAnswer, AnomalyAnswer
from functions.api.cost_burn_down import BurnDownAnswer, ForecastAnswer
from functions.api.cost_chargeback import BillAnswer, ChargebackAnswer
from functions.api.cost_regressions import CauseAnswer, RegressionAnswer, RegressionsAnswer, SuspectAnswer
from functions.api.costs import AccountAnswer, LedgerAnswer, LineAnswer, SourceAnswer, TokensAnswer, UnpricedAnswer
from tests.dashboard.answer_parts import HOUR, NOW, WEEK, shown, wave


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
            priced=None,
            unpriced_tasks=0,
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


def anomalies() -> Any:
    one = AnomalyAnswer(
        tags={"tier": "smart"},
        start=NOW - 30 * HOUR,
        end=NOW - 27 * HOUR,
        direction="up",  # type: ignore[arg-type]  # as in JSON
        usd_per_hour=21.5,
        usual_per_hour=2.1,
        excess=58.2,
        score=8.4,
        chance=1e-9,
        evidence="tier smart: $21.50 an hour for 3 h, usually $2.1",
    )
    return shown(AnomaliesAnswer(start=NOW - WEEK * HOUR, end=NOW, anomalies=[one], groups=3, notes=[]))


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


def routes() -> dict[str, Any]:
    """By path."""
    return {
        "/api/cost": ledger(),
        "/api/budgets/state": budgets(),
        "/api/cost/burn-down": burn_down(),
        "/api/cost/regressions": regressions(),
        "/api/cost/anomalies": anomalies(),
        "/api/cost/chargeback": bills(),
    }
