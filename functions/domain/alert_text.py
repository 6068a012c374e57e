"""Durations and figures of rules as text: read, and told to people with their units."""

from __future__ import annotations

import re

from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS}
DURATION_PATTERN = r"^(?=.)([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
_DURATION = re.compile(DURATION_PATTERN)


def parse_duration(text: object) -> int | None:
    """`30s`, `5m`, `1h30m`, `7d` in ms; None when it is no duration."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    return sum(int(part[:-1]) * _UNITS[part[-1]] for part in found.groups() if part)


def duration_text(ms: int) -> str:
    """A duration as rules write it."""
    parts = []
    for unit, size in _UNITS.items():
        amount, ms = divmod(ms, size)
        parts += [f"{amount}{unit}"] if amount else []
    return "".join(parts) or "0s"


def span(ms: int) -> str:
    """A duration for people: `5 min`, `1 h 30 min`, `7 days`."""
    names = {"d": "days", "h": "h", "m": "min", "s": "s"}
    parts = []
    for unit, size in _UNITS.items():
        amount, ms = divmod(ms, size)
        parts += [f"{amount} {'day' if unit == 'd' and amount == 1 else names[unit]}"] if amount else []
    return " ".join(parts) or "0 s"


def figure(value: float, unit: str = "") -> str:
    """A value with its unit, to four significant digits: `812 ms`, `$0.071`, `84.2 %`, `1,234,567 tokens`."""
    if unit == "%":
        return f"{_digits(value * 100)} %"
    if unit.startswith("$"):
        return f"{'-' if value < 0 else ''}${_digits(abs(value))}{unit[1:]}"
    return f"{_digits(value)} {unit}".rstrip()


def _digits(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def unit_of(name: str) -> str:
    """The unit that a metric's name speaks of; empty when it does not say."""
    last = name.rsplit(".", 1)[-1]
    for ending, unit in (("_ms", "ms"), ("_usd", "$"), ("_s", "s"), ("_bytes", "bytes"), ("_percent", "percent")):
        if last.endswith(ending):
            return unit
    if "tokens" in last:
        return "tokens"
    return "percent" if name in ("agent.cpu", "agent.memory") else ""
