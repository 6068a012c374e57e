"""What tasks cost, by any tags and with the source of each figure; and the workspace's own prices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field

from functions.api import documents
from functions.api.cost_reading import CostAsked, hours_of, reading
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind
from functions.api.endpoint import Call, Noun, Reply
from functions.api.models import Answer, Moment
from functions.api.series import BY_PATTERN
from functions.api.usage_view import UsageView
from functions.domain import cost_ledger
from functions.domain.alert_columns import Floats
from functions.domain.cost_ledger import NAMES, Account, How, Ledger, Source
from functions.domain.cost_prices import DOCUMENT, parse_prices
from functions.domain.errors import InvalidInput
from functions.domain.times import HOUR_MS
from functions.domain.token import Scope

noun = Noun("costs")

MAX_LINES = 2_000
MAX_POINTS = 50_000
PRICES = Kind(name=DOCUMENT, title="the prices", check=lambda _, document: parse_prices(document))


class LedgerAsked(CostAsked):
    """Grouped by what, in steps of what width."""

    by: str = Field("", pattern=BY_PATTERN, description="Tags, separated by commas: `tenant,model`. `agent` is the id.")
    step: int | None = Field(
        None, ge=3_600, le=31 * 86_400, multiple_of=3_600, description="Seconds, whole hours: with it each line has points."
    )


class SourceAnswer(Answer):
    """Who says what a part of the cost is."""

    how: How = Field(description="`reported` with the tasks, or `priced` from their tokens.")
    source: str | None = Field(description="`genai-prices 0.2.3`, a version of the workspace's prices; null where the client does not say.")
    tasks: int
    usd: float


class TokensAnswer(Answer):
    """Tokens by kind. Input is without what came from or went to a cache."""

    input: float
    output: float
    cache_read: float
    cache_write: float


class AccountAnswer(Answer):
    """What tasks cost. Reported, priced and unpriced ones are apart."""

    usd: float | None = Field(description="Reported and priced together; null when no task has a known cost, which is not 0.")
    reported_usd: float | None
    priced_usd: float | None
    tasks: int = Field(description="Tasks that finished, whether their cost is known or not.")
    reported_tasks: int
    priced_tasks: int
    unpriced_tasks: int = Field(description="With tokens that nobody can price: they are in no sum.")
    unpriced_tokens: float
    tokens: TokensAnswer
    sources: list[SourceAnswer]


class LineAnswer(AccountAnswer):
    """One group."""

    tags: dict[str, str]
    points: list[tuple[int, float | None]] | None = Field(
        description="Start of each step in ms since 1970 and its USD; null where no cost is known. Null without `step`."
    )


class UnpricedAnswer(Answer):
    """A model without a price; PUT /api/prices gives it one."""

    model: str | None
    tasks: int
    tokens: float


class LedgerAnswer(Answer):
    """Lines, the most expensive first, and their sum."""

    start: Moment
    end: Moment = Field(description="What is later is not counted yet.")
    lines: list[LineAnswer]
    total: AccountAnswer
    unpriced_models: list[UnpricedAnswer]
    notes: list[str] = Field(description="What the figures leave out.")


class PricesDocument(Document):
    """The workspace's own prices: `{"version": "contract 2026-11", "models": [{"match": "claude-*", "input": 2.4, "output": 12}]}`.

    USD per million tokens; also `cacheRead`, `cacheWrite`, and the days `from` and `until` when a price holds. Empty: the list's prices.
    """


@noun.endpoint("GET", "/api/cost", scope=Scope.READ, asks=LedgerAsked, answers=LedgerAnswer)
def ledger(call: Call, asked: LedgerAsked) -> LedgerAnswer:
    """What tasks cost, by tags, with the source of each figure. Whole hours; the one under way is not counted."""
    found = reading(call, hours_of(asked, call.now), asked.tags, NAMES)
    by = tuple(key for key in asked.by.split(",") if key)
    made = cost_ledger.ledger(found.frame, by, found.selector, found.overlay)
    if len(made.lines) > MAX_LINES:
        raise InvalidInput(f"{len(made.lines)} groups are more than {MAX_LINES}: select fewer, or group by fewer tags", "by")
    points = _points(found, by, asked.step // 3_600, made) if asked.step else {}
    unpriced = cost_ledger.unpriced_models(found.frame, found.selector, found.overlay)
    return LedgerAnswer.model_construct(
        start=found.start,
        end=found.end,
        lines=[
            LineAnswer.model_construct(tags=dict(line.tags), points=points.get(line.tags), **account(line.account, line.sources))
            for line in made.lines
        ],
        total=AccountAnswer.model_construct(**account(made.total, made.sources)),
        unpriced_models=[UnpricedAnswer(model=one.model, tasks=one.tasks, tokens=one.tokens) for one in unpriced],
        notes=found.notes,
    )


@noun.endpoint("GET", "/api/prices", scope=Scope.READ, answers=PricesDocument)
def prices(call: Call) -> Reply:
    """The workspace's own prices, as they are stored."""
    return documents.read(call, PRICES)


@noun.endpoint("PUT", "/api/prices", scope=Scope.OPERATE, heeds=IfMatch, takes=PricesDocument, answers=PricesDocument)
def replace_prices(call: Call, heeded: IfMatch, body: PricesDocument) -> Reply:
    """Replace the workspace's own prices. They hold for hours built from now on; POST /api/cost/reprice applies them to the past."""
    return documents.replace(call, PRICES, heeded, body)


def account(figures: Account, sources: Iterable[Source]) -> dict[str, Any]:
    """The fields of an `AccountAnswer`."""
    return {
        "usd": figures.usd,
        "reported_usd": figures.reported_usd if figures.reported else None,
        "priced_usd": figures.priced_usd if figures.priced else None,
        "tasks": figures.finished,
        "reported_tasks": figures.reported,
        "priced_tasks": figures.priced,
        "unpriced_tasks": figures.unpriced,
        "unpriced_tokens": figures.unpriced_tokens,
        "tokens": TokensAnswer.model_construct(
            input=figures.tokens_in,
            output=figures.tokens_out,
            cache_read=figures.tokens_cache_read,
            cache_write=figures.tokens_cache_write,
        ),
        "sources": [SourceAnswer.model_construct(**one._asdict()) for one in sources],
    }


def _points(found: UsageView, by: tuple[str, ...], step: int, made: Ledger) -> dict[object, list[tuple[int, float | None]]]:
    """By group: USD of each step."""
    frame = found.frame
    starts = list(range(frame.first_hour // step * step, frame.last_hour, step))
    if len(starts) * len(made.lines) > MAX_POINTS:
        raise InvalidInput(f"{len(made.lines)} lines of {len(starts)} points are too many: at most {MAX_POINTS} in all", "step")
    groups = frame.group(by, found.selector, found.overlay)
    hourly = cost_ledger.hourly_usd(frame, groups)
    cuts = [max(start, frame.first_hour) - frame.first_hour for start in starts]
    steps = _summed(hourly, cuts) if cuts else hourly
    times = [start * HOUR_MS for start in starts]
    return {
        key: [(time, None if np.isnan(usd) else float(usd)) for time, usd in zip(times, row, strict=True)]
        for key, row in zip(groups.keys, steps, strict=True)
    }


def _summed(hourly: Floats, cuts: list[int]) -> Floats:
    """Sums of the columns between cuts; nan where all of them are."""
    known = ~np.isnan(hourly)
    sums: Floats = np.add.reduceat(np.where(known, hourly, 0.0), cuts, axis=1)
    return np.where(np.logical_or.reduceat(known, cuts, axis=1), sums, np.nan)
