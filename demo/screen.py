"""What the demo shows in the terminal: progress of long steps, what to open and try, the live summary, the checks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clawpulse.cli import agents, summary
from clawpulse.cli._api import Api, CommandError
from demo.checks import Check
from demo.fleet import Fleet

REFRESH_S = 5.0
PIPE_WIDTH = 120
_DIGITS = re.compile(r"\d+")


class Screen:
    """Prints; on a terminal in place, else line by line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PIPE_WIDTH
        self._started = time.monotonic()
        self._last = ""

    def step(self, text: str) -> None:
        """One step of something long. The same step with other numbers in it is told once, unless on a terminal."""
        bare = _DIGITS.sub("", text)
        if bare != self._last:
            self._print(text)
        self._last = bare

    def countdown(self, what: str, seconds: float, fleet: Fleet, every: float = 10.0) -> None:
        """Wait, telling how far the fleet is."""
        end = time.monotonic() + seconds
        with self._status() as show:
            while (left := end - time.monotonic()) > 0:
                sent = fleet.ledger.totals()
                show(f"{what}: {left:.0f} s left, sent {sent.tasks} tasks, {sent.errors} of them failed, ${sent.cost_usd:.2f}")
                time.sleep(min(left, 1.0 if self.console.is_terminal else every))

    def welcome(self, url: str, read_token: str, env_file: str, members: int, zombie: str, failing: str) -> None:
        """What to open and what to try."""
        lines = Table.grid(padding=(0, 2))
        for name, text in (
            ("open", f"{url}/#token={read_token}"),
            ("try", f"source {env_file}"),
            ("", "clawpulse agents --tags env=demo --health red,yellow"),
            ("", f"clawpulse agents show {zombie}        # heartbeat without progress"),
            ("", f"clawpulse tasks --agent {failing} --errors --range 5m"),
            ("", "clawpulse series task.latency_ms -a p95 --by tier --range 15m"),
            ("", "clawpulse agents tag fast-01 team=blue     # then filter by team=blue on the page"),
            ("end", "Ctrl-C"),
        ):
            lines.add_row(Text(name, style="bold"), Text(text, overflow="fold"))
        self.console.print(
            f"\n[bold]{members} agents report.[/] One of them hangs, one fails half of its tasks. The first figures come within a minute.\n"
        )
        self.console.print(lines)
        self.console.print()

    def live(self, api: Api, selector: str, fleet: Fleet) -> None:
        """The live summary, until interrupted."""
        if not self.console.is_terminal:
            while True:
                self.console.print(_view(api, selector, fleet))
                time.sleep(3 * REFRESH_S)
        with Live(_view(api, selector, fleet), console=self.console, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                time.sleep(REFRESH_S)
                live.update(_view(api, selector, fleet), refresh=True)

    def checks(self, checks: Sequence[Check]) -> None:
        """Each check with both numbers."""
        made = Table(box=None, pad_edge=False, header_style="bold")
        for column, side in (("", "left"), ("check", "left"), ("sent", "right"), ("shown", "right")):
            made.add_column(column, justify=side)  # type: ignore[arg-type]
        for check in checks:
            mark = Text("✓", style="green") if check.passed else Text("✗ differs", style="bold red")
            made.add_row(mark, *(Text(text) for text in (check.name, check.sent, check.shown)))
        self.console.print(made)

    def _print(self, text: str) -> None:
        self.console.print(f"[dim]{time.monotonic() - self._started:5.0f} s[/]  {escape(text)}")

    @contextmanager
    def _status(self) -> Iterator[Callable[[str], None]]:
        if not self.console.is_terminal:
            yield self._print
            return
        with self.console.status("") as status:
            yield lambda text: status.update(escape(text))


def _view(api: Api, selector: str, fleet: Fleet) -> RenderableType:
    sent = fleet.ledger.totals()
    tokens = f"{sent.tokens_in + sent.tokens_out:,.0f} tokens"
    head = Text(f"sent so far: {sent.tasks} tasks, {sent.errors} of them failed, {tokens}, ${sent.cost_usd:.2f}")
    try:
        trouble = api.collect("api/dashboard/instances", "instances", tags=selector, health="red,yellow")
        parts = [summary.view(api.get("api/dashboard/summary", tags=selector))]
        if trouble["instances"]:
            parts += [Text(), agents.view(trouble)]
    except CommandError as error:
        parts = [Text(f"{error}; trying again", style="yellow")]
    return Group(head, Text(), *parts)
