"""Our costs beside those of the provider: what it billed by its own account, what we know, and what can explain the difference."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import FleetView, view
from functions.api.keys import settings_of
from functions.api.models import Answer, Moment
from functions.api.times import RangeAsked, range_of
from functions.domain.cost_ledger import NAMES, Account, ledger
from functions.domain.cost_prices import DOCUMENT, parse_prices, prices
from functions.domain.cost_pricing import MODEL, Tokens
from functions.domain.errors import InvalidInput, NotFound, ProviderRefused, ProviderUnavailable
from functions.domain.key_fingerprint import PROVIDER_PATTERN
from functions.domain.key_settings import ProviderSettings
from functions.domain.provider_report import MAX_DAYS, ProviderReport
from functions.domain.reconciliation import Line, OurDay, Reconciliation, reconcile, tokens_of
from functions.domain.reconciliation_reasons import reasons
from functions.domain.times import DAY_MS, HOURS_PER_DAY
from functions.domain.token import Scope
from functions.usage_reading import read_usage

noun = Noun("reconciliation")

_DEFAULT = "7d"


class ReconciliationAsked(RangeAsked):
    """Which provider, which days."""

    provider: str = Field(max_length=32, pattern=rf"^{PROVIDER_PATTERN}$", description="As key-settings name it: `anthropic`.")


class TokensAnswer(Answer):
    """Tokens by kind."""

    input: int = Field(description="Without what came from or went to a cache.")
    output: int
    cache_read: int
    cache_write: int


class OursAnswer(Answer):
    """What we know."""

    usd: float | None = Field(description="Reported and priced; null when no task has a cost.")
    reported_usd: float
    priced_usd: float
    tasks: int = Field(description="Tasks with a cost or with tokens.")
    unpriced: int = Field(description="Tasks whose tokens nobody can price.")
    tokens: TokensAnswer


class TheirsAnswer(Answer):
    """What the provider says."""

    usd: float | None = Field(description="Billed for tokens; null when it has not told.")
    tokens: TokensAnswer


class PartsAnswer(Answer):
    """What the gap is made of, USD; the three add up to it."""

    volume: float = Field(description="Tokens that only one side counted, at our prices.")
    price: float = Field(description="The provider's own price against ours, for its tokens.")
    accounting: float = Field(description="Our tokens at our prices against the costs of our tasks.")


class LineAnswer(Answer):
    """A model's day, or a sum."""

    day: Moment | None = Field(description="Start of the day, UTC; null for sums.")
    model: str | None = Field(description="As the price list calls it; null for all.")
    ours: OursAnswer
    theirs: TheirsAnswer
    gap_usd: float | None = Field(description="Above 0: the provider billed more than we know. Null when it has not told.")
    gap: float | None = Field(description="As a fraction of what was billed.")
    more_tokens: TokensAnswer = Field(description="That the provider counted beyond ours; below 0: fewer.")
    parts: PartsAnswer | None = Field(description="Null for models without a price.")


class OtherAnswer(Answer):
    """What is billed beside tokens."""

    item: str
    usd: float


class ReasonAnswer(Answer):
    """What can explain the gap."""

    kind: str
    text: str
    usd: float | None = Field(description="Its part of the gap; null when nobody can say.")


class ReconciliationAnswer(Answer):
    """Both sides."""

    provider: str
    kind: str = Field(description="Of the provider: `anthropic`, `openai`.")
    scope: str | None = Field(description="Whose use the provider tells of; null without an answer of it.")
    start: Moment
    end: Moment
    total: LineAnswer | None = Field(description="Null without an answer of the provider.")
    models: list[LineAnswer] = Field(description="Sums of the days, the largest gaps first.")
    days: list[LineAnswer] = Field(description="By day and model.")
    others: list[OtherAnswer] = Field(description="In no line.")
    reasons: list[ReasonAnswer]
    fault: str | None = Field(description="Why the provider has not answered; null when it has.")
    retry: bool = Field(description="Whether asking again later may help.")


@noun.endpoint("GET", "/api/cost/reconciliation", scope=Scope.READ, asks=ReconciliationAsked, answers=ReconciliationAnswer, may_miss=True)
def reconciliation(call: Call, asked: ReconciliationAsked) -> ReconciliationAnswer:
    """Costs and tokens by day (UTC) and model beside those of the provider's own usage and cost reports, with the gap taken apart.

    Without a range: the last seven whole days. Days that the range touches count as a whole; at most 31.
    """
    call.caller.need_whole_workspace("what a provider bills")
    settings = _settings(call, asked.provider)
    first, last = _days(asked, call.now)
    try:
        report = call.services.provider_reports(settings).report(first, last)
    except (ProviderUnavailable, ProviderRefused) as error:
        return _without(settings, first, last, str(error), retry=isinstance(error, ProviderUnavailable))
    ours = _ours(call, view(call), first, last)
    own = parse_prices(call.services.fleet.settings(call.caller.workspace, DOCUMENT) or {})
    found = reconcile(settings.kind, ours, report, prices(own))
    return _answer(settings, first, last, found, report, ours, call.now)


