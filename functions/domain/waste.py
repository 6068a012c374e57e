"""Agents that cost and do nothing, and agents of which fewer would do: for the weekly report.

**Idle**: it reports, but has had no task for days. A heartbeat of OpenClaw's is no task here, where its runs tell what they are
(`trigger=heartbeat`); what it spends on them is what it wastes.

**Duplicates**: agents with the same tags, model and function (or host, for those without a function) that do the same kinds of tasks in
the same shares, all of them under-used. How many would do is the load of their busiest hours at a usual utilisation, not that
of the mean. Their tasks cost the same wherever they run; what goes is what an agent costs by being there.

What an agent's host costs is not in its usage: callers give it where they know it. What nobody knows is None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from functions.domain import tasks
from functions.domain.alert_columns import Floats
from functions.domain.capacity_settings import CapacitySettings
from functions.domain.fleet import AgentState
from functions.domain.fleet_cost import MONTH_DAYS
from functions.domain.selector import Selector
from functions.domain.summary import TIER
from functions.domain.times import DAY_MS, HOUR_MS, HOURS_PER_DAY
from functions.domain.usage import MAX_WORKERS, PRICED, TOKENS, UNPRICED
from functions.domain.usage_frame import UsageFrame
from functions.domain.waste_figures import WasteFigures, waste_figures

WASTE_METRICS: Final = frozenset((*tasks.FINISHING, tasks.STARTED, tasks.COST, PRICED, UNPRICED, *TOKENS, MAX_WORKERS))
"""What the frame must have been read with."""
BUSY_QUANTILE: Final = 0.99
"""Of the hours: a week's second-busiest one. Less, and an hour of work each night would not count."""
SOON_MS: Final = DAY_MS
"""Who has a task within so long after the frame's end is not told of as idle: frames end some time before they are read."""
OWN_TAGS: Final = frozenset(("host", "hostname", "instance", "pod", "ip"))
"""Tags that tell an agent from its likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WastePolicy:
    """From when on something counts as waste."""

    idle_days: float = 7.0
    """Without a task."""
    heard_days: float = 1.0
    """An agent that was not heard of for longer before the frame's end is gone, not idle."""
    underused: float = 0.3
    """Of its capacity, in the mean; duplicates are all below."""
    utilization: float = 0.65
    """At which fewer agents would do the work of duplicates."""
    alike: float = 0.9
    """Cosine of the shares of their kinds of tasks, from which on two agents do the same work."""
    fewest_tasks: int = 20
    """Below, nobody can say what an agent's work is."""
    exempt: Selector | None = None
    """Agents that are meant to wait (standbys): never waste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleAgent:
    """One that reports and has nothing to do."""

    agent: str
    name: str
    days: float
    """Without a task, up to the frame's end."""
    at_least: bool
    """Nobody knows what it did before."""
    tokens: float
    """That it took in those of these days that the frame has."""
    usd_per_month: float | None
    """What it spends without tasks, and its host where that is known; None when neither is known."""
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Agents of which fewer would do."""

    agents: Sequence[str]
    """Two or more, the least used first: those that can go stand at the beginning."""
    needed: int
    """That would do, at least one; less than there are."""
    tags: Mapping[str, str]
    """That they all have."""
    model: str | None
    place: str
    """`function=triage` or `host=box-3`: what they share beside."""
    utilization: float
    """Of all together, in the mean."""
    usd_per_month: float | None
    """What those beyond `needed` cost by being there; None when nobody knows."""
    evidence: str

    @property
    def surplus(self) -> int:
        """How many could go."""
        return len(self.agents) - self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """All of it, the dearest first; what has no price last."""

    idle: Sequence[IdleAgent]
    duplicates: Sequence[Duplicates]
    notes: Sequence[str] = ()
    """What is not known, and why."""


def find_waste(
    frame: UsageFrame,
    agents: Mapping[str, AgentState],
    *,
    policy: WastePolicy | None = None,
    host_usd: Mapping[str, float] | None = None,
) -> Waste:
    """Waste among `agents`, by id, as of the frame's end; the frame was read with `WASTE_METRICS`.

    `host_usd` is what an agent's host costs, USD a month by agent, where somebody knows.
    """
    policy, hosts = policy or WastePolicy(), host_usd or {}
    figures = waste_figures(frame)
    candidates = {agent: state for agent, state in agents.items() if _counts(state, frame, policy)}
    idle = [one for state in candidates.values() if (one := _idle(frame, figures, state, policy, hosts))]
    lazy = {one.agent for one in idle}
    working = [state for agent, state in candidates.items() if agent not in lazy]
    duplicates = [found for group in _alike(frame, figures, working, policy) if (found := _duplicates(figures, group, policy, hosts))]
    return Waste(
        idle=sorted(idle, key=lambda one: (-(one.usd_per_month or 0.0), -one.days, one.agent)),
        duplicates=sorted(duplicates, key=lambda one: (-(one.usd_per_month or 0.0), -one.surplus, one.agents[0])),
        notes=_notes(frame),
    )


def host_prices(settings: CapacitySettings, agents: Iterable[AgentState]) -> dict[str, float]:
    """What agents cost beside their tokens, USD a month, as far as the workspace's settings of capacity say so."""
    told = ((state.id, settings.of(state.tags.get(TIER)).agent_usd_per_month) for state in agents)
    return {agent: usd for agent, usd in told if usd is not None}


