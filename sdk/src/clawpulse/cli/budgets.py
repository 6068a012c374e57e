"""`clawpulse budgets`: how groups stand to what they may use."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, selector

_FIGURES = ("used", "limit", "%", "forecast")
_LEVELS = {"ok": ("●", "green"), "warn": ("▲", "yellow"), "alert": ("■", "red"), "act": ("■", "bold red")}
"""Symbol and colour: never colour alone."""


@click.group()
def budgets() -> None:
    """Show how groups stand to their budgets; `channels apply` sets them."""


@budgets.command(name="show")
@selector
@click.option("--at-risk", is_flag=True, help="Only those that warn or more.")
@as_json
@click.pass_context
def show_(context: click.Context, tags: str | None, at_risk: bool, as_json: bool) -> None:
    """Show every budget: used, limit, forecast for the end of its period, level, and what acts.

    The forecast goes on at the rate of the period so far. A dash is unknown, which is not 0.
    """
    answer = api_of(context).get("api/budgets/state", tags=tags)
    if at_risk:
        answer["budgets"] = [budget for budget in answer["budgets"] if budget["level"] in ("warn", "alert", "act")]
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(_view(answer, at_risk))


def _view(answer: Any, at_risk: bool) -> RenderableType:
    listed = answer["budgets"]
    if not listed:
        return Text("No budget warns." if at_risk else "No budgets are set: clawpulse channels apply FILE sets them.")
    made = out.table("group", "budget", *_FIGURES, "level", "acts", right=_FIGURES)
    for budget in listed:
        figures = [_amount(budget, budget[name]) for name in ("used", "limit")]
        shares = (out.percent(budget["share"]), _amount(budget, budget["forecast"]))
        out.add_row(made, (budget["group"] or "(workspace)", budget["budget"], *figures, *shares, _level(budget), _acts(budget)))
    reasons = [
        Text(f"{_name(budget)}: {out.plain(budget['reason'])}")
        for budget in listed
        if budget["level"] != "ok" or budget.get("unpricedTasks")
    ]
    stale = f"counted up to {out.clock(answer['asOf'])} UTC: more may be used by now" if answer["asOf"] else "nothing is counted yet"
    return Group(made, *([Text(), *reasons] if reasons else []), *([Text(f"! {stale}", style="yellow")] if answer["stale"] else []))


def _name(budget: Any) -> str:
    return out.plain(f"{budget['group'] or '(workspace)'} {budget['budget']}")


def _amount(budget: Any, value: float | None) -> str:
    if budget["budget"].startswith("usd"):
        return out.money(value)
    return out.number(value, 0) if budget["budget"].startswith("tokens") else out.number(value, 1, " %")


def _level(budget: Any) -> Text:
    symbol, style = _LEVELS.get(budget["level"], (out.MISSING, ""))
    return Text(f"{symbol} {out.plain(budget['level'] or 'unknown')}", style=style)


def _acts(budget: Any) -> str:
    act = budget["act"]
    if act is None:
        return out.MISSING
    state = f"{act['does']} above {out.percent(act['at'])}"
    if act["state"]:
        state = f"{act['does']}: {act['state']}, {act['rollout']}"
    return state + (f" ({act['detail']})" if act["detail"] else "")