def _settings(call: Call, provider: str) -> ProviderSettings:
    settings = settings_of(call, provider)
    if settings is None:
        raise NotFound(f"key-settings name no provider {provider}")
    if settings.kind not in ("anthropic", "openai"):
        raise InvalidInput(f"{provider} is of the kind {settings.kind}, of which no usage and cost reports are known", "provider")
    return settings


def _days(asked: ReconciliationAsked, now: int) -> tuple[int, int]:
    """First day and the one after the last, since 1970."""
    today = now // DAY_MS
    if asked.start is None and asked.range is not None and not asked.range.endswith("d"):
        raise InvalidInput("must be a number of days: 7d", "range")
    start, end = range_of(asked, today * DAY_MS if asked.start is None else now, usual=_DEFAULT)
    first, last = start // DAY_MS, min(-(-end // DAY_MS), today + 1)
    if last <= first:
        raise InvalidInput("lies in the future", "start")
    if last - first > MAX_DAYS:
        raise InvalidInput(f"{last - first} days are more than the {MAX_DAYS} that providers report at once", "range")
    return max(first, 0), last


def _ours(call: Call, fleet: FleetView, first: int, last: int) -> Sequence[OurDay]:
    workspace, models = call.caller.workspace, {agent: {MODEL: state.model} for agent, state in fleet.everyone.items() if state.model}
    found = []
    for day in range(first, last):
        hours = (day * HOURS_PER_DAY, (day + 1) * HOURS_PER_DAY)
        frame = read_usage(call.services.rollups, workspace, fleet.snapshot, *hours, names=NAMES)
        lines = ledger(frame, (MODEL,), overlay=models).lines
        found.append(OurDay(day, {dict(line.tags).get(MODEL): line.account for line in lines}, len(frame.missing)))
    return found


def _answer(
    settings: ProviderSettings,
    first: int,
    last: int,
    found: Reconciliation,
    report: ProviderReport,
    ours: Sequence[OurDay],
    now: int,
) -> ReconciliationAnswer:
    told = reasons(found, ours, report, now)
    return ReconciliationAnswer.model_construct(
        provider=settings.name,
        kind=settings.kind,
        scope=report.scope,
        start=first * DAY_MS,
        end=last * DAY_MS,
        total=_line(found.total),
        models=[_line(line) for line in found.models],
        days=[_line(line) for line in found.lines],
        others=[OtherAnswer(item=item, usd=usd) for item, usd in sorted(found.others.items(), key=lambda one: -one[1])],
        reasons=[ReasonAnswer(kind=reason.kind, text=reason.text, usd=reason.usd) for reason in told],
        fault=None,
        retry=False,
    )


def _without(settings: ProviderSettings, first: int, last: int, fault: str, *, retry: bool) -> ReconciliationAnswer:
    return ReconciliationAnswer.model_construct(
        provider=settings.name,
        kind=settings.kind,
        scope=None,
        start=first * DAY_MS,
        end=last * DAY_MS,
        total=None,
        models=[],
        days=[],
        others=[],
        reasons=[],
        fault=fault,
        retry=retry,
    )


def _line(line: Line) -> LineAnswer:
    return LineAnswer(
        day=None if line.day is None else line.day * DAY_MS,
        model=line.model,
        ours=_account(line.ours),
        theirs=TheirsAnswer(usd=line.usd, tokens=_tokens(line.tokens)),
        gap_usd=line.gap_usd,
        gap=line.gap,
        more_tokens=_tokens(line.more_tokens),
        parts=PartsAnswer(**line.parts._asdict()) if line.parts else None,
    )


def _account(account: Account) -> OursAnswer:
    return OursAnswer(
        usd=account.usd,
        reported_usd=account.reported_usd,
        priced_usd=account.priced_usd,
        tasks=account.reported + account.priced + account.unpriced,
        unpriced=account.unpriced,
        tokens=_tokens(tokens_of(account)),
    )


def _tokens(tokens: Tokens) -> TokensAnswer:
    return TokensAnswer(**tokens._asdict())