def _counts(state: AgentState, frame: UsageFrame, policy: WastePolicy) -> bool:
    """Whether an agent is there to do something."""
    heard = state.last_seen is not None and state.last_seen >= frame.last_hour * HOUR_MS - policy.heard_days * DAY_MS
    return heard and not state.retired and not (policy.exempt and policy.exempt.matches(state.tags))


def _idle(frame: UsageFrame, figures: WasteFigures, state: AgentState, policy: WastePolicy, hosts: Mapping[str, float]) -> IdleAgent | None:
    since, at_least = _without_work(frame, figures, state)
    days = (frame.last_hour * HOUR_MS - since) / DAY_MS
    if days < policy.idle_days:
        return None
    row = figures.rows.get(state.id)
    first = max(0, ceil(since / HOUR_MS) - frame.first_hour)
    hours = int(figures.known[first:].sum())
    tokens = usd = priced = unpriced = 0.0
    if row is not None:
        tokens, usd, priced, unpriced = (
            float(of[row, first:].sum()) for of in (figures.tokens, figures.usd, figures.priced, figures.unpriced)
        )
    spent = usd * MONTH_DAYS * HOURS_PER_DAY / hours if priced and hours else None
    words = [f"no task for {'at least ' if at_least else ''}{days:.0f} days"]
    if tokens:
        cost = f" for ${usd:,.2f}" if priced else ""
        words.append(f"{tokens:,.0f} tokens{cost} without one in {hours} hours")
    if unpriced:
        words.append(f"{unpriced:,.0f} runs have no price")
    return IdleAgent(
        agent=state.id,
        name=state.name,
        days=days,
        at_least=at_least,
        tokens=tokens,
        usd_per_month=_sum(spent, hosts.get(state.id)),
        evidence="; ".join([*words, _host_words("it", hosts, [state.id])]),
    )


def _without_work(frame: UsageFrame, figures: WasteFigures, state: AgentState) -> tuple[int, bool]:
    """Since when (ms) an agent had no task, and whether that is only what is known. Hours that are not known may have had some."""
    start, end = frame.first_hour * HOUR_MS, frame.last_hour * HOUR_MS
    row, task = figures.rows.get(state.id), state.progress.last_task
    worked = np.flatnonzero(figures.work[row]) if row is not None else np.zeros(0)
    beats = row is not None and figures.beats[row] > 0
    last = start + (int(worked[-1]) + 1) * HOUR_MS if len(worked) else None
    if task is not None and task < end + SOON_MS and not beats:
        # The newest task of all, whatever the hours say; of a batch that came late it says when it came.
        return max(last or 0, min(task, end)), False
    gaps = np.flatnonzero(~figures.known)
    gap = start + (int(gaps[-1]) + 1) * HOUR_MS if len(gaps) else start
    born = state.first_seen or 0
    if last is not None and last >= gap:
        return last, False
    watched = gap if beats or gap == start else min(gap, max(state.watched_since, start))
    return max(born, watched), born < watched


