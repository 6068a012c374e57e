"""A postmortem's draft, written from what is known of an incident: facts are filled in, what only people know is asked.

Markdown. Texts from rules, tags and people go in as they are but for line breaks, and pipes in tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from functions.domain.alert import Severity
from functions.domain.alert_text import figure, span
from functions.domain.delivery import Delivery, DeliveryState
from functions.domain.incident import Incident, Member, title
from functions.domain.notification import NotificationKind
from functions.domain.times import MINUTE_MS, SECOND_MS

ACKNOWLEDGED = "acknowledged by "
"""How an acknowledgement stands in the timeline."""
MAX_ALERTS = 100
LATE_MS = 30 * MINUTE_MS
"""An acknowledgement that takes longer is asked about."""
_SEVERITIES = tuple(Severity)
_QUESTIONS = (
    "What was the cause, and what of it was known before?",
    "What did users notice, how many, and what was lost?",
    "What made it worse, what kept it from being worse?",
    "Would an earlier alert have been possible? Which alerts were noise?",
    "What is changed so that it does not happen again, by whom, until when?",
)


def postmortem(incident: Incident, deliveries: Iterable[Delivery], now: int, cost_usd: float | None = None) -> str:
    """The draft as of `now` (ms). `cost_usd`: what the series of its alerts spent while it lasted, None when unknown."""
    messages = [delivery for delivery in deliveries if delivery.notification.incident == incident.id]
    lines = [
        f"# Postmortem (draft): {_line(title(incident))}",
        "",
        f"Written from the data of incident `{incident.id}` on {_time(now)}. What is in _italics_ is for people to fill in.",
        "",
        "## Summary",
        "",
        "_What happened, in two sentences._",
        "",
        *_facts(incident, messages, now, cost_usd),
        "",
        "## What fired",
        "",
        *_alerts(incident),
        "",
        "## Timeline",
        "",
        *_timeline(incident, messages),
        "",
        "## Open questions",
        "",
        *(f"- {question}" for question in [*_gaps(incident, messages), *_QUESTIONS]),
    ]
    return "\n".join(lines) + "\n"


def _facts(incident: Incident, messages: Sequence[Delivery], now: int, cost_usd: float | None) -> Iterator[str]:
    began = _began(incident)
    severity = max((member.edge.severity for member in incident.members.values()), key=_SEVERITIES.index, default=incident.severity)
    yield f"- Severity: {severity}"
    yield f"- Began: {_time(began)}; first alert: {_time(incident.opened)}, {_span(incident.opened - began)} later"
    told = min((message.ended for message in messages if message.state is DeliveryState.SENT and message.ended), default=None)
    yield "- First message: " + (f"{_time(told)}, {_span(told - began)} after it began" if told else "none is known to have been sent")
    acknowledged = _acknowledgements(incident)
    yield "- Acknowledged: " + (
        f"{_time(acknowledged[0][0])} by {_line(acknowledged[0][1])}, {_span(acknowledged[0][0] - incident.opened)} after the first alert"
        if acknowledged
        else "by nobody"
    )
    yield "- Resolved: " + (
        f"{_time(incident.closed)}, {_span(incident.closed - incident.opened)} after the first alert"
        if incident.closed is not None
        else f"not yet; it has lasted {_span(now - incident.opened)}"
    )
    yield "- Cost of the agents concerned, while it lasted: " + (figure(cost_usd, "$") if cost_usd is not None else "_not known_")
    owners = ", ".join(sorted(incident.owners))
    yield f"- Owner: {_line(owners) or '_nobody is named_'}"
    for runbook in dict.fromkeys(member.edge.runbook for member in incident.members.values() if member.edge.runbook):
        yield f"- Runbook: {_line(runbook)}"


def _alerts(incident: Incident) -> Iterator[str]:
    members = sorted(incident.members.values(), key=lambda member: (member.edge.at, member.edge.id))
    yield "| fired | alert | value | threshold | why | until | acknowledged by |"
    yield "|---|---|---|---|---|---|---|"
    for member in members[:MAX_ALERTS]:
        yield "| " + " | ".join(_cell(cell) for cell in _alert(member)) + " |"
    more = len(members) - MAX_ALERTS + incident.unlisted if len(members) > MAX_ALERTS else incident.unlisted
    if more:
        yield ""
        yield f"And {more} more."


def _alert(member: Member) -> tuple[str, ...]:
    edge = member.edge
    series = ", ".join(f"{key}={value}" for key, value in sorted(edge.series.items()))
    until = f"{_time(member.ended)}: {member.end_reason}" if member.ended is not None else "still fires"
    return (
        _time(edge.at),
        f"{edge.rule} ({series})" if series else edge.rule,
        "" if edge.value is None else f"{edge.value:.6g}",
        "" if edge.threshold is None else f"{edge.threshold:.6g}",
        edge.reason,
        until,
        member.acknowledged_by or "nobody",
    )


def _timeline(incident: Incident, messages: Iterable[Delivery]) -> Iterator[str]:
    """What happened, what was told and what people wrote, in order of time."""
    entries = [(entry.at, _line(entry.text)) for entry in incident.timeline]
    entries += [(note.at, f"note by {_line(note.by)}: {_line(note.text)}") for note in incident.notes]
    for message in messages:
        entries.append((message.ended or message.created, _message(message)))
    began = _began(incident)
    if began < incident.opened:
        entries.append((began, "the first condition held"))
    for at, text in sorted(entries, key=lambda entry: entry[0]):
        yield f"- {_time(at)} {text}"


def _message(message: Delivery) -> str:
    what = f"message ({message.notification.kind}) to {message.channel}"
    return f"{what}: {message.state}" + (f", {_line(message.reason)}" if message.reason else "")


def _gaps(incident: Incident, messages: Sequence[Delivery]) -> Iterator[str]:
    """What the data themselves give reason to ask."""
    undelivered = sorted({message.channel for message in messages if message.state is DeliveryState.UNDELIVERED})
    if undelivered:
        yield f"Why could {', '.join(undelivered)} not be told?"
    firing = [message for message in messages if message.notification.kind is NotificationKind.FIRING]
    if not firing:
        yield f"Why was nobody told? {_line(incident.hidden) if incident.hidden else 'No message about it is known.'}"
    acknowledged = _acknowledgements(incident)
    if not acknowledged:
        yield "Why did nobody acknowledge it?"
    elif acknowledged[0][0] - incident.opened > LATE_MS:
        yield f"Why did it take {_span(acknowledged[0][0] - incident.opened)} until somebody acknowledged it?"
    if not any(member.edge.runbook for member in incident.members.values()):
        yield "Which runbook would have helped? None of its rules has one."


def _began(incident: Incident) -> int:
    """When the first condition began to hold."""
    return min((member.edge.since for member in incident.members.values()), default=incident.opened)


def _acknowledgements(incident: Incident) -> list[tuple[int, str]]:
    return [(entry.at, entry.text.removeprefix(ACKNOWLEDGED)) for entry in incident.timeline if entry.text.startswith(ACKNOWLEDGED)]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / SECOND_MS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(ms: int) -> str:
    return span(max(ms, 0) // SECOND_MS * SECOND_MS)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
