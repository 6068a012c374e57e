"""Simulated fleets for the gate: how often it errs, and how soon it sees what is wrong. Thousands of rollouts at once, all seeded.

What is simulated are tasks (agents that differ, bad times that come and go, incidents that everybody has); what judges them is the real
`gate_score`, minute by minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from functions.domain.gate_means import Amounts, means
from functions.domain.gate_panel import LIMITS, OWN, WINDOW
from functions.domain.gate_policy import METRICS, GatePolicy
from functions.domain.gate_score import Sample, fails, score
from functions.domain.gate_weigh import Design, Trials
from functions.domain.tasks import COST, ERRORS, LATENCY, TOKENS_OUT

PAST = 60
BAKE = 10
"""Minutes."""
SIGMA = {LATENCY: 0.6, COST: 1.0, TOKENS_OUT: 0.8}
"""Of the lognormal amounts of one agent's tasks."""
MOST = 250
"""Agents of a side that the reader looks at."""
_CELLS = 300_000
"""Agents times minutes worked on at once."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Agents, and what they do."""

    agents: int = 40
    rate: float = 1.0
    """Tasks a minute and agent."""
    errors: float = 0.05
    spread: float = 0.0
    """Standard deviation of the agents' levels, of their logarithms: errors and amounts alike."""
    bursts: float = 0.0
    """Squared coefficient of variation of an agent's errors from one ten minutes to the next; amounts move along, half as much."""
    incident: float = 1.0
    """How many times more errors everybody has, and how many times longer tasks take, from the change on."""
    past: bool = True


@dataclass(frozen=True, kw_only=True)
class Harm:
    """What the change does to those who get it."""

    errors: float = 1.0
    latency: float = 1.0
    dear: float = 1.0
    """How many times more expensive some tasks become, tokens and all."""
    dear_share: float = 0.0


HARMLESS = Harm()
USUAL = GatePolicy()


