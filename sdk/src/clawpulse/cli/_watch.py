"""Shows a view once, or live: on a terminal in place, in a pipe one after the other."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from clawpulse.cli._api import CommandError
from clawpulse.cli._output import console, plain, print_json

Fetch = Callable[[], Any]
View = Callable[[Any], RenderableType]


def show(fetch: Fetch, view: View, as_json: bool, watch: bool, seconds: float) -> None:
    """Fetch and show; with `watch` until interrupted, and over failures that may pass."""
    if not watch:
        _once(fetch(), view, as_json)
    elif as_json:
        _stream(fetch, seconds)
    elif sys.stdout.isatty():
        _live(fetch, view, seconds)
    else:
        while True:
            _once(fetch(), view, False)
            sys.stdout.flush()
            time.sleep(seconds)


def _once(answer: Any, view: View, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        console().print(view(answer))


def _stream(fetch: Fetch, seconds: float) -> None:
    """One JSON document a line."""
    while True:
        print(json.dumps(fetch(), ensure_ascii=False), flush=True)
        time.sleep(seconds)


def _live(fetch: Fetch, view: View, seconds: float) -> None:
    shown = view(fetch())
    with Live(shown, console=console(), screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(shown, refresh=True)
            time.sleep(seconds)
            try:
                shown = view(fetch())
            except CommandError as error:
                shown = Text(f"{plain(error)}\ntrying again every {seconds:g} s", style="red")
