"""`clawpulse cost`: what tasks cost, who says so, and what is done with it."""

from __future__ import annotations

import click

from clawpulse.cli import _cost_view as views
from clawpulse.cli import _output as out
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


cost.add_command(
    document_command(
        "prices",
        "api/prices",
        "Show the workspace's own prices, which go before those of the list; with FILE, replace them.",
        unset="no own prices are set: those of the list hold",
    )
)
