"""Cells: which combination of dimension values a point belongs to, and the limits against floods of values.

Values and cells are admitted first come, first served, and what was admitted stays so until nobody used it for `KEEP_HOURS`. So a minute
that is merged again gets the cells it had. What comes beyond a limit is counted under `__other__`, never dropped.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping

from functions.domain.dimensions import OTHER
from functions.domain.rollup import TagPairs

MAX_TAG_VALUES = 200
"""Values of one dimension."""
MAX_CELLS = 2000
"""Combinations of values in a workspace."""
KEEP_HOURS = 72
"""As long as minute rollups are kept."""


class Cells:
    """Places points into cells, and remembers which values and cells there are.

    `values` (by dimension) and `cells` (by hash) map to the hour of their last use; they are the registry that the snapshot keeps, changed
    in place.
    """

    def __init__(self, dimensions: Collection[str], hour: int, values: dict[str, dict[str, int]], cells: dict[int, int]) -> None:
        self._dimensions = frozenset(dimensions)
        self._hour = hour
        self._values = values
        self._cells = cells
        self._placed: dict[tuple[TagPairs, TagPairs, TagPairs], TagPairs] = {}
        self._overflowing: set[str] = set()
        self._cells_overflow = False
        self._forget()

    def restrict(self, tags: Mapping[str, str]) -> TagPairs:
        """An agent's share of its cells: its tags, restricted to the dimensions."""
        return tuple((key, tags[key]) for key in sorted(tags) if key in self._dimensions)

    def place(self, base: TagPairs, own: TagPairs, forced: TagPairs = ()) -> TagPairs:
        """The cell of a point: its agent's `base`, overlaid by its `own` tags, overlaid by its token's scope (`forced`)."""
        known = self._placed.get((base, own, forced))
        if known is None:
            tags = {**dict(base), **dict(own), **dict(forced)}
            known = self._placed[base, own, forced] = self._admit(self.restrict(tags))
        return known

    def warnings(self) -> list[str]:
        """What went over a limit, as sentences."""
        texts = [f"dimension {key} has more than {MAX_TAG_VALUES} values: the rest counts as {OTHER}" for key in sorted(self._overflowing)]
        if self._cells_overflow:
            texts.append(f"more than {MAX_CELLS} combinations of dimension values: the rest counts as {OTHER}")
        return texts

    def _admit(self, cell: TagPairs) -> TagPairs:
        admitted = tuple((key, self._admit_value(key, value)) for key, value in cell)
        number = zlib.crc32(repr(admitted).encode())
        if number not in self._cells and len(self._cells) >= MAX_CELLS:
            self._cells_overflow = True
            return tuple((key, OTHER) for key, _ in admitted)
        self._cells[number] = max(self._hour, self._cells.get(number, 0))
        return admitted

    def _admit_value(self, key: str, value: str) -> str:
        known = self._values.setdefault(key, {})
        if value == OTHER:
            return OTHER
        if value not in known and len(known) >= MAX_TAG_VALUES:
            self._overflowing.add(key)
            return OTHER
        known[value] = max(self._hour, known.get(value, 0))
        return value

    def _forget(self) -> None:
        """Make room: what nobody used for long, and dimensions that are none any more."""
        for known in self._values.values():
            _drop_unused(known, self._hour - KEEP_HOURS)
        _drop_unused(self._cells, self._hour - KEEP_HOURS)
        for key in [key for key in self._values if key not in self._dimensions]:
            del self._values[key]


def _drop_unused[K](registry: dict[K, int], before: int) -> None:
    for item in [item for item, hour in registry.items() if hour < before]:
        del registry[item]
