"""Sets of numbers as runs: records are numbered as they come, and batches take them nearly in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Run = tuple[int, int]
"""First number, and the one after the last."""


def joined(numbers: Iterable[int]) -> tuple[Run, ...]:
    """The runs of some numbers, each given once."""
    return merged((number, number + 1) for number in numbers)


def merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The same numbers in as few runs as possible, ascending. The runs given do not overlap."""
    found: list[Run] = []
    for first, end in sorted(runs):
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return tuple(found)


class Runs:
    """A set of numbers. Adding goes at the end, removing anywhere."""

    def __init__(self, runs: Iterable[Sequence[int]] = ()) -> None:
        """Of ascending runs."""
        self._firsts: list[int] = []
        self._ends: list[int] = []
        for first, end in runs:
            self.append(first, end)

    def __len__(self) -> int:
        return sum(self._ends) - sum(self._firsts)

    def runs(self) -> list[Run]:
        """All of it, ascending."""
        return list(zip(self._firsts, self._ends))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number < self._ends[at]

    def lowest(self) -> int | None:
        """The smallest number."""
        return self._firsts[0] if self._firsts else None

    def append(self, first: int, end: int) -> None:
        """Add a run that lies behind all others."""
        if first >= end:
            return
        if self._ends and self._ends[-1] == first:
            self._ends[-1] = end
        else:
            self._firsts.append(first)
            self._ends.append(end)

    def remove(self, runs: Iterable[Sequence[int]]) -> None:
        """Take out what is in there of these runs."""
        for first, end in runs:
            self._remove(first, end)

    def _remove(self, first: int, end: int) -> None:
        at = max(0, bisect_right(self._firsts, first) - 1)
        while at < len(self._firsts) and self._firsts[at] < end:
            a, b = self._firsts[at], self._ends[at]
            left = [(x, y) for x, y in ((a, min(b, first)), (max(a, end), b)) if x < y]
            self._firsts[at : at + 1] = [x for x, _ in left]
            self._ends[at : at + 1] = [y for _, y in left]
            at += len(left)