def waves_of(agents: int) -> list[int]:
    """How many agents the default policy's waves have."""
    told, sizes = 0, []
    for goal in (1, 5, -(-agents // 4), agents):
        if min(goal, agents) > told:
            sizes.append(min(goal, agents) - told)
            told = min(goal, agents)
    return sizes


def false_aborts(fleet: Fleet, runs: int, seed: int, policy: GatePolicy = USUAL) -> float:
    """The share of rollouts of a harmless change that are aborted. In the last wave those of earlier ones stand in as control."""
    rng = np.random.default_rng(seed)
    aborted = np.zeros(runs, dtype=bool)
    told = 0
    for size in waves_of(fleet.agents):
        last = told + size == fleet.agents
        there = fleet.agents if last else fleet.agents - told
        aborted |= first_fails(rng, replace(fleet, agents=there), size, runs, policy=policy, stand_ins=last) > 0
        told += size
    return float(aborted.mean())


def first_fails(
    rng: np.random.Generator,
    fleet: Fleet,
    wave: int,
    runs: int,
    harm: Harm = HARMLESS,
    metrics: Sequence[str] = METRICS,
    policy: GatePolicy = USUAL,
    *,
    stand_ins: bool = False,
) -> np.ndarray:
    """The minute of the bake after which each run's gate failed; 0: it never did. `stand_ins`: the control changed a bake ago."""
    changed, control = min(wave, MOST), min(fleet.agents - wave, MOST)
    world = replace(fleet, agents=changed + control)
    batch = max(1, _CELLS // ((PAST + BAKE) * world.agents))
    found = [
        _judge(_Run(rng, world, changed, min(batch, runs - start), harm, stand_ins=stand_ins), metrics, policy)
        for start in range(0, runs, batch)
    ]
    return np.concatenate(found)


def _judge(run: _Run, metrics: Sequence[str], policy: GatePolicy) -> np.ndarray:
    samples = [list(run.samples(name)) for name in metrics]
    amounts = Amounts(*(np.concatenate([one.amounts[side] for of in samples for one in of]) for side in (0, 1)))
    failed = np.zeros(run.runs, dtype=np.int64)
    for minute in range(1, BAKE + 1):
        design = run.design(minute)
        asked = [question for question in _suspects(amounts, design, policy) if failed[question % run.runs] == 0]
        if asked:
            metric, one = np.divmod(asked, run.runs)
            names = [metrics[number] for number in metric]
            found = fails(score(names, [samples[a][b] for a, b in zip(metric, one, strict=True)], design), policy, untouched=run.untouched)
            failed[one[found]] = minute
    return failed


def _suspects(amounts: Amounts, design: Design, policy: GatePolicy) -> np.ndarray:
    """Those that can fail at all: the others are no `ratio` times worse than their past."""
    found = means(amounts, design)
    return np.flatnonzero((found.changed > 0) & ~(found.changed < policy.ratio * found.past))


class _Run:
    """A batch of rollouts, with one wave each; changed agents first."""

    def __init__(self, rng: np.random.Generator, fleet: Fleet, changed: int, runs: int, harm: Harm, *, stand_ins: bool) -> None:
        self.runs = runs
        self.untouched = not stand_ins
        self._control_from = PAST - BAKE if stand_ins else 0
        self._rng, self._fleet, self._changed, self._harm = rng, fleet, changed, harm
        self._shape = (runs, fleet.agents, PAST + BAKE)
        self._finished = rng.poisson(fleet.rate, self._shape)
        if not fleet.past:
            self._finished[:, :changed, :PAST] = 0

    def design(self, minute: int) -> Design:
        """As of some minutes after the change."""
        changed = np.arange(self._fleet.agents) < self._changed
        before, after = np.zeros(self._shape[1:], dtype=bool), np.zeros(self._shape[1:], dtype=bool)
        before[:, :PAST], after[:, PAST : PAST + minute] = True, True
        before[self._changed :, : self._control_from] = False
        return Design(changed, np.zeros(self._fleet.agents, dtype=np.int64), before, after, np.arange(PAST + BAKE) // WINDOW)

    def samples(self, name: str) -> Iterator[Sample]:
        """One a run."""
        if name == ERRORS:
            bad = self._failed()
            yield from (
                Sample(Trials(one[None], total[None]), Amounts(one[None] * 1.0, total[None]))
                for one, total in zip(bad, self._finished, strict=True)
            )
        else:
            yield from self._amounts(name)

    def _levels(self, weight: float) -> np.ndarray:
        """Of each agent and minute: by nature, and what comes and goes. Mean 1."""
        fleet, rng = self._fleet, self._rng
        own = np.exp(rng.normal(0, fleet.spread, (*self._shape[:2], 1)) - fleet.spread**2 / 2)
        if not fleet.bursts:
            return np.broadcast_to(own, self._shape)
        sigma = weight * sqrt(np.log1p(fleet.bursts))
        times = rng.normal(0, sigma, (*self._shape[:2], self._shape[2] // WINDOW)) - sigma**2 / 2
        return own * np.exp(np.repeat(times, WINDOW, axis=2))

    def _failed(self) -> np.ndarray:
        rate = self._fleet.errors * self._levels(1.0)
        rate[:, :, PAST:] *= self._fleet.incident
        rate[:, : self._changed, PAST:] *= self._harm.errors
        return self._rng.binomial(self._finished, np.minimum(rate, 1.0))

    def _amounts(self, name: str) -> Iterator[Sample]:
        harm, rng = self._harm, self._rng
        place = np.repeat(np.arange(self._finished.size), self._finished.ravel())
        slot, agent = place % self._shape[2], place // self._shape[2]
        values = rng.normal(0, SIGMA[name], len(place)) + np.log(self._levels(0.5).ravel()[place])
        changed = agent % self._shape[1] < self._changed
        hit = (slot >= PAST) & changed
        if name == LATENCY:
            values += hit * np.log(harm.latency) + (slot >= PAST) * np.log(self._fleet.incident)
        else:
            values += hit * (rng.random(len(place)) < harm.dear_share) * np.log(harm.dear)
        sums = np.bincount(place, weights=np.exp(values), minlength=self._finished.size).reshape(self._shape)
        limits = self._limits(values, agent, (slot < PAST) & (changed | (slot >= self._control_from)))
        bad = np.stack([np.bincount(place, weights=values > limit[agent], minlength=self._finished.size) for limit in limits], axis=1)
        shaped = bad.reshape(*self._shape, len(LIMITS)).astype(np.int64)
        for one in range(self.runs):
            total = self._finished[one]
            trials = Trials(np.moveaxis(shaped[one], 2, 0), np.broadcast_to(total, (len(LIMITS), *total.shape)))
            yield Sample(trials, Amounts(sums[one][None], total[None]))

    def _limits(self, values: np.ndarray, agent: np.ndarray, past: np.ndarray) -> list[np.ndarray]:
        """As `gate_panel` chooses them: of the agent's own past, or of all agents' of the run."""
        own = _quantiles(values[past], agent[past], self._shape[0] * self._shape[1])
        every = _quantiles(values[past], agent[past] // self._shape[1], self.runs)
        few = np.bincount(agent[past], minlength=self._shape[0] * self._shape[1]) < OWN
        return [np.where(few, np.repeat(of_run, self._shape[1]), of_agent) for of_agent, of_run in zip(own, every, strict=True)]


def _quantiles(values: np.ndarray, group: np.ndarray, groups: int) -> list[np.ndarray]:
    """Quantiles of each group (they ascend), at the rank floor(q (n - 1)); 0 for an empty one."""
    counts = np.bincount(group, minlength=groups)
    first = np.cumsum(counts) - counts
    # One sort for all: logarithms of amounts are far within a thousand.
    ranked = np.append(np.sort(values + 1000.0 * group) - 1000.0 * group, 0.0)
    return [ranked[np.where(counts > 0, first + (q * (counts - 1)).astype(np.int64), len(values))] for q in LIMITS]


def upper_bound(share: float, runs: int) -> float:
    """Wilson's 97.5 % bound: what the share is at most."""
    z = 1.96
    middle = share + z * z / (2 * runs)
    return (middle + z * sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))) / (1 + z * z / runs)
