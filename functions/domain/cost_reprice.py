"""Repricing: an hour's usage priced anew with the prices of today's list and document, and what that changes.

Prices stay those that were in force in that hour; what may have changed is the list that tells them, or the workspace's own prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from functions.domain import usage
from functions.domain.cost_pricing import MADE, Prices, priced
from functions.domain.rollup import Rollup, SeriesKey, TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS

_TOKENS = frozenset(usage.WITHOUT_COST.values())


@dataclass(slots=True)
class Tally:
    """What priced tasks come to."""

    sources: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Tasks and USD by price list."""
    unpriced: int = 0
    """Tasks."""
    tokens: float = 0.0
    """Of the unpriced."""

    @property
    def usd(self) -> float | None:
        """All together; None when nothing is priced."""
        return sum(usd for _, usd in self.sources.values()) if self.sources else None

    def take(self, rows: Rollup) -> None:
        """Count what pricing made."""
        for key, aggregate in rows.items():
            if key.name == usage.UNPRICED:
                self.unpriced += aggregate.sketch.count
                self.tokens += aggregate.sketch.sum
            elif key.name == usage.PRICED:
                source = dict(key.tags).get(usage.COST_SOURCE, "")
                amount, usd = self.sources.get(source, (0, 0.0))
                self.sources[source] = (amount + aggregate.sketch.count, usd + aggregate.sketch.sum)


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose costs: tags of the priced rows, and of the agents behind them, that must fit."""

    selector: Selector
    overlay: Mapping[str, Mapping[str, str]]

    def takes(self, tags: TagPairs) -> bool:
        """Whether a row is chosen."""
        own = dict(tags)
        return self.selector.matches({**self.overlay.get(own.get(AGENT, ""), {}), **own})


@dataclass(slots=True)
class Repriced:
    """What repricing did, or would do."""

    before: Tally = field(default_factory=Tally)
    after: Tally = field(default_factory=Tally)

    def rows(self, stored: Rollup, hour: int, choice: Choice, prices: Prices) -> Rollup:
        """The rows of an hour (number) with the chosen costs made anew; counts both."""
        chosen = _chosen_cells(stored, choice)
        tokens = {key: aggregate for key, aggregate in stored.items() if key.name in _TOKENS and key.tags in chosen}
        old = {key: aggregate for key, aggregate in stored.items() if key.name in MADE and _cell(key) in chosen}
        new = {key: aggregate for key, aggregate in priced(tokens, hour * HOUR_MS, prices).items() if key.name in MADE}
        self.before.take(old)
        self.after.take(new)
        return {key: aggregate for key, aggregate in stored.items() if key not in old} | new


def _chosen_cells(stored: Rollup, choice: Choice) -> set[TagPairs]:
    """Cells with tokens whose present cost is chosen; one that has no cost yet is chosen by its own tags."""
    made = {_cell(key): key.tags for key in stored if key.name in MADE}
    cells = {key.tags for key in stored if key.name in _TOKENS}
    return {cell for cell in cells if choice.takes(made.get(cell, cell))}


def _cell(key: SeriesKey) -> TagPairs:
    """Tags of the tokens that a cost was made of."""
    return tuple(pair for pair in key.tags if pair[0] != usage.COST_SOURCE)


def has_tokens(names: Iterable[str]) -> bool:
    """Whether rows of these names can be priced."""
    return not _TOKENS.isdisjoint(names)
