"""Rollouts as the API shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from functions.api.models import Answer, Moment
from functions.domain.rollout import (
    Action,
    Entry,
    HoldCause,
    Member,
    MemberState,
    Outcome,
    Phase,
    Reversibility,
    Rollout,
    Verdict,
    Wave,
)
from functions.domain.rollout_command import possible
from functions.domain.rollout_eta import eta
from functions.domain.rollout_plan import counts
from functions.domain.rollout_policy import policy_document

type RolloutPhase = Annotated[str, WithJsonSchema({"type": "string", "enum": [phase.value for phase in Phase]})]
"""Under a name of its own in the OpenAPI document, where alerts have phases, too."""
type Names = Callable[[str], str]
"""From the id of a token to who that is, for people."""


class HoldAnswer(Answer):
    """Why nothing goes on."""

    cause: HoldCause
    reason: str
    until: Moment | None = Field(description="When it ends by itself, if that is known.")


class GateFinding(Answer):
    """What the gate found out about one metric. Rates, ms, USD or tokens per task; null without a sample."""

    metric: str
    outcome: Outcome
    wave: float | None
    past: float | None = Field(description="The wave's own past.")
    control: float | None = Field(description="Agents like it that have not been changed.")
    evidence: float = Field(description="For being worse than both: an e-value.")
    reason: str


class VerdictAnswer(Answer):
    """What the gate says of a wave."""

    outcome: Outcome
    reason: str = Field(description="With the numbers that it rests on.")
    findings: list[GateFinding]
    tasks: int = Field(description="Finished by the wave's members since they changed.")
    control_tasks: int
    control_agents: int
    looked_at: Moment


class RolloutMember(Answer):
    """One agent of a wave."""

    agent: str
    state: MemberState
    since: Moment | None = Field(description="Of the state; null for one that was not told yet.")
    before: str = Field(description="Hash of what it goes back to.")
    after: str = Field(description="Hash of what it shall have.")
    applied_at: Moment | None
    detail: str
    tags: dict[str, str] = Field(description="When the rollout was planned.")


class WaveAnswer(Answer):
    """Agents that are told together."""

    number: int = Field(description="From 0.")
    stage: str
    state: str = Field(description="waiting, applying, baking, held, paused, reverting, or done.")
    counts: dict[str, int] = Field(description="Members by state.")
    members: list[RolloutMember]
    verdict: VerdictAnswer | None


class GivenApproval(Answer):
    """One given."""

    by: str
    at: Moment
    wave: int


class RolloutAnswer(Answer):
    """A rollout in a line."""

    id: str
    title: str
    phase: RolloutPhase
    since: Moment = Field(description="Of the phase.")
    reason: str
    hold: HoldAnswer | None
    created: Moment
    by: str = Field(description="Who started it.")
    selector: str
    revision: int | None = Field(description="Number of the fleet revision that it brings.")
    channel: str = Field(description="What it brings: empty: configurations; `keys:<provider>`: a key, by a rotation.")
    reversibility: Reversibility
    wave: int = Field(description="Number of the current wave, from 0.")
    waves: int
    members: int
    counts: dict[str, int] = Field(description="Members by state.")


class RolloutDetails(RolloutAnswer):
    """All that is known of a rollout."""

    change: dict[str, Any] = Field(description="What was asked for.")
    policy: dict[str, Any]
    backup_by: str | None = Field(description="Who acknowledged that there is a backup.")
    bake_until: Moment | None = Field(description="When the bake of the current wave ends.")
    extensions: int = Field(description="Of that bake.")
    gateless: bool = Field(description="Promoted: no gate any more.")
    eta: Moment | None = Field(description="When it will probably be through; null when that depends on people.")
    actions: list[Action] = Field(description="Those that are possible now.")
    approvals: list[GivenApproval]
    plan: list[WaveAnswer]


class EntryAnswer(Answer):
    """One line of the audit log."""

    at: Moment
    by: str
    action: str
    text: str


def brief(rollout: Rollout, names: Names) -> RolloutAnswer:
    """A rollout in a line."""
    return RolloutAnswer.model_construct(**_brief(rollout, names))


def details(rollout: Rollout, waves: Sequence[Wave], names: Names, now: int) -> RolloutDetails:
    """All of a rollout."""
    verdicts = {verdict.wave: verdict for verdict in rollout.verdicts}
    return RolloutDetails.model_construct(
        **_brief(rollout, names),
        change=rollout.change,
        policy=policy_document(rollout.policy),
        backup_by=names(rollout.backup_by) if rollout.backup_by else None,
        bake_until=rollout.bake_until if rollout.phase is Phase.BAKING else None,
        extensions=rollout.extensions,
        gateless=rollout.gateless,
        eta=eta(rollout, waves, now),
        actions=list(possible(rollout, waves)),
        approvals=[GivenApproval.model_construct(by=names(one.by), at=one.at, wave=one.wave) for one in rollout.approvals],
        plan=[_wave(rollout, wave, verdicts) for wave in waves],
    )


def entry(found: Entry, names: Names) -> EntryAnswer:
    """A line of the audit log."""
    return EntryAnswer.model_construct(at=found.at, by=names(found.by), action=found.action, text=found.text)


def _brief(rollout: Rollout, names: Names) -> dict[str, Any]:
    hold = rollout.hold
    return {
        "id": rollout.id,
        "title": rollout.title,
        "phase": rollout.phase.value,
        "since": rollout.since,
        "reason": rollout.reason,
        "hold": HoldAnswer.model_construct(cause=hold.cause, reason=hold.reason, until=hold.until) if hold else None,
        "created": rollout.created,
        "by": names(rollout.by),
        "selector": rollout.selector,
        "revision": rollout.revision,
        "channel": rollout.channel,
        "reversibility": rollout.reversibility,
        "wave": rollout.wave,
        "waves": rollout.waves,
        "members": rollout.members,
        "counts": rollout.counts,
    }


def _wave(rollout: Rollout, wave: Wave, verdicts: Mapping[int, Verdict]) -> WaveAnswer:
    verdict = verdicts.get(wave.number)
    return WaveAnswer.model_construct(
        number=wave.number,
        stage=wave.stage,
        state=_state(rollout, wave),
        counts=counts([wave]),
        members=[_member(member) for member in wave.members],
        verdict=_verdict(verdict) if verdict else None,
    )


def _state(rollout: Rollout, wave: Wave) -> str:
    """Where a wave stands: the rollout's phase for the current one."""
    if rollout.phase in (Phase.REVERTING, Phase.REVERTED, Phase.STOPPED):
        told = any(member.state is not MemberState.WAITING for member in wave.members)
        return ("reverting" if rollout.phase is Phase.REVERTING else "done") if told else "waiting"
    if wave.number == rollout.wave and rollout.phase is not Phase.SUCCEEDED:
        return rollout.phase.value
    return "done" if wave.number < rollout.wave or rollout.phase is Phase.SUCCEEDED else "waiting"


def _member(member: Member) -> RolloutMember:
    return RolloutMember.model_construct(
        agent=member.agent,
        state=member.state,
        since=member.since or None,
        before=member.before,
        after=member.after,
        applied_at=member.applied_at,
        detail=member.detail,
        tags=member.tags,
    )


def _verdict(verdict: Verdict) -> VerdictAnswer:
    return VerdictAnswer.model_construct(
        outcome=verdict.outcome,
        reason=verdict.reason,
        findings=[
            GateFinding.model_construct(
                metric=one.metric,
                outcome=one.outcome,
                wave=one.wave,
                past=one.past,
                control=one.control,
                evidence=one.evidence,
                reason=one.reason,
            )
            for one in verdict.findings
        ],
        tasks=verdict.tasks,
        control_tasks=verdict.control_tasks,
        control_agents=verdict.control_agents,
        looked_at=verdict.looked_at,
    )
