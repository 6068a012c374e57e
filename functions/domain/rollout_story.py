"""Rollouts on the timelines of incidents: most incidents follow a change, and rollouts are those that ClawPulse makes itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from functions.domain.alert_routes import labels_of
from functions.domain.fleet_changes import BEFORE_MS
from functions.domain.incident import Incident, told
from functions.domain.notification import TimelineEntry
from functions.domain.rollout import Entry
from functions.domain.rollout_draft import SYSTEM


def span(incident: Incident, now: int) -> tuple[int, int]:
    """Rollouts of which time an incident tells: from two hours before its first condition held to its end (ms, exclusive)."""
    began = min((member.edge.since for member in incident.members.values()), default=incident.opened)
    return began - BEFORE_MS, (now if incident.closed is None else incident.closed) + 1


def with_rollouts(incident: Incident, entries: Iterable[Entry]) -> Incident:
    """The incident with the lines of the audit log that may concern it on its timeline."""
    found = list(_concerning(incident, entries))
    return msgspec.structs.replace(incident, timeline=told([*incident.timeline, *found])) if found else incident


def _concerning(incident: Incident, entries: Iterable[Entry]) -> Iterator[TimelineEntry]:
    """Left out is what concerned other agents only: those that all have another value of a tag, for each alert."""
    labels = [labels_of(member.edge) for member in incident.members.values()]
    for entry in entries:
        if any(all(one.get(key, value) == value for key, value in entry.tags.items()) for one in labels):
            yield TimelineEntry(at=entry.at, text=_line(entry), tags=entry.tags)


def _line(entry: Entry) -> str:
    what = entry.text if entry.text.startswith(entry.title) else f"{entry.title}: {entry.text}"
    by = f" (by {entry.by})" if entry.by != SYSTEM else ""
    # Rotations of keys write into the same log; their ids begin so.
    noun = "rotation" if entry.rollout.startswith("k") else "rollout"
    return f"{noun} {entry.rollout}: {what}{by}"
