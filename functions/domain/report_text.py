"""Numbers of reports as people read them: in their unit, rounded to what matters, never 0 for what is not known."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from functions.domain.notification_text import line
from functions.domain.report import Cell, Finding, Report, Severity, Stat, Table, Unit
from functions.domain.times import MINUTE_MS, SECOND_MS

UNKNOWN = "unknown"
MINUS = "\N{MINUS SIGN}"
_SIZES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_WHOLE_FROM = 100
_CENTS_FROM, _WHOLE_MONTHLY_FROM, _WHOLE_USD_FROM = 0.1, 10, 1000
_LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999."""
_LENGTHS = ((24 * 60 * MINUTE_MS, "d"), (60 * MINUTE_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))
_GRAVITY = tuple(Severity)


def shown(value: Cell, unit: Unit) -> str:
    """A number with its unit; texts as they are, on one line."""
    if isinstance(value, str):
        return line(value)
    if value is None or not math.isfinite(value):
        return UNKNOWN
    # What carries its sign in front of the currency is made of its size.
    sign = MINUS if value < 0 and unit is not Unit.TIME else ""
    return sign + _FORMS.get(unit, number)(abs(value) if sign else value)


def change(fraction: float | None) -> str:
    """A change with its sign: `+12.3 %`."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    text = _percent(abs(fraction) * 100)
    sign = "±" if text == "0 %" else "+" if fraction > 0 else MINUS
    return sign + text


def verdict(stat: Stat) -> Severity | None:
    """Whether a change is for the better; None when there is none, or nobody can say."""
    if not stat.better or not stat.change:
        return None
    return Severity.GOOD if (stat.change > 0) == (stat.better == "up") else Severity.WARNING


def number(value: float) -> str:
    """Grouped, with at most two digits behind the point; of small ones three from the first that is not 0."""
    size = abs(value)
    if value == int(value) or size >= _WHOLE_FROM:
        return f"{value:,.0f}"
    digits = 2 if size >= _CENTS_FROM or not size else min(2 - math.floor(math.log10(size)), 9)
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") or "0"


def compact(value: float) -> str:
    """`1.23 M`; below ten thousand every digit."""
    for size, letter in _SIZES:
        if abs(value) >= max(size, 10_000):
            return f"{value / size:.3g} {letter}" if abs(value) < size * 999.5 else f"{value / size:,.0f} {letter}"
    return number(value)


def moment(time: int | float, *, zone: bool = True) -> str:
    """`Mon 23 Nov 2026 07:00 UTC`."""
    at = datetime.fromtimestamp(min(max(time, 0), _LATEST_MS) / SECOND_MS, UTC)
    return at.strftime(f"%a {at.day} %b %Y %H:%M") + (" UTC" if zone else "")


def period(report: Report) -> str:
    """`Mon 16 Nov 2026 to Mon 23 Nov 2026 07:00 UTC`: midnights without their time, but for the zone."""
    start, end = (moment(time, zone=False).removesuffix(" 00:00") for time in (report.start, report.end))
    return f"{start} to {end} UTC"


def remark(table: Table) -> str:
    """What stands below a table: how much is left out, and its note."""
    return " ".join([*([f"And {table.more:,} more."] if table.more else []), *([table.note] if table.note else [])])


def highlights(report: Report, most: int) -> list[tuple[str, Finding]]:
    """What a reader must not miss, with the id of its section: the gravest first, then what costs most; each title once."""
    found: dict[str, tuple[str, Finding]] = {}
    for section in report.sections:
        for finding in section.findings:
            if finding.severity in (Severity.WARNING, Severity.CRITICAL) or finding.usd_per_month:
                found.setdefault(finding.title, (section.id, finding))
    return sorted(found.values(), key=lambda one: (-_GRAVITY.index(one[1].severity), -(one[1].usd_per_month or 0)))[:most]


class Scaled(NamedTuple):
    """How the axis of a unit is labelled."""

    by: float
    """Values are divided by it."""
    label: str


def scaled(unit: Unit, top: float) -> Scaled:
    """A size for all labels of an axis whose values reach up to `top`."""
    if unit in (Unit.MS, Unit.SECONDS):
        ms = SECOND_MS if unit is Unit.SECONDS else 1
        for length, name in ((60 * MINUTE_MS, "hours"), (MINUTE_MS, "minutes"), (SECOND_MS, "seconds")):
            if top * ms >= 2 * length:
                return Scaled(length / ms, name)
        return Scaled(1 / ms, "ms")
    if unit in (Unit.TOKENS, Unit.COUNT):
        name = "tokens" if unit is Unit.TOKENS else ""
        for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
            if top >= 10 * size or (top >= 2 * size and size > 1e3):
                return Scaled(size, f"{word} {name}".strip())
        return Scaled(1, name)
    return Scaled(0.01 if unit is Unit.FRACTION else 1, _AXES.get(unit, ""))


def _usd(value: float) -> str:
    if value >= _WHOLE_USD_FROM:
        return f"${value:,.0f}"
    if value >= _CENTS_FROM:
        return f"${value:,.2f}"
    return f"${number(value)}"


def _percent(value: float) -> str:
    digits = 0 if value >= _WHOLE_FROM else 1 if value >= 1 or not value else 2
    return (f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}") + " %"


def _ms(value: float) -> str:
    if value < SECOND_MS:
        return f"{value:.3g} ms"
    size, name = next((size, name) for size, name in _LENGTHS if value >= size)
    return f"{number(float(f'{value / size:.3g}'))} {name}"


_FORMS: dict[Unit, Callable[[float], str]] = {
    Unit.USD: _usd,
    Unit.USD_PER_MONTH: lambda value: f"{f'${value:,.0f}' if value >= _WHOLE_MONTHLY_FROM else _usd(value)} a month",
    Unit.TOKENS: compact,
    Unit.FRACTION: lambda value: _percent(value * 100),
    Unit.PERCENT: _percent,
    Unit.MS: _ms,
    Unit.SECONDS: lambda value: _ms(value * SECOND_MS),
    Unit.DAYS: lambda value: f"{number(round(value, 1))} days",
    Unit.PER_MINUTE: lambda value: f"{number(value)} a minute",
    Unit.SCORE: lambda value: f"{number(round(value, 1))} of 100",
    Unit.TIME: moment,
}
_AXES = {
    Unit.USD: "USD",
    Unit.USD_PER_MONTH: "USD a month",
    Unit.FRACTION: "%",
    Unit.PERCENT: "%",
    Unit.DAYS: "days",
    Unit.PER_MINUTE: "a minute",
    Unit.SCORE: "of 100",
}
