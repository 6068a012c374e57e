"""Plans, revisions and drift of the fleet repository as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from functions.api.fleet_apply import backup_reason, cost_needs_approval, cost_reason, taken_reason
from functions.api.fleet_drift import AgentDrift, FleetDrift
from functions.api.fleet_plan import Plan
from functions.api.models import Answer, Moment
from functions.api.rollout_view import Names
from functions.domain.fleet_cost import Estimate
from functions.domain.fleet_diff import Group, place, reversibility, shown, text_difference
from functions.domain.fleet_drift import Drift, DriftState
from functions.domain.revision import Revision
from functions.domain.rollout import Reversibility, Rollout
from functions.domain.rollout_policy import policy_document
from functions.domain.selector import Selector
from functions.domain.series import AGENT

MAX_GROUPS = 200
MAX_AGENTS = 50
"""Of a change, of agents that are left alone or not known."""
MAX_WAVES = 50
FIRST = 5


class GroupAnswer(Answer):
    """One change, and the agents that have it."""

    path: str = Field(description="In the agents' documents: `model.primary`, `files['AGENTS.md']`.")
    old: str | None = Field(description="As JSON, cut where it is long; null: there is nothing.")
    new: str | None
    difference: list[str] | None = Field(description="Of texts of several lines, as `diff -u` has it.")
    reversibility: Reversibility
    origins: list[str] = Field(description="Where the new value stands: `agents/_base.yaml:3`.")
    agents: list[str] = Field(description=f"At most {MAX_AGENTS}.")
    count: int = Field(description="How many agents there are.")


class UncoveredAnswer(Answer):
    """Agents that the estimate does not cover."""

    reason: str
    agents: int


class ModelMove(Answer):
    """Agents that go from one model to another."""

    before: str | None = Field(description="Null: nobody knows.")
    after: str | None
    agents: int
    usd_per_month: float | None = Field(description="Of those that are known; null when none is.")


class CostAnswer(Answer):
    """What the fleet would cost more in a month, by the agents' tokens of the last seven days and list prices. Less if below 0."""

    usd_per_month: float | None = Field(description="Of the agents that are known; null when none is, which is not 0.")
    known: int
    unknown: list[UncoveredAnswer]
    models: list[ModelMove]
    prices: list[str] = Field(description="Where they come from: `genai-prices 0.2.3`.")


class ApprovalAnswer(Answer):
    """What somebody has to say yes to before it is applied."""

    needed: bool
    reason: str = Field(description="Empty when it is not needed.")


class WavePlan(Answer):
    """A wave to come."""

    number: int = Field(description="From 0.")
    stage: str
    agents: int
    first: list[str]


class PlanAnswer(Answer):
    """What applying a repository would do."""

    digest: str = Field(description="The same digest is the same repository.")
    in_force: bool = Field(description="Whether the revision that was applied last has the same files.")
    changed: int = Field(description="Agents whose configuration would be another.")
    unchanged: int
    alone: list[str] = Field(description="Agents with a configuration of which the repository says nothing: they are left as they are.")
    unknown: list[str] = Field(description="Agents that have a file and are not known.")
    groups: list[GroupAnswer] = Field(description=f"The changes, those of most agents first; at most {MAX_GROUPS}.")
    more_groups: int
    settings: list[str] = Field(description="Documents of the workspace that would be replaced: rules, budgets.")
    reversibility: Reversibility
    cost: CostAnswer
    cost_approval: ApprovalAnswer
    backup: ApprovalAnswer
    waves: list[WavePlan] = Field(description=f"How it would go; at most {MAX_WAVES}.")
    more_waves: int
    policy: dict[str, Any] = Field(description="Of the rollout.")
    conflict: str = Field(description="Which rollout that is not over has agents that would change; empty without one.")


class RevisionAnswer(Answer):
    """A state of the repository that was applied."""

    number: int
    digest: str
    commit: str
    message: str
    by: str
    at: Moment
    of: int | None = Field(description="The revision that it goes back to.")
    backup_by: str | None = Field(description="Who acknowledged that there is a backup.")
    cost_by: str | None = Field(description="Who approved that it costs more.")
    cost_usd_per_month: float | None = Field(description="What a month of it was estimated to cost more then.")
    settings: list[str] = Field(description="Documents of the workspace that it replaced.")
    rollout: str | None = Field(description="Id of its rollout; null when no agent's configuration changed.")
    phase: str | None = Field(description="Of the rollout; `not-started` when it was not carried through: apply it again.")


class RevisionDetails(RevisionAnswer):
    """One with all its files."""

    files: dict[str, str] = Field(description="Texts by path.")


class AppliedAnswer(Answer):
    """What came of it."""

    done: Literal["applied", "unchanged", "dry-run"]
    revision: RevisionAnswer | None = Field(description="The one that is in force now; null for a dry run before the first.")
    plan: PlanAnswer


class AgentDriftAnswer(Answer):
    """How one agent stands."""

    agent: str
    state: DriftState
    reason: str
    wanted: str | None = Field(description="Hash of what the repository says; null: nothing.")
    desired: str | None
    written: str | None
    applied: str | None
    tags: dict[str, str]


class SettingDriftAnswer(Answer):
    """How a document of the workspace stands."""

    name: str
    state: DriftState
    reason: str


class DriftAnswer(Answer):
    """How the fleet stands to the revision that was applied last."""

    revision: RevisionAnswer | None
    counts: dict[str, int] = Field(description="Agents by state.")
    agents: list[AgentDriftAnswer]
    settings: list[SettingDriftAnswer]
    missing: list[str] = Field(description="Agents that have a file in the repository and are not known.")


