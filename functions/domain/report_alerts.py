"""Section: what alerted, how long people took, and how much of it was noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from functions.domain import alert
from functions.domain.alert_audit import Past, Record, audit
from functions.domain.alert_past import past_episodes
from functions.domain.delivery import DeliveryState
from functions.domain.incident import Incident, title
from functions.domain.postmortem import ACKNOWLEDGED
from functions.domain.report import Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount, listed, percent, sentence
from functions.domain.times import SECOND_MS

MOST = 10


def alerts(data: ReportData) -> Section:
    """The section."""
    episodes = [one for one in past_episodes(data.incidents) if data.start <= one.fired < data.end]
    opened = [one for one in data.incidents if one.opened >= data.start]
    return Section(
        id="alerts",
        title="Alerts",
        summary=_summary(opened, episodes),
        stats=list(_stats(data, opened, episodes)),
        findings=[*_open(data), *_undelivered(data), *_noise(data, episodes)],
        tables=[_table(data)],
        notes=[
            "An alert counts as noise when it ended and nobody acknowledged it. Times are means over incidents, from the first alert on.",
            *(["Incidents are those with an alert about the selected agents."] if data.selector.matchers else []),
        ],
    )


def is_noise(one: Past) -> bool:
    """Whether an alert was one that nobody did anything about."""
    return one.resolved is not None and not one.acknowledged


def to_acknowledge(incident: Incident) -> int | None:
    """How long until somebody acknowledged it, ms; None when nobody did."""
    times = [entry.at for entry in incident.timeline if entry.text.startswith(ACKNOWLEDGED)]
    return max(0, min(times) - incident.opened) if times else None


def to_resolve(incident: Incident) -> int | None:
    """How long until it was over, ms; None while it is not."""
    return None if incident.closed is None else incident.closed - incident.opened


def mean_s(values: Sequence[int | None]) -> float | None:
    """Mean of those that are known, s."""
    known = [value for value in values if value is not None]
    return fmean(known) / SECOND_MS if known else None


def _noise_share(episodes: Sequence[Past]) -> float | None:
    return sum(map(is_noise, episodes)) / len(episodes) if episodes else None


def _summary(opened: Sequence[Incident], episodes: Sequence[Past]) -> str:
    if not opened:
        return "No alert fired." if not episodes else f"No new incident; {amount(len(episodes), 'alert')} fired in earlier ones."
    share, firing = _noise_share(episodes), [one for one in opened if one.closed is None]
    return sentence(
        f"{amount(len(opened), 'incident')} with {amount(len(episodes), 'alert')}; {amount(len(firing), 'is open', 'are open')}."
        if firing
        else f"{amount(len(opened), 'incident')} with {amount(len(episodes), 'alert')}; all are over.",
        f"{percent(share)} of the alerts ended without anybody acknowledging them." if share else "",
    )


def _stats(data: ReportData, opened: Sequence[Incident], episodes: Sequence[Past]) -> Iterator[Stat]:
    before = data.incidents_before
    yield Stat(label="Incidents", value=len(opened), unit=Unit.COUNT, before=len(before), better="down")
    yield Stat(label="Alerts", value=len(episodes), unit=Unit.COUNT, better="down")
    yield Stat(label="Noise", value=_noise_share(episodes), unit=Unit.FRACTION, better="down", note="alerts that nobody acknowledged")
    for label, how in (("Time to acknowledge", to_acknowledge), ("Time to resolve", to_resolve)):
        now, past = (mean_s([how(one) for one in incidents]) for incidents in (opened, before))
        yield Stat(label=label, value=now, unit=Unit.SECONDS, before=past, better="down", note="mean of incidents")


def _open(data: ReportData) -> Iterator[Finding]:
    still = [one for one in data.incidents if one.closed is None]
    if still:
        oldest = min(still, key=lambda one: one.opened)
        yield Finding(
            severity=Severity.WARNING,
            title=f"{amount(len(still), 'incident is', 'incidents are')} still open",
            evidence=f"The oldest is {title(oldest)}, open for {(data.now - oldest.opened) / 3_600_000:.0f} h.",
            about=[title(one) for one in still[:MOST]],
            action="clawpulse incidents list",
        )


def _undelivered(data: ReportData) -> Iterator[Finding]:
    """Of the whole workspace: a report on a part of it says nothing of others' channels."""
    lost = [one for one in data.deliveries if one.state is DeliveryState.UNDELIVERED]
    if lost and not data.selector.matchers:
        channels = sorted({one.channel for one in lost})
        yield Finding(
            severity=Severity.WARNING,
            title="Messages did not arrive",
            evidence=f"{amount(len(lost), 'message')} to {listed(channels)} could not be delivered; the last reason: {lost[-1].reason}.",
            about=channels,
            action=f"clawpulse channels test {channels[0]}",
        )


def _noise(data: ReportData, episodes: Sequence[Past]) -> Iterator[Finding]:
    """Rules that do not earn their keep; only for the whole workspace, whose rules they are."""
    if data.selector.matchers:
        return
    for found in audit(data.rules, Record(start=data.start, end=data.end, episodes=episodes))[:MOST]:
        yield Finding(
            severity=Severity.INFO,
            title=f"Rule {found.rule}: {found.fault}",
            evidence=f"It {found.text}." if not found.text.startswith(("its", "no")) else f"{found.text}.".capitalize(),
            about=[found.rule, *found.others],
            action=found.proposal,
        )


def _gravest(incident: Incident) -> alert.Severity:
    order = list(alert.Severity)
    return max((member.edge.severity for member in incident.members.values()), key=order.index, default=incident.severity)


def _table(data: ReportData) -> Table:
    rows = [
        [
            one.opened,
            title(one),
            str(_gravest(one)),
            None if (taken := to_acknowledge(one)) is None else taken / SECOND_MS,
            None if (over := to_resolve(one)) is None else over / SECOND_MS,
            "open" if one.closed is None else "over",
        ]
        for one in data.incidents
    ]
    return Table(
        title="Incidents",
        columns=[
            Column(label="Began", unit=Unit.TIME),
            Column(label="What"),
            Column(label="Severity"),
            Column(label="Acknowledged after", unit=Unit.SECONDS),
            Column(label="Over after", unit=Unit.SECONDS),
            Column(label="State"),
        ],
        rows=rows[:MOST],
        more=max(0, len(rows) - MOST),
        empty="No incident.",
    )
