"""Episodes that were, read from incidents: of each alert the last one as its member tells it, those before as the timeline has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from functions.domain.alert_audit import Past
from functions.domain.incident import Incident, Member, alert_title

_FIRING, _RESOLVED, _ACKNOWLEDGED = "firing: ", "resolved: ", "acknowledged by "


def past_episodes(incidents: Iterable[Incident]) -> list[Past]:
    """All that is known, each once: an alert may be in incidents of several routes."""
    found: dict[tuple[str, int], Past] = {}
    for incident in incidents:
        for alert, member in incident.members.items():
            for one in _of_member(incident, member):
                before = found.get((alert, one.fired))
                if before is None or (one.acknowledged and not before.acknowledged):
                    found[alert, one.fired] = one
    return sorted(found.values(), key=lambda one: (one.fired, one.rule))


def _of_member(incident: Incident, member: Member) -> Iterator[Past]:
    edge = member.edge
    acknowledged = [entry.at for entry in incident.timeline if entry.text.startswith(_ACKNOWLEDGED)]
    for fired, resolved in _earlier(incident, member).items():
        known = any(fired <= at <= resolved for at in acknowledged)
        yield Past(rule=edge.rule, series=edge.series, fired=fired, resolved=resolved, acknowledged=known)
    known = member.acknowledged_by is not None
    yield Past(rule=edge.rule, series=edge.series, fired=edge.at, resolved=member.ended, acknowledged=known)


def _earlier(incident: Incident, member: Member) -> Mapping[int, int]:
    """When the episodes before the last began, and ended: at the latest when the next one began, should the timeline have lost that."""
    title = alert_title(member.edge)
    moments: dict[str, list[int]] = defaultdict(list)
    for entry in incident.timeline:
        for kind in (_FIRING, _RESOLVED):
            if entry.text.startswith(f"{kind}{title}: "):
                moments[kind].append(entry.at)
    began = [at for at in moments[_FIRING] if at < member.edge.at]
    pairs = pairwise([*began, member.edge.at])
    return {at: next((end for end in moments[_RESOLVED] if at <= end <= after), after) for at, after in pairs}
