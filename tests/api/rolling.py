"""Rollouts as the engine would have left them, for the tests of the API, the notices and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from functions.domain.approval_link import RANDOM_BYTES, create
from functions.domain.desired import canonical, hash_of
from functions.domain.rollout import (
    UNMANAGED,
    UNMANAGED_TEXT,
    Entry,
    Hold,
    HoldCause,
    Member,
    MemberState,
    Outcome,
    Phase,
    Policy,
    Rollout,
    Verdict,
    Wave,
)
from functions.domain.rollout_plan import counts
from tests.api.world import NOW, World

TEXT = canonical({"model": {"primary": "swift/two"}})
APPROVAL = Hold(cause=HoldCause.APPROVAL, reason="the policy wants an approval before wave 2")
FAILED = Verdict(outcome=Outcome.FAIL, reason="task.errors: 0.30 of 50 tasks, 0.10 before", tasks=50, looked_at=NOW - 1000, wave=0)


def member(agent: str, state: MemberState = MemberState.WAITING, **more: Any) -> Member:
    tags = more.pop("tags", {"env": "prod", "shard": "acme"})
    applied = {"applied_at": NOW - 5000} if state is MemberState.APPLIED else {}
    since = NOW - 5000 if state is not MemberState.WAITING else 0
    return Member(
        **{"agent": agent, "before": UNMANAGED, "after": hash_of(TEXT), "state": state, "since": since, "tags": tags, **applied, **more}
    )


def waves(*states: Sequence[MemberState]) -> list[Wave]:
    """One of each of these; members are named `a00`, `a01`, …, the first digit being the wave's."""
    return [
        Wave(number=number, stage="prod", members=[member(f"a{number}{place}", state) for place, state in enumerate(wave)])
        for number, wave in enumerate(states)
    ]


USUAL = ([MemberState.APPLIED], [MemberState.WAITING] * 2)


def plain(id: str = "r000000001aa", plan: Sequence[Wave] | None = None, **changes: Any) -> Rollout:
    """One agent has the new model, two wait."""
    plan = waves(*USUAL) if plan is None else plan
    fields: dict[str, Any] = {
        "title": "model.primary: swift/one → swift/two",
        "created": NOW - 600_000,
        "by": "budget",
        "selector": "env=prod",
        "change": {"patch": {"model": {"primary": "swift/two"}}},
        "policy": Policy(),
        "phase": Phase.BAKING,
        "since": NOW - 5000,
        "reason": "the gate looks at wave 1",
        "wave": 0,
        "bake_until": NOW + 300_000,
        "waves": len(plan),
        "members": sum(len(wave.members) for wave in plan),
        "counts": counts(plan),
        "version": 1,
    }
    return Rollout(id=id, **{**fields, **changes})


def rollout(
    world: World, id: str = "r000000001aa", plan: Sequence[Wave] | None = None, entries: Sequence[Entry] = (), **changes: Any
) -> Rollout:
    """Put one."""
    plan = waves(*USUAL) if plan is None else plan
    put = plain(id, plan, **changes)
    texts = {UNMANAGED: UNMANAGED_TEXT, hash_of(TEXT): TEXT}
    assert world.rollouts.create("team", put, plan, texts, entries, world.rollouts.registry("team"))
    return put


def waiting(world: World, id: str = "r000000001aa", **changes: Any) -> Rollout:
    """Put one that waits for an approval of its second wave."""
    fields = {
        "policy": Policy(approve=("wave:1",)),
        "phase": Phase.WAITING,
        "hold": APPROVAL,
        "reason": APPROVAL.reason,
        "wave": 1,
        "bake_until": None,
    }
    return rollout(world, id, **{**fields, **changes})


def link(world: World, rollout: Rollout, now: int = NOW) -> str:
    """Put a link that approves its current wave; its path."""
    stored, text = create("team", rollout, "chat", now=now, random=world.services.random(RANDOM_BYTES))
    world.links.put("team", stored)
    return f"/approve/{text}"
