"""The cost ledger: what tasks cost, by any tags, and where each figure comes from.

    usage of many hours, tags to group by ─▶ an account a group: reported, priced and unpriced apart ─▶ their sum

A cost is reported with the task, or priced from its tokens, or unknown: the three are never mixed, and what is unknown is never 0.
The total is the sum of the accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, NamedTuple

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.cost_pricing import MODEL
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.usage_frame import Groups, UsageFrame

type How = Literal["reported", "priced"]

NAMES: Final = frozenset((*tasks.NAMES, *usage.TOKENS, usage.PRICED, usage.UNPRICED))
"""What the ledger is made of."""
_COSTS: Final[Mapping[How, str]] = {"reported": tasks.COST, "priced": usage.PRICED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a group's tasks cost. Amounts add up."""

    finished: int = 0
    """Tasks that came to an end, whether anything is known of their cost or not."""
    reported: int = 0
    """Costs that came with tasks."""
    priced: int = 0
    unpriced: int = 0
    """Tasks with tokens that nobody can price."""
    reported_usd: float = 0.0
    priced_usd: float = 0.0
    unpriced_tokens: float = 0.0
    tokens_in: float = 0.0
    """Without what came from or went to a cache."""
    tokens_out: float = 0.0
    tokens_cache_read: float = 0.0
    tokens_cache_write: float = 0.0

    @property
    def usd(self) -> float | None:
        """All that is known; None when nothing is."""
        return self.reported_usd + self.priced_usd if self.reported or self.priced else None

    def __add__(self, other: Account) -> Account:
        return Account(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


class Source(NamedTuple):
    """Who says what a part of the cost is."""

    how: How
    source: str | None
    """The tag `cost_source`: `genai-prices 0.2.3`, `reported`; None where the client does not say."""
    tasks: int
    usd: float


class Unpriced(NamedTuple):
    """A model without a price."""

    model: str | None
    tasks: int
    tokens: float


@dataclass(frozen=True, slots=True)
class Line:
    """A group of the ledger."""

    tags: TagPairs
    account: Account
    sources: Sequence[Source]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Lines, the most expensive first."""

    lines: Sequence[Line]
    total: Account
    sources: Sequence[Source]
    """Of all lines together."""


def ledger(
    frame: UsageFrame, by: Sequence[str], selector: Selector | None = None, overlay: Mapping[str, Mapping[str, str]] | None = None
) -> Ledger:
    """The ledger of a frame that has `NAMES`."""
    groups = frame.group(by, selector, overlay)
    told = _sources(frame, by, selector, overlay)
    lines = [Line(key, account, told.get(key, ())) for key, account in zip(groups.keys, _accounts(frame, groups), strict=True)]
    lines = [line for line in lines if line.account != Account()]
    lines.sort(key=lambda line: (-(line.account.usd or 0.0), -line.account.unpriced_tokens, line.tags))
    return Ledger(lines, sum((line.account for line in lines), Account()), _together(line.sources for line in lines))


def hourly_usd(frame: UsageFrame, groups: Groups) -> Floats:
    """Known cost by group and hour, USD: nan where no task of the hour has a known cost, or the hour is missing."""
    figures = [frame.hourly(name, groups) for name in _COSTS.values()]
    counts, total = sum(found.count for found in figures), sum(found.sum for found in figures)
    known = np.where(np.asarray(counts) > 0, total, np.nan)
    known[:, sorted(hour - frame.first_hour for hour in frame.missing)] = np.nan
    return known


def unpriced_models(
    frame: UsageFrame, selector: Selector | None = None, overlay: Mapping[str, Mapping[str, str]] | None = None
) -> list[Unpriced]:
    """Models without a price, those with the most tokens first."""
    groups = frame.group((MODEL,), selector, overlay)
    found = frame.figures(usage.UNPRICED, groups)
    listed = [
        Unpriced(dict(key).get(MODEL), round(count), total)
        for key, count, total in zip(groups.keys, found.count.tolist(), found.sum.tolist(), strict=True)
        if count
    ]
    return sorted(listed, key=lambda one: (-one.tokens, one.model or ""))


def _accounts(frame: UsageFrame, groups: Groups) -> Iterable[Account]:
    found = {name: frame.figures(name, groups) for name in NAMES}
    for slot in range(groups.amount):
        counts = tasks.count_tasks((name, round(found[name].count[slot]), float(found[name].sum[slot])) for name in tasks.NAMES)
        yield Account(
            finished=counts.finished,
            reported=counts.priced,
            priced=round(found[usage.PRICED].count[slot]),
            unpriced=round(found[usage.UNPRICED].count[slot]),
            reported_usd=counts.cost_sum,
            priced_usd=float(found[usage.PRICED].sum[slot]),
            unpriced_tokens=float(found[usage.UNPRICED].sum[slot]),
            tokens_in=counts.tokens_in,
            tokens_out=counts.tokens_out,
            tokens_cache_read=float(found[usage.TOKENS_CACHE_READ].sum[slot]),
            tokens_cache_write=float(found[usage.TOKENS_CACHE_WRITE].sum[slot]),
        )


def _sources(
    frame: UsageFrame, by: Collection[str], selector: Selector | None, overlay: Mapping[str, Mapping[str, str]] | None
) -> dict[TagPairs, list[Source]]:
    """By group: each source with its part."""
    groups = frame.group(tuple(dict.fromkeys((*by, usage.COST_SOURCE))), selector, overlay)
    told: dict[TagPairs, list[Source]] = {}
    for how, name in _COSTS.items():
        found = frame.figures(name, groups)
        for key, count, usd in zip(groups.keys, found.count.tolist(), found.sum.tolist(), strict=True):
            if count:
                group = tuple(pair for pair in key if pair[0] in by)
                told.setdefault(group, []).append(Source(how, dict(key).get(usage.COST_SOURCE), round(count), usd))
    return {group: sorted(sources, key=_dearest) for group, sources in told.items()}


def _together(parts: Iterable[Iterable[Source]]) -> list[Source]:
    sums: dict[tuple[How, str | None], tuple[int, float]] = {}
    for part in parts:
        for how, source, count, usd in part:
            known = sums.get((how, source), (0, 0.0))
            sums[how, source] = (known[0] + count, known[1] + usd)
    return sorted((Source(how, source, *found) for (how, source), found in sums.items()), key=_dearest)


def _dearest(source: Source) -> tuple[float, str, str]:
    return (-source.usd, source.how, source.source or "")
