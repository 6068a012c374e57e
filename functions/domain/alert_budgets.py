"""Budgets: how many tokens or dollars a group may use in an hour, a day or a month; the settings document `budgets`.

    {"tier=smart": {"tokens_per_day": 1000000, "usd_per_day": 50}, "team=search": {"usd_per_month": 900}, "": {"usd_per_day": 400}}

Keys are plain tags (dimensions), empty for the whole workspace; periods begin at whole hours, days and months of UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_rules import BUDGETS
from functions.domain.errors import InvalidInput
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.selector import parse_tags

DOCUMENT = "budgets"
"""Its name in `FleetStore.settings`."""
MAX_BUDGETS = 200


class BudgetLimit(NamedTuple):
    """What a group may use."""

    tags: TagPairs
    amount: float


def parse_budgets(document: object, dimensions: Collection[str]) -> Mapping[str, Mapping[str, float]]:
    """A checked document; raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping) or len(document) > MAX_BUDGETS:
        faults.add("", f"must be a mapping of at most {MAX_BUDGETS} groups to their budgets")
        faults.raise_any()
        return {}
    checked = {key: _budgets(key, value, dimensions, faults) for key, value in document.items()}
    faults.raise_any()
    return checked


def limits(document: Mapping[str, Mapping[str, float]], name: str) -> list[BudgetLimit]:
    """The groups that have a budget of this name, in the order of their tags."""
    return sorted(BudgetLimit(sorted_pairs(parse_tags(key)), entry[name]) for key, entry in document.items() if name in entry)


def _budgets(key: Any, value: object, dimensions: Collection[str], faults: Faults) -> dict[str, float]:
    path = f"[{key!r}]"
    try:
        tags = parse_tags(key)
    except (InvalidInput, TypeError) as error:
        faults.add(path, f"must be plain tags such as tier=smart: {getattr(error, 'reason', kind(key))}")
        return {}
    for tag in tags:
        if tag not in dimensions:
            faults.add(
                path, f"{tag} is no dimension, so what its values use is not added up; dimensions are {', '.join(sorted(dimensions))}"
            )
    if not isinstance(value, Mapping):
        faults.add(path, f"must be a mapping such as tokens_per_day: 1000000, not {kind(value)}")
        return {}
    node = Node(value, path, faults)
    node.keys(BUDGETS)
    amounts = {name: node.number(name) for name in BUDGETS}
    for name, amount in amounts.items():
        if amount is not None and amount <= 0:
            node.fault(name, "must be above 0")
    return {name: amount for name, amount in amounts.items() if amount is not None}
