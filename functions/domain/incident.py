"""Incidents: alerts of one route and group that fire at one time, with a timeline, from the first alert to the last one's end.

An incident is what people are told of, acknowledge and write about. Its **members** are alerts (series of rules), each with the edge that
made it fire. It stays open while a member fires; one that fires again within `REOPEN_MS` goes on where it ended, so that a flapping group
is one story and not twenty. All times are ms.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

import msgspec

from functions.domain.alert import Edge, EdgeKind, Severity, series_id
from functions.domain.errors import StoreError
from functions.domain.fleet_changes import FleetChange, line
from functions.domain.notification import TimelineEntry
from functions.domain.times import HOUR_MS

REOPEN_MS = HOUR_MS
"""A closed incident is kept at hand this long."""
MAX_MEMBERS = 2_000
"""More alerts of one group are counted, not listed; those that are over make room first."""
MAX_BYTES = 260_000
"""Of the stored form: DynamoDB takes items of 400 KB, the local cloud counts them as base64."""
_SMALL = 200
"""So few members are never too large."""
MAX_TIMELINE = 200
MAX_APPLIED = 2 * MAX_MEMBERS
_SEVERITIES = tuple(Severity)
_VERSION = b"\x01"


class Member(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One alert of an incident."""

    edge: Edge
    """With which it began to fire (last)."""
    ended: int | None = None
    """When it was resolved; None while it fires."""
    end_reason: str = ""
    acknowledged_by: str | None = None

    @property
    def firing(self) -> bool:
        """Whether it fires."""
        return self.ended is None


