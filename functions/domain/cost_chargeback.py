"""Chargeback: what each tenant (or any other tag) used in a month, as charges that add up to the ledger's total.

A charge is what one group's tasks cost with one model in one period, reported and priced ones apart. Tasks that nobody can price are no
charge, for it would have to say 0; they are counted beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.domain import tasks, usage
from functions.domain.cost_ledger import How
from functions.domain.cost_pricing import MODEL
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.usage_frame import Groups, UsageFrame

NAMES: Final = frozenset((tasks.COST, usage.PRICED, usage.UNPRICED, *usage.TOKENS, *usage.WITHOUT_COST.values()))
_COSTS: Final[Mapping[How, str]] = {"reported": tasks.COST, "priced": usage.PRICED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of the bill."""

    first_hour: int
    last_hour: int
    """Not included."""
    tags: TagPairs
    """The group's."""
    model: str | None
    how: How
    source: str | None
    """Who priced it; several are separated by `; `, None where nobody says."""
    tasks: int
    usd: float
    tokens: float
    """Of all kinds."""


def charges(
    frame: UsageFrame,
    by: Sequence[str],
    width: int,
    selector: Selector | None = None,
    overlay: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Charge]:
    """Charges by group, model and period of `width` hours from the frame's first on; needs `NAMES`."""
    keys = tuple(dict.fromkeys((*by, MODEL)))
    groups = frame.group(keys, selector, overlay)
    sources = _sources(frame, keys, selector, overlay)
    found = {name: frame.hourly(name, groups) for name in NAMES}
    for first in range(0, len(frame.hours), width):
        hours = slice(first, first + width)
        sums = {name: figures.sum[:, hours].sum(axis=1) for name, figures in found.items()}
        counts = {name: found[name].count[:, hours].sum(axis=1) for name in _COSTS.values()}
        without = np.sum([sums[name] for name in usage.WITHOUT_COST.values()], axis=0)
        tokens = {"reported": np.sum([sums[name] for name in usage.TOKENS], axis=0) - without, "priced": without - sums[usage.UNPRICED]}
        for slot, key in enumerate(groups.keys):
            for how, name in _COSTS.items():
                if counts[name][slot]:
                    yield Charge(
                        first_hour=frame.first_hour + first,
                        last_hour=min(frame.first_hour + first + width, frame.last_hour),
                        tags=tuple(pair for pair in key if pair[0] in by),
                        model=dict(key).get(MODEL),
                        how=how,
                        source="; ".join(sources.get((how, key), ())) or None,
                        tasks=round(counts[name][slot]),
                        usd=float(sums[name][slot]),
                        tokens=max(0.0, float(tokens[how][slot])),
                    )


def _sources(
    frame: UsageFrame, keys: Sequence[str], selector: Selector | None, overlay: Mapping[str, Mapping[str, str]] | None
) -> dict[tuple[How, TagPairs], list[str]]:
    """By group: who priced, in the whole frame."""
    groups: Groups = frame.group((*(key for key in keys if key != usage.COST_SOURCE), usage.COST_SOURCE), selector, overlay)
    told: dict[tuple[How, TagPairs], list[str]] = {}
    for how, name in _COSTS.items():
        counts = frame.figures(name, groups).count
        for key, count in zip(groups.keys, counts.tolist(), strict=True):
            if count and (source := dict(key).get(usage.COST_SOURCE)):
                group = key if usage.COST_SOURCE in keys else key[:-1]
                told.setdefault((how, group), []).append(source)
    return {group: sorted(set(sources)) for group, sources in told.items()}
