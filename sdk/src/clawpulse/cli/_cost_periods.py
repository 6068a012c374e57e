"""`clawpulse cost burn-down`, `chargeback` and `regressions`: costs over months, budgets and weeks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _cost_view as views
from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, selector

_BUDGETS = ("usd_per_month", "usd_per_day", "tokens_per_month", "tokens_per_day")
_VERDICTS = {"regression": ("▲", "red"), "improvement": ("▼", "green"), "same": ("●", ""), "too_little": ("○", "bright_black")}
"""Symbol and colour: never colour alone."""
_BILL = ("usd", "reportedUsd", "pricedUsd", "tasks", "unpricedTasks")
_PER_TASK = ("before", "now", "change", "traffic", "mix", "per task")


@click.command(name="burn-down")
@click.option("--group", metavar="TAGS", help="The budget's group: tier=smart; the workspace unless given.")
@click.option("--budget", type=click.Choice(_BUDGETS), default="usd_per_month", show_default=True, help="Which of its budgets.")
@click.option("--limit", type=float, help="A limit to hold it against, instead of the budget's own.")
@as_json
@click.pass_context
def burn_down(context: click.Context, group: str | None, budget: str, limit: float | None, as_json: bool) -> None:
    """Show how a budget is used up, when its limit is passed, and what will be used at the end."""
    answer = api_of(context).get("api/cost/burn-down", group=group, budget=budget, limit=limit)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_burning(answer))


@click.command()
@selector
@click.option("--by", metavar="KEYS", default="tenant", show_default=True, help="Who gets a bill: tags, separated by commas.")
@click.option("--month", metavar="MONTH", help="2026-11; this month unless given.")
@click.option("--format", "form", type=click.Choice(["json", "csv", "focus"]), help="For programs; focus is FOCUS 1.2 as CSV.")
@click.option("--period", type=click.Choice(["day", "month"]), default="day", show_default=True, help="What a row of FOCUS is about.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there.")
@as_json
@click.pass_context
def chargeback(
    context: click.Context,
    tags: str | None,
    by: str,
    month: str | None,
    form: str | None,
    period: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the bills of a month, one for each tenant; or write them as CSV or as a FOCUS 1.2 dataset."""
    query = {"by": by, "month": month, "tags": tags, "period": period, "format": form if form in ("csv", "focus") else "json"}
    route = "api/cost/chargeback?" + urlencode({key: value for key, value in query.items() if value is not None})
    api = api_of(context)
    if form in ("csv", "focus"):
        _write(api.text(route), output)
        return
    answer = api.send("GET", route)
    if as_json or form:
        out.print_json(answer)
    else:
        out.console().print(_bills(answer))


@click.command()
@selector
@click.option("--by", metavar="KEYS", default="tier", show_default=True, help="What is compared: tags, separated by commas.")
@click.option("--period", metavar="LENGTH", default="7d", show_default=True, help="Length of both periods, in days.")
@click.option("--ratio", type=float, default=1.2, show_default=True, help="Less than so many times as much is no regression.")
@as_json
@click.pass_context
def regressions(context: click.Context, tags: str | None, by: str, period: str, ratio: float, as_json: bool) -> None:
    """Show whose tasks cost more than in the period before, apart from more tasks and another mix, and what changed then."""
    answer = api_of(context).get("api/cost/regressions", tags=tags, by=by, period=period, ratio=ratio)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_compared(answer))


COMMANDS = (burn_down, chargeback, regressions)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")
        return
    # Lines end as the specification wants, whatever the system thinks.
    output.write_bytes(text.encode())
    out.print_line(f"written: {output}")


def _burning(answer: Any) -> RenderableType:
    show = views.usd if answer["budget"].startswith("usd") else lambda value: out.number(value, 0)
    span = f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC, counted up to {out.clock(answer['asOf'])}"
    lines = [f"{out.plain(answer['group'] or '(workspace)')} {answer['budget']}  {span}"]
    share = f" ({out.percent(answer['used'] / answer['limit'])})" if answer["limit"] else ""
    lines.append(f"used {show(answer['used'])} of {show(answer['limit'])}{share}")
    lines.append(out.sparkline([total for _, total in answer["points"]]))
    expected = answer["forecast"]
    if expected is None:
        lines.append(f"no forecast: {out.plain(answer['reason'])}")
    else:
        odds = "" if expected["chanceAbove"] is None else f"; above the limit with a chance of {out.percent(expected['chanceAbove'])}"
        ends = f"{show(expected['low'])} to {show(expected['high'])} with {expected['level']:.0%}"
        lines.append(f"expected at the end: {show(expected['expected'])} ({ends}){odds}")
    if answer["passed"]:
        lines.append(f"the limit is passed: {out.clock(answer['passed'])} UTC")
    return Group(*map(Text, lines), *views.notes(answer))


def _bills(answer: Any) -> RenderableType:
    head = Text(f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC", style="bold")
    if not answer["bills"]:
        return Group(head, Text("No tasks in this month."), *views.notes(answer))
    columns = ("cost", "reported", "priced", "tasks", "unpriced")
    made = out.table("bill", *columns, right=columns)
    for bill in (*answer["bills"], {**answer["total"], "tags": None}):
        name = "total" if bill["tags"] is None else out.tags(bill["tags"])
        figures = [views.usd(bill[key]) if key.endswith(("usd", "Usd")) else out.number(bill[key], 0) for key in _BILL]
        out.add_row(made, (name, *figures))
    return Group(head, made, *views.notes(answer))


def _compared(answer: Any) -> RenderableType:
    span = f"{out.clock(answer['middle'])} to {out.clock(answer['end'])} UTC, against {out.clock(answer['start'])} on"
    if not answer["groups"]:
        return Group(Text(span, style="bold"), Text("No task of these periods has a known cost."), *views.notes(answer))
    made = out.table("tags", *_PER_TASK, "verdict", right=_PER_TASK)
    for group in answer["groups"]:
        symbol, style = _VERDICTS[group["verdict"]]
        change = out.MISSING if group["ratio"] is None else f"{(group['ratio'] - 1) * 100:+.1f} %"
        each = [views.usd(group[key]) for key in ("before", "after")]
        effects = [views.usd(group[key]) for key in ("traffic", "mix", "perTask")]
        verdict = Text(f"{symbol} {group['verdict'].replace('_', ' ')}", style=style)
        out.add_row(made, (out.tags(group["tags"]), *each, change, *effects, verdict))
    told = [
        Text(f"{out.tags(group['tags'])}: {out.plain(' '.join([group['reason'], group['cause']['reason']]))}")
        for group in answer["groups"]
        if group["cause"]
    ]
    return Group(Text(span, style="bold"), made, *told, *views.notes(answer))
