"""The fleet's configuration as a repository of files: planned, applied, compared with what is, taken out, gone back on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from functions.api.desired import texts
from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_answers import (
    AppliedAnswer,
    DriftAnswer,
    PlanAnswer,
    RevisionAnswer,
    RevisionDetails,
    drift_answer,
    plan_answer,
    revision_answer,
    revision_details,
)
from functions.api.fleet_apply import Applied, Wish, apply_files
from functions.api.fleet_drift import fleet_drift
from functions.api.fleet_plan import plan_of
from functions.api.fleet_repository import WHAT, in_service
from functions.api.models import Answer, Asked, Body, SelectorText, whole
from functions.api.rollouts import names_for
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.errors import NotFound
from functions.domain.fleet_drift import DriftState
from functions.domain.fleet_export import export as export_files
from functions.domain.revision import Revision
from functions.domain.rollout import Rollout
from functions.domain.rollout_policy import DOCUMENT as POLICY
from functions.domain.selector import Selector
from functions.domain.token import Scope
from functions.runtime.rule_book import DOCUMENT as RULES

noun = Noun("fleet")

MAX_BODY = 5_000_000
"""Files have at most 2 MB; as JSON they may be longer. A function takes 6 MB."""
_READERS = 8
_STATES = "|".join(DriftState)
type Line = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
type Message = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
type _Number = Annotated[int, Field(ge=1, le=99_999_999)]
type Number = Annotated[_Number, BeforeValidator(whole, json_schema_input_type=_Number)]
type Files = Annotated[dict[str, str], Field(description="Texts by path, as `clawpulse.fleet.read_folder` finds them.")]


class FilesWanted(Body):
    """A repository."""

    files: Files
    policy: dict[str, Any] | None = Field(None, description="What goes otherwise than the repository's policy says.")


class ApplyWanted(FilesWanted):
    """A repository, and what is said to it."""

    commit: Line = Field("", description="What version control calls it.")
    message: Message = ""
    approve_cost: bool = Field(False, description="It may cost more. Goes into the revision, with the token.")
    backup: bool = Field(False, description="There is a backup; what is irreversible needs one. Goes into the revision, with the token.")
    again: bool = Field(False, description="Also if it is in force: agents that were given something else since get it back.")
    dry_run: bool = Field(False, description="Only tell what would happen.")


class RollbackWanted(Body):
    """Where to go back to."""

    to: Number = Field(description="Number of a revision.")
    message: Message = ""
    policy: dict[str, Any] | None = Field(None, description="What goes otherwise than that revision's policy says.")
    approve_cost: bool = False
    backup: bool = False
    dry_run: bool = False


class RevisionsAsked(Asked):
    """How many."""

    limit: int = Field(20, ge=1, le=200)


class RevisionAsked(Asked):
    """Which revision."""

    revision: int = Field(ge=1, le=99_999_999, description="Its number.")


class DriftAsked(Asked):
    """Which agents."""

    tags: SelectorText = ""
    state: str | None = Field(
        None, max_length=200, pattern=rf"^({_STATES})(,({_STATES}))*$", description="States, separated by commas; all unless given."
    )


class Revisions(Answer):
    """The newest revisions, newest first."""

    revisions: list[RevisionAnswer]


class LeftOut(Answer):
    """An agent whose configuration a repository cannot say."""

    agent: str
    reason: str


class ExportAnswer(Answer):
    """Today's fleet as a repository."""

    files: dict[str, str] = Field(description="Texts by path.")
    left_out: list[LeftOut] = Field(description="Agents that are not in it.")
    notes: list[str] = Field(description="What else is not in it.")


@noun.endpoint("POST", "/api/fleet/plan", scope=Scope.READ, takes=FilesWanted, answers=PlanAnswer, max_body=MAX_BODY)
def plan(call: Call, body: FilesWanted) -> PlanAnswer:
    """What applying a repository would change: which agents, which values, at what cost, in which waves. Nothing is done."""
    return plan_answer(plan_of(call, body.files, body.policy))


@noun.endpoint(
    "POST", "/api/fleet/apply", scope=Scope.OPERATE, takes=ApplyWanted, answers=AppliedAnswer, status=201, also=200, max_body=MAX_BODY
)
def apply(call: Call, body: ApplyWanted) -> Reply:
    """Apply a repository: a new revision, and the rollout that brings it. 200 when it is in force already, and for a dry run."""
    wish = Wish(
        files=body.files,
        commit=body.commit,
        message=body.message,
        policy=body.policy,
        cost_approved=body.approve_cost,
        backup=body.backup,
        again=body.again,
    )
    return _dry(call, wish) if body.dry_run else _applied(call, apply_files(call, wish))


