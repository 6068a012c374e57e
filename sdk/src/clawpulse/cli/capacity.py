"""`clawpulse capacity`: how many agents each tier needs, from figures that are given or from what the fleet did."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse import _capacity
from clawpulse.cli import _output as out
from clawpulse.cli._options import api_of, as_json, selector
from clawpulse.cli._rollout_documents import document_command

_OFFLINE = ("agents", "with headroom", "exact", "utilisation", "tasks at a time", "wait", "wait, p95")
_TIERS = ("agents", "with headroom", "95 %", "now", "change", "$ a month", "tasks/s", "seconds", "utilisation", "wait", "wait, p95")
_SERVER = ("tags", "by", "range", "agent_usd_per_month")
"""Flags that only mean something where a server is asked."""
_GIVEN = ("batch", "bursty")
"""And where none is."""


@click.group()
def capacity() -> None:
    """Plan how many agents a load needs."""


@capacity.command(name="plan")
@selector
@click.option("--by", metavar="KEYS", help="Further tags that tell groups apart, beside the tier: shard,region.")
@click.option("--range", metavar="LENGTH", help="Hours to plan from: 6h, 7d; 24h unless given.")
@click.option("--arrival-rate", type=float, metavar="RATE", help="Tasks a second.")
@click.option("--service-time", type=float, metavar="SECONDS", help="How long a task keeps an agent busy.")
@click.option("--arrival-factor", type=float, default=1.0, metavar="FACTOR", help="What if so many times as many tasks came.")
@click.option("--service-factor", type=float, default=1.0, metavar="FACTOR", help="What if they took so many times as long.")
@click.option("--utilization", type=float, metavar="SHARE", help="Of their time that agents shall be busy; 0.65 unless given.")
@click.option("--batch", is_flag=True, help="With figures: nobody waits for the answers, plan for 0.85.")
@click.option("--bursty", is_flag=True, help="With figures: tasks come in bursts, plan for 0.1 less.")
@click.option("--headroom", type=float, metavar="FACTOR", help="For what is not foreseen; 1.3 unless given.")
@click.option("--concurrency", type=float, metavar="TASKS", help="Tasks that an agent works on at a time.")
@click.option("--agent-cost", "agent_usd_per_month", type=float, metavar="USD", help="What an agent costs a month beside its tokens.")
@as_json
@click.pass_context
def plan_(context: click.Context, /, as_json: bool, **flags: Any) -> None:
    """Show how many agents a load needs: ceil(arrival rate x service time / utilisation), and 1.3 times that as headroom.

    Each tier from what its tasks did, with the tests that correct the formula. With --arrival-rate and --service-time alone no server
    is asked.
    """
    given = flags["arrival_rate"] is not None and flags["service_time"] is not None
    if given and all(flags[name] is None for name in _SERVER):
        plan = offline(flags)
        shown, view = answer(plan), _view(plan)
    else:
        shown = api_of(context).get("api/capacity", **_asked(flags))
        view = tiers_view(shown)
    if as_json:
        out.print_json(shown)
    else:
        out.console().print(view)


def _asked(flags: Any) -> dict[str, Any]:
    """The flags as the API takes them."""
    for name in _GIVEN:
        if flags[name]:
            raise click.UsageError(f"--{name} goes with --arrival-rate and --service-time; of tiers: clawpulse capacity settings")
    return {name: value for name, value in flags.items() if name not in _GIVEN}


def offline(flags: Any) -> _capacity.Plan:
    """The plan of figures that were given."""
    if flags["batch"] and flags["utilization"] is not None:
        raise click.UsageError("--batch and --utilization exclude each other")
    target = (_capacity.BATCH if flags["batch"] else _capacity.LATENCY) if flags["utilization"] is None else flags["utilization"]
    try:
        return _capacity.plan(
            flags["arrival_rate"] * flags["arrival_factor"],
            flags["service_time"] * flags["service_factor"],
            _capacity.lowered(target) if flags["bursty"] else target,
            headroom=_capacity.HEADROOM if flags["headroom"] is None else flags["headroom"],
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


def tiers_view(found: Any) -> RenderableType:
    """The plan of every tier, as a table, with the reasons below."""
    if not found["tiers"]:
        return Group(Text("No tasks in these hours: nothing to plan from."), *_notes(found))
    made = out.table("tier", *_TIERS, right=_TIERS)
    for tier in found["tiers"]:
        out.add_row(made, (_name(tier), *_row(tier)))
    if len(found["tiers"]) > 1:
        change = out.money(found["usd_per_month"])
        out.add_row(made, ("together", found["agents"], found["with_headroom"], *[""] * 3, change, *[""] * 5))
    why = [Text(f"{_name(tier)}: {out.plain(reason)}") for tier in found["tiers"] for reason in tier["reasons"]]
    return Group(made, Text(), *why, *_notes(found))


def _name(tier: Any) -> str:
    tags = tier["tags"]
    return out.plain(tags["tier"] if list(tags) == ["tier"] else out.tags(tags) if tags else "(no tier)")


def _row(tier: Any) -> tuple[str, ...]:
    between = "{} - {}".format(*tier["intervals"]["with_headroom"]) if tier["intervals"] else out.MISSING
    agents = [out.number(tier[name], 0) for name in ("agents", "with_headroom")]
    change = out.MISSING if tier["change"] is None else f"{tier['change']:+d}"
    figures = [out.number(tier[name], digits) for name, digits in (("arrival_rate", 3), ("service_time", 2))]
    now = (out.number(tier["current"], 0), change, out.money(tier["usd_per_month"]))
    return (*agents, between, *now, *figures, out.percent(tier["utilization"]), *waits(tier["wait"]))


def _notes(found: Any) -> list[Text]:
    return [Text(f"! {out.plain(note)}", style="yellow") for note in found["notes"]]


def waits(wait: Any) -> tuple[str, str]:
    """The wait's mean and 95th percentile; dashes when there is no telling."""
    return (_seconds(wait["mean_s"]), _seconds(wait["p95_s"])) if wait else (out.MISSING, out.MISSING)


def _seconds(value: float) -> str:
    return out.number(value * 1000, 0, " ms") if value < 1 else out.number(value, 1, " s")


capacity.add_command(
    document_command(
        "settings",
        "api/capacity-settings",
        "Show how tiers are planned: batch or not, concurrency, headroom, what an agent costs; with FILE, replace it.",
        unset="nothing is set: tiers are latency-sensitive, and nobody knows what an agent costs",
    )
)
capacity.add_command(
    document_command(
        "limits",
        "api/provider-limits",
        "Show what providers' keys may do in a minute; with FILE, replace it.",
        unset="no limits are set: plans have no ceiling",
    )
)
