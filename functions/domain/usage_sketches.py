"""Quantile sketches of many hours brought together by tag set while they are read: for quantiles of a whole period.

Kept hour by hour, the bins of a week of 500 agents take some hundred MB; together they take some.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from functions.domain.alert_columns import RANKS, Bins, Column, Damaged, read_bins

_AT_ONCE: Final = 64
"""Columns whose sketches are decoded together: one by one takes several times as long."""


class WholeSketches:
    """Of one metric."""

    def __init__(self) -> None:
        self.damaged: set[int] = set()
        """Hours of pieces whose sketches could not be read; they are left out."""
        self._waiting: list[tuple[int, Column]] = []
        self._bins: Bins = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)

    def add(self, hour: int, column: Column) -> None:
        """Take in the sketches of one piece of an hour."""
        self._waiting.append((hour, column))
        if len(self._waiting) >= _AT_ONCE:
            self.settle()

    def settle(self) -> Bins:
        """Bring in what waits; returns number of the tag set, rank of the bin, and count, each pair once."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return self._bins
        parts = [self._bins, *((column.tags[column.bins[0]], *column.bins[1:]) for column in self._sound(waiting))]
        tags, ranks, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        # Ranks may be below 0.
        pairs, places = np.unique(tags * RANKS + ranks + RANKS // 2, return_inverse=True)
        self._bins = pairs // RANKS, pairs % RANKS - RANKS // 2, np.bincount(places, weights=counts, minlength=len(pairs))
        return self._bins

    def _sound(self, waiting: list[tuple[int, Column]]) -> Iterator[Column]:
        try:
            read_bins([column for _, column in waiting])
        except Damaged:
            yield from self._one_by_one(waiting)
            return
        yield from (column for _, column in waiting)

    def _one_by_one(self, waiting: list[tuple[int, Column]]) -> Iterator[Column]:
        for hour, column in waiting:
            try:
                read_bins([column])
            except Damaged:
                self.damaged.add(hour)
            else:
                yield column
