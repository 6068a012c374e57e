"""What groups have used of their budgets, counted from rollups by the same arithmetic as alert rules use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import numpy as np

from functions.domain import usage
from functions.domain.alert_budgets import LIMITS, group_text, limits
from functions.domain.alert_columns import Damaged
from functions.domain.alert_data import Evidence
from functions.domain.alert_measures import Period, Scene, Unreadable, mean, period, scene_of, spent
from functions.domain.alert_memo import Memo
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Budget
from functions.domain.cost_pricing import MODEL

RULES: Final = parse_rules({"rules": [{"name": name.replace("_", "-"), "when": {"budget": name}} for name in LIMITS]})
"""One for each kind of budget: for these evidence is read."""
MOST_MODELS = 4
DOCUMENT = "budget-use"
"""Name of the stored `Counted` in `FleetStore.settings`."""


class Use(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was used of one budget in the period that was under way."""

    used: float | None = None
    """Tokens, USD or percent; None when nobody reported any."""
    missing: int = 0
    """Rollups that could not be read: the truth may be more."""
    agent: str = ""
    """Of a resource: the agent that uses most of it."""
    priced: float = 0.0
    """Of dollars: what part of `used` no task reported, but was priced from tokens."""
    unpriced: int = 0
    """Of dollars: tasks that nobody can price, in no sum."""
    models: tuple[str, ...] = ()
    """Theirs, most tasks first, at most `MOST_MODELS`; empty for a model that is not told."""


class Counted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all groups have used."""

    at: int
    """Up to when it is counted, ms: the end of the last whole minute."""
    use: dict[str, dict[str, Use]] = {}
    """By group (`alert_budgets.group_text`) and budget."""
    notes: dict[str, str] = {}
    """By `budget_acts.key_of`: why a budget that wanted to act did not."""


def count(evidence: Evidence, memo: Memo) -> Counted:
    """Count everything that has a budget in `evidence.budgets`."""
    roster = memo.begin(evidence.snapshot)
    use: dict[str, dict[str, Use]] = {}
    for rule in RULES:
        if not isinstance(rule.when.measure, Budget) or not limits(evidence.budgets, rule.when.measure.name):
            continue
        scene = scene_of(rule, evidence, roster, memo)
        for group, found in _resource(scene, rule.when.measure) if rule.when.measure.metric else _spent(scene, rule.when.measure):
            use.setdefault(group, {})[rule.when.measure.name] = found
    return Counted(at=evidence.end, use=use)


def decode(document: Mapping[str, object] | None) -> Counted | None:
    """What was stored last; None when there is nothing, or nothing that this release can read: the next run stores it anew."""
    try:
        return msgspec.convert(document, Counted) if document else None
    except msgspec.ValidationError:
        return None


def _spent(scene: Scene, measure: Budget) -> Iterator[tuple[str, Use]]:
    groups = [group_text(group) for group in scene.axis.series]
    try:
        counted = period(scene, measure)
        found = spent(scene, counted)
        priced, unpriced = _costs(counted) if measure.what == "usd" else ({}, {})
    except (Unreadable, Damaged):
        yield from ((group, Use(missing=1)) for group in groups)
        return
    for slot, group in enumerate(groups):
        models = unpriced.get(slot, Counter())
        yield (
            group,
            Use(
                float(found.total[slot]) if found.points[slot] else None,
                found.missing,
                priced=priced.get(slot, 0.0),
                unpriced=models.total(),
                models=tuple(model for model, _ in models.most_common(MOST_MODELS)),
            ),
        )


def _costs(found: Period) -> tuple[dict[int, float], dict[int, Counter[str]]]:
    """By slot: dollars that were priced from tokens; tasks without a price by model. Slots without any are left out."""
    usd, tasks = found.of([usage.PRICED]).sum, found.of([usage.UNPRICED]).count
    priced = {slot: float(total) for slot, group in enumerate(found.groups) if (total := usd[group].sum())}
    unpriced: dict[int, Counter[str]] = {}
    for slot, group in enumerate(found.groups):
        for number in group[tasks[group] > 0].tolist():
            model = dict(found.tags.sets[number]).get(MODEL, "")
            unpriced.setdefault(slot, Counter())[model] += round(tasks[number])
    return priced, unpriced


def _resource(scene: Scene, measure: Budget) -> Iterator[tuple[str, Use]]:
    """Of each group the agent that uses most."""
    tags = {state.id: state.tags for state in scene.roster.states}
    agents = [dict(pairs)["agent"] for pairs in scene.axis.series]
    try:
        values = mean(scene).value
    except (Unreadable, Damaged):
        values = None
    for limit in limits(scene.evidence.budgets, measure.name):
        if values is None:
            yield group_text(limit.tags), Use(missing=1)
            continue
        mine = [
            (float(values[slot]), agent)
            for slot, agent in enumerate(agents)
            if dict(limit.tags).items() <= tags[agent].items() and not np.isnan(values[slot])
        ]
        yield group_text(limit.tags), Use(max(mine)[0], 0, max(mine)[1]) if mine else Use()