class Note(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody wrote about an incident."""

    at: int
    by: str
    text: str


class Incident(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One incident; stored with `version` as the condition of its next write."""

    id: str
    route: str
    """Name of the route that its messages take."""
    group: dict[str, str] = {}
    """Labels that its members share, as the route groups by them."""
    opened: int
    closed: int | None = None
    members: dict[str, Member] = {}
    """By the alert's key (`alert.series_id`)."""
    unlisted: int = 0
    """Alerts beyond `MAX_MEMBERS`."""
    applied: list[str] = []
    """Ids of the edges that are worked in: one that comes again changes nothing."""
    timeline: list[TimelineEntry] = []
    notes: list[Note] = []
    told_at: int | None = None
    """When its last message was made."""
    told: list[str] = []
    """Episodes that were told as firing, and not yet as over."""
    told_times: list[int] = []
    """Of the messages of the last hour."""
    flapping: bool = False
    """It was told too often; messages are held back."""
    acknowledged: tuple[int, str] | None = None
    """An acknowledgement (when, who) that is to be told."""
    hidden: str | None = None
    """Why its alerts are not told: a silence, or the alert that they follow from."""
    version: int = 0
    channels: list[str] = []
    """Those that were told: the end is told to them, too, whatever became of the route."""
    gravest: int = -1
    """Place of the gravest severity that was told: a graver one is told in spite of any cap."""

    @property
    def firing(self) -> list[Member]:
        """Members that fire, the most severe and then the oldest first."""
        return sorted((member for member in self.members.values() if member.firing), key=_importance)

    @property
    def severity(self) -> Severity:
        """The gravest of its members that fire, or of all when none does."""
        members = self.firing or self.members.values()
        return max((member.edge.severity for member in members), key=_SEVERITIES.index, default=Severity.INFO)

    @property
    def owners(self) -> set[str]:
        """Who owns its rules."""
        return {member.edge.owner for member in self.members.values() if member.edge.owner}


class IncidentUnreadable(StoreError):
    """A stored incident is damaged or of a release that this one cannot read."""


def _importance(member: Member) -> tuple[int, int, str]:
    return (-_SEVERITIES.index(member.edge.severity), member.edge.since, member.edge.id)


def alert_of(edge: Edge) -> str:
    """The key of the alert that an edge speaks of."""
    return series_id(edge.rule, edge.series)


def open_incident(route: str, group: Mapping[str, str], edge: Edge) -> Incident:
    """The incident that begins with an edge; two who open it for the same edge make the same one."""
    digest = sha256(repr((route, sorted(group.items()), edge.id)).encode()).hexdigest()[:12]
    return Incident(id=f"{edge.at:011x}-{digest}", route=route, group=dict(group), opened=edge.at)


def apply_edge(incident: Incident, edge: Edge) -> bool:
    """Work an edge in, in place; tells whether it changed anything. One that was applied before does not."""
    if edge.id in incident.applied:
        return False
    incident.applied = [*incident.applied, edge.id][-MAX_APPLIED:]
    alert = alert_of(edge)
    member = incident.members.get(alert)
    if edge.kind is EdgeKind.FIRING:
        _fire(incident, alert, member, edge)
        return True
    if member is None and f"{edge.episode}:{EdgeKind.FIRING}" in incident.applied:
        incident.unlisted = max(0, incident.unlisted - 1)
        return True
    if member is None or member.edge.episode != edge.episode or not member.firing:
        return False
    member.ended, member.end_reason = edge.at, edge.reason
    _note(incident, edge.at, f"resolved: {alert_title(edge)}: {edge.reason}")
    return True


def _fire(incident: Incident, alert: str, member: Member | None, edge: Edge) -> None:
    if member is None and len(incident.members) >= MAX_MEMBERS and not _make_room(incident):
        incident.unlisted += 1
        return
    incident.members[alert] = Member(edge=edge)
    incident.closed = None
    _note(incident, edge.at, f"firing: {alert_title(edge)}: {edge.reason}")


def _make_room(incident: Incident) -> bool:
    """Forget the member that ended first, if its end has been told; tells whether there was one."""
    over = (alert for alert, member in incident.members.items() if not member.firing and member.edge.episode not in incident.told)
    oldest = min(over, key=lambda alert: incident.members[alert].ended or 0, default=None)
    if oldest is not None:
        del incident.members[oldest]
    return oldest is not None


def fit(incident: Incident) -> None:
    """Have it fit into an item, in place: of very many members with many tags, those that are over and the least grave are only counted."""
    while len(incident.members) > _SMALL and len(encode_incident(incident)) > MAX_BYTES:
        least_first = sorted(incident.members.items(), key=lambda item: (item[1].firing, *(-part for part in _importance(item[1])[:2])))
        dropped = dict(least_first[: max(len(least_first) // 10, 1)])
        incident.unlisted += sum(member.firing for member in dropped.values())
        gone = {member.edge.episode for member in dropped.values()}
        incident.told = [episode for episode in incident.told if episode not in gone]
        incident.members = {alert: member for alert, member in incident.members.items() if alert not in dropped}


def acknowledge(incident: Incident, by: str, now: int) -> bool:
    """Mark all that fires as known, in place; tells whether anything was not. It ends with each alert's episode."""
    fresh = [member for member in incident.firing if member.acknowledged_by is None]
    for member in fresh:
        member.acknowledged_by = by
    if fresh:
        incident.acknowledged = (now, by)
        _note(incident, now, f"acknowledged by {by}")
    return bool(fresh)


def add_note(incident: Incident, by: str, text: str, now: int) -> None:
    """Keep what somebody wrote, in place."""
    incident.notes.append(Note(at=now, by=by, text=text))


def add_change(incident: Incident, change: FleetChange) -> None:
    """Keep what was changed in the fleet, in place and in order of time."""
    _note(incident, change.at, line(change), change.tags)


def _note(incident: Incident, at: int, text: str, tags: dict[str, str] | None = None) -> None:
    incident.timeline = told([*incident.timeline, TimelineEntry(at=at, text=text, tags=tags)])


def told(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """A timeline of these, in order of time; of too many the first and the last."""
    ordered = sorted(entries, key=lambda entry: entry.at)
    # The beginning tells what caused it; the end what is going on.
    half = MAX_TIMELINE // 2
    return ordered if len(ordered) <= MAX_TIMELINE else [*ordered[:half], *ordered[-half:]]


def alert_title(edge: Edge) -> str:
    """The alert that an edge speaks of, in a line: also how the timeline names it."""
    series = ", ".join(f"{key}={value}" for key, value in sorted(edge.series.items()))
    return f"{edge.rule} ({series})" if series else edge.rule


def title(incident: Incident) -> str:
    """The incident in one line."""
    members = incident.firing or sorted(incident.members.values(), key=_importance)
    if not members:
        return f"incident {incident.id}"
    rules = list(dict.fromkeys(member.edge.rule for member in members))
    where = ", ".join(f"{key}={value}" for key, value in sorted(incident.group.items()) if key not in ("rule", "severity"))
    more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
    if len(members) == 1 and not where:
        return alert_title(members[0].edge)
    return f"{rules[0]}{more}" + (f" ({where})" if where else "") + (f": {len(members)} alerts" if len(members) > 1 else "")


def searchable(incident: Incident) -> Iterator[str]:
    """Texts that a search looks at."""
    yield from (incident.id, title(incident), *incident.group.values(), *(note.text for note in incident.notes))
    for member in incident.members.values():
        yield from (member.edge.rule, member.edge.reason, *member.edge.series.values(), *member.edge.labels.values())


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Incident)


def encode_incident(incident: Incident) -> bytes:
    """The stored form: a version byte, then zlib over msgpack."""
    return _VERSION + zlib.compress(_ENCODER.encode(incident), 6)


def decode_incident(data: bytes) -> Incident:
    """Read the stored form; raises `IncidentUnreadable`."""
    if data[:1] != _VERSION:
        raise IncidentUnreadable(f"incident of version {data[:1].hex() or 'none'}, this release reads {_VERSION.hex()}")
    try:
        return _DECODER.decode(zlib.decompress(data[1:]))
    except (zlib.error, msgspec.DecodeError) as error:
        raise IncidentUnreadable(f"damaged incident: {error}") from error
