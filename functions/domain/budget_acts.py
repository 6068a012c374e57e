"""What budgets do to agents, and when it is lifted: decisions alone; `budgets.service` carries them out as rollouts.

    none ─ level act ─▶ CLAIMED ─▶ IN_FORCE ─ period over, or budget raised ─▶ LIFT_CLAIMED ─▶ LIFTING ─▶ OVER
                         │  ▲                                                    │  ▲
                         ▼  │ an agent is in another rollout                      ▼  │ likewise
                        WAITING                                                LIFT_WAITING

A claim is stored before its rollout is started, and names it: a run that finds one that is old looks whether that rollout is there before
it starts it, so neither two runs nor a crash act twice. Acts of overlapping groups nest: the one that began last is lifted first, and one
is not lifted while another budget asks for what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from functions.domain.budget_state import BudgetState, Level
from functions.domain.times import MINUTE_MS

DOCUMENT = "budget-acts"
"""Name of the stored `Acts` in `FleetStore.settings`."""
CLAIM_MS = 3 * MINUTE_MS
"""Longer than a run may take: whoever made an older claim is dead."""


class ActPhase(StrEnum):
    """Where an act stands."""

    CLAIMED = "claimed"
    """A run is about to start its rollout."""
    WAITING = "waiting"
    """For another rollout to be over."""
    IN_FORCE = "in force"
    LIFT_CLAIMED = "lift claimed"
    LIFT_WAITING = "lift waiting"
    LIFTING = "lifting"
    """The rollout that puts the agents back is under way."""
    OVER = "over"
    """Lifted; remembered until its period is over, so that it does not begin anew."""


CLAIMS = frozenset({ActPhase.CLAIMED, ActPhase.LIFT_CLAIMED})
STARTING = frozenset({ActPhase.CLAIMED, ActPhase.WAITING})


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one budget of one group did last."""

    group: str
    budget: str
    end: int
    """Of the period in which it began, ms."""
    until: str
    """`alert_budgets.Until`."""
    threshold: float
    """From how much on it acted."""
    done: str
    """In words: `paused`."""
    patch: dict[str, Any]
    phase: ActPhase
    since: int
    """Of the phase, ms."""
    began: int
    rollout: str
    """Id of the rollout that it started, or is about to."""
    lift: str = ""
    """Id of the rollout that puts the agents back."""
    detail: str = ""
    """What it waits for, or how it ended."""


class Acts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stored document: the acts of a workspace by `key_of`."""

    acts: dict[str, Act] = {}


class Decision(StrEnum):
    """What is to be done about one budget."""

    NOTHING = "nothing"
    START = "start"
    """Claim it, and start its rollout."""
    LIFT = "lift"
    WATCH = "watch"
    """See whether the rollout that lifts it is over."""
    FORGET = "forget"
    """Drop its record."""


def key_of(group: str, budget: str) -> str:
    """What acts are stored under."""
    return f"{group}|{budget}"


def decide(act: Act | None, state: BudgetState | None, now: int) -> Decision:
    """What one budget calls for. `act` is what is stored of it; `state` is None when there is no such budget, or it acts no more."""
    if act is None:
        return Decision.START if _calls(state) else Decision.NOTHING
    if act.phase in CLAIMS and now - act.since < CLAIM_MS:
        return Decision.NOTHING
    match act.phase:
        case ActPhase.CLAIMED:
            # It may have been started: only its rollout tells.
            return Decision.START
        case ActPhase.WAITING:
            return Decision.START if _calls(state) else Decision.FORGET
        case ActPhase.IN_FORCE:
            return Decision.LIFT if _is_due(act, state, now) else Decision.NOTHING
        case ActPhase.LIFT_CLAIMED | ActPhase.LIFT_WAITING:
            return Decision.LIFT
        case ActPhase.LIFTING:
            return Decision.WATCH
        case ActPhase.OVER:
            return _after(act, state, now)


def decisions(
    acts: Mapping[str, Act], states: Mapping[str, BudgetState], overlap: Callable[[str, str], bool], now: int
) -> dict[str, tuple[Decision, str]]:
    """What all budgets of a workspace call for, by `key_of`, with what holds back those that would be lifted.

    `states` are those of budgets that act; `overlap` tells whether two groups share an agent. Lifts come first.
    """
    alone = {key: decide(acts.get(key), states.get(key), now) for key in sorted(acts.keys() | states.keys())}
    found: dict[str, tuple[Decision, str]] = {}
    for key, decision in sorted(alone.items(), key=lambda entry: entry[1] is Decision.START):
        blocker = _blocker(key, acts, alone, overlap) if decision is Decision.LIFT else ""
        found[key] = (Decision.NOTHING, blocker) if blocker else (decision, "")
    return found


def _blocker(key: str, acts: Mapping[str, Act], alone: Mapping[str, Decision], overlap: Callable[[str, str], bool]) -> str:
    """Why an act cannot be lifted now; empty when it can."""
    mine = acts[key]
    for other, decision in alone.items():
        act = acts.get(other)
        # What is over and calls for nothing is in nobody's way, and what began before is put back after.
        newer = act is not None and act.phase is not ActPhase.OVER and (act.began, other) > (mine.began, key)
        wants = decision is Decision.START and (act is None or act.phase is ActPhase.OVER)
        group, _, budget = other.rpartition("|")
        if other != key and (newer or wants) and overlap(mine.group, group):
            return f"kept while the budget {group or 'of the workspace'} {budget} acts on some of its agents"
    return ""


def _calls(state: BudgetState | None) -> bool:
    return state is not None and state.level is Level.ACT


def _is_due(act: Act, state: BudgetState | None, now: int) -> bool:
    """Whether what is in force is to be lifted."""
    if state is None:
        return True
    if state.level is Level.ACT:
        return False
    if act.until == "period" and now >= act.end:
        return True
    # Not known is not enough: raised by how much, when nobody knows what is used?
    return (state.threshold or 0.0) > act.threshold and state.level is not None


def _after(act: Act, state: BudgetState | None, now: int) -> Decision:
    """A budget acts once in its period; once more only if it has been raised since."""
    if now >= act.end:
        return Decision.START if _calls(state) else Decision.FORGET
    raised = state is not None and (state.threshold or 0.0) > act.threshold
    return Decision.START if raised and _calls(state) else Decision.NOTHING