@noun.endpoint(
    "POST", "/api/fleet/rollback", scope=Scope.OPERATE, takes=RollbackWanted, answers=AppliedAnswer, status=201, also=200, may_miss=True
)
def rollback(call: Call, body: RollbackWanted) -> Reply:
    """Go back to an earlier revision: its files become a new one, which is rolled out like any other."""
    call.caller.need_whole_workspace(WHAT)
    revision = _revision(call, body.to)
    wish = Wish(
        files=call.services.revisions.files(call.caller.workspace, revision),
        commit=revision.commit,
        message=body.message or revision.message,
        of=revision.number,
        policy=body.policy,
        cost_approved=body.approve_cost,
        backup=body.backup,
    )
    return _dry(call, wish) if body.dry_run else _applied(call, apply_files(call, wish))


@noun.endpoint("GET", "/api/fleet/drift", scope=Scope.READ, asks=DriftAsked, answers=DriftAnswer)
def drift(call: Call, asked: DriftAsked) -> DriftAnswer:
    """How each agent stands to the revision that was applied last: what that says, what is desired, what the agent has applied."""
    wanted = frozenset(map(DriftState, asked.state.split(","))) if asked.state else frozenset(DriftState)
    return drift_answer(fleet_drift(call), names_for(call), wanted, Selector.parse(asked.tags))


@noun.endpoint("GET", "/api/fleet/revisions", scope=Scope.READ, asks=RevisionsAsked, answers=Revisions)
def revisions(call: Call, asked: RevisionsAsked) -> Revisions:
    """What was applied, newest first, and what became of it."""
    call.caller.need_whole_workspace(WHAT)
    found = call.services.revisions.recent(call.caller.workspace, asked.limit)
    names = names_for(call)
    return Revisions(revisions=[revision_answer(one, rollout, names) for one, rollout in zip(found, _rollouts(call, found), strict=True)])


@noun.endpoint("GET", "/api/fleet/revisions/{revision}", scope=Scope.READ, asks=RevisionAsked, answers=RevisionDetails)
def revision(call: Call, asked: RevisionAsked) -> RevisionDetails:
    """One revision with its files."""
    call.caller.need_whole_workspace(WHAT)
    found = _revision(call, asked.revision)
    return revision_details(
        found, _rollouts(call, [found])[0], call.services.revisions.files(call.caller.workspace, found), names_for(call)
    )


@noun.endpoint("GET", "/api/fleet/export", scope=Scope.READ, answers=ExportAnswer)
def export(call: Call) -> ExportAnswer:
    """Today's desired configurations, rules, budgets and policy as a repository: what all have in common is in `agents/_base.yaml`."""
    agents = in_service(call)
    stored = texts(call, agents)
    read = call.services.fleet.settings
    made = export_files(
        {agent: json.loads(text) for agent, text in stored.items()},
        {agent: state.tags for agent, state in agents.items()},
        policy=read(call.caller.workspace, POLICY),
        rules=read(call.caller.workspace, RULES),
        budgets=read(call.caller.workspace, BUDGETS),
    )
    strangers = call.services.desired.hashes(call.caller.workspace).keys() - agents.keys()
    reasons = made.left_out | dict.fromkeys(strangers, "it has a configuration, but is not known, or retired")
    left_out = [LeftOut(agent=agent, reason=reason) for agent, reason in sorted(reasons.items())]
    return ExportAnswer(files=made.files, left_out=left_out, notes=made.notes)


def _dry(call: Call, wish: Wish) -> Reply:
    found = plan_of(call, wish.files, wish.policy)
    latest = found.latest
    shown = revision_answer(latest, _rollouts(call, [latest])[0], names_for(call)) if latest else None
    return Reply(body=AppliedAnswer(done="dry-run", revision=shown, plan=plan_answer(found)))


def _applied(call: Call, found: Applied) -> Reply:
    answer = AppliedAnswer(
        done="applied" if found.new else "unchanged",
        revision=revision_answer(found.revision, found.rollout, names_for(call)),
        plan=plan_answer(found.plan),
    )
    return Reply(body=answer, status=201 if found.new else 200)


def _revision(call: Call, number: int) -> Revision:
    found = call.services.revisions.read(call.caller.workspace, number)
    if found is None:
        raise NotFound(f"no revision {number}")
    return found


def _rollouts(call: Call, revisions: Sequence[Revision]) -> list[Rollout | None]:
    """The rollout of each; None for one without."""
    with ThreadPoolExecutor(_READERS) as pool:
        return list(
            pool.map(lambda one: call.services.rollouts.head(call.caller.workspace, one.rollout) if one.rollout else None, revisions)
        )
