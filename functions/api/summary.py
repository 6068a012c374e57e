"""The dashboard's summary: which minute and which rollups it is made from, and how it looks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from functions.api.budgets import BudgetAnswer, answer, standing
from functions.api.endpoint import Call
from functions.api.fleet_view import FleetView, view
from functions.api.instances import LatencyAnswer
from functions.api.models import Answer, Asked, Moment, SelectorText
from functions.api.rollups import parts
from functions.api.times import duration_ms
from functions.domain.budget_state import at_risk
from functions.domain.errors import InvalidInput
from functions.domain.fleet import Snapshot
from functions.domain.selector import Selector
from functions.domain.series import agents_for, limit_agents
from functions.domain.spans import Span, cover
from functions.domain.summary import RANGES, ByTier, FleetFigures, fleet_figures, select
from functions.domain.summary_tasks import TaskFigures, task_figures
from functions.domain.times import HOUR_MS, MINUTE_MS, MINUTES_PER_HOUR, minute_end, minute_of

MAX_BUDGETS = 20
"""Of those that are used up or nearly so."""


class SummaryAsked(Asked):
    """Of which agents, and over which time the totals are."""

    tags: SelectorText = ""
    range: Literal["1m", "5m", "1h", "24h", "7d"] = Field("1m", description="Longer ones add `window`; the rates are always a minute's.")
    ago: Literal["7d"] | None = Field(None, description="`window` is of whole hours that were over so long ago: for comparisons.")


class Figures(Answer):
    """Figures of some agents. Rates are of the minute that `minute` names. What is unknown is null, never 0."""

    agents: int
    health: dict[str, int] = Field(description="Agents by colour.")
    shadows: int
    tasks_per_minute: float | None = Field(description="Tasks that finished, well or not; null when nothing is known of that minute.")
    error_rate1m: float | None = Field(alias="errorRate1m", description="Fraction of the tasks that finished; null when there was none.")
    latency: LatencyAnswer
    tokens_per_minute: float | None = Field(description="In and out; null when no task reported any.")
    cost_per_hour: float | None = Field(description="USD at that minute's rate; null when no task reported a price.")
    queue_depth: float | None
    saturation: float | None = Field(description="Active workers over workers; null when unknown.")


class Totals(Answer):
    """Totals of a window."""

    tasks: int
    errors: int
    error_rate: float | None
    latency: LatencyAnswer
    tokens_in: float
    tokens_out: float
    cost_usd: float | None = Field(description="Null when no task reported a price; compare pricedTasks with tasks.")
    priced_tasks: int


class Window(Totals):
    """Totals of the range asked for, up to the end of `minute`; or so long before, in whole hours."""

    range: str
    start: Moment
    end: Moment
    tiers: dict[str, Totals]


class Summary(Figures):
    """The fleet at a glance."""

    tiers: dict[str, Figures]
    window: Window | None
    minute: Moment | None = Field(description="Start of the minute that the rates speak of.")
    as_of: Moment | None = Field(description="When the snapshot was taken; null before the first.")
    stale: bool = Field(description="The snapshot is older than a minute: what this says may have changed.")
    warnings: list[str]
    budgets: list[BudgetAnswer] = Field(description="Budgets of these groups that warn or more, the gravest first; at most 20.")


type Agents = dict[str, dict[str, str]] | None
"""Tags of the agents whose rollups are read; None for the group's."""


def summarise(call: Call, asked: SummaryAsked) -> Summary:
    """The summary of the agents that a selector means."""
    if asked.ago and RANGES[asked.range] < HOUR_MS:
        raise InvalidInput("with ago it is an hour or more: minutes are not kept so long", "range")
    fleet, wanted = view(call), Selector.parse(asked.tags)
    selector = wanted & call.caller.tags
    agents = _agents(fleet, selector)
    minute = _minute(fleet.snapshot, call.now, sealed=agents is not None)
    tasks = _tasks(call, selector, agents, (Span("m", minute, minute + 1),))
    figures = fleet_figures(select(fleet.agents, wanted), fleet.time or call.now)
    return Summary.model_construct(
        **_figures(figures.all, tasks.all) | ({} if fleet.snapshot else {"tasks_per_minute": None}),
        tiers=_tiers(figures, tasks),
        window=_window(call, selector, agents, asked.range, _end(asked, minute_end(minute))) if asked.range != "1m" else None,
        minute=minute * MINUTE_MS,
        as_of=fleet.time,
        stale=fleet.stale(call.now),
        warnings=_warnings(fleet, call),
        budgets=_budgets(call, wanted),
    )


