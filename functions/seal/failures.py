"""Seal's share of error tracking: a minute's failures by kind, an hour's, and which kinds are new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from functions.domain import failure_book
from functions.domain.cells import Cells
from functions.domain.failure_groups import FailureGroup, decode_groups, encode_groups, group_failures, merge_groups
from functions.domain.fleet import Snapshot
from functions.domain.minutes import Part, failures_in, first_cells
from functions.domain.rollup import Rollup
from functions.domain.times import HOUR_MS, MINUTES_PER_HOUR, minute_of
from functions.ports import Resolution, RollupStore

RECALLED_HOURS = 72
RECALLED_MINUTES = 120
"""What a tick without a snapshot reads to learn which kinds of failure are known."""


class FailureSealer:
    """For one tick; kinds are remembered in `snapshot`, sentences about what cannot be read go to `warnings`."""

    def __init__(self, rollups: RollupStore, workspace: str, snapshot: Snapshot, now: int, warnings: list[str]) -> None:
        self._rollups = rollups
        self._workspace = workspace
        self._snapshot = snapshot
        self._now = now
        self._warnings = warnings

    def recall(self) -> None:
        """Learn again what is known, from what is stored: otherwise all kinds were new once a snapshot is lost."""
        hour, minute = self._now // HOUR_MS, minute_of(self._now)
        stored = [
            *self._read(Resolution.HOUR, hour - RECALLED_HOURS, hour + 1),
            *self._read(Resolution.MINUTE, minute - RECALLED_MINUTES, minute + 1),
        ]
        for groups in stored:
            failure_book.note(self._snapshot.known_failures, groups, self._now, live=0)

    def minute(
        self, minute: int, parts: Iterable[Part], remote_tags: Mapping[str, Mapping[str, str]], cells: Cells, expires: int
    ) -> Rollup:
        """Store a minute's failures by kind; returns what the kinds that are new in it add to the group's rollup."""
        found, faults = failures_in(parts)
        self._warnings.extend(faults)
        if not found:
            return {}
        groups, known = group_failures((part.item.agent, failure) for part, failure in found), self._snapshot.known_failures
        failure_book.note(known, groups, self._now, self._snapshot.due_until or 0)
        self._rollups.put_failures(self._workspace, Resolution.MINUTE, minute, encode_groups(groups), expires)
        new = failure_book.new_in(minute, known, groups)
        return failure_book.series_of_new(first_cells(found, new, remote_tags, cells))

    def hour(self, hour: int, expires: int) -> None:
        """Build an hour out of its minutes."""
        groups = self._read(Resolution.MINUTE, hour * MINUTES_PER_HOUR, (hour + 1) * MINUTES_PER_HOUR)
        if groups:
            self._rollups.put_failures(self._workspace, Resolution.HOUR, hour, encode_groups(merge_groups(groups)), expires)

    def _read(self, resolution: Resolution, start: int, end: int) -> Sequence[Mapping[str, FailureGroup]]:
        found = []
        for time, data in self._rollups.read_failures(self._workspace, resolution, start, end).items():
            try:
                found.append(decode_groups(data))
            except ValueError as error:
                self._warnings.append(f"the failures of {resolution.name.lower()} {time} are left out: {error}")
        return found
