"""A report as a document: headline, sections, findings; what it says, not how it looks.

Sections are made by `report_*` modules; `report_html`, `report_markdown` and `report_json` show any report: whoever adds a section
touches no renderer. Numbers are plain, in the unit of their `Unit`; None is "not known", which no renderer shows as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

type Cell = float | int | str | None


class Unit(StrEnum):
    """What a number is."""

    USD = "usd"
    USD_PER_MONTH = "usd_per_month"
    COUNT = "count"
    TOKENS = "tokens"
    FRACTION = "fraction"
    """0.034 is shown as 3.4 %."""
    MS = "ms"
    SECONDS = "seconds"
    DAYS = "days"
    PER_MINUTE = "per_minute"
    PERCENT = "percent"
    """3.4 is shown as 3.4 %."""
    SCORE = "score"
    """0 to 100."""
    TIME = "time"
    """ms since 1970."""
    TEXT = "text"


class Severity(StrEnum):
    """How much a finding matters, gravest last."""

    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One number that stands for itself."""

    label: str
    value: Cell
    unit: Unit
    before: float | None = None
    """The same of the period before."""
    better: str = ""
    """`up` or `down` when more or less of it is good; empty when neither."""
    note: str = ""
    """Half a sentence."""

    @property
    def change(self) -> float | None:
        """As a fraction of before; None when that is 0 or one of both is not known."""
        if not isinstance(self.value, int | float) or not self.before:
            return None
        return self.value / self.before - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    label: str
    unit: Unit = Unit.TEXT
    change: bool = False
    """A fraction that is a change, shown with its sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells, in the order in which they matter."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    empty: str = "Nothing."
    """Shown when there is no row."""
    more: int = 0
    """Rows that were left out."""


class ChartKind(StrEnum):
    """How the lines of a chart are drawn."""

    LINE = "line"
    BAND = "band"
    """Three lines, low, middle, high: a line in a band."""
    STACKED = "stacked"
    """Areas or bars upon each other."""
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    points: Sequence[float | None]
    """As many as the chart has times or labels."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a time of a chart."""

    time: int
    """ms."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of numbers."""

    title: str
    kind: ChartKind
    unit: Unit
    times: Sequence[int] = ()
    """ms; or `labels` instead."""
    labels: Sequence[str] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a reader should know, with its evidence."""

    severity: Severity
    title: str
    evidence: str
    """A sentence with the numbers that it rests on."""
    about: Sequence[str] = ()
    """Agents or groups."""
    usd_per_month: float | None = None
    """What it wastes, or what doing `action` saves; None when nobody can say."""
    action: str = ""
    """What to do, as a command or half a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One chapter."""

    id: str
    """For links: `cost`, `alerts`."""
    title: str
    summary: str
    """One or two sentences that say what follows, for people who read no further."""
    stats: Sequence[Stat] = ()
    charts: Sequence[Chart] = ()
    findings: Sequence[Finding] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    """What is not known, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    id: str
    workspace: str
    tags: str
    """Selector of the agents that it is about; empty for all."""
    title: str
    start: int
    """ms."""
    end: int
    made: int
    """When it was made, ms."""
    summary: str
    """Three sentences for someone outside the team."""
    headline: Sequence[Stat]
    sections: Sequence[Section]
    notes: Sequence[str] = ()
