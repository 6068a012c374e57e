"""What a gate found, for people."""

from __future__ import annotations

import math

from functions.domain import tasks


def amount(metric: str, value: float) -> str:
    """A value of a metric: a rate for errors, else per task."""
    if metric == tasks.ERRORS:
        return percent(value)
    if metric == tasks.LATENCY:
        return f"{_digits(value)} ms"
    if metric == tasks.COST:
        return f"${_digits(value)}"
    return f"{_digits(value)} tokens" if metric == tasks.TOKENS_OUT else _digits(value)


def percent(share: float) -> str:
    """As `4.2 %`."""
    return f"{100 * share:.{0 if share >= 0.1 or not share else 1 if share >= 0.01 else 2}f} %"


def reference(name: str, metric: str, value: float, evidence: float) -> str:
    """As `by its own past 512 ms (e-value 3.1)`."""
    return f"by {name} {amount(metric, value)} (e-value {_digits(evidence)})"


def count(number: int, one: str) -> str:
    """As `1 task` or `1,200 tasks`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _digits(value: float) -> str:
    """Three significant digits, no exponent below a billion."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 1e9:
        return f"{value:.1e}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
