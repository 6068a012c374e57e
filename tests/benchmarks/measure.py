"""Fair timing on a busy machine: all contestants in one run, warmed up, rounds in shuffled order, medians, ratios."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping


def medians(
    contestants: Mapping[str, Callable[[], int]], rounds: int = 15, warm_up: int = 3, before: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """Nanoseconds per operation of each contestant, which returns how many it did; `before` runs untimed before each."""
    source = random.Random(1)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + warm_up):
        order = list(contestants)
        source.shuffle(order)
        for name in order:
            before()
            started = time.perf_counter_ns()
            done = contestants[name]()
            elapsed = (time.perf_counter_ns() - started) / done
            if number >= warm_up:
                times[name].append(elapsed)
    return {name: statistics.median(found) for name, found in times.items()}


def duration(ns: float) -> str:
    """A duration for people."""
    return f"{ns:.0f} ns" if ns < 10_000 else f"{ns / 1_000:.0f} us" if ns < 10_000_000 else f"{ns / 1_000_000:.0f} ms"


def beside(what: str, ours: float, peer: str, theirs: float, bound: str = "") -> dict[str, str]:
    """A row of the table: our time, a peer's, and the ratio."""
    return {"what": what, "figure": duration(ours), "beside": f"{peer} {duration(theirs)}", "ratio": f"{ours / theirs:.3f}", "bound": bound}


def show(rows: list[dict[str, str]]) -> None:
    """Print rows as one table."""
    columns = ("what", "figure", "beside", "ratio", "bound")
    every = [dict(zip(columns, columns, strict=True)), *rows]
    widths = [max(len(row.get(column, "")) for row in every) for column in columns]
    for row in every:
        print("  ".join(row.get(column, "").ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())
