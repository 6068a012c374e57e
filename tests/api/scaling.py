"""Scaling decisions for tests that are about something else."""

from __future__ import annotations

from functions.domain.scaling import Action, Decision, Memory
from functions.domain.scaling_state import GroupState
from tests.api.world import NOW, World


def scale(world: World, group: str = "fast") -> None:
    """A group of the tier of its name that stays at two agents."""
    made = Decision(
        group=group,
        time=NOW - 20_000,
        action=Action.HOLD,
        before=2,
        desired=2,
        current=2,
        wanted=2,
        min=1,
        max=10,
        reason="stays at 2",
        memory=Memory(time=NOW - 20_000, desired=2),
    )
    state = GroupState(group=group, tags=f"tier={group}", decided=NOW - 15_000, decision=made, version=1, stale_after_s=180)
    world.scaling.save_scaling("team", state, made)
