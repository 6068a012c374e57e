"""Applies a fleet repository: a revision, the workspace's documents, a rollout, in this order.

Whatever comes between two of the writes, applying the same files again makes it good: a revision of version 0 was put and not carried
through, and says under which id its rollout is to start, so that nobody starts a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from functions.api.address import remember
from functions.api.endpoint import Call
from functions.api.fleet_plan import Plan, plan_of
from functions.api.fleet_repository import WHAT
from functions.api.rollouts import ID_BYTES, parts_of
from functions.domain.errors import Conflict
from functions.domain.fleet_cost import Total, money
from functions.domain.fleet_diff import place
from functions.domain.revision import Revision
from functions.domain.rollout import Phase, Rollout
from functions.domain.rollout_plan import new_id
from functions.rollout_launch import launch
from functions.runtime.observability import logger

_ELSEWHERE = frozenset({Phase.REVERTING, Phase.REVERTED, Phase.STOPPED})
"""Phases of a rollout that does not bring its revision to all."""
_NAMED = 5
"""Changes, or agents, that a problem names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants applied, and what he has said to it."""

    files: Mapping[str, str]
    commit: str = ""
    message: str = ""
    of: int | None = None
    policy: Mapping[str, Any] | None = None
    cost_approved: bool = False
    backup: bool = False
    again: bool = False
    """Also where these files are applied: agents that were given something else since get it back."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it."""

    revision: Revision
    rollout: Rollout | None
    plan: Plan
    new: bool
    """Whether anything was done."""


def apply_files(call: Call, wish: Wish) -> Applied:
    """Apply a repository; the same that is in force, or on its way, changes nothing.

    Raises `InvalidDocument` with every fault of its files, and `Conflict` when somebody has to approve, or was faster.
    """
    call.caller.need_whole_workspace(WHAT)
    plan = plan_of(call, wish.files, wish.policy)
    same = plan.latest if plan.latest and plan.latest.digest == plan.digest else None
    begun = same if same and same.version == 0 else None
    if same and not begun and not (wish.again and (plan.changed or plan.settings)):
        rollout = call.services.rollouts.head(call.caller.workspace, same.rollout) if same.rollout else None
        if rollout is None or rollout.phase not in _ELSEWHERE:
            return Applied(same, rollout, plan, new=False)
    _refuse(plan, wish, begun)
    remember(call)
    return _carried_out(call, plan, begun or _stored(call, plan, wish))


def cost_needs_approval(plan: Plan) -> bool:
    """Whether somebody has to say that it may cost more."""
    return plan.cost.raises and plan.known is None


def cost_reason(cost: Total) -> str:
    """Why."""
    return f"{cost.why}: approve the cost (approveCost, --approve-cost)"


def backup_reason(plan: Plan) -> str:
    """What cannot be gone back on."""
    named = [place(change.path) for change in plan.irreversible]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"going back does not undo {', '.join(named[:_NAMED])}{more}: say that there is a backup (backup, --backup-done)"


def taken_reason(taken: Mapping[str, list[str]]) -> str:
    """Which rollouts have agents that would change."""
    return "; ".join(
        f"the rollout {rollout} is not over and has {', '.join(agents[:_NAMED])}"
        + (f" and {len(agents) - _NAMED} more" if len(agents) > _NAMED else "")
        for rollout, agents in sorted(taken.items())
    )


def title_of(revision: Revision) -> str:
    """A revision in a line."""
    message = revision.message.splitlines()[0].strip() if revision.message.strip() else ""
    back = f" (back to {revision.of})" if revision.of else ""
    return f"revision {revision.number}{back}{': ' if message else ''}{message}"


def _refuse(plan: Plan, wish: Wish, begun: Revision | None) -> None:
    """Raise `Conflict` for what nobody has said yes to."""
    taken = {rollout: agents for rollout, agents in plan.taken.items() if not begun or rollout != begun.rollout}
    reasons = [
        cost_reason(plan.cost) if cost_needs_approval(plan) and not wish.cost_approved else "",
        backup_reason(plan) if plan.irreversible and not wish.backup and not (begun and begun.backup_by) else "",
        taken_reason(taken),
    ]
    if any(reasons):
        raise Conflict("; ".join(filter(None, reasons)))


def _stored(call: Call, plan: Plan, wish: Wish) -> Revision:
    """The next revision, put."""
    by = call.caller.token_id
    revision = Revision(
        number=plan.latest.number + 1 if plan.latest else 1,
        digest=plan.digest,
        commit=wish.commit,
        message=wish.message,
        by=by,
        at=call.now,
        of=wish.of,
        rollout=new_id(call.now, call.services.random(ID_BYTES)) if plan.changed else None,
        backup_by=by if plan.irreversible and wish.backup else None,
        cost_by=by if plan.cost.raises and wish.cost_approved else None,
        cost_usd=plan.cost.usd,
        settings=tuple(plan.settings),
    )
    if not call.services.revisions.put(call.caller.workspace, revision, wish.files):
        raise Conflict("somebody else applied a repository in this moment; look at it and try again")
    logger("api").info(
        f"applied: {title_of(revision)}",
        extra={
            "workspace": call.caller.workspace,
            "by": by,
            "approved": money(plan.cost.usd) if revision.cost_by and plan.cost.usd else "",
        },
    )
    return revision


def _carried_out(call: Call, plan: Plan, revision: Revision) -> Applied:
    """The documents, then the rollout; done again where a crash left off."""
    workspace = call.caller.workspace
    for name, document in plan.settings.items():
        call.services.fleet.put_settings(workspace, name, document)
    rollout = _launched(call, plan, revision, revision.rollout) if revision.rollout else None
    # Without one, all agents have it meanwhile.
    done = replace(revision, rollout=rollout.id if rollout else None, version=revision.version + 1)
    call.services.revisions.update(workspace, done)
    return Applied(done, rollout, plan, new=True)


def _launched(call: Call, plan: Plan, revision: Revision, id: str) -> Rollout | None:
    workspace, rollouts, by = call.caller.workspace, call.services.rollouts, call.caller.token_id
    wanted = plan.launch(title=title_of(revision), by=revision.by, number=revision.number, backup_by=revision.backup_by or by)
    try:
        return rollouts.head(workspace, id) or launch(parts_of(call), workspace, wanted, id=id, now=call.now)
    except Conflict:
        # Somebody who applied the same in this moment was faster: then it is there.
        rollout = rollouts.head(workspace, id)
        if rollout is None:
            raise
        return rollout
