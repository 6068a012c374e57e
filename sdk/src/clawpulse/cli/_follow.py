"""Follows something that ends by itself: in place on a terminal, a line for each change elsewhere; the exit code says how it ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Callable, NamedTuple

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import ApiError, CommandError

WAITS = 4
"""Exit code when a person has to do something."""
Fetch = Callable[[], Any]


class Look(NamedTuple):
    """How it looks, and when it is over."""

    line: Callable[[Any], str]
    card: Callable[[Any, datetime], RenderableType]
    code: Callable[[Any], int | None]
    """The exit code once there is nothing more to follow."""
    guesses: Sequence[str] = ()
    """Members that are another with each look, also when nothing has happened: they make no new line."""


def follow(fetch: Fetch, seconds: float, look: Look, *, as_json: bool) -> int:
    """Show it until it is over; gives the exit code. Failures that may pass do."""
    if not as_json and sys.stdout.isatty():
        return _live(fetch, seconds, look)
    shown = ""
    found = fetch()

    def text(one: Any) -> str:
        return json.dumps(one, ensure_ascii=False) if as_json else look.line(one)

    while True:
        news = text({**found, **dict.fromkeys(look.guesses)})
        if news != shown:
            print(text(found) if as_json else f"{datetime.now(timezone.utc):%H:%M:%S} {out.plain(text(found))}", flush=True)
            shown = news
        code = look.code(found)
        if code is not None:
            return code
        found = _next(fetch, seconds, found)


def _live(fetch: Fetch, seconds: float, look: Look) -> int:
    found = fetch()
    trouble = ""
    # Screens are shorter than fleets: what does not fit is cut, and the end is printed as a whole.
    with Live(console=out.console(), auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        while (code := look.code(found)) is None:
            live.update(Text(trouble, style="red") if trouble else look.card(found, datetime.now(timezone.utc)), refresh=True)
            time.sleep(seconds)
            try:
                found, trouble = fetch(), ""
            except CommandError as error:
                trouble = _passing(error, seconds)
    out.console().print(look.card(found, datetime.now(timezone.utc)))
    return code


def _next(fetch: Fetch, seconds: float, found: Any) -> Any:
    time.sleep(seconds)
    try:
        return fetch()
    except CommandError as error:
        out.print_error(_passing(error, seconds))
        return found


def _passing(error: CommandError, seconds: float) -> str:
    """What to tell of a failure that may pass; raises the others."""
    if isinstance(error, ApiError) and error.status < 500 and error.status != 429:
        raise error
    return f"{out.plain(error)}; trying again every {seconds:g} s"
