"""Our costs beside the provider's: by day and model, with the gap taken apart.

    gap = what the provider billed - what we know        USD, above 0: they billed more
        = volume     tokens that only one side counted, at our prices
        + price      the provider's own price against ours: discounts, batches, contracts, larger requests
        + accounting our tokens at our prices against the costs that tasks came with: tasks without a price, clients that price otherwise

Models are matched by the names of the price list, so that `claude-sonnet-4-5` and `claude-sonnet-4-5-20250929` are one. The three parts
are None for a model without a price; they add up to the gap otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain.cost_ledger import Account
from functions.domain.cost_pricing import Prices, Tokens
from functions.domain.provider_report import TOKENS, ProviderReport
from functions.domain.times import DAY_MS, SECOND_MS

USUAL_REQUEST: Final = 1_000
"""Tokens of a request of which nobody knows the size: below all steps at which large requests cost more."""


class Parts(NamedTuple):
    """What a gap is made of, USD."""

    volume: float
    price: float
    accounting: float


@dataclass(frozen=True, slots=True)
class OurDay:
    """What agents used in a day."""

    day: int
    """Days since 1970."""
    models: Mapping[str | None, Account]
    """By the model as agents call it; None for tasks that name none."""
    missing: int = 0
    """Hours of it that are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A model's day, or the sum of some."""

    day: int | None
    """None for sums."""
    model: str | None
    """As the price list calls it; None for all."""
    ours: Account
    usd: float | None
    """What the provider billed for its tokens; None when it did not tell."""
    tokens: Tokens
    """That the provider counted."""
    parts: Parts | None = None
    """None without a price, or without `usd`."""

    @property
    def gap_usd(self) -> float | None:
        """Above 0 when the provider billed more than we know; None when it did not tell."""
        return None if self.usd is None else self.usd - (self.ours.usd or 0.0)

    @property
    def gap(self) -> float | None:
        """The gap as a fraction of what was billed; None of nothing."""
        return self.gap_usd / self.usd if self.usd and self.gap_usd is not None else None

    @property
    def more_tokens(self) -> Tokens:
        """By kind: what the provider counted beyond ours."""
        return Tokens(*(theirs - mine for theirs, mine in zip(self.tokens, tokens_of(self.ours), strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both sides of some days."""

    lines: Sequence[Line]
    """By day and model."""
    models: Sequence[Line]
    """Sums of the days, the largest gaps first."""
    total: Line
    others: Mapping[str, float] = field(default_factory=dict)
    """What the provider billed beside tokens, USD by item; in no line."""
    unassigned: Mapping[str | None, Account] = field(default_factory=dict)
    """Our use of models that nobody knows the provider of, by the agents' own names; in no line."""


class Named(NamedTuple):
    """Whose a model is, and its one name."""

    provider: str | None
    name: str


def reconcile(provider: str, ours: Sequence[OurDay], report: ProviderReport, prices: Prices) -> Reconciliation:
    """Both sides of the days of `ours`; `provider` is the price list's name of it: `anthropic`."""
    days = [day.day for day in ours]
    at = days[0] * DAY_MS if days else 0
    use, costs, others = _theirs(report, at)
    known = {model for _, model in (*use, *costs)}
    mine, unassigned = _ours(ours, provider, known, at)
    told = {row.day for row in report.costs}
    lines = []
    for key in sorted({*use, *costs, *mine}):
        day, model = key
        # Of a day with some costs the provider has told all of them; one without any may be late.
        usd = costs.get(key, 0.0 if day in told or key not in use else None)
        line = Line(day=day, model=model, ours=mine.get(key, Account()), usd=usd, tokens=use.get(key, Tokens()))
        lines.append(_taken_apart(line, model, prices, day * DAY_MS))
    models = [_sum(model, [line for line in lines if line.model == model]) for model in dict.fromkeys(line.model for line in lines)]
    models.sort(key=lambda line: (-abs(line.gap_usd or 0.0), line.model or ""))
    return Reconciliation(lines=lines, models=models, total=_sum(None, lines), others=others, unassigned=unassigned)


def named(model: str, at: int) -> Named:
    """Whose a model is and what it is called, by the list in force at a moment (ms)."""
    found = price(model, Usage(input=0, output=0), at=at / SECOND_MS)
    if found is not None:
        return Named(found.provider, found.model)
    host, slash, rest = model.lower().partition("/")
    return Named(host, rest) if slash else Named(None, host)


def tokens_of(account: Account) -> Tokens:
    """All tokens of an account."""
    counted = (account.tokens_in, account.tokens_out, account.tokens_cache_read, account.tokens_cache_write)
    return Tokens(*(round(number) for number in counted))


type _Key = tuple[int, str]


def _theirs(report: ProviderReport, at: int) -> tuple[dict[_Key, Tokens], dict[_Key, float], dict[str, float]]:
    """Tokens and USD by day and model, and USD by whatever else is billed."""
    use: dict[_Key, Tokens] = {}
    for row in report.use:
        key = (row.day, named(row.model, at).name if row.model else "(no model)")
        use[key] = _plus(use.get(key, Tokens()), row.tokens)
    costs: dict[_Key, float] = {}
    others: dict[str, float] = {}
    for cost in report.costs:
        if cost.item == TOKENS and cost.model:
            key = (cost.day, named(cost.model, at).name)
            costs[key] = costs.get(key, 0.0) + float(cost.usd)
        else:
            item = "tokens of models that it does not name" if cost.item == TOKENS else cost.item
            others[item] = others.get(item, 0.0) + float(cost.usd)
    return use, costs, others


def _ours(ours: Iterable[OurDay], provider: str, known: set[str], at: int) -> tuple[dict[_Key, Account], dict[str | None, Account]]:
    """Our use of this provider by day and model, and what may be anybody's."""
    mine: dict[_Key, Account] = {}
    unassigned: dict[str | None, Account] = {}
    for day in ours:
        for model, account in day.models.items():
            found = named(model, at) if model else Named(None, "")
            if found.provider == provider or (found.provider is None and found.name in known):
                key = (day.day, found.name)
                mine[key] = mine.get(key, Account()) + account
            elif found.provider is None and any(tokens_of(account)):
                unassigned[model] = unassigned.get(model, Account()) + account
    return mine, unassigned


def _taken_apart(line: Line, model: str, prices: Prices, at: int) -> Line:
    mine = tokens_of(line.ours)
    tasks = line.ours.reported + line.ours.priced + line.ours.unpriced
    size = sum(mine) / tasks if tasks and sum(mine) else USUAL_REQUEST
    theirs_listed, ours_listed = (
        prices(model, tokens, max(1, round(sum(tokens) / size)), at) if any(tokens) else None for tokens in (line.tokens, mine)
    )
    priceless = (any(line.tokens) and theirs_listed is None) or (any(mine) and ours_listed is None)
    if line.usd is None or priceless:
        return line
    theirs_usd, ours_usd = (found.usd if found else 0.0 for found in (theirs_listed, ours_listed))
    parts = Parts(theirs_usd - ours_usd, line.usd - theirs_usd, ours_usd - (line.ours.usd or 0.0))
    return replace(line, parts=parts)


def _sum(model: str | None, lines: Sequence[Line]) -> Line:
    """Of lines; what some do not tell, the sum does not tell."""
    billed = [line.usd for line in lines]
    parts = [line.parts for line in lines if line.parts is not None]
    tokens = Tokens()
    for line in lines:
        tokens = _plus(tokens, line.tokens)
    return Line(
        day=None,
        model=model,
        ours=sum((line.ours for line in lines), Account()),
        usd=None if None in billed else sum(usd for usd in billed if usd is not None),
        tokens=tokens,
        parts=Parts(*(sum(part) for part in zip(*parts, strict=True))) if parts and len(parts) == len(lines) else None,
    )


def _plus(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(*(left + right for left, right in zip(one, other, strict=True)))
