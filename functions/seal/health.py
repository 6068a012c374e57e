"""Seal's share of the health score: counts colours tick by tick, and stores an hour's counts once it is over."""

from __future__ import annotations

from functions.domain import health_hours, rollup_codec
from functions.domain.fleet import Snapshot
from functions.domain.times import DAY_MS, HOUR_MS, SECOND_MS
from functions.domain.usage import KEPT_DAYS
from functions.ports import RollupStore


def note_health(rollups: RollupStore, workspace: str, snapshot: Snapshot, now: int) -> None:
    """Count this tick; with the first one of an hour, the counts of the hour before go into its usage. Safe to repeat."""
    hour = now // HOUR_MS
    if snapshot.health_hour != hour:
        if snapshot.health_hour is not None:
            _put(rollups, workspace, snapshot.health_hour, snapshot.health_ticks)
        snapshot.health_hour, snapshot.health_ticks = hour, {}
    health_hours.count(snapshot.health_ticks, snapshot.agents.values())


def _put(rollups: RollupStore, workspace: str, hour: int, ticks: health_hours.Ticks) -> None:
    expires = ((hour + 1) * HOUR_MS + KEPT_DAYS * DAY_MS) // SECOND_MS
    for bucket, fresh in health_hours.as_usage(hour, ticks).items():
        stored = rollups.read_usage(workspace, hour, hour + 1, bucket).get(hour)
        known = rollup_codec.decode(stored[0]) if stored else {}
        rollups.put_usage(workspace, hour, bucket, health_hours.with_health(known, fresh), expires)
