"""Costs that nobody reported, in the rollups of the group: so that budgets count them as they count what was reported.

    agents of a minute ── a price a cell ──▶ the group's minute     as it is sealed, so the hour under way counts too
    usage of an hour ── without agents ──▶ the group's hour         the ledger's own figures, once the hour is built or priced anew

Both are rows of `usage.PRICED` and `usage.UNPRICED` by cell, with the model. Tasks with a reported cost have no tokens to price, so the two
add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from functions.domain import usage
from functions.domain.cost_pricing import MADE, Prices, priced_cells
from functions.domain.rollup import Rollup, SeriesKey, TagPairs, merge_into
from functions.domain.rollup_codec import decode
from functions.domain.series import AGENT

_CONCERNED: Final = frozenset((*MADE, *usage.WITHOUT_COST.values()))


def has_costs(names: Iterable[str]) -> bool:
    """Whether a group with rows of these names has anything to price; few fleets have."""
    return not _CONCERNED.isdisjoint(names)


def priced_minute(group: Rollup, agents: Mapping[str, Rollup], models: Mapping[str, str | None], hour_start: int, prices: Prices) -> Rollup:
    """The group's minute with its costs, at the prices of its hour (ms); `models` by agent. What is given stays as it is."""
    return _with_costs(group, priced_cells(agents, models, hour_start, prices))


def settled_hour(group: Rollup, pieces: Iterable[bytes]) -> Rollup:
    """The group's hour with the costs of its usage (encoded pieces). Raises ValueError for bytes that are no usage."""
    costs: Rollup = {}
    for piece in pieces:
        made = decode(piece, MADE)
        merge_into(costs, ({SeriesKey(key.name, _without_agent(key.tags)): aggregate} for key, aggregate in made.items()))
    return _with_costs(group, costs)


def _with_costs(group: Rollup, costs: Rollup) -> Rollup:
    """Rows of these names are ours: what a client sends under them is not taken."""
    return {key: aggregate for key, aggregate in group.items() if key.name not in MADE} | costs


def _without_agent(tags: TagPairs) -> TagPairs:
    return tuple(pair for pair in tags if pair[0] != AGENT)
