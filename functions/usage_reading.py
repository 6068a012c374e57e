"""Reads usage (`domain.usage`) into frames, and says which hours are not known: not built yet is not the same as empty."""

from __future__ import annotations

from collections.abc import Collection

from functions.domain import backlog
from functions.domain.errors import InvalidInput
from functions.domain.fleet import Snapshot
from functions.domain.times import HOURS_PER_DAY
from functions.domain.usage_frame import Damaged, UsageFrame
from functions.ports import Resolution, RollupStore

MINUTES_AT_A_TIME = 360


def read_usage(
    rollups: RollupStore,
    workspace: str,
    snapshot: Snapshot | None,
    first_hour: int,
    last_hour: int,
    *,
    names: Collection[str],
    sketches: Collection[str] = (),
    whole: Collection[str] = (),
    most: int | None = None,
) -> UsageFrame:
    """Usage of first_hour <= hour < last_hour, read a day at a time.

    Raises `StoreUnavailable`, and `InvalidInput` for more rows than `most`.

    `missing` has the hours that wait to be built as of `snapshot`, and those with a damaged piece.
    """
    frame = UsageFrame(first_hour, last_hour, names=names, sketches=sketches, whole=whole)
    missing = {hour for hour in frame.hours if waits(snapshot, hour)}
    for start in range(first_hour, last_hour, HOURS_PER_DAY):
        for hour, pieces in sorted(rollups.read_usage(workspace, start, min(last_hour, start + HOURS_PER_DAY)).items()):
            for piece in pieces:
                try:
                    frame.add(hour, piece)
                except Damaged:
                    missing.add(hour)
        frame.settle()
        if most is not None and frame.amount > most:
            raise InvalidInput("has more usage than can be read at once: choose a shorter period", "start")
    frame.missing = frozenset(missing | frame.damaged_hours())
    return frame


def read_minutes(
    rollups: RollupStore,
    workspace: str,
    snapshot: Snapshot | None,
    first: int,
    last: int,
    *,
    names: Collection[str],
) -> UsageFrame:
    """The group's minutes first <= minute < last as a frame whose buckets are minutes, read six hours at a time; no row names an agent.

    Raises `StoreUnavailable`. `missing` has the minutes that wait to be sealed as of `snapshot`, and damaged ones.
    """
    frame = UsageFrame(first, last, names=names)
    until = 0 if snapshot is None else snapshot.due_until or 0
    unsealed = [] if snapshot is None else snapshot.unsealed
    missing = {minute for minute in frame.hours if minute >= until or backlog.contains(unsealed, minute)}
    for start in range(first, last, MINUTES_AT_A_TIME):
        end = min(last, start + MINUTES_AT_A_TIME)
        for minute, data in sorted(rollups.read_group(workspace, Resolution.MINUTE, start, end).items()):
            try:
                frame.add(minute, data)
            except Damaged:
                missing.add(minute)
    frame.missing = frozenset(missing)
    return frame


def waits(snapshot: Snapshot | None, hour: int) -> bool:
    """`backlog.hour_waits` as of a snapshot; without one nothing is known of any hour."""
    return snapshot is None or backlog.hour_waits(hour, snapshot.due_hours, snapshot.unsealed, snapshot.due_until or 0)
