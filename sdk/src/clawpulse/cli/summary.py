"""`clawpulse summary`: the fleet's figures, and each tier's."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, every, selector, watch
from clawpulse.cli._watch import show

RANGES = ("1m", "5m", "1h", "24h", "7d")
_FIGURES = ("agents", "tasks/min", "errors", "p50", "p95", "p99", "tokens/min", "$/h", "queue", "load")
_TOTALS = ("tasks", "failed", "error rate", "p50", "p95", "p99", "tokens in", "tokens out", "cost")


@click.command()
@selector
@click.option(
    "--range", "span", type=click.Choice(RANGES), default="1m", show_default=True, help="Longer ones add the totals of that time."
)
@as_json
@watch
@every
@click.pass_context
def summary(context: click.Context, tags: str | None, span: str, as_json: bool, watch: bool, every: float) -> None:
    """Show health, error rate, latency, tokens, cost and load of the fleet and of each tier.

    Rates are those of the last full minute.
    """
    api = api_of(context)
    show(lambda: api.get("api/dashboard/summary", tags=tags, range=span), view, as_json, watch, every)


def view(answer: Any) -> RenderableType:
    """The summary as tables."""
    parts: list[RenderableType] = [_health(answer), Text(), _rates(answer)]
    if answer["window"]:
        parts += [
            Text(),
            Text(f"Totals of {answer['window']['range']} up to {out.clock(answer['window']['end'])} UTC", style="bold"),
            _totals(answer["window"]),
        ]
    # An older API tells of no budgets.
    risks = [f"{budget['group'] or 'workspace'} {budget['budget']}: {budget['reason']}" for budget in answer.get("budgets", [])]
    parts += [Text(f"▲ {out.plain(risk)}", style="yellow") for risk in risks]
    return Group(*parts, *(Text(f"! {out.plain(warning)}", style="yellow") for warning in answer["warnings"]))


def _health(answer: Any) -> Text:
    line = Text(f"{answer['agents']} agents   ", style="bold")
    for colour in ("red", "yellow", "green", "grey"):
        line.append_text(out.health(colour)).append(f" {answer['health'].get(colour, 0)}   ", style="not bold")
    shadows = f"shadow {answer['shadows']}   " if answer["shadows"] else ""
    return line.append(f"{shadows}as of {out.clock(answer['asOf'])} UTC", style="not bold")


def _rates(answer: Any) -> RenderableType:
    made = out.table("", *_FIGURES, right=_FIGURES)
    for name, figures in [*answer["tiers"].items(), ("all", answer)]:
        latency = [out.number(figures["latency"][place], 0, " ms") for place in ("p50", "p95", "p99")]
        rates = (out.number(figures["tasksPerMinute"]), out.percent(figures["errorRate1m"]))
        load = (out.number(figures["queueDepth"]), out.percent(figures["saturation"]))
        out.add_row(
            made,
            (
                name,
                figures["agents"],
                *rates,
                *latency,
                out.number(figures["tokensPerMinute"], 0),
                out.money(figures["costPerHour"]),
                *load,
            ),
        )
    return made


def _totals(window: Any) -> RenderableType:
    made = out.table("", *_TOTALS, right=_TOTALS)
    for name, figures in [*window["tiers"].items(), ("all", window)]:
        latency = [out.number(figures["latency"][place], 0, " ms") for place in ("p50", "p95", "p99")]
        tokens = (out.number(figures["tokensIn"], 0), out.number(figures["tokensOut"], 0))
        out.add_row(
            made,
            (
                name,
                figures["tasks"],
                figures["errors"],
                out.percent(figures["errorRate"]),
                *latency,
                *tokens,
                out.money(figures["costUsd"], 4),
            ),
        )
    return made
