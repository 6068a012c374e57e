"""How answers look: tables for people, stable JSON for programs, and the few formats that all commands share."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

HEALTH = {"green": ("●", "green"), "yellow": ("▲", "yellow"), "red": ("■", "red"), "grey": ("○", "bright_black")}
"""Symbol and colour: never colour alone."""

MISSING = "–"
_BARS = "▁▂▃▄▅▆▇█"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PIPE_WIDTH = 1_000


class _Console(Console):
    """Leaves the handling of a broken pipe to the root command."""

    def on_broken_pipe(self) -> None:
        """Let it propagate; rich calls this while it handles the error."""
        raise


def console() -> Console:
    """Standard output as it is now; a pipe gets whole lines instead of columns cut at 80."""
    terminal = sys.stdout.isatty()
    return _Console(file=sys.stdout, width=None if terminal else _PIPE_WIDTH, highlight=False, soft_wrap=not terminal)


def print_json(value: Any) -> None:
    """One JSON document, keys in the API's order."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str) -> None:
    """One line for people."""
    console().print(Text(plain(text)))


def print_error(text: str) -> None:
    """One line on standard error."""
    print(f"clawpulse: {plain(text)}", file=sys.stderr)


def plain(value: object) -> str:
    """Text from elsewhere, with no way to steer the terminal."""
    return _CONTROL.sub("�", str(value))


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table without frame lines; the columns in `right` hold figures."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return made


def add_row(target: Table, cells: Iterable[object]) -> None:
    """A row of plain text, whatever markup the cells seem to hold."""
    target.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in cells))


def health(status: str) -> Text:
    """A colour of health as symbol and word."""
    symbol, style = HEALTH.get(status, ("?", ""))
    return Text(f"{symbol} {plain(status)}", style=style)


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """A figure, or a dash: missing is not zero."""
    if value is None:
        return MISSING
    text = f"{value:,.{digits}f}"
    return (text[: -digits - 1] if digits and text.endswith("." + "0" * digits) else text) + unit


def percent(fraction: float | None) -> str:
    """A fraction as percents."""
    return MISSING if fraction is None else f"{fraction * 100:.1f} %"


def money(usd: float | None, digits: int = 2) -> str:
    """US dollars."""
    return MISSING if usd is None else f"${usd:,.{digits}f}"


def tags(value: Mapping[str, str]) -> str:
    """`k=v k=v`."""
    return " ".join(f"{key}={value[key]}" for key in sorted(value)) or MISSING


def parse_time(value: Any) -> datetime | None:
    """A time of the API: RFC 3339 or ms since 1970."""
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value / 1000, timezone.utc)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None


def ago(value: Any, now: datetime) -> str:
    """How long since a time of the API."""
    moment = parse_time(value)
    if moment is None:
        return MISSING
    return duration(max(0.0, (now - moment).total_seconds()))


def duration(seconds: float) -> str:
    """Rough and short: `42 s`, `7 min`, `3 h`, `2 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 86_400 and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def clock(value: Any) -> str:
    """A time of the API as UTC."""
    moment = parse_time(value)
    return MISSING if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def sparkline(values: Sequence[float | None], width: int = 60) -> str:
    """Values as bars from zero, the newest `width` of them; a gap stays a gap."""
    shown = list(values)[-width:]
    top = max((value for value in shown if value is not None), default=0.0)
    return "".join("·" if value is None else _BARS[_level(value, top)] for value in shown)


def _level(value: float, top: float) -> int:
    return min(len(_BARS) - 1, int(max(0.0, value) / top * (len(_BARS) - 1) + 0.5)) if top > 0 else 0
