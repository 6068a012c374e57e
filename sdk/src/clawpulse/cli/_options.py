"""Options that several commands share, and values typed by people: ranges of time, moments, tag changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Callable

import click

from clawpulse.cli._api import Api
from clawpulse.cli._connection import Connection

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RANGE = re.compile(r"(\d{1,6})\s*([smhd])")

as_json = click.option("--json", "as_json", is_flag=True, help="Stable JSON for programs.")
selector = click.option("--tags", metavar="SELECTOR", help="Which agents: env=prod,tier!=batch,region=~eu-.*")
watch = click.option("--watch", is_flag=True, help="Show it again and again until Ctrl-C.")
every = click.option(
    "--every", type=click.FloatRange(1, 3_600), default=5.0, show_default=True, help="Seconds between two looks with --watch."
)
time_range = click.option("--range", "span", default="1h", show_default=True, metavar="LENGTH", help="How far back from now: 30m, 6h, 7d.")
limit = click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many rows.")


def duration(value: str) -> int:
    """Read `90s`, `15m`, `6h`, `7d` as seconds; a click usage error otherwise."""
    found = _RANGE.fullmatch(value.strip())
    if not found or not int(found[1]):
        raise click.BadParameter(f"{value!r} is not a length of time such as 90s, 15m, 6h or 7d")
    return int(found[1]) * UNITS[found[2]]


def words(*known: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Checks an option that takes some of these words, separated by commas."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        wanted = [part.strip() for part in value.split(",") if part.strip()]
        for word in wanted:
            if word not in known:
                raise click.BadParameter(f"{word!r} is none of {', '.join(known)}", context, parameter)
        return ",".join(wanted) or None

    return check


def api_of(context: click.Context) -> Api:
    """The API that the command talks to."""
    connection: Connection = context.find_root().obj
    return connection.api()


def tag_changes(changes: Sequence[str]) -> dict[str, str | None]:
    """`k=v` sets a tag, `k-` removes it."""
    wanted: dict[str, str | None] = {}
    for change in changes:
        key, separator, value = change.partition("=")
        if separator and key and value:
            wanted[key] = value
        elif change.endswith("-") and len(change) > 1 and not separator:
            wanted[change[:-1]] = None
        else:
            raise click.UsageError(f"{change!r} is neither key=value (set) nor key- (remove)")
    return wanted


def since(usual: str) -> Callable[[Any], Any]:
    """`--since 30d`, as seconds; `usual` is what the API takes without it."""
    text = f"How far back from now: 12h, 30d; {usual} unless given."
    return click.option("--since", "seconds", type=duration, metavar="LENGTH", help=text)


def since_time(seconds: int | None, now: datetime) -> str | None:
    """A moment so long ago, as the API takes it."""
    return None if seconds is None else (now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
