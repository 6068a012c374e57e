"""What tiers' tasks do to the limits of providers, from usage; and how far that lets each tier go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.capacity_peak import QUANTILE
from functions.domain.provider_limits import Ceiling, Limit, ProviderOf, Quantity, Use, ceiling
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.tracker import Overlay, finished
from functions.domain.usage_frame import Groups, UsageFrame

MODEL: Final = "model"
_MINUTES: Final = 60
_INPUT: Final = (tasks.TOKENS_IN, usage.TOKENS_CACHE_WRITE)


@dataclass(frozen=True, slots=True)
class Sharers:
    """Usage that limits are held against."""

    frame: UsageFrame
    by: Collection[str]
    """The tags that tell tiers apart."""
    wanted: Selector
    """What is planned; the rest uses limits too."""
    overlay: Overlay
    provider_of: ProviderOf

    def ceilings(self, limits: Sequence[Limit], rates: Mapping[TagPairs, float]) -> dict[TagPairs, list[Ceiling]]:
        """How far each tier can go, when all tiers have the rates (tasks a second) that they are planned for."""
        found: dict[TagPairs, list[Ceiling]] = {tier: [] for tier in rates}
        done = self._tasks()
        for limit in limits:
            for quantity in limit.amounts:
                uses, rest = self._uses(limit, quantity, rates, done)
                together = sum(use.rate * use.per_task * _MINUTES for use in uses.values())
                for tier, use in uses.items():
                    held = ceiling(limit, quantity, use, rest + together - use.rate * use.per_task * _MINUTES)
                    found[tier] += [held] if held else []
        return found

    def _tasks(self) -> dict[TagPairs, float]:
        """Tasks by tier."""
        groups = self.frame.group(self.by, self.wanted, self.overlay)
        return dict(zip(groups.keys, finished(self.frame, groups).sum(axis=1).tolist(), strict=True))

    def _uses(
        self, limit: Limit, quantity: Quantity, rates: Mapping[TagPairs, float], done: Mapping[TagPairs, float]
    ) -> tuple[dict[TagPairs, Use], float]:
        """What each tier uses of a limit, and what all others do a minute, at their 95th percentile."""
        groups = self.frame.group(tuple(dict.fromkeys((*self.by, MODEL))), self.wanted & limit.selector, self.overlay)
        mine = self._hourly(limit, quantity, groups)
        everybody = self._hourly(limit, quantity, self.frame.group((MODEL,), limit.selector, self.overlay)).sum(axis=0)
        amounts: dict[TagPairs, float] = {}
        for key, amount in zip(groups.keys, mine.sum(axis=1).tolist(), strict=True):
            tier = tuple(pair for pair in key if pair[0] in self.by)
            amounts[tier] = amounts.get(tier, 0.0) + amount
        uses = {tier: Use(rates[tier], amount / done[tier]) for tier, amount in amounts.items() if tier in rates and done.get(tier)}
        others = np.maximum(0.0, everybody - mine.sum(axis=0))[self._known()]
        return uses, float(np.quantile(others, QUANTILE)) / _MINUTES if len(others) else 0.0

    def _hourly(self, limit: Limit, quantity: Quantity, groups: Groups) -> Floats:
        """What is used of a limit, by group and hour; 0 for groups whose model it does not take. Their tags it does."""
        amounts = _amounts(self.frame, groups, limit, quantity)
        takes = [limit.takes_model(dict(key).get(MODEL), self.provider_of) for key in groups.keys]
        return np.where(np.array(takes, dtype=bool).reshape(-1, 1), amounts, 0.0)

    def _known(self) -> list[int]:
        return [hour - self.frame.first_hour for hour in self.frame.hours if hour not in self.frame.missing]


def _amounts(frame: UsageFrame, groups: Groups, limit: Limit, quantity: Quantity) -> Floats:
    if quantity == "requests":
        return finished(frame, groups) * limit.requests_per_task
    if quantity == "output_tokens":
        return frame.hourly(tasks.TOKENS_OUT, groups).sum
    names = (*_INPUT, usage.TOKENS_CACHE_READ) if limit.cache_reads else _INPUT
    return np.asarray(sum(frame.hourly(name, groups).sum for name in names))
