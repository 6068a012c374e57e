"""Dispatch: from edges to incidents, and from incidents to messages. Pure: everything known goes in, what is to be written comes out.

    edges + open incidents ──▶ changed incidents ──▶ is a message due? ──▶ one message a channel of the route

Nothing here is told twice: an edge that was applied is not applied again, and the deliveries of a change are written together with the
incident, on condition of its version.

When a message is due:

firing        the first one, `group_wait` after the incident opened, so that alerts of one cause are one message
update        `group_interval` after the last one, when alerts came or went; at once when a graver one came
repeat        `repeat_interval` after the last one, while an alert fires that nobody has acknowledged
acknowledged  at once
resolved      at once, when all that was told as firing is over
flapping      once, in place of messages past `MAX_MESSAGES` an hour; from then on only an acknowledgement, and the end once it was quiet
              for `QUIET_MS`, until there is room for messages again

Alerts that are silenced or inhibited do not count as firing here; they are told when that ends. What was told and is hidden since is not
told as resolved before it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from functions.domain import fleet_changes
from functions.domain import incident as incidents
from functions.domain.alert import Edge, EdgeKind, Severity
from functions.domain.alert_routes import Route, Routing, labels_of
from functions.domain.channels import MAX_CHANNELS
from functions.domain.delivery import Delivery, delivery_id
from functions.domain.fleet_changes import FleetChange
from functions.domain.incident import REOPEN_MS, Incident, Member
from functions.domain.inhibition import Inhibition, Inhibitors
from functions.domain.notification import Notification, NotificationKind, NotifiedAlert, TimelineEntry
from functions.domain.silence import Silence, silenced_by
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

MAX_MESSAGES = 12
"""Messages of one incident in an hour, before it counts as flapping."""
QUIET_MS = 10 * MINUTE_MS
MAX_LISTED = 50
"""Alerts that a message names."""
MAX_STORY = 20
"""Entries of the timeline that it tells."""
UNROUTED = Route(name="", channels=())
"""For alerts that no route takes: an incident all the same, which nobody is sent."""
_SEVERITIES = tuple(Severity)
_HELD_BACK = f"{MAX_MESSAGES} messages in an hour: the next ones are held back until it calms down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a workspace wants to be told, and how."""

    routing: Routing
    silences: Sequence[Silence] = ()
    inhibitions: Sequence[Inhibition] = ()
    dashboard: str | None = None
    """URL of the page."""
    changes: Sequence[FleetChange] = ()
    """What was changed in the fleet lately: an incident begins with what came before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An incident as it is to be written, on condition that the stored one has `version - 1`, with the deliveries that go with it."""

    incident: Incident
    deliveries: tuple[Delivery, ...] = ()
    archived: bool = False
    """It is over for long: to be kept as history, and not looked at any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written. An edge may go once all changes of incidents that have it applied are."""

    changes: tuple[Change, ...] = ()
    consumed: tuple[Edge, ...] = ()


@dataclass(slots=True)
class _Work:
    """Incidents on their way through a run."""

    open: dict[tuple[str, tuple[tuple[str, str], ...]], Incident]
    changed: set[str] = field(default_factory=set)


def dispatch(workspace: str, edges: Iterable[Edge], known: Iterable[Incident], setup: Setup, now: int) -> Plan:
    """Plan a run at `now` (ms). `known`: incidents that are open, or closed within `REOPEN_MS`; they are not changed."""
    work = _Work({_key(found.route, found.group): msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Incident) for found in known})
    consumed = []
    for edge in sorted(edges, key=lambda edge: (edge.at, edge.kind is EdgeKind.RESOLVED, edge.id)):
        _apply(work, edge, setup)
        consumed.append(edge)
    firing = ((alert, labels_of(member.edge)) for found in work.open.values() for alert, member in found.members.items() if member.firing)
    inhibitors = Inhibitors(setup.inhibitions, firing)
    changes = [change for found in work.open.values() if (change := _settle(workspace, found, work, setup, inhibitors, now))]
    return Plan(tuple(changes), tuple(consumed))


