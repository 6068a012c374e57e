"""The rollouts of a rotation: one that brings agents to the new key, and, if it is taken back late, one that brings them to the old one."""

from __future__ import annotations

from hashlib import sha256

from functions.domain.rollout import FINAL, UNMANAGED, Action, Phase, Rollout
from functions.domain.rollout import HoldCause as Cause
from functions.domain.rollout_plan import new_id
from functions.domain.rotation_draft import HELD_S, QUICK_S, SOON_S, Draft
from functions.domain.rotation_fleet import Agents
from functions.domain.rotation_policy import to_rollout_policy
from functions.domain.rotation_view import CommandRollout, LaunchRollout, RotationView


def channel(provider: str) -> str:
    """The channel of rollouts that bring keys of a provider."""
    return f"keys:{provider}"


def provider_of(channel: str) -> str:
    """The provider whose keys a channel brings; empty for that of configurations."""
    return channel.removeprefix("keys:") if channel.startswith("keys:") else ""


def launch(draft: Draft, members: Agents, wanted: str | None, *, at_once: bool) -> None:
    """Ask for a rollout that brings agents to a key (None: to none), under an id of its own; `again` repeats it."""
    head = draft.head
    head.launches += 1
    # The same for whoever makes this step.
    head.rollout = new_id(draft.now, sha256(f"{head.id} {head.launches}".encode()).digest())
    head.rollouts = [*head.rollouts, head.rollout]
    again(draft, members, wanted, at_once=at_once)


def again(draft: Draft, members: Agents, wanted: str | None, *, at_once: bool) -> None:
    """Ask for the present rollout, which is not there yet."""
    head = draft.head
    title = f"key of {head.provider}: {_short(head.new if head.back else head.old)} → {_short(wanted)}"
    changes = {id: (agent.assigned or UNMANAGED, wanted or UNMANAGED) for id, agent in members.items()}
    effect = LaunchRollout(
        id=head.rollout or "",
        title=title,
        members=changes,
        tags={id: dict(agent.tags) for id, agent in members.items()},
        policy=to_rollout_policy(head.policy, at_once=at_once),
        change={"rotation": head.id, "provider": head.provider, "abort_above": head.policy.abort_above},
        by=head.by,
    )
    if head.back:
        draft.put_back(effect)
    else:
        draft.ask(effect)


def waiting(draft: Draft, view: RotationView) -> float | None:
    """Seconds until it is looked whether the rollout is there."""
    if draft.stalled("its rollout is to begin") or view.refusal:
        draft.hold(Cause.ROLLOUT, f"its rollout cannot be started: {view.refusal.text if view.refusal else 'nobody says why'}")
        return HELD_S
    return SOON_S


def urge(draft: Draft, rollout: Rollout) -> bool:
    """Have a rollout bring all its agents at once, whatever they report; tells whether it had to be asked."""
    if rollout.gateless or rollout.phase in FINAL or rollout.phase is Phase.REVERTING or rollout.passed:
        return False
    draft.put_back(CommandRollout(rollout.id, Action.PROMOTE, rollout.version))
    return True


def held(draft: Draft, rollout: Rollout) -> float | None:
    """Its rollout waits for people: so does the rotation, unless they said that it shall go on."""
    if draft.head.nudged is Cause.ROLLOUT:
        # Once: should it be held anew, people hear of it.
        draft.head.nudged = None
        draft.put_back(CommandRollout(rollout.id, Action.RESUME, rollout.version))
        return QUICK_S
    draft.hold(Cause.ROLLOUT, f"its rollout {rollout.id} is held: {rollout.reason}")
    return HELD_S


def _short(print_: str | None) -> str:
    """Enough of a fingerprint for people to tell it from another one."""
    return print_.partition("-")[2][:8] if print_ else "none"
