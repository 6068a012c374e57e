"""`clawpulse cost`: what tasks cost, who says so, and what is done with it."""

from __future__ import annotations

from typing import Any

import click

from clawpulse.cli import _cost_periods as periods
from clawpulse.cli import _cost_view as views
from clawpulse.cli import _output as out
from clawpulse.cli._api import Api
from clawpulse.cli._cost_reconcile import reconcile
from clawpulse.cli._options import api_of, as_json, duration, selector
from clawpulse.cli._rollout_documents import document_command

_range = click.option("--range", "span", default="24h", show_default=True, metavar="LENGTH", help="How far back from now: 24h, 7d.")


@click.group()
def cost() -> None:
    """Show what tasks cost: reported by them, priced from their tokens, or unknown."""


@cost.command(name="show")
@selector
@click.option("--by", metavar="KEYS", help="One line for each value of these tags: tenant,model. `agent` is the agent's id.")
@_range
@click.option("--step", type=duration, metavar="LENGTH", help="Also over time: 1h, 1d.")
@as_json
@click.pass_context
def show_(context: click.Context, tags: str | None, by: str | None, span: str, step: int | None, as_json: bool) -> None:
    """Show the ledger: costs by tags, and where each figure comes from.

    Whole hours; the one under way is not counted. A dash is unknown, which is not 0.
    """
    answer = api_of(context).get("api/cost", tags=tags, by=by, range=span, step=step)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.ledger(answer))


@cost.command(name="reprice")
@selector
@_range
@click.option("--start", metavar="TIME", help="From when on, instead of --range: 2026-11-01T00:00:00Z")
@click.option("--end", metavar="TIME", help="Until when; now unless given.")
@click.option("--apply", is_flag=True, help="Do it; without, only what would change is told.")
@as_json
@click.pass_context
def reprice_(context: click.Context, tags: str | None, span: str, start: str | None, end: str | None, apply: bool, as_json: bool) -> None:
    """Price the past anew, with today's price list and the workspace's own prices.

    Only tasks that reported no cost have a price of ours. --tags knows cost_source, too: `cost_source=genai-prices 0.2.2`.
    """
    period = {"start": start} if start else {"range": span}
    wanted = {"tags": tags or "", "dryRun": not apply, **period, **({"end": end} if end else {})}
    answer = _all_of(api_of(context), wanted)
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.repriced(answer))


def _all_of(api: Api, wanted: dict[str, Any]) -> Any:
    """The answers of as many requests as it takes, as one."""
    answer = api.send("POST", "api/cost/reprice", wanted)
    while answer["next"]:
        more = api.send("POST", "api/cost/reprice", {**wanted, "cursor": answer["next"]})
        answer = views.together(answer, more)
    return answer


cost.add_command(
    document_command(
        "prices",
        "api/prices",
        "Show the workspace's own prices, which go before those of the list; with FILE, replace them.",
        unset="no own prices are set: those of the list hold",
    )
)
cost.add_command(reconcile)
for command in periods.COMMANDS:
    cost.add_command(command)
