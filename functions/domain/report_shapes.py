"""The shapes that charts are drawn of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from functions.domain.notification_text import fit, line
from functions.domain.report_style import NAMED, SERIES

WIDTH, HEIGHT = 760, 210
"""Of a chart with its labels, and of the room that is plotted in."""
LEFT, RIGHT = 52, 36
DASHES = ("", "7 3", "2 3", "9 3 2 3")
_CHARACTER = 7.3
"""As wide as one of a label, in a wide font."""
_LINE = 20


class Frame(NamedTuple):
    """Where values are plotted."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right side."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.top + self.height

    def x(self, share: float) -> float:
        """The place of a share of the width."""
        return self.left + share * self.width

    def y(self, share: float) -> float:
        """The place of a share of the height, from below."""
        return self.bottom - share * self.height


def series(number: int, name: str) -> str:
    """The colour of a line: its own if it is named after one, as health is."""
    return f"var(--{NAMED.get(name) or SERIES[number % len(SERIES)]})"


def dash(number: int) -> str:
    """The attribute that makes its dashes."""
    found = DASHES[number % len(DASHES)]
    return f' stroke-dasharray="{found}"' if found else ""


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """One line of text; `anchor` is `start`, `middle` or `end`."""
    how = (f' text-anchor="{anchor}"' if anchor != "start" else "") + (f' class="{kind}"' if kind else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{how}>{escape(line(words))}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def width_of(words: str) -> float:
    """About as wide as a label is."""
    return len(words) * _CHARACTER


def legend(names: Sequence[tuple[str, str]], top: float) -> tuple[str, int]:
    """A sign (`line`, `band`, `area`) and a name each, in lines below `top`; with the height that takes."""
    shapes, x, y = [], 0.0, top + 12.0
    for number, (name, kind) in enumerate(names):
        words = fit(name, 40)
        if x and x + 24 + width_of(words) > WIDTH:
            x, y = 0.0, y + _LINE
        shapes.append(_sign(0 if kind == "band" else number, name, kind, x, y))
        shapes.append(text(x + 24, y, words, kind="ink"))
        x += 24 + width_of(words) + 18
    return "".join(shapes), round(y - top) + 10


def _sign(number: int, name: str, kind: str, x: float, y: float) -> str:
    if kind == "line":
        return f'<path class="line" stroke="{series(number, name)}"{dash(number)} d="M{x:.1f} {y - 4:.1f}h18"/>'
    faint = ' class="band"' if kind == "band" else ""
    return f'<rect{faint} x="{x:.1f}" y="{y - 10:.1f}" width="18" height="11" fill="{series(number, name)}"/>'
