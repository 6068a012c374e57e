"""A wave of a rollout beside its control, over time: the picture of what its gate judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import view
from functions.api.models import Answer, Moment
from functions.api.rollouts import RolloutAsked, visible
from functions.api.rollups import agent_parts
from functions.domain import spans
from functions.domain.errors import NotFound
from functions.domain.rollout_cohorts import Cohorts, cohorts
from functions.domain.rollup_codec import Table
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.summary_tasks import TaskFigures, task_figures
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.domain.token import Scope
from functions.gate_evidence import FEW, MATCHED

noun = Noun("rollout-comparison")

MOST_AGENTS = 50
"""Of each side; more say the same, and take longer to read."""
MOST_BUCKETS = 72
_STEPS_MS = (MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS)
_EVERYONE = Selector.parse("")


class ComparisonAsked(RolloutAsked):
    """Which wave of which rollout."""

    wave: int = Field(0, ge=0, le=10_000, description="From 0.")


class Side(Answer):
    """Some agents together, a value for each of `times`; null without a task in that time."""

    agents: int
    looked_at: int = Field(description="Of them; a sample where there are many.")
    tasks: list[int] = Field(description="That came to an end.")
    error_rate: list[float | None]
    p50: list[float | None] = Field(description="Of the latency, ms.")
    p95: list[float | None]
    cost_per_task: list[float | None] = Field(description="USD a priced task.")
    tokens_per_task: list[float | None] = Field(description="Out, a task.")


class Comparison(Answer):
    """Both sides; null and empty while none of the wave has changed."""

    wave: int
    changed: Moment | None = Field(description="When the first agent of the wave was seen with the new configuration.")
    step: int = Field(description="Seconds.")
    times: list[int] = Field(description="Start of each bucket in ms since 1970.")
    origin: str = Field(description="Who the control is.")
    canary: Side | None
    control: Side | None = Field(description="Null when there is none.")


@noun.endpoint("GET", "/api/rollouts/{rollout}/comparison", scope=Scope.READ, asks=ComparisonAsked, answers=Comparison)
def comparison(call: Call, asked: ComparisonAsked) -> Comparison:
    """A wave's agents that have changed beside agents like them that have not, from an hour before the change."""
    _, waves = visible(call, asked.rollout)
    if asked.wave >= len(waves):
        raise NotFound(f"the rollout {asked.rollout} has no wave {asked.wave}: they count from 0 to {len(waves) - 1}")
    found = cohorts(waves, asked.wave, view(call).tags(), call.now, matched=MATCHED, few=FEW)
    if found is None:
        return Comparison.model_construct(wave=asked.wave, changed=None, step=60, times=[], origin="nobody", canary=None, control=None)
    step, covered = _grain(found, call.now)
    times = range(found.start // step * step, found.end, step)
    looked = found.sample(MOST_AGENTS)
    return Comparison.model_construct(
        wave=asked.wave,
        changed=found.changed,
        step=step // 1000,
        times=list(times),
        origin=found.origin,
        canary=_side(call, found.canary, looked.canary, covered, times),
        control=_side(call, found.control, looked.control, covered, times) if found.control else None,
    )


def _grain(found: Cohorts, now: int) -> tuple[int, Sequence[spans.Span]]:
    """The width of a bucket (ms) and the rollups to read: hours, once minutes are kept no more."""
    if not spans.minutes_kept(found.start, now):
        return HOUR_MS, spans.cover(found.start // HOUR_MS * HOUR_MS, found.end, now)
    step = next((one for one in _STEPS_MS if found.end - found.start <= one * MOST_BUCKETS), _STEPS_MS[-1])
    return step, spans.minutes(found.start // step * step, found.end)


def _side(call: Call, everyone: Collection[str], looked: Collection[str], covered: Sequence[spans.Span], times: range) -> Side:
    tables: dict[int, list[tuple[Mapping[str, str] | None, Table]]] = defaultdict(list)
    for part in agent_parts(call, covered, {agent: {} for agent in looked}):
        tables[times.start + (part.time - times.start) // times.step * times.step].append(({AGENT: ""}, part.table))
    figures = [task_figures(tables[time], _EVERYONE).all if time in tables else TaskFigures() for time in times]
    return Side.model_construct(
        agents=len(everyone),
        looked_at=len(looked),
        tasks=[one.counts.finished for one in figures],
        error_rate=[one.counts.error_rate for one in figures],
        p50=[one.latency.p50 for one in figures],
        p95=[one.latency.p95 for one in figures],
        cost_per_task=[one.counts.cost_sum / one.counts.priced if one.counts.priced else None for one in figures],
        tokens_per_task=[
            one.counts.tokens_out / one.counts.finished if one.tokens is not None and one.counts.finished else None for one in figures
        ],
    )
