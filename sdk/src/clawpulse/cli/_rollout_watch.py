"""Follows a rollout to its end: in place on a terminal, a line for each change elsewhere; the exit code says how it ended."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timezone
from typing import Any, Callable

from rich.live import Live
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli import _rollout_view as views
from clawpulse.cli._api import FAILURE, ApiError, CommandError

WAITS = 4
"""Exit code when a person has to do something, with `until_held`."""
CODES = {"succeeded": 0, "reverted": FAILURE, "stopped": FAILURE}
Fetch = Callable[[], Any]


def follow(fetch: Fetch, seconds: float, *, as_json: bool, until_held: bool) -> int:
    """Show a rollout until it is over, or with `until_held` until it waits for a person; gives the exit code. Failures that may pass do."""
    if not as_json and sys.stdout.isatty():
        return _live(fetch, seconds, until_held)
    shown = ""
    rollout = fetch()
    while True:
        text = json.dumps(rollout, ensure_ascii=False) if as_json else views.line(rollout)
        if text != shown:
            print(text if as_json else f"{datetime.now(timezone.utc):%H:%M:%S} {out.plain(text)}", flush=True)
            shown = text
        code = _code(rollout, until_held)
        if code is not None:
            return code
        rollout = _next(fetch, seconds, rollout)


def _live(fetch: Fetch, seconds: float, until_held: bool) -> int:
    rollout = fetch()
    trouble = ""
    # Screens are shorter than fleets: what does not fit is cut, and the end is printed as a whole.
    with Live(console=out.console(), auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        while (code := _code(rollout, until_held)) is None:
            live.update(Text(trouble, style="red") if trouble else views.card(rollout, datetime.now(timezone.utc)), refresh=True)
            time.sleep(seconds)
            try:
                rollout, trouble = fetch(), ""
            except CommandError as error:
                trouble = _passing(error, seconds)
    out.console().print(views.card(rollout, datetime.now(timezone.utc)))
    return code


def _next(fetch: Fetch, seconds: float, rollout: Any) -> Any:
    time.sleep(seconds)
    try:
        return fetch()
    except CommandError as error:
        out.print_error(_passing(error, seconds))
        return rollout


def _passing(error: CommandError, seconds: float) -> str:
    """What to tell of a failure that may pass; raises the others."""
    if isinstance(error, ApiError) and error.status < 500 and error.status != 429:
        raise error
    return f"{out.plain(error)}; trying again every {seconds:g} s"


def _code(rollout: Any, until_held: bool) -> int | None:
    if rollout["phase"] in CODES:
        return CODES[rollout["phase"]]
    hold = rollout["hold"]
    waits = rollout["phase"] in ("held", "paused") or (hold is not None and hold["cause"] == "approval")
    return WAITS if until_held and waits else None
