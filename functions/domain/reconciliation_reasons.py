"""What can explain a gap between our costs and the provider's: sentences with their figures, from what both sides tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from functions.domain.provider_report import ProviderReport
from functions.domain.reconciliation import Line, OurDay, Reconciliation, tokens_of
from functions.domain.times import DAY_MS, HOURS_PER_DAY, SECOND_MS

SETTLES_MS: Final = DAY_MS
"""How long after its end a day's bill may still change."""
_LEAST_USD: Final = 0.01
_LEAST_SHARE: Final = 0.01
"""Of what was billed: smaller parts are rounding."""
_SHOWN: Final = 5


class Reason(NamedTuple):
    """One thing that can be behind the gap."""

    kind: str
    """`missing-hours`, `unsettled`, `more-tokens`, `fewer-tokens`, `price`, `accounting`, `unpriced`, `kinds`, `not-tokens`, `unassigned`,
    `tiers`, `keys`."""
    text: str
    usd: float | None = None
    """Its part of the gap; None when nobody can say."""


def reasons(found: Reconciliation, ours: Sequence[OurDay], report: ProviderReport, now: int) -> list[Reason]:
    """All reasons; those that say what is not known first."""
    least = max(_LEAST_USD, _LEAST_SHARE * max(found.total.usd or 0.0, found.total.ours.usd or 0.0))
    return [*_unknown(found, ours, now), *_of_parts(found, least), *_costs_of_others(found), *_shares(report)]


def _unknown(found: Reconciliation, ours: Sequence[OurDay], now: int) -> Iterator[Reason]:
    missing = sum(day.missing for day in ours)
    if missing:
        yield Reason("missing-hours", f"{missing} of {len(ours) * HOURS_PER_DAY} hours of ours are not known")
    fresh = [_date(day.day) for day in ours if (day.day + 1) * DAY_MS > now - SETTLES_MS]
    if fresh:
        yield Reason("unsettled", f"the provider's figures of {_listed(fresh)} may still change")
    silent = sorted({line.model or "" for line in found.lines if line.usd is None})
    if silent:
        yield Reason("unsettled", f"the provider counted tokens of {_listed(silent)} and has not told what they cost")
    unpriced = found.total.ours.unpriced
    if unpriced:
        tokens = f"{found.total.ours.unpriced_tokens:,.0f} tokens"
        yield Reason("unpriced", f"{unpriced:,} {_plural(unpriced, 'task')} with {tokens} have no price on our side")
    for model, account in found.unassigned.items():
        whose = f"the model {model[:80]!r}, which no price list knows" if model else "tasks that name no model"
        yield Reason("unassigned", f"{sum(tokens_of(account)):,} tokens are of {whose}: they may be this provider's")


def _of_parts(found: Reconciliation, least: float) -> Iterator[Reason]:
    other = [line for line in found.models if _of_other_kinds(line, least)]
    counted = [line for line in found.models if not _of_other_kinds(line, least)]
    more, fewer = ([line for line in counted if sign * sum(line.more_tokens) > 0] for sign in (1, -1))
    others = "agents that do not report, or others who use the same account"
    yield from _volume("more-tokens", more, least, "the provider counted", "than agents reported", others)
    elsewhere = "another account, or another host of the same models"
    yield from _volume("fewer-tokens", fewer, least, "agents reported", "than the provider counted", elsewhere)
    for line in other:
        kinds = ", ".join(f"{kind} {number:+,}" for kind, number in line.more_tokens._asdict().items() if number)
        text = f"both sides count as many tokens of {line.model}, but not of the same kinds (theirs less ours: {kinds})"
        yield Reason("kinds", f"{text}: clients that count cached tokens as input", line.parts.volume if line.parts else None)
    parts = [line.parts for line in found.models if line.parts]
    price, accounting = sum(part.price for part in parts), sum(part.accounting for part in parts)
    if abs(price) >= least:
        way = "more than ours for the same tokens: larger requests, faster tiers or longer caches"
        cheaper = "less than ours for the same tokens: discounts, batches or a contract"
        yield Reason("price", f"the provider's prices are ${abs(price):,.2f} {way if price > 0 else cheaper}", price)
    if abs(accounting) >= least:
        way = "more than the costs of our tasks: tasks without a price, or clients that price lower"
        dearer = "less than the costs of our tasks: clients that price higher"
        yield Reason("accounting", f"our tokens at our prices are ${abs(accounting):,.2f} {way if accounting > 0 else dearer}", accounting)


def _of_other_kinds(line: Line, least: float) -> bool:
    """Whether both sides count about as many tokens, which cost differently because they are of other kinds."""
    moved = line.parts is not None and abs(line.parts.volume) >= least
    return moved and abs(sum(line.more_tokens)) <= _LEAST_SHARE * sum(line.tokens)


def _volume(kind: str, lines: Sequence[Line], least: float, who: str, than: str, why: str) -> Iterator[Reason]:
    told = [line for line in lines if line.parts is None or abs(line.parts.volume) >= least / max(1, len(lines))]
    if not told:
        return
    tokens = sum(abs(sum(line.more_tokens)) for line in told)
    usd = sum(line.parts.volume for line in told if line.parts) if all(line.parts for line in told) else None
    yield Reason(kind, f"{who} {tokens:,} tokens more {than} ({_listed(line.model or '' for line in told)}): {why}", usd)


def _costs_of_others(found: Reconciliation) -> Iterator[Reason]:
    for item, usd in sorted(found.others.items(), key=lambda other: -abs(other[1])):
        if abs(usd) >= _LEAST_USD:
            yield Reason("not-tokens", f"${usd:,.2f} for {item[:80]} is billed beside tokens", usd)


def _shares(report: ProviderReport) -> Iterator[Reason]:
    tiers, keys = Counter[str](), Counter[str]()
    for row in report.use:
        tiers[row.tier or "standard"] += sum(row.tokens)
        keys[row.key or "no key"] += sum(row.tokens)
    unusual = {tier: tokens for tier, tokens in tiers.items() if tokens and tier not in ("standard", "default")}
    if unusual:
        yield Reason("tiers", f"of the provider's tokens {_portions(Counter(unusual), tiers.total())} have prices of their own")
    if len(keys) > 1 and keys.total():
        yield Reason("keys", f"the provider's tokens went through {len(keys)} keys: {_portions(keys, keys.total())}")


def _portions(found: Counter[str], total: int) -> str:
    return _listed(f"{name} {tokens / total:.1%}" for name, tokens in found.most_common())


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _plural(amount: int, word: str) -> str:
    return word if amount == 1 else f"{word}s"


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / SECOND_MS, UTC).date().isoformat()
