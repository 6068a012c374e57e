"""`clawpulse capacity`: how many agents each tier needs, from figures that are given or from what the fleet did."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse import _capacity
from clawpulse.cli import _output as out
from clawpulse.cli._options import as_json

_OFFLINE = ("agents", "with headroom", "exact", "utilisation", "tasks at a time", "wait", "wait, p95")


@click.group()
def capacity() -> None:
    """Plan how many agents a load needs."""


@capacity.command(name="plan")
@click.option("--arrival-rate", type=float, required=True, metavar="RATE", help="Tasks a second.")
@click.option("--service-time", type=float, required=True, metavar="SECONDS", help="How long a task keeps an agent busy.")
@click.option("--utilization", type=float, metavar="SHARE", help="Of their time that agents shall be busy; 0.65 unless given.")
@click.option("--batch", is_flag=True, help="Nobody waits for the answers: plan for 0.85.")
@click.option("--bursty", is_flag=True, help="Tasks come in bursts: plan for 0.1 less.")
@click.option("--headroom", type=float, default=_capacity.HEADROOM, show_default=True, metavar="FACTOR", help="For what is not foreseen.")
@click.option("--concurrency", type=float, metavar="TASKS", help="Tasks that an agent works on at a time; 1 unless given.")
@as_json
def plan_(as_json: bool, **flags: Any) -> None:
    """Show how many agents a load needs: ceil(arrival rate x service time / utilisation), and 1.3 times that as headroom.

    No server is asked.
    """
    found = offline(flags)
    if as_json:
        out.print_json(answer(found))
    else:
        out.console().print(_view(found))


def offline(flags: Any) -> _capacity.Plan:
    """The plan of figures that were given."""
    if flags["batch"] and flags["utilization"] is not None:
        raise click.UsageError("--batch and --utilization exclude each other")
    target = (_capacity.BATCH if flags["batch"] else _capacity.LATENCY) if flags["utilization"] is None else flags["utilization"]
    try:
        return _capacity.plan(
            flags["arrival_rate"],
            flags["service_time"],
            _capacity.lowered(target) if flags["bursty"] else target,
            headroom=flags["headroom"],
            concurrency=1 if flags["concurrency"] is None else flags["concurrency"],
        )
    except ValueError as error:
        raise click.UsageError(_option_named(str(error))) from None


def answer(plan: _capacity.Plan) -> dict[str, Any]:
    """A plan as JSON."""
    waits = {name: wait and wait._asdict() for name, wait in (("wait", plan.wait), ("wait_with_headroom", plan.wait_with_headroom))}
    return {**plan._asdict(), **waits}


def _option_named(reason: str) -> str:
    """`arrival_rate must …` as the option that was meant."""
    name, _, rest = reason.partition(" ")
    return f"--{name.replace('_', '-')} {rest}"


def _view(plan: _capacity.Plan) -> RenderableType:
    made = out.table(*_OFFLINE, right=_OFFLINE)
    figures = (plan.agents, plan.with_headroom, out.number(plan.exact, 2), out.percent(plan.utilization), out.number(plan.load, 2))
    out.add_row(made, (*figures, *waits(plan.wait and plan.wait._asdict())))
    return Group(
        made,
        Text(),
        Text(f"The wait is that of {plan.agents} agents, if tasks come one by one and take {plan.service_time:g} s on average."),
    )


def waits(wait: Any) -> tuple[str, str]:
    """The wait's mean and 95th percentile; dashes when there is no telling."""
    return (_seconds(wait["mean_s"]), _seconds(wait["p95_s"])) if wait else (out.MISSING, out.MISSING)


def _seconds(value: float) -> str:
    return out.number(value * 1000, 0, " ms") if value < 1 else out.number(value, 1, " s")
