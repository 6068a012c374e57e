"""Answers about providers' bills beside our costs, made from the API's own models."""

from __future__ import annotations

from typing import Any

from functions.api.cost_reconciliation import (
    LineAnswer,
    OtherAnswer,
    OursAnswer,
    PartsAnswer,
    ReasonAnswer,
    ReconciliationAnswer,
    TheirsAnswer,
    TokensAnswer,
)
from tests.dashboard.answer_parts import HOUR, NOW, shown

DAY = 24 * HOUR
START = NOW // DAY * DAY - 7 * DAY
SETTINGS = {
    "anthropic": {"kind": "anthropic", "admin": {"vault": "a"}},
    "openai": {"kind": "openai"},
    "mine": {"kind": "http", "admin": {}},
}
"""Of one provider the bill can be asked for."""


def line(
    ours: float | None, billed: float | None, day: int | None = None, model: str | None = "claude-sonnet-4-5", parts: bool = True
) -> LineAnswer:
    tokens = TokensAnswer(input=96_000, output=21_000, cache_read=400_000, cache_write=0)
    gap = None if ours is None or billed is None else billed - ours
    return LineAnswer(
        day=None if day is None else START + day * DAY,
        model=model,
        ours=OursAnswer(usd=ours, reported_usd=ours or 0, priced_usd=0, tasks=1_200, unpriced=41, tokens=tokens),
        theirs=TheirsAnswer(usd=billed, tokens=tokens),
        gap_usd=gap,
        gap=None if gap is None or not billed else gap / billed,
        more_tokens=TokensAnswer(input=0, output=0, cache_read=0, cache_write=0),
        parts=PartsAnswer(volume=61.3, price=-30.11, accounting=11.73) if parts and gap is not None else None,
    )


def bill(**changes: Any) -> Any:
    """A week of two models; of one day the provider has not told the costs yet."""
    days = [line(55.0 + day, None if day == 6 else 62.0 + day, day) for day in range(7)]
    fields: dict[str, Any] = {
        "provider": "anthropic",
        "kind": "anthropic",
        "scope": "the whole organisation",
        "start": START,
        "end": START + 7 * DAY,
        "total": line(412.1, 455.02, model=None),
        "models": [line(412.1, 455.02), line(3.0, None, model="claude-haiku-4-5")],
        "days": days,
        "others": [OtherAnswer(item="web_search", usd=3.2)],
        "reasons": [
            ReasonAnswer(kind="unsettled", text="the provider's figures of 2026-11-22 may still change", usd=None),
            ReasonAnswer(kind="more-tokens", text="the provider counted 14,291,713 tokens more than agents reported", usd=61.3),
            ReasonAnswer(kind="price", text="the provider's prices are $30.11 less than ours for the same tokens", usd=-30.11),
        ],
        "fault": None,
        "retry": False,
    }
    return shown(ReconciliationAnswer(**fields | changes))


def not_fetched(fault: str, *, retry: bool) -> Any:
    return bill(scope=None, total=None, models=[], days=[], others=[], reasons=[], fault=fault, retry=retry)