def _alike(frame: UsageFrame, figures: WasteFigures, working: Iterable[AgentState], policy: WastePolicy) -> list[list[AgentState]]:
    """Agents that do the same, were there all the time, and are all under-used: two or more each."""
    groups: dict[tuple[object, ...], list[list[AgentState]]] = {}
    for state in sorted(working, key=lambda one: one.id):
        row = figures.rows.get(state.id)
        if row is None or not _place(state) or (state.first_seen or 0) > frame.first_hour * HOUR_MS:
            continue
        if figures.timed[row] < policy.fewest_tasks or _used(figures, [row]) >= policy.underused:
            continue
        heaps = groups.setdefault((tuple(sorted(_shared_tags(state).items())), state.model, _place(state)), [])
        kinds = figures.kinds[row]
        fitting = next((heap for heap in heaps if _cosine(kinds, figures.kinds[figures.rows[heap[0].id]]) >= policy.alike), None)
        if fitting is None:
            heaps.append([state])
        else:
            fitting.append(state)
    return [heap for heaps in groups.values() for heap in heaps if len(heap) > 1]


def _duplicates(figures: WasteFigures, group: Sequence[AgentState], policy: WastePolicy, hosts: Mapping[str, float]) -> Duplicates | None:
    rows = [figures.rows[state.id] for state in group]
    peak = float(np.quantile(figures.busy[rows][:, figures.known].sum(axis=0), BUSY_QUANTILE))
    needed = max(1, ceil(peak / (float(figures.workers[rows].min()) * policy.utilization)))
    if needed >= len(group):
        return None
    group = sorted(group, key=lambda one: (_used(figures, [figures.rows[one.id]]), one.id))
    leaving = [one.id for one in group[: len(group) - needed]]
    gone = [figures.rows[agent] for agent in leaving]
    days = float(figures.known.sum()) / HOURS_PER_DAY
    beats = float(figures.beats_usd[gone].sum()) / days * MONTH_DAYS if figures.beats_usd[gone].any() else None
    host = sum(hosts[agent] for agent in leaving) if all(agent in hosts for agent in leaving) else None
    used = _used(figures, rows)
    return Duplicates(
        agents=[one.id for one in group],
        needed=needed,
        tags=_shared_tags(group[0]),
        model=group[0].model,
        place=_place(group[0]),
        utilization=used,
        usd_per_month=_sum(beats, host),
        evidence=(
            f"{len(group)} agents with {_place(group[0])} and the same tags, model and kinds of tasks are {used:.1%} busy;"
            f" in the busiest hours {peak:.2f} tasks were under way at once, which {needed} can do at {policy.utilization:.0%};"
            f" {_leaving_words(hosts, leaving)}"
        ),
    )


def _used(figures: WasteFigures, rows: Sequence[int]) -> float:
    """Part of the capacity of some agents that was used in the known hours."""
    hours = float(figures.known.sum())
    return float(figures.busy[rows].sum() / (figures.workers[rows].sum() * hours)) if hours else 0.0


def _shared_tags(state: AgentState) -> dict[str, str]:
    return {key: value for key, value in state.tags.items() if key not in OWN_TAGS}


def _place(state: AgentState) -> str:
    """What agents must share beside tags and model to be duplicates; empty when nobody knows."""
    if function := state.tags.get("function"):
        return f"function={function}"
    return f"host={state.host}" if state.host else ""


def _cosine(one: Floats, other: Floats) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0


def _sum(*amounts: float | None) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _leaving_words(hosts: Mapping[str, float], agents: Sequence[str]) -> str:
    """What the hosts of those cost that can go."""
    return _host_words("the least used one" if len(agents) == 1 else f"the {len(agents)} least used", hosts, agents)


def _host_words(what: str, hosts: Mapping[str, float], agents: Sequence[str]) -> str:
    if any(agent not in hosts for agent in agents):
        return f"hosting {what} has no known price"
    return f"hosting {what} costs ${sum(hosts[agent] for agent in agents):,.2f} a month"


def _notes(frame: UsageFrame) -> list[str]:
    missing = len(frame.missing)
    return [f"{missing} of {len(frame.hours)} hours are not known: an agent may have had tasks in them"] if missing else []