def plan_answer(plan: Plan) -> PlanAnswer:
    """A plan."""
    needed = cost_needs_approval(plan)
    return PlanAnswer(
        digest=plan.digest,
        in_force=bool(plan.latest and plan.latest.digest == plan.digest),
        changed=len(plan.changed),
        unchanged=len(plan.targets) - len(plan.changed),
        alone=plan.alone[:MAX_AGENTS],
        unknown=plan.unknown[:MAX_AGENTS],
        groups=[_group(group) for group in plan.groups[:MAX_GROUPS]],
        more_groups=max(0, len(plan.groups) - MAX_GROUPS),
        settings=sorted(plan.settings),
        reversibility=Reversibility.IRREVERSIBLE if plan.irreversible else Reversibility.REVERSIBLE,
        cost=_cost(plan),
        cost_approval=ApprovalAnswer(needed=needed, reason=cost_reason(plan.cost) if needed else ""),
        backup=ApprovalAnswer(needed=bool(plan.irreversible), reason=backup_reason(plan) if plan.irreversible else ""),
        waves=[
            WavePlan(number=wave.number, stage=wave.stage, agents=len(wave.members), first=[one.agent for one in wave.members[:FIRST]])
            for wave in plan.waves[:MAX_WAVES]
        ],
        more_waves=max(0, len(plan.waves) - MAX_WAVES),
        policy=policy_document(plan.policy),
        conflict=taken_reason(plan.taken),
    )


def revision_answer(revision: Revision, rollout: Rollout | None, names: Names) -> RevisionAnswer:
    """A revision."""
    return RevisionAnswer(**_revision(revision, rollout, names))


def revision_details(revision: Revision, rollout: Rollout | None, files: Mapping[str, str], names: Names) -> RevisionDetails:
    """A revision with its files."""
    return RevisionDetails(**_revision(revision, rollout, names), files=dict(files))


def drift_answer(found: FleetDrift, names: Names, states: frozenset[DriftState], selector: Selector) -> DriftAnswer:
    """How the fleet, or a part of it, stands; of that only agents in these states, those that need somebody first."""
    chosen = [one for one in found.agents if selector.matches({AGENT: one.agent.id, **one.agent.tags})]
    counts = {state.value: sum(one.drift.state is state for one in chosen) for state in DriftState}
    listed = sorted(
        (one for one in chosen if one.drift.state in states), key=lambda one: (_BY_URGENCY.index(one.drift.state), one.agent.id)
    )
    return DriftAnswer(
        revision=revision_answer(found.revision, found.rollout, names) if found.revision else None,
        counts={state: count for state, count in counts.items() if count},
        agents=[_agent(one) for one in listed],
        settings=[_setting(name, one) for name, one in sorted(found.settings.items())],
        missing=found.missing,
    )


_BY_URGENCY = (
    *(DriftState.FAILED, DriftState.OVERRIDDEN, DriftState.UNKNOWN, DriftState.ASLEEP),
    *(DriftState.PENDING, DriftState.IN_SYNC, DriftState.UNMANAGED),
)


def _group(group: Group) -> GroupAnswer:
    change = group.change
    return GroupAnswer(
        path=place(change.path),
        old=shown(change.old),
        new=shown(change.new),
        difference=text_difference(change),
        reversibility=reversibility(change),
        origins=group.origins,
        agents=group.agents[:MAX_AGENTS],
        count=len(group.agents),
    )


def _cost(plan: Plan) -> CostAnswer:
    return CostAnswer(
        usd_per_month=plan.cost.usd,
        known=plan.cost.known,
        unknown=[UncoveredAnswer(reason=reason, agents=count) for reason, count in plan.cost.unknown.items()],
        models=list(_moves(plan.estimates)),
        prices=plan.sources,
    )


def _moves(estimates: list[Estimate]) -> Iterator[ModelMove]:
    moves: defaultdict[tuple[str | None, str | None], list[float | None]] = defaultdict(list)
    for one in estimates:
        moves[one.before, one.after].append(one.usd)
    for (before, after), amounts in sorted(moves.items(), key=lambda move: -len(move[1])):
        known = [usd for usd in amounts if usd is not None]
        yield ModelMove(before=before, after=after, agents=len(amounts), usd_per_month=sum(known) if known else None)


def _revision(revision: Revision, rollout: Rollout | None, names: Names) -> dict[str, Any]:
    begun = "not-started" if revision.version == 0 else None
    return {
        "number": revision.number,
        "digest": revision.digest,
        "commit": revision.commit,
        "message": revision.message,
        "by": names(revision.by),
        "at": revision.at,
        "of": revision.of,
        "backup_by": names(revision.backup_by) if revision.backup_by else None,
        "cost_by": names(revision.cost_by) if revision.cost_by else None,
        "cost_usd_per_month": revision.cost_usd,
        "settings": list(revision.settings),
        "rollout": revision.rollout,
        "phase": rollout.phase.value if rollout else begun,
    }


def _agent(found: AgentDrift) -> AgentDriftAnswer:
    return AgentDriftAnswer(
        agent=found.agent.id,
        state=found.drift.state,
        reason=found.drift.reason,
        wanted=found.facts.wanted,
        desired=found.facts.desired,
        written=found.facts.written,
        applied=found.facts.applied,
        tags=found.agent.tags,
    )


def _setting(name: str, found: Drift) -> SettingDriftAnswer:
    return SettingDriftAnswer(name=name, state=found.state, reason=found.reason)
