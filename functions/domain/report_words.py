"""What reports say in sentences, for people who know nothing of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from functions.domain.times import SECOND_MS

SAME = 0.02
"""A smaller change is told as none."""


def money(usd: float) -> str:
    """`$12,345`, `$12.30`, `$0.0042`: as many digits as tell something."""
    sign, size = "-" if usd < 0 else "", abs(usd)
    if size >= 1_000:
        return f"{sign}${size:,.0f}"
    return f"{sign}${size:,.2f}" if size >= 0.1 or not size else f"{sign}${size:.2g}"


def count(value: float) -> str:
    """`1,234`, `56 thousand`, `1.2 million`, `3.4 billion`."""
    for name, size in (("billion", 1e9), ("million", 1e6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value / 1e3:.3g} thousand" if abs(value) >= 20_000 else f"{value:,.0f}"


def percent(fraction: float) -> str:
    """`98.2 %`; what is nearly all or nearly nothing is not rounded to it."""
    shown = f"{fraction * 100:.1f}".removesuffix(".0")
    if shown == "100" and fraction < 1:
        return "over 99.9 %"
    return "under 0.1 %" if shown == "0" and fraction > 0 else f"{shown} %"


def change(now: float | None, before: float | None, period: str) -> str:
    """`12 % more than the week before`; empty when one of both is not known or nothing."""
    if now is None or not before:
        return ""
    share = now / before - 1
    if abs(share) < SAME:
        return f"about as much as the {period} before"
    if share >= 1:
        return f"{now / before:.2g} times as much as the {period} before"
    return f"{abs(share) * 100:.0f} % {'more' if share > 0 else 'less'} than the {period} before"


def amount(number: int, one: str, many: str = "") -> str:
    """`1 agent`, `2 agents`, `no agent`."""
    if not number:
        return f"no {one}"
    return f"1 {one}" if number == 1 else f"{number:,} {many or one + 's'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a, b and 5 more`."""
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def length(hours: int) -> str:
    """What a period is called: `week`, `day`, `30 days`, `5 hours`."""
    names = {1: "hour", 24: "day", 168: "week"}
    if hours in names:
        return names[hours]
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"


def day(ms: int) -> str:
    """`Mon 23 Nov`."""
    return datetime.fromtimestamp(ms / SECOND_MS, UTC).strftime("%a %-d %b")


def sentence(*parts: str) -> str:
    """Sentences that are not empty, one after the other."""
    return " ".join(part[:1].upper() + part[1:] for part in parts if part)
