"""Section: hours in which cost, failures, latency or work were far from what their time of day and week lead to expect (`domain.anomaly`).

Tiers are looked at beside agents: what a whole tier has is told once, not of each of its agents; what a few agents make is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from functions.domain.anomaly import Anomaly, AnomalyPolicy, Direction, Scale, find_anomalies
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_history import history
from functions.domain.report_past import COST, FAILED, LATENCY, TIER
from functions.domain.report_text import shown
from functions.domain.report_words import amount
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS

MOST = 15
TOLD = 5
"""Findings; all are in the table."""
FEW = 3
MOSTLY = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A figure that is looked at."""

    label: str
    names: tuple[str, ...]
    scale: Scale
    unit: Unit
    text: str
    """The unit as `alert_text.figure` has it."""
    least: float
    """Smaller differences are no news, in the unit."""
    down: bool = False
    """Whether less of it is news, too."""


WATCHED = (
    Watched(label="Cost", names=COST, scale=Scale.AMOUNT, unit=Unit.USD, text="$", least=0.1),
    Watched(label="Failed tasks", names=FAILED, scale=Scale.AMOUNT, unit=Unit.COUNT, text="tasks", least=3),
    Watched(label="Latency", names=LATENCY, scale=Scale.SIZE, unit=Unit.MS, text="ms", least=100),
    Watched(label="Tasks", names=LATENCY, scale=Scale.AMOUNT, unit=Unit.COUNT, text="tasks", least=10, down=True),
)


@dataclass(frozen=True, slots=True)
class Odd:
    """An anomaly of a tier or an agent."""

    watched: Watched
    who: TagPairs
    found: Anomaly

    def within(self, other: Odd, tier: str) -> bool:
        """Whether it is part of what its tier has."""
        mine, theirs = self.found, other.found
        same = self.watched is other.watched and mine.direction is theirs.direction and dict(other.who).get(TIER, "") == tier
        return same and mine.first_hour < theirs.last_hour and theirs.first_hour < mine.last_hour


def anomalies(data: ReportData) -> Section:
    """The section."""
    found = odd(data)
    return Section(
        id="anomalies",
        title="Unusual hours",
        summary=_summary(found),
        stats=[Stat(label="Anomalies", value=len(found), unit=Unit.COUNT, better="down")],
        findings=[_finding(data, one) for one in found[:TOLD]],
        tables=[_table(data, found)],
        notes=[
            "Each hour is compared with the same hours of other days, of up to five weeks before. Of a hundred, about one is by chance.",
            *(["Too little is known of the time before to say what is usual."] if not data.comparable else []),
        ],
    )


def odd(data: ReportData) -> list[Odd]:
    """All of them, the clearest first."""
    found: list[Odd] = []
    for watched in WATCHED:
        tiers = list(_find(data, watched, TIER))
        agents = [one for one in _find(data, watched, AGENT) if one.found.direction is Direction.UP]
        for tier in tiers:
            parts = [one for one in agents if one.within(tier, _tier(data, one.who))]
            if not _explained(tier, parts):
                found.append(tier)
                agents = [one for one in agents if one not in parts]
        found += agents
    return sorted(found, key=lambda one: (-abs(one.found.score), one.found.first_hour, one.who))


def _explained(tier: Odd, parts: Sequence[Odd]) -> bool:
    """Whether a few agents make what is unusual of their tier: then they are told, and not the tier."""
    if not 0 < len(parts) <= FEW:
        return False
    return tier.watched.scale is Scale.SIZE or sum(one.found.excess for one in parts) >= MOSTLY * tier.found.excess


def _find(data: ReportData, watched: Watched, by: str) -> Iterator[Odd]:
    if by == AGENT and watched.down:
        return
    known = history(data, watched.names, by, past=data.past)
    values = known.means if watched.scale is Scale.SIZE else known.counts if watched.unit is Unit.COUNT else known.sums
    if not len(known.keys):
        return
    for one in find_anomalies(
        values,
        known.first_hour,
        names=[_who(data, key) for key in known.keys],
        scale=watched.scale,
        unit=watched.text,
        counts=None if watched.unit is Unit.COUNT else known.counts,
        watch_from=data.usage.first_hour,
        policy=AnomalyPolicy(least=watched.least),
    ):
        if watched.down or one.direction is Direction.UP:
            yield Odd(watched, known.keys[one.series], one)


def _tier(data: ReportData, who: TagPairs) -> str:
    state = data.states.get(dict(who).get(AGENT, ""))
    return state.tags.get(TIER, "") if state else ""


def _who(data: ReportData, key: TagPairs) -> str:
    tags = dict(key)
    if AGENT in tags:
        return data.name(tags[AGENT])
    return f"tier {tags[TIER]}" if TIER in tags else "the fleet"


def _summary(found: Sequence[Odd]) -> str:
    if not found:
        return "No hour was unusual."
    first = found[0]
    way = "more" if first.found.direction is Direction.UP else "less"
    kinds = _listed({one.watched.label.lower() for one in found})
    return f"{amount(len(found), 'unusual time', 'unusual times')} ({kinds}); the clearest: {first.watched.label.lower()} {way} than usual."


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


def _finding(data: ReportData, one: Odd) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        title=f"{one.watched.label} of {_who(data, one.who)} {_way(one)}",
        evidence=f"{one.found.evidence.rstrip('.')}.",
        about=[_who(data, one.who)],
        action="find out what it did then",
    )


def _way(one: Odd) -> str:
    if one.watched.scale is Scale.SIZE:
        return "was longer than usual"
    return "was higher than usual" if one.found.direction is Direction.UP else "was lower than usual"


def _table(data: ReportData, found: Sequence[Odd]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.found.first_hour * HOUR_MS,
            one.found.last_hour - one.found.first_hour,
            _who(data, one.who),
            one.watched.label,
            shown(one.found.value, one.watched.unit),
            shown(one.found.usual, one.watched.unit),
            one.found.value / one.found.usual - 1 if one.found.usual else None,
        ]
        for one in found
    ]
    columns = [
        Column(label="Since", unit=Unit.TIME),
        Column(label="Hours", unit=Unit.COUNT),
        Column(label="Who"),
        Column(label="What"),
        Column(label="Was, an hour"),
        Column(label="Usual"),
        Column(label="Difference", unit=Unit.FRACTION, change=True),
    ]
    title, note = "Unusual hours", "The clearest first."
    return Table(title=title, columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note, empty="None.")
