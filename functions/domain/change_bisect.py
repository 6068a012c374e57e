"""Bisect: when did a task begin to cost (or take) more, and which change of the fleet is the likeliest reason?

    work by agent and hour ──▶ changepoint, as a distribution over hours ─┐
    changes, with the agents that they concern ──▶ those with it against those without ─┴──▶ scores, or none

It names what fits in time and in who is concerned; that is evidence, no proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.domain.fleet_changes import FleetChange
from functions.domain.regression import Work


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
    """95 % interval of it."""
    before: float | None
    after: float | None
    """Per task, before and since."""
    suspects: Sequence[Suspect]
    """Likeliest first; none below `MIN_SCORE`."""
    reason: str
    """A sentence: what changed when, and what it followed; or why nothing is said."""

    @property
    def culprit(self) -> Change | None:
        """The change that is likelier than everything else together."""
        first = next(iter(self.suspects), None)
        return first.change if first is not None and first.score > 0.5 else None


MIN_SCORE = 0.05


def bisect(work: Work, agents: Sequence[str], changes: Iterable[Change], *, unit: str = "") -> Bisect:
    """Find the changepoint of the figure per task, and the likeliest of some changes.

    The rows of `work` are the `agents`; it should begin some days before the rise. `unit` is one of `alert_text.figure`.
    """
    raise NotImplementedError


def of_fleet_change(change: FleetChange) -> Change:
    """A change that the snapshot keeps; of one with more agents than it lists nobody knows whom it concerned."""
    raise NotImplementedError
