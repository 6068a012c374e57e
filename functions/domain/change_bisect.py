"""Bisect: when a task began to cost (or take) more, and which change of the fleet is the likeliest reason.

Every change is a hypothesis: those that it concerns have another level since then, the others have not. "Something else" is
one, too: all have another level since some hour. How well each explains the work of all agents and hours is its likelihood; scores are what
follows if each was equally likely before. It names what fits in time and in who is concerned; that is evidence, no proof.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from functions.domain.alert_columns import Ints
from functions.domain.alert_text import figure
from functions.domain.change_levels import Levels, Scan, Step
from functions.domain.fleet_changes import FleetChange
from functions.domain.regression_periods import Work
from functions.domain.robust import Mask
from functions.domain.times import HOUR_MS

MIN_SCORE: Final = 0.05
_CULPRIT: Final = 0.5
_CLEAR: Final = 12.0
"""Gain of a change of level at an hour that nobody told, in variances of noise; one in a hundred has it by chance (Andrews 1993)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was changed."""

    text: str
    """`version prompt: v6 → v7`, as the timeline tells it."""
    at: int
    """When the first agent had it, ms."""
    until: int
    """And the last."""
    agents: frozenset[str] | None = None
    """Whom it concerned; None: everybody, or nobody knows."""
    id: str = ""
    """Of a rollout, rotation or revision, to link to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A change that could be the reason."""

    change: Change
    score: float
    """0 to 1: of all that could explain it, changes that nobody knows among them; the scores of all suspects add up to at most 1."""
    why: str
    """A sentence with its numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisect:
    """What was found."""

    at_hour: int | None
    """First hour of the new level; None when there is no clear change of level."""
    low_hour: int | None
    high_hour: int | None
    """95 % interval of it, with all of the likeliest change."""
    before: float | None
    after: float | None
    """Per task, before and since, of the agents that the likeliest change concerned; at the later mix of them."""
    suspects: Sequence[Suspect]
    """Likeliest first; none below `MIN_SCORE`."""
    reason: str
    """A sentence: what changed when, and what it followed; or why nothing is said."""

    @property
    def culprit(self) -> Change | None:
        """The change that is likelier than everything else together."""
        first = next(iter(self.suspects), None)
        return first.change if first is not None and first.score > _CULPRIT else None


def bisect(work: Work, agents: Sequence[str], changes: Iterable[Change], *, unit: str = "") -> Bisect:
    """Find the changepoint of the figure per task, and the likeliest of some changes.

    The rows of `work` are the `agents`; it should begin some days before the rise. `unit` is one of `alert_text.figure`.
    """
    levels = Levels.of(work)
    if not levels.weights.any():
        return _nothing(levels, agents)
    tried = [_tried(change, levels, agents) for change in changes]
    theories = [theory for theory in tried if theory is not None]
    other = levels.scan(np.ones(len(agents), dtype=bool))
    noise = levels.noise(max([other.best, *(theory.step for theory in theories)], key=lambda step: step.gain))
    best = max([other.best.gain, *(theory.step.gain for theory in theories)]) / noise if noise > 0 else 0.0
    if best < _CLEAR + 2 * math.log1p(len(theories)):
        return _nothing(levels, agents)
    suspects = _suspects(theories, other, noise, best)
    first = suspects[0] if suspects and suspects[0].score > _CULPRIT else None
    rows = first.rows if first else np.ones(len(agents), dtype=bool)
    found = levels.scan(rows)
    at, low, high = found.when(noise)
    if first is not None:  # what is rolled out over hours has no single hour
        begin, end = (time // HOUR_MS - work.first_hour for time in (first.change.at, first.change.until))
        low, high = (min(low, begin), max(high, end)) if end > begin else (low, high)
    before, after = levels.per_task(rows, at)
    return Bisect(
        at_hour=work.first_hour + at,
        low_hour=work.first_hour + low,
        high_hour=work.first_hour + high,
        before=before,
        after=after,
        suspects=[Suspect(change=one.change, score=one.score, why=_why(one, levels, unit)) for one in suspects if one.score >= MIN_SCORE],
        reason=_reason(work.first_hour + np.array([at, low, high]), before, after, first, unit),
    )


@dataclass(frozen=True, slots=True)
class _Theory:
    """A change as an explanation."""

    change: Change
    rows: Mask
    step: Step
    score: float = 0.0


def _tried(change: Change, levels: Levels, agents: Sequence[str]) -> _Theory | None:
    """None for a change that is not within the work's hours, or of other agents."""
    rows = np.array([change.agents is None or agent in change.agents for agent in agents], dtype=bool)
    since = levels.since(change.at / HOUR_MS, change.until / HOUR_MS)
    if not rows.any() or not 0 < since.sum() < len(since):
        return None
    return _Theory(change, rows, levels.step(rows, since))


def _suspects(theories: Sequence[_Theory], other: Scan, noise: float, best: float) -> list[_Theory]:
    """Theories with their scores, likeliest first; a level that went the other way explains nothing."""
    strongest = max([other.best, *(theory.step for theory in theories)], key=lambda step: step.gain)
    elsewhere = float(np.mean(np.exp((other.gains / noise - best) / 2)))
    likely = [math.exp((theory.step.gain / noise - best) / 2) if theory.step.change * strongest.change > 0 else 0.0 for theory in theories]
    total = elsewhere + sum(likely)
    scored = [replace(theory, score=likelihood / total) for theory, likelihood in zip(theories, likely, strict=True)]
    return sorted(scored, key=lambda theory: -theory.score)


def _why(theory: _Theory, levels: Levels, unit: str) -> str:
    since = levels.since(theory.change.at / HOUR_MS, theory.change.until / HOUR_MS)
    place = int(np.argmax(since > 0))
    told = []
    for word, rows in (("those with it", theory.rows), ("the others", ~theory.rows)):
        before, after = levels.per_task(rows, place)
        if before and after:
            told.append(f"{word}: {figure(before, unit)} a task before, {figure(after, unit)} since ({after / before:.2f} times)")
    amount = int(theory.rows.sum())
    return f"{amount} {'agent' if amount == 1 else 'agents'}, {_time(theory.change.at // HOUR_MS)}; " + "; ".join(told)


def _reason(hours: Ints, before: float | None, after: float | None, first: _Theory | None, unit: str) -> str:
    at, low, high = (_time(int(hour)) for hour in hours)
    level = f"from {figure(before, unit)} to {figure(after, unit)} a task " if before is not None and after is not None else ""
    when = f"{level}at {at}" + (f" ({low} to {high})" if low != high else "")
    if first is None:
        return f"{when}; no single change that is known explains it"
    return f"{when}; likeliest reason ({first.score:.0%}): {first.change.text}".replace("%", " %")


def _nothing(levels: Levels, agents: Sequence[str]) -> Bisect:
    before, _ = levels.per_task(np.ones(len(agents), dtype=bool), levels.hours)
    reason = "no clear change of level" if before is not None else "no tasks"
    return Bisect(at_hour=None, low_hour=None, high_hour=None, before=before, after=None, suspects=[], reason=reason)


def _time(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%a %Y-%m-%d %H:%M} UTC"


def of_fleet_change(change: FleetChange) -> Change:
    """A change that the snapshot keeps; of one with more agents than it lists nobody knows whom it concerned."""
    return Change(text=change.text, at=change.at, until=change.until, agents=None if change.more else frozenset(change.agents))