def _budgets(call: Call, wanted: Selector) -> list[BudgetAnswer]:
    found = standing(call, wanted)
    return [answer(one, found) for one in at_risk(found.states, MAX_BUDGETS)]


def _minute(snapshot: Snapshot | None, now: int, *, sealed: bool) -> int:
    """The last minute that was over at the snapshot's tick; of single agents, the last one with their rollups."""
    if snapshot is None:
        return minute_of(now) - 1
    known = snapshot.rates_minute if snapshot.rates_minute is not None else minute_of(snapshot.time) - 1
    return min(known, snapshot.sealed_until - 1) if sealed and snapshot.sealed_until is not None else known


def _agents(fleet: FleetView, selector: Selector) -> Agents:
    beyond = selector.keys() - frozenset(fleet.settings.dimensions)
    if not beyond:
        return None
    tags = fleet.tags()
    return {agent: tags[agent] for agent in agents_for(selector, fleet.settings.dimensions, tags)}


def _tasks(call: Call, selector: Selector, agents: Agents, spans: tuple[Span, ...]) -> ByTier[TaskFigures]:
    if agents is not None:
        limit_agents(agents, spans, selector.keys())
    return task_figures(((part.agent, part.table) for part in parts(call, spans, agents)), selector)


def _end(asked: SummaryAsked, end: int) -> int:
    return (end - duration_ms(asked.ago)) // HOUR_MS * HOUR_MS if asked.ago else end


def _window(call: Call, selector: Selector, agents: Agents, name: str, end: int) -> Window:
    spans = cover(end - RANGES[name], end, call.now)
    found = _tasks(call, selector, agents, spans)
    return Window.model_construct(
        **_totals(found.all),
        range=name,
        start=spans[0].start_ms,
        end=end,
        tiers={tier: Totals.model_construct(**_totals(figures)) for tier, figures in found.tiers.items()},
    )


def _tiers(fleet: ByTier[FleetFigures], tasks: ByTier[TaskFigures]) -> dict[str, Figures]:
    nobody = fleet_figures((), 0).all
    return {
        tier: Figures.model_construct(**_figures(fleet.tiers.get(tier, nobody), tasks.tiers.get(tier, TaskFigures())))
        for tier in sorted(fleet.tiers.keys() | tasks.tiers.keys())
    }


def _figures(fleet: FleetFigures, tasks: TaskFigures) -> dict[str, Any]:
    counts = tasks.counts
    return {
        "agents": fleet.agents,
        "health": fleet.health,
        "shadows": fleet.shadows,
        "tasks_per_minute": counts.finished,
        "error_rate1m": counts.error_rate,
        "latency": _latency(tasks),
        "tokens_per_minute": tasks.tokens,
        "cost_per_hour": None if counts.cost_usd is None else counts.cost_usd * MINUTES_PER_HOUR,
        "queue_depth": fleet.queue_depth,
        "saturation": fleet.saturation,
    }


def _totals(tasks: TaskFigures) -> dict[str, Any]:
    counts = tasks.counts
    return {
        "tasks": counts.finished,
        "errors": counts.failed,
        "error_rate": counts.error_rate,
        "latency": _latency(tasks),
        "tokens_in": counts.tokens_in,
        "tokens_out": counts.tokens_out,
        "cost_usd": counts.cost_usd,
        "priced_tasks": counts.priced,
    }


def _latency(tasks: TaskFigures) -> LatencyAnswer:
    return LatencyAnswer(p50=tasks.latency.p50, p95=tasks.latency.p95, p99=tasks.latency.p99)


def _warnings(fleet: FleetView, call: Call) -> list[str]:
    if fleet.snapshot is None:
        return ["no snapshot yet: nothing has been sealed"]
    late = [f"the figures are {round(fleet.snapshot.seal_lag_s(call.now))} s old: seal has not run since"] if fleet.stale(call.now) else []
    # Seal's own warnings name agents and tags of the whole workspace.
    return late + ([] if call.caller.scope_text else fleet.snapshot.warnings)
