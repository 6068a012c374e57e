"""How many series one batch may make: a flood of tag values goes to `__other__`, and is told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from functions.domain.dimensions import OTHER
from functions.domain.rollup import SeriesKey

MAX_SERIES = 100


class Limited(msgspec.Struct, frozen=True, gc=False):
    """A tag of which some values went to `__other__`, and how many."""

    tag: str
    values: int


class Folding(msgspec.Struct, frozen=True):
    """What becomes of a batch's series. Those not in `series` are too many: their points have to be rejected."""

    series: Mapping[SeriesKey, SeriesKey]
    limited: Sequence[Limited] = ()
    complete: bool = True
    """Whether every series is there."""


def fold(keys: Iterable[SeriesKey]) -> Folding:
    """Keep to `MAX_SERIES`: the dimensions with the most values lose their last ones, as few as will do."""
    found = list(dict.fromkeys(keys))
    folded, limited = found, []
    for tag in _by_variety(found) if len(found) > MAX_SERIES else ():
        folded, lost = _fold_tag(folded, tag)
        limited.append(Limited(tag, lost))
        if len(set(folded)) <= MAX_SERIES:
            break
    kept = set(list(dict.fromkeys(folded))[:MAX_SERIES])
    series = {before: after for before, after in zip(found, folded, strict=True) if after in kept}
    return Folding(series, limited, complete=len(series) == len(found))


def _by_variety(keys: Sequence[SeriesKey]) -> list[str]:
    """Tags that vary, the ones with the most values first."""
    values = _values(keys)
    return sorted((tag for tag in values if len(values[tag]) > 1), key=lambda tag: (-len(values[tag]), tag))


def _fold_tag(keys: Sequence[SeriesKey], tag: str) -> tuple[list[SeriesKey], int]:
    """Keep as many of a tag's first values as the limit allows; tells how many went."""
    values = list(_values(keys)[tag])
    low, high = 0, len(values)
    while low < high:
        middle = (low + high + 1) // 2
        if len(set(_without(keys, tag, values[middle:]))) <= MAX_SERIES:
            low = middle
        else:
            high = middle - 1
    return _without(keys, tag, values[low:]), len(values) - low


def _without(keys: Sequence[SeriesKey], tag: str, values: Iterable[str]) -> list[SeriesKey]:
    gone = frozenset(values)
    return [SeriesKey(key.name, tuple((k, OTHER) if k == tag and value in gone else (k, value) for k, value in key.tags)) for key in keys]


def _values(keys: Iterable[SeriesKey]) -> dict[str, dict[str, None]]:
    """The values of each tag in the order they appear."""
    values: dict[str, dict[str, None]] = {}
    for key in keys:
        for tag, value in key.tags:
            values.setdefault(tag, {})[value] = None
    return values
