"""Brings the costs of the group's hours up to their usage, for whoever has written that: seal, and who prices the past anew."""

from __future__ import annotations

from collections.abc import Iterable

from functions.domain import rollup_codec
from functions.domain.cost_group import has_costs, settled_hour
from functions.domain.fleet import Snapshot, SnapshotUnreadable, decode_snapshot, encode_snapshot
from functions.domain.spans import HOURS_KEPT_MS
from functions.domain.times import HOUR_MS, SECOND_MS
from functions.ports import FleetStore, Resolution, RollupStore


def settle_hour(rollups: RollupStore, workspace: str, hour: int) -> bool:
    """Give the group's rollup of an hour the costs of its usage; tells whether it has any.

    Raises `StoreUnavailable`, and ValueError for bytes that cannot be read: then the rollup stays as it is.
    """
    stored = rollups.read_group(workspace, Resolution.HOUR, hour, hour + 1).get(hour)
    if stored is None or not has_costs(rollup_codec.Table(stored).names):
        return False
    before = rollup_codec.decode(stored)
    after = settled_hour(before, rollups.read_usage(workspace, hour, hour + 1).get(hour, ()))
    if after != before:
        rollups.put_group(workspace, Resolution.HOUR, hour, after, ((hour + 1) * HOUR_MS + HOURS_KEPT_MS) // SECOND_MS)
    return True


def hours_under_way(fleet: FleetStore, workspace: str) -> frozenset[int]:
    """Hours that seal is building: their usage is not whole, and seal settles them itself."""
    snapshot = _snapshot(fleet, workspace)
    return frozenset(snapshot.due_hours) if snapshot else frozenset()


def tell_rewritten(fleet: FleetStore, workspace: str, hours: Iterable[int], now: int) -> None:
    """Note in the snapshot that these hours were written again, for those who keep them in memory. Needs the lease of seal, whose it is."""
    snapshot = _snapshot(fleet, workspace)
    if snapshot is not None:
        # Readers forget what was written after the snapshot that they know; whose clock is behind must not be overheard.
        at = max(now, snapshot.time + 1)
        snapshot.reopened |= {f"h{hour}": at for hour in hours}
        fleet.put_snapshot(workspace, encode_snapshot(snapshot))


def _snapshot(fleet: FleetStore, workspace: str) -> Snapshot | None:
    """None also for one that cannot be read: the next tick makes another, from which on everything is read anew."""
    stored = fleet.snapshot(workspace)
    try:
        return decode_snapshot(stored) if stored else None
    except SnapshotUnreadable:
        return None
