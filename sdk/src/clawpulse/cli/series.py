"""`clawpulse series`: a metric over time."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, duration, selector, time_range

_ENDS = ("least", "most", "last")


@click.command()
@click.argument("metric")
@click.option(
    "--aggregation", "-a", default="avg", show_default=True, help="avg, sum, count, rate, min, max, last, or a percentile such as p95."
)
@selector
@click.option("--by", metavar="KEYS", help="One series for each value of these tags: tier,shard. `agent` is the agent's id.")
@time_range
@click.option("--step", type=duration, metavar="LENGTH", help="Width of a bucket: 1m, 1h. Chosen by the range unless given.")
@click.option("--points", is_flag=True, help="Every bucket on a line of its own.")
@as_json
@click.pass_context
def series(
    context: click.Context,
    metric: str,
    aggregation: str,
    tags: str | None,
    by: str | None,
    span: str,
    step: int | None,
    points: bool,
    as_json: bool,
) -> None:
    """Show METRIC over time, such as task.latency_ms. A bucket without data stays empty, it is not zero."""
    answer = api_of(context).get("api/series", metric=metric, aggregation=aggregation, tags=tags, by=by, range=span, step=step)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_points(answer) if points else _lines(answer))


def _lines(answer: Any) -> RenderableType:
    if not answer["series"]:
        return Text(f"No data of {out.plain(answer['metric'])} in this time.")
    made = out.table("tags", "", *_ENDS, right=_ENDS)
    for line in answer["series"]:
        values = [value for _, value in line["points"]]
        known = [value for value in values if value is not None]
        ends = (min(known), max(known), known[-1]) if known else (None, None, None)
        out.add_row(made, (out.tags(line["tags"]), out.sparkline(values), *(out.number(value, 2) for value in ends)))
    span = f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC, {out.duration(answer['step'])} a bucket"
    return Group(Text(f"{out.plain(answer['metric'])} {out.plain(answer['aggregation'])}  {span}", style="bold"), made)


def _points(answer: Any) -> RenderableType:
    made = out.table("time (UTC)", "tags", "value", right=("value",))
    for line in answer["series"]:
        for time, value in line["points"]:
            out.add_row(made, (out.clock(time), out.tags(line["tags"]), out.number(value, 3)))
    return made
