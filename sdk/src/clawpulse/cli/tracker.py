"""`clawpulse tracker`: arrivals, service times, load and waiting of tasks."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, selector

_COUNTS = ("agents", "tasks", "failed", "tasks/min")
_TIMES = ("mean", "p50", "p95", "p99", "tail")
_LOAD = ("at a time", "busy", "queue", "wait")
_FIGURES = (*_COUNTS, *_TIMES, *_LOAD)


@click.command()
@selector
@click.option(
    "--by", default="tier", show_default=True, metavar="KEYS", help="Tags, with `agent`, `host` and `model` among them: tier,host."
)
@click.option("--range", "span", default="24h", show_default=True, metavar="LENGTH", help="How far back, in whole hours: 6h, 7d.")
@click.option("--bands", is_flag=True, help="Add the 95th percentile of the service time, hour by hour.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many groups, the busiest first.")
@as_json
@click.pass_context
def tracker(context: click.Context, tags: str | None, by: str, span: str, bands: bool, limit: int, as_json: bool) -> None:
    """Show how many tasks came, how long they took, how busy agents were and how long tasks waited.

    Of whole hours; the one under way does not count. Names what slow tasks have in common.
    """
    asked = {"tags": tags, "by": by, "range": span, "limit": limit, "bands": "true" if bands else None}
    answer = api_of(context).get("api/tracker", **asked)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(view(answer))


def view(answer: Any) -> RenderableType:
    """The groups as a table, and what is to be said of them."""
    notes = [Text(f"! {out.plain(note)}", style="yellow") for note in answer["notes"]]
    if not answer["groups"]:
        return Group(Text("No tasks in these hours."), *notes)
    bands = any(group["bands"] for group in answer["groups"])
    made = out.table("", *_FIGURES, *(["p95 by hour"] if bands else []), right=_FIGURES)
    for group in answer["groups"]:
        out.add_row(made, (_name(group["tags"]), *_row(group), *([_band(group["bands"])] if bands else [])))
    hours = Text(f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC", style="bold")
    left = [Text(f"and {answer['leftOut']} groups more: --limit")] if answer["leftOut"] else []
    return Group(made, *left, Text(), hours, *(Text(out.plain(tie["text"])) for tie in answer["slow"]), *notes)


def _name(tags: Any) -> str:
    return out.plain(next(iter(tags.values())) if len(tags) == 1 else out.tags(tags) if tags else "all")


def _row(group: Any) -> tuple[str, ...]:
    counts = [out.number(group[name], 0) for name in ("agents", "tasks", "errors")]
    load = (out.number(group["concurrency"], 2), out.percent(group["utilization"]), out.number(group["queueDepth"]))
    wait = out.number(group["wait"]["mean"], 2, " s") if group["wait"] else out.MISSING
    return (*counts, out.number(group["arrivalRate"] * 60, 2), *_times(group["service"]), *load, wait)


def _times(service: Any) -> tuple[str, ...]:
    if service is None:
        return (out.MISSING,) * len(_TIMES)
    tail = service["tail"]
    index = out.MISSING if tail is None or tail["index"] is None else f"{tail['index']:.1f}{' heavy' if tail['heavy'] else ''}"
    return (*(out.number(service[name], 2, " s") for name in ("mean", "p50", "p95", "p99")), index)


def _band(bands: Any) -> str:
    return out.sparkline([band["p95"] for band in bands], len(bands)) if bands else out.MISSING