def _key(route: str, group: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return (route, tuple(sorted(group.items())))


def _apply(work: _Work, edge: Edge, setup: Setup) -> None:
    labels = labels_of(edge)
    for route in setup.routing.match(labels) or [UNROUTED]:
        group = {label: labels.get(label, "") for label in route.group_by}
        found = work.open.get(_key(route.name, group))
        if found is None:
            if edge.kind is not EdgeKind.FIRING:
                continue
            found = work.open[_key(route.name, group)] = incidents.open_incident(route.name, group, edge)
            for change in fleet_changes.before(setup.changes, labels, edge.since, edge.at):
                incidents.add_change(found, change)
        if incidents.apply_edge(found, edge):
            work.changed.add(found.id)
    if edge.kind is EdgeKind.RESOLVED:
        _resolve_elsewhere(work, edge)


def _resolve_elsewhere(work: _Work, edge: Edge) -> None:
    """An alert that fired before the routes or its labels were changed is in an incident where nobody would look for it."""
    alert = incidents.alert_of(edge)
    for found in work.open.values():
        if alert in found.members and incidents.apply_edge(found, edge):
            work.changed.add(found.id)


def _settle(workspace: str, found: Incident, work: _Work, setup: Setup, inhibitors: Inhibitors, now: int) -> Change | None:
    """Close, tell or archive an incident; None when nothing about it is to be written."""
    route = setup.routing.named(found.route)
    shown, found_hidden = _shown(found, setup, inhibitors, now)
    before = (found.hidden, found.closed)
    found.hidden = found_hidden
    if not found.firing and found.closed is None:
        found.closed = max((member.ended or now for member in found.members.values()), default=now)
    kind = _capped(found, _due(found, shown, route, now), _gravest(shown.values()), now)
    if kind is None:
        archived = found.closed is not None and now - found.closed > REOPEN_MS
        if found.id not in work.changed and not archived and before == (found.hidden, found.closed):
            return None
        found.version += 1
        incidents.fit(found)
        return Change(incident=found, archived=archived)
    return _tell(workspace, found, shown, route, kind, setup.dashboard, now)


def _shown(found: Incident, setup: Setup, inhibitors: Inhibitors, now: int) -> tuple[dict[str, Member], str | None]:
    """The members that fire and are not hidden, and why others are."""
    shown, hidden = {}, None
    for alert, member in found.members.items():
        if not member.firing:
            continue
        labels = labels_of(member.edge)
        silence = silenced_by(setup.silences, labels, now)
        source = None if silence else inhibitors.of(alert, labels)
        if silence:
            hidden = f"silenced by {silence.id}" + (f" ({silence.comment})" if silence.comment else "")
        elif source:
            hidden = f"follows from {source.rsplit('|', 1)[0]}"
        else:
            shown[alert] = member
    return shown, None if shown else hidden


def _due(found: Incident, shown: Mapping[str, Member], route: Route, now: int) -> NotificationKind | None:
    """The kind of message that is due at `now`, or None."""
    told = set(found.told)
    over = told - {member.edge.episode for member in found.firing}
    if found.told_at is None:
        return NotificationKind.FIRING if shown and now >= found.opened + route.group_wait_s * SECOND_MS else None
    if told and over == told and not shown:
        return NotificationKind.RESOLVED
    if found.acknowledged is not None:
        return NotificationKind.ACKNOWLEDGED
    fresh = [member for member in shown.values() if member.edge.episode not in told]
    if not fresh and not over:
        waits_for_someone = any(member.acknowledged_by is None for member in shown.values())
        return NotificationKind.UPDATE if waits_for_someone and now >= found.told_at + route.repeat_interval_s * SECOND_MS else None
    known = [_SEVERITIES.index(member.edge.severity) for member in found.firing if member.edge.episode in told]
    graver = bool(fresh) and _gravest(fresh) > max(known, default=-1)
    return NotificationKind.UPDATE if graver or now >= found.told_at + route.group_interval_s * SECOND_MS else None


def _gravest(members: Iterable[Member]) -> int:
    """Place of the gravest severity; -1 for no member."""
    return max((_SEVERITIES.index(member.edge.severity) for member in members), default=-1)


def _capped(found: Incident, kind: NotificationKind | None, gravest: int, now: int) -> NotificationKind | None:
    """What of a message is left by the cap on messages; one that is graver than any before it goes out."""
    if kind in (None, NotificationKind.ACKNOWLEDGED) or gravest > found.gravest:
        return kind
    if kind is NotificationKind.RESOLVED and found.flapping:
        return kind if now - (found.closed or now) >= QUIET_MS else None
    if len([at for at in found.told_times if at > now - HOUR_MS]) < MAX_MESSAGES:
        return kind
    return None if found.flapping else NotificationKind.FLAPPING


def _tell(
    workspace: str, found: Incident, shown: Mapping[str, Member], route: Route, kind: NotificationKind, dashboard: str | None, now: int
) -> Change:
    notification = _notification(workspace, found, shown, kind, dashboard, now)
    found.told_at, found.acknowledged = now, None
    found.gravest = max(found.gravest, _gravest(shown.values()))
    found.flapping = kind is NotificationKind.FLAPPING or (found.flapping and kind is NotificationKind.ACKNOWLEDGED)
    # After a notice of flapping the end is still to be told, though all may be over at this moment.
    kept = set(found.told) if found.flapping else set(found.told) & {member.edge.episode for member in found.firing}
    found.told = sorted(kept | {member.edge.episode for member in shown.values()})
    found.told_times = [*(at for at in found.told_times if at > now - HOUR_MS), now]
    found.version += 1
    incidents.fit(found)
    deliveries = [
        Delivery(id=delivery_id(now, found.id, found.version, channel), channel=channel, notification=notification, created=now)
        for channel in _channels(found, route, kind)
    ]
    return Change(incident=found, deliveries=tuple(deliveries))


def _channels(found: Incident, route: Route, kind: NotificationKind) -> list[str]:
    """Where a message goes; noted in the incident. The end also goes where the route led before: a page there would stay open."""
    before = [channel for channel in found.channels if channel not in route.channels]
    found.channels = [*route.channels, *before][:MAX_CHANNELS]
    return found.channels if kind is NotificationKind.RESOLVED else list(route.channels)


def _notification(
    workspace: str, found: Incident, shown: Mapping[str, Member], kind: NotificationKind, dashboard: str | None, now: int
) -> Notification:
    firing = sorted(shown.values(), key=lambda member: (-_SEVERITIES.index(member.edge.severity), member.edge.since, member.edge.id))
    told = set(found.told)
    over = [member for member in found.members.values() if not member.firing and member.edge.episode in told]
    first = (firing or over or list(found.members.values()))[0].edge
    owners = found.owners
    return Notification(
        kind=kind,
        workspace=workspace,
        incident=found.id,
        title=incidents.title(found),
        severity=found.severity,
        at=now,
        started=found.opened,
        alerts=[_notified(member) for member in [*firing, *over][:MAX_LISTED]],
        firing=len(firing) + found.unlisted,
        resolved=len(over),
        labels=_shared([labels_of(member.edge) for member in [*firing, *over]]),
        runbook=first.runbook,
        dashboard=dashboard,
        timeline=_story(found, kind)[-MAX_STORY:],
        owner=owners.pop() if len(owners) == 1 else None,
        by=found.acknowledged[1] if found.acknowledged and kind is NotificationKind.ACKNOWLEDGED else None,
        note=f"more than {MAX_MESSAGES} messages in an hour: held back until it is quiet or over"
        if kind is NotificationKind.FLAPPING
        else None,
    )


def _story(found: Incident, kind: NotificationKind) -> list[TimelineEntry]:
    """What of the timeline a message tells: the first one what was changed before; it lists the alerts anyway, a storm of them."""
    changes = [entry for entry in found.timeline if entry.tags is not None]
    return changes if changes and kind is NotificationKind.FIRING else found.timeline


def _notified(member: Member) -> NotifiedAlert:
    edge = member.edge
    return NotifiedAlert(
        rule=edge.rule,
        series=edge.series,
        firing=member.firing,
        since=edge.since if member.firing else member.ended or edge.at,
        reason=edge.reason if member.firing else member.end_reason or edge.reason,
        value=edge.value,
        threshold=edge.threshold,
    )


def _shared(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Labels that all have with one value."""
    if not labels:
        return {}
    return {key: value for key, value in labels[0].items() if all(others.get(key) == value for others in labels)}
