"""Durations: `15m`, `parse_duration('42.8ms')`, and what is added by `date_add`."""

from __future__ import annotations

import re
from fractions import Fraction

from sqlglot import exp

_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
_LONG = {"nanosecond": "ns", "microsecond": "us", "millisecond": "ms", "second": "s", "minute": "m", "hour": "h", "day": "d"}
_MONTHS = {"month": 1, "year": 12, "y": 12}
_ADDED = {"week": ("day", 7), "quarter": ("month", 3)}
_MAKERS = {
    "millisecond": "to_milliseconds",
    "second": "to_seconds",
    "minute": "to_minutes",
    "hour": "to_hours",
    "day": "to_days",
    "month": "to_months",
    "year": "to_years",
}
UNITS = frozenset({*_MAKERS, *_ADDED})
"""What `date_add`, `date_diff` and `date_trunc` count in."""


def microseconds(count: int) -> exp.Expression:
    """An interval of day to second."""
    return exp.Anonymous(this="to_microseconds", expressions=[exp.Literal.number(count)])


def parse(text: str) -> exp.Expression | None:
    """The interval that a literal stands for; None if it is none. Below a microsecond is cut off."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text, re.ASCII)
    if not match:
        return None
    count, unit = Fraction(match[1]), match[2].lower()
    if unit in _MONTHS and count.denominator == 1:
        return exp.Anonymous(this="to_months", expressions=[exp.Literal.number(int(count) * _MONTHS[unit])])
    if _LONG.get(unit, unit) == "d" and count.denominator == 1:
        return exp.Anonymous(this="to_days", expressions=[exp.Literal.number(int(count))])
    scale = _NANOSECONDS.get(_LONG.get(unit, unit))
    return None if scale is None else microseconds(int(count * scale / 1000))


def of_unit(unit: str, count: exp.Expression) -> exp.Expression:
    """`count` units, as DuckDB adds them to a timestamp."""
    name, factor = _ADDED.get(unit, (unit, 1))
    if factor != 1:
        count = exp.Mul(this=exp.Paren(this=count), expression=exp.Literal.number(factor))
    return exp.Anonymous(this=_MAKERS[name], expressions=[count])
