"""What waste is told from: tasks, load and spending of each agent by hour, heartbeats apart from work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.domain import tasks
from functions.domain.alert_columns import Floats
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS
from functions.domain.usage import COST_SOURCE, MAX_WORKERS, PRICED, TOKENS, UNPRICED
from functions.domain.usage_frame import UsageFrame

TRIGGER: Final = "trigger"
"""Tag that tells why OpenClaw made a run."""
WORK: Final = Selector.parse(f"{TRIGGER}!=heartbeat")
BEATS: Final = Selector.parse(f"{TRIGGER}=heartbeat")
_NOT_KINDS: Final = frozenset((AGENT, TRIGGER, COST_SOURCE, "model", "error"))
"""Tags that tell no kind of task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteFigures:
    """Of all agents that have usage; arrays are [agent] or [agent, hour], agents in the order of `rows`."""

    rows: dict[str, int]
    """The row of each agent."""
    known: npt.NDArray[np.bool_]
    """By hour: whether its usage is known."""
    work: Floats
    """[agent, hour] Tasks that began or ended; heartbeats are none."""
    busy: Floats
    """[agent, hour] Tasks under way in the mean: how long they took, counted where they ended, as a part of the hour."""
    timed: Floats
    """[agent] Tasks that told how long they took."""
    workers: Floats
    """[agent] Tasks that it can do at once, 1 unless it says more."""
    beats: Floats
    """[agent] Heartbeats."""
    tokens: Floats
    """[agent, hour]"""
    usd: Floats
    """[agent, hour] Reported and priced; 0 also where nobody knows."""
    priced: Floats
    """[agent, hour] Tasks whose cost is in `usd`."""
    unpriced: Floats
    """[agent, hour] Tasks whose tokens nobody can price."""
    beats_usd: Floats
    """[agent] What heartbeats cost; part of `usd`."""
    kinds: Floats
    """[agent, kind] Tasks by kind: all their tags but those that tell how they ended or who did them."""


def waste_figures(frame: UsageFrame) -> WasteFigures:
    """Sum a frame up."""
    rows = {agent: row for row, agent in enumerate(frame.agents())}
    work, beats = _Hourly(frame, rows, WORK), _Hourly(frame, rows, BEATS)
    capacity, claims = work.of(MAX_WORKERS)
    claimed = claims.sum(axis=1)
    usd, beats_usd, priced = np.zeros_like(claims), np.zeros(len(rows)), np.zeros_like(claims)
    for name in (tasks.COST, PRICED):
        (worked, paid), (beaten, told) = work.of(name), beats.of(name)
        usd, priced = usd + worked + beaten, priced + paid + told
        beats_usd = beats_usd + beaten.sum(axis=1)
    taken, timed = work.of(tasks.LATENCY)
    beating = _finished(beats).sum(axis=1)
    return WasteFigures(
        rows=rows,
        known=np.array([hour not in frame.missing for hour in frame.hours], dtype=np.bool_),
        # A run that starts may not tell yet that it is a heartbeat: where there are some, only ends count.
        work=np.maximum(_finished(work), np.where(beating[:, None] > 0, 0.0, work.of(tasks.STARTED)[1])),
        busy=taken / HOUR_MS,
        timed=timed.sum(axis=1),
        workers=np.maximum(1.0, np.divide(capacity.sum(axis=1), claimed, out=np.ones(len(rows)), where=claimed > 0)),
        beats=beating,
        tokens=sum((by.of(name)[0] for name in TOKENS for by in (work, beats)), np.zeros_like(claims)),
        usd=usd,
        priced=priced,
        unpriced=work.of(UNPRICED)[1] + beats.of(UNPRICED)[1],
        beats_usd=beats_usd,
        kinds=_kinds(frame, rows),
    )


class _Hourly:
    """Sums and counts of some rows by agent and hour, in the order of `rows`."""

    def __init__(self, frame: UsageFrame, rows: dict[str, int], selector: Selector) -> None:
        self._frame, self._amount = frame, len(rows)
        self._groups = frame.group((AGENT,), selector)
        self._order = [rows[dict(key)[AGENT]] for key in self._groups.keys]

    def of(self, name: str) -> tuple[Floats, Floats]:
        """Sum and count of a metric: [agent, hour] each."""
        shape = (self._amount, len(self._frame.hours))
        total, count = np.zeros(shape), np.zeros(shape)
        found = self._frame.hourly(name, self._groups)
        total[self._order], count[self._order] = found.sum, found.count
        return total, count


def _finished(by: _Hourly) -> Floats:
    """Tasks by the larger account, as `tasks.TaskCounts` has it."""
    failed = np.maximum(by.of(tasks.FAILED)[1], by.of(tasks.ERRORS)[0])
    return np.maximum(by.of(tasks.COMPLETED)[1] + failed, by.of(tasks.LATENCY)[1])


def _kinds(frame: UsageFrame, rows: dict[str, int]) -> Floats:
    keys = sorted({key for pairs in frame.tags.sets for key, _ in pairs} - _NOT_KINDS)
    groups = frame.group((AGENT, *keys), WORK)
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    columns = [numbers.setdefault(tuple(pair for pair in key if pair[0] != AGENT), len(numbers)) for key in groups.keys]
    found = np.zeros((len(rows), len(numbers)))
    counts = np.maximum(frame.figures(tasks.LATENCY, groups).count, frame.figures(tasks.COMPLETED, groups).count)
    np.add.at(found, ([rows[dict(key)[AGENT]] for key in groups.keys], columns), counts)
    return found
