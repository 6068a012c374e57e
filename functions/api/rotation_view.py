"""Rotations as the API shows them: fingerprints, never keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from functions.api.models import Answer, Moment
from functions.api.rollout_view import HoldAnswer, Names, RolloutDetails
from functions.api.rollout_view import details as rollout_details
from functions.domain.rollout import Action, Rollout, Wave
from functions.domain.rotation import Rotation, RotationPhase
from functions.domain.rotation_command import possible
from functions.domain.rotation_policy import policy_document
from functions.domain.rotation_progress import eta, over, progress
from functions.domain.rotation_queue import position

type Phases = Annotated[str, WithJsonSchema({"type": "string", "enum": [phase.value for phase in RotationPhase]})]


class CheckAnswer(Answer):
    """What preflight found out."""

    name: str = Field(description="differs, accepted, vault, fleet or agents.")
    ok: bool
    detail: str
    retry: bool = Field(description="Nobody can tell now: it is asked again.")


class ProgressAnswer(Answer):
    """How far the agents are; zeros before the first is told."""

    agents: int
    done: int = Field(description="Report the key that they are to have.")
    failed: int
    asleep: int = Field(description="Get it when they wake.")
    wave: int = Field(description="From 1; 0 before the first.")
    waves: int
    error_rate: float | None = Field(description="Of the present wave's tasks since its agents changed; null without one.")
    others_rate: float | None = Field(description="Of all other agents in the same time.")
    back: bool = Field(description="They go back to the old key: `done` counts those that have it.")


class RotationAnswer(Answer):
    """A rotation in a line."""

    id: str
    provider: str
    shard: str = Field(description="Of a shard with keys of its own; empty: the workspace's.")
    selector: str = Field(description="Agents that are meant; empty: all that use the provider.")
    source: str = Field(description="Where the new key came from: stdin, vault or provider.")
    phase: Phases
    since: Moment = Field(description="Of the phase.")
    reason: str
    hold: HoldAnswer | None
    position: int | None = Field(description="How many run before it; null for one that is over.")
    created: Moment
    by: str = Field(description="Who started it.")
    new: str = Field(description="Fingerprint of the new key.")
    old: str | None = Field(description="Fingerprint of the former one.")
    dry_run: bool
    emergency: bool
    rollout: str | None = Field(description="Id of the rollout that brings it to the agents.")


class RotationDetails(RotationAnswer):
    """All that is known of a rotation."""

    policy: dict[str, Any]
    checks: list[CheckAnswer]
    progress: ProgressAnswer
    eta: Moment | None = Field(description="When it will probably be over; null when that cannot be told.")
    actions: list[Action] = Field(description="Those that are possible now.")
    promoted: bool = Field(description="The new key is `current` in Vault.")
    last_old_use: Moment | None = Field(description="When the old key was last seen in use.")
    revoked_at: Moment | None = Field(description="When the provider made the old key useless.")
    plan: RolloutDetails | None = Field(description="That rollout: waves, agents, verdicts.")


def brief(rotation: Rotation, queue: Sequence[str], names: Names) -> RotationAnswer:
    """A rotation in a line."""
    return RotationAnswer.model_construct(**_brief(rotation, queue, names))


def details(
    rotation: Rotation, queue: Sequence[str], rollout: tuple[Rollout, Sequence[Wave]] | None, names: Names, now: int
) -> RotationDetails:
    """All of a rotation; `rollout` is its present one."""
    head, waves = rollout or (None, [])
    return RotationDetails.model_construct(
        **_brief(rotation, queue, names),
        policy=policy_document(rotation.policy),
        checks=[CheckAnswer.model_construct(name=one.name, ok=one.ok, detail=one.detail, retry=one.retry) for one in rotation.checks],
        progress=ProgressAnswer.model_construct(**progress(rotation, head)._asdict()),
        eta=eta(rotation, head, waves, now),
        actions=list(possible(rotation)),
        promoted=rotation.promoted,
        last_old_use=rotation.last_old_use,
        revoked_at=rotation.revoked_at,
        plan=rollout_details(head, waves, names, now) if head else None,
    )


def _brief(rotation: Rotation, queue: Sequence[str], names: Names) -> dict[str, Any]:
    hold = rotation.hold
    return {
        "id": rotation.id,
        "provider": rotation.provider,
        "shard": rotation.shard,
        "selector": rotation.selector,
        "source": rotation.source,
        "phase": rotation.phase.value,
        "since": rotation.since or rotation.created,
        "reason": rotation.reason,
        "hold": HoldAnswer.model_construct(cause=hold.cause, reason=hold.reason, until=hold.until) if hold else None,
        "position": None if over(rotation) else position(queue, rotation.id),
        "created": rotation.created,
        "by": names(rotation.by),
        "new": rotation.new,
        "old": rotation.old,
        "dry_run": rotation.dry_run,
        "emergency": rotation.emergency,
        "rollout": rotation.rollout,
    }
