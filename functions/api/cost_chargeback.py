"""What each tenant used in a month, for whoever writes the bill: JSON, CSV, or a FOCUS 1.2 dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from functions.api.cost_reading import reading
from functions.api.costs import AccountAnswer, account
from functions.api.endpoint import Call, Noun, Reply
from functions.api.models import Answer, Asked, Moment, SelectorText
from functions.api.series import BY_PATTERN
from functions.api.usage_view import UsageView
from functions.domain import cost_chargeback, cost_focus, cost_ledger
from functions.domain.cost_focus import Cell
from functions.domain.cost_ledger import Ledger
from functions.domain.errors import InvalidInput
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from functions.domain.token import Scope

noun = Noun("chargeback")

MAX_ROWS = 7_000
"""More do not fit into one answer."""
CSV = "text/csv; charset=utf-8"


class ChargebackAsked(Asked):
    """Whose bill, of which month, in which form."""

    tags: SelectorText = ""
    by: str = Field("tenant", pattern=BY_PATTERN, description="Tags, separated by commas: who gets a bill.")
    month: str | None = Field(None, pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="`2026-11`, UTC; this month unless given.")
    period: Literal["day", "month"] = Field("day", description="Of a FOCUS row.")
    format: Literal["json", "csv", "focus"] = "json"


class BillAnswer(AccountAnswer):
    """One group's bill."""

    tags: dict[str, str]


class ChargebackAnswer(Answer):
    """Bills, the largest first, and their sum."""

    start: Moment
    end: Moment = Field(description="End of the month, or up to when it is counted.")
    bills: list[BillAnswer]
    total: AccountAnswer
    notes: list[str] = Field(description="What is in no bill.")


@noun.endpoint("GET", "/api/cost/chargeback", scope=Scope.READ, asks=ChargebackAsked, answers=ChargebackAnswer, also_as=CSV)
def chargeback(call: Call, asked: ChargebackAsked) -> ChargebackAnswer | Reply:
    """What each tenant (or any tag) used in a month; `format=csv` for spreadsheets, `format=focus` for FinOps tools."""
    month = _month(asked.month, call.now)
    hours = (month[0] // HOUR_MS, max(month[0] // HOUR_MS, min(month[1], call.now) // HOUR_MS))
    by = tuple(key for key in asked.by.split(",") if key)
    if asked.format == "focus":
        found = reading(call, hours, asked.tags, cost_chargeback.NAMES)
        rows = _focus(call, asked, found, by, month)
        return _download(cost_focus.csv(cost_focus.COLUMNS, rows, decimals=cost_focus.DECIMALS), "focus", month)
    found = reading(call, hours, asked.tags, cost_ledger.NAMES)
    made = cost_ledger.ledger(found.frame, by, found.selector, found.overlay)
    if len(made.lines) > MAX_ROWS:
        raise InvalidInput(f"{len(made.lines)} bills are more than {MAX_ROWS}: select fewer, or group by fewer tags", "by")
    if asked.format == "csv":
        rows = [_csv_row(found, line.tags, account(line.account, line.sources)) for line in made.lines]
        return _download(cost_focus.csv((*_PERIOD, *by, *_FIGURES, *_TOKENS), rows), "chargeback", month)
    return _answer(found, made)


def _answer(found: UsageView, made: Ledger) -> ChargebackAnswer:
    return ChargebackAnswer.model_construct(
        start=found.start,
        end=found.end,
        bills=[BillAnswer.model_construct(tags=dict(line.tags), **account(line.account, line.sources)) for line in made.lines],
        total=AccountAnswer.model_construct(**account(made.total, made.sources)),
        notes=[*found.notes, *_unpriced(made)],
    )


def _unpriced(made: Ledger) -> list[str]:
    total = made.total
    return [f"{total.unpriced} tasks with {total.unpriced_tokens:,.0f} tokens have no price, and are in no sum"] if total.unpriced else []


_PERIOD = ("period_start", "period_end")
_FIGURES = ("usd", "reported_usd", "priced_usd", "tasks", "reported_tasks", "priced_tasks", "unpriced_tasks", "unpriced_tokens")
_TOKENS = ("tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write")


def _csv_row(found: UsageView, tags: tuple[tuple[str, str], ...], figures: dict[str, Cell]) -> dict[str, Cell]:
    ends = dict(zip(_PERIOD, (_text(found.start), _text(found.end)), strict=True))
    tokens = figures["tokens"]
    counts = {name: getattr(tokens, name.removeprefix("tokens_")) for name in _TOKENS}
    return {**ends, **dict(tags), **{name: figures[name] for name in _FIGURES}, **counts}


def _focus(call: Call, asked: ChargebackAsked, found: UsageView, by: tuple[str, ...], month: tuple[int, int]) -> list[dict[str, Cell]]:
    width = HOURS_PER_DAY if asked.period == "day" else max(1, len(found.frame.hours))
    made = cost_chargeback.charges(found.frame, by, width, found.selector, found.overlay)
    rows = list(cost_focus.rows(made, workspace=call.caller.workspace, month=month))
    if len(rows) > MAX_ROWS:
        raise InvalidInput(f"{len(rows)} charges are more than {MAX_ROWS}: select fewer, or ask for period=month", "by")
    return rows


def _download(text: str, kind: str, month: tuple[int, int]) -> Reply:
    name = f"clawpulse-{kind}-{_text(month[0])[:7]}.csv"
    return Reply(body=text, headers={"Content-Type": CSV, "Content-Disposition": f'attachment; filename="{name}"'})


def _month(text: str | None, now: int) -> tuple[int, int]:
    """First ms of a month and of the next; raises `InvalidInput` for one that has not begun."""
    this = datetime.fromtimestamp(now / 1000, UTC)
    year, month = (int(part) for part in text.split("-")) if text else (this.year, this.month)
    start, end = (datetime(*at, 1, tzinfo=UTC) for at in ((year, month), (year + month // 12, month % 12 + 1)))
    if start > this:
        raise InvalidInput("has not begun yet", "month")
    return round(start.timestamp()) * 1000, round(end.timestamp()) * 1000


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
