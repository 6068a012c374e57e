"""Status badges: a small picture of how agents stand, for pages elsewhere.

The address holds a token of the scope `badge`, which opens the badge and nothing else. What it says stands in shape and words, never in
colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from functions.domain.fleet import Status
from functions.domain.token import parse

PREFIX, SUFFIX = "cp_", ".svg"
MAX_LABEL = 40
"""Characters of the left half."""
_LETTER, _PAD, _HEIGHT = 6.6, 7, 20
"""Pixels: a letter of 11 pixels' height on average, the room beside texts, the badge's height."""
_NO_XML = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Face(NamedTuple):
    """The right half of a badge."""

    symbol: str
    text: str
    color: str
    """Its background; white on it has a contrast of at least 4.5."""


_LOOKS = {Status.RED: ("■", "#b91c1c"), Status.YELLOW: ("▲", "#8a5a00"), Status.GREEN: ("●", "#12692f"), Status.GREY: ("○", "#5b6470")}
_WORST_FIRST = (Status.RED, Status.YELLOW, Status.GREEN, Status.GREY)
LATE = Face("○", "data is late", "#5b6470")
EMPTY = Face("○", "no agent", "#5b6470")


def path_of(token: str) -> str:
    """The path of a badge's picture, below the API's address, by its token's text."""
    return f"badge/{token.removeprefix(PREFIX)}{SUFFIX}"


def opened(badge: str) -> tuple[str, str] | None:
    """Id and secret of the token in a badge's address; None for what is none."""
    return parse(PREFIX + badge.removesuffix(SUFFIX))


def face(health: Mapping[str, int]) -> Face:
    """What agents by colour come to: the worst colour, how many have it, of how many."""
    total = sum(health.values())
    worst = next((status for status in _WORST_FIRST if health.get(status)), None)
    if worst is None:
        return EMPTY
    symbol, color = _LOOKS[worst]
    count = health[worst]
    return Face(symbol, f"{count} {worst}" if count == total else f"{count} {worst} of {total}", color)


def picture(label: str, shown: Face) -> str:
    """The badge as SVG; texts are of any kind."""
    label = _NO_XML.sub("�", label)
    left, right = label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…", f"{shown.symbol} {shown.text}"
    wide, rest = _width(left), _width(right)
    name = escape(f"{label}: {shown.text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide + rest}" height="{_HEIGHT}" role="img" aria-label="{name}">'
        f"<title>{name}</title>"
        f'<rect width="{wide + rest}" height="{_HEIGHT}" rx="3" fill="#333b45"/>'
        f'<path d="M{wide} 0h{rest - 3}a3 3 0 0 1 3 3v{_HEIGHT - 6}a3 3 0 0 1-3 3h-{rest - 3}z" fill="{shown.color}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(left, wide / 2, wide)}{_text(right, wide + rest / 2, rest)}</g></svg>"
    )


def _width(text: str) -> int:
    return round(len(text) * _LETTER) + 2 * _PAD


def _text(text: str, middle: float, width: int) -> str:
    # Fonts differ: the length is said, so that every one fits.
    return f'<text x="{middle:g}" y="14" textLength="{width - 2 * _PAD}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
