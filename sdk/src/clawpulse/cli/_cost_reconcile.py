"""`clawpulse cost reconcile`: our costs beside the provider's own account of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._cost_view import usd
from clawpulse.cli._options import api_of, as_json

_FIGURES = ("ours", "billed", "gap", "%", "volume", "price", "accounting", "our tokens", "their tokens")
_NOTHING = 0.000_05
"""USD that would be shown as 0."""
_DATE = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("provider")
@click.option("--range", "span", metavar="DAYS", help="How many whole days back from today: 7d, at most 31d. 7d unless given.")
@click.option("--start", type=_DATE, help="The first day (UTC) instead.")
@click.option("--end", type=_DATE, help="The day after the last one; today counts in part unless given.")
@click.option("--days", is_flag=True, help="A line for each day and model.")
@as_json
@click.pass_context
def reconcile(context: click.Context, provider: str, span: str | None, start: Any, end: Any, days: bool, as_json: bool) -> None:
    """Set our costs beside what PROVIDER (anthropic, openai) says it billed: the gap by model, its parts, and what can explain it.

    Volume is tokens that only one side counted, price is the provider's price against ours, accounting is our price against the costs that
    tasks came with. Needs the provider's admin key in `clawpulse keys settings`. Exit status 1: the provider did not answer.
    """
    moments = {name: value.strftime("%Y-%m-%dT00:00:00Z") if value else None for name, value in (("start", start), ("end", end))}
    answer = api_of(context).get("api/cost/reconciliation", provider=provider, range=span, **moments)
    if as_json:
        out.print_json(answer)
    elif answer["fault"] is None:
        out.console().print(_view(answer, days))
    if answer["fault"] is not None:
        out.print_error(answer["fault"] + (" (later it may)" if answer["retry"] else ""))
        context.exit(1)


def _view(answer: Any, days: bool) -> RenderableType:
    span = f"{answer['start'][:10]} to {answer['end'][:10]} UTC, that day not included"
    head = Text(f"{out.plain(answer['provider'])}, {out.plain(answer['scope'])}: {span}", style="bold")
    lines = answer["days"] if days else answer["models"]
    if not lines:
        return Group(head, Text("Neither side knows of any use."), *_reasons(answer))
    made = out.table(*(("day",) if days else ()), "model", *_FIGURES, right=_FIGURES)
    for line in lines:
        out.add_row(made, (*((line["day"][:10],) if days else ()), line["model"], *_figures(line)))
    if len(lines) > 1:
        out.add_row(made, (*(("",) if days else ()), "total", *_figures(answer["total"])))
    others = [Text(f"billed beside tokens: {usd(one['usd'])} {out.plain(one['item'])}") for one in answer["others"]]
    return Group(head, made, *others, *_reasons(answer))


def _figures(line: Any) -> tuple[str, ...]:
    parts = line["parts"] or {}
    gap = (_signed(line["gapUsd"]), out.percent(line["gap"]))
    tokens = (out.number(sum(line[side]["tokens"].values()), 0) for side in ("ours", "theirs"))
    return (usd(line["ours"]["usd"]), usd(line["theirs"]["usd"]), *gap, *(_signed(parts.get(name)) for name in _FIGURES[4:7]), *tokens)


def _signed(value: float | None) -> str:
    if value is None or abs(value) < _NOTHING:
        return usd(None if value is None else 0.0)
    return f"{'-' if value < 0 else '+'}{usd(abs(value))}"


def _reasons(answer: Any) -> Iterable[Text]:
    for reason in answer["reasons"]:
        part = f" ({_signed(reason['usd'])})" if reason["usd"] is not None else ""
        yield Text(f"! {out.plain(reason['text'])}{part}", style="yellow")
