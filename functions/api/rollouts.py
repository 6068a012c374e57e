"""Rollouts: started, watched and steered. What they do is decided elsewhere (`domain.rollout_step`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from functions.api import newest, paging
from functions.api.address import remember
from functions.api.desired import texts
from functions.api.endpoint import Call, Noun, Reply
from functions.api.models import Answer, Asked, Body, Cursor
from functions.api.rollout_preview import DocumentChange, Obstacle, document_changes, obstacles
from functions.api.rollout_settings import policy_for
from functions.api.rollout_view import EntryAnswer, Names, RolloutAnswer, RolloutDetails, brief, details, entry
from functions.api.rollout_wanted import RolloutWanted, chosen_agents
from functions.domain.desired import MAX_BYTES
from functions.domain.errors import InvalidInput, NotFound
from functions.domain.key_fingerprint import PROVIDER_PATTERN
from functions.domain.rollout import FINAL, Action, Phase, Rollout, Wave
from functions.domain.rollout_change import Changed, changed, check_patch
from functions.domain.rollout_plan import new_id
from functions.domain.series import AGENT
from functions.domain.token import Scope
from functions.rollout_launch import Launch, Parts, command, launch, preview

noun = Noun("rollouts")

ID_BYTES = 2
_NAMED = 5
"""Irreversible changes that a problem names."""
_MOST_OPENED = 100
"""Rollouts that one request of a token with a tag scope looks at: whether it sees a rollout stands in the waves."""
type Comment = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]


class RolloutsAsked(Asked):
    """Which rollouts."""

    state: str | None = Field(
        None,
        max_length=128,
        pattern=newest.states_pattern(Phase),
        description="Phases, separated by commas; `open` and `over` stand for several.",
    )
    channel: str = Field(
        "",
        pattern=rf"^(keys:{PROVIDER_PATTERN})?$",
        description="`keys:anthropic`: of rotations of that key; else of configurations.",
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class RolloutAsked(Asked):
    """Which rollout."""

    rollout: str = Field(pattern=r"^r[0-9a-z]{8,20}$", description="A rollout's id.")


class ActionAsked(RolloutAsked):
    """What of which rollout."""

    action: Action


class Comments(Body):
    """Why."""

    comment: Comment = Field("", description="Goes into the audit log.")


class Started(Answer):
    """What was started, or would be."""

    dry_run: bool
    rollout: RolloutDetails | None = Field(description="Null when no agent would change.")
    unchanged: int = Field(description="Agents chosen that have all of it already.")
    irreversible: list[str] = Field(description="What going back does not undo.")
    changes: list[DocumentChange] = Field(description="Of a dry run: documents before and after, that of most agents first.")
    more_changes: int = Field(description="Documents that change and are too many, or too large, to be shown.")
    obstacles: list[Obstacle] = Field(description="Of a dry run: what would refuse or hold it now.")


class Rollouts(Answer):
    """A page of rollouts, newest first."""

    rollouts: list[RolloutAnswer]
    next: str | None


class AuditLog(Answer):
    """Who did what, oldest first."""

    entries: list[EntryAnswer]


@noun.endpoint("GET", "/api/rollouts", scope=Scope.READ, asks=RolloutsAsked, answers=Rollouts)
def listing(call: Call, asked: RolloutsAsked) -> Rollouts:
    """Rollouts, newest first; a token with a tag scope sees those all of whose agents lie inside of it."""
    question = paging.fingerprint("rollouts", asked.state, asked.channel)
    phases = newest.phases_of(asked.state, Phase, FINAL)
    found, more = newest.page(
        asked.cursor,
        question,
        partial(call.services.rollouts.heads, call.caller.workspace),
        lambda one: one.channel == asked.channel and one.phase in phases and _is_visible(call, one),
        asked.limit,
        _MOST_OPENED if call.caller.scope_text else newest.MOST_READ,
    )
    names = names_for(call)
    return Rollouts.model_construct(rollouts=[brief(one, names) for one in found], next=more)


@noun.endpoint("POST", "/api/rollouts", scope=Scope.OPERATE, takes=RolloutWanted, answers=Started, status=201, also=200, max_body=MAX_BYTES)
def start(call: Call, body: RolloutWanted) -> Reply:
    """Start a rollout; 200 for a dry run, and when no agent would change. An agent is in one rollout at a time."""
    call.caller.need_whole_workspace("a rollout")
    chosen, selector = chosen_agents(call, body)
    patch = body.whole_patch()
    if not patch:
        raise InvalidInput("says nothing: give a patch, or model, files, version, command", "patch")
    check_patch(patch)
    there = texts(call, chosen)
    made = changed(there, patch)
    wanted = _wanted(call, body, made, chosen, selector, patch)
    unchanged = sum(made.targets[agent] == text for agent, text in there.items())
    rollout, waves = _preview(call, wanted) if body.dry_run else _launched(call, wanted)
    changes, more = document_changes(there, made.targets) if body.dry_run else ([], 0)
    return Reply(
        body=Started.model_construct(
            dry_run=body.dry_run,
            rollout=details(rollout, waves, names_for(call), call.now) if rollout else None,
            unchanged=unchanged,
            irreversible=made.irreversible,
            changes=changes,
            more_changes=more,
            obstacles=obstacles(call, waves) if body.dry_run else [],
        ),
        status=200 if body.dry_run or rollout is None else 201,
    )


@noun.endpoint("GET", "/api/rollouts/{rollout}", scope=Scope.READ, asks=RolloutAsked, answers=RolloutDetails)
def read(call: Call, asked: RolloutAsked) -> RolloutDetails:
    """One rollout: its waves with their agents and verdicts, what it waits for, and what may be asked of it."""
    rollout, waves = visible(call, asked.rollout)
    return details(rollout, waves, names_for(call), call.now)


@noun.endpoint("GET", "/api/rollouts/{rollout}/audit", scope=Scope.READ, asks=RolloutAsked, answers=AuditLog)
def audit(call: Call, asked: RolloutAsked) -> AuditLog:
    """What happened to a rollout, and who did it."""
    rollout, _ = visible(call, asked.rollout)
    names = names_for(call)
    end = newest.log_end(rollout.since, call.now, over=rollout.phase in FINAL)
    entries = call.services.rollouts.audit(call.caller.workspace, rollout.created, end, rollout.id)
    return AuditLog.model_construct(entries=[entry(one, names) for one in entries])


@noun.endpoint("POST", "/api/rollouts/{rollout}/{action}", scope=Scope.OPERATE, asks=ActionAsked, takes=Comments, answers=RolloutDetails)
def act(call: Call, asked: ActionAsked, body: Comments) -> RolloutDetails:
    """Approve, pause, resume, abort, stop, retry, skip or promote; 409 says what is possible now."""
    call.caller.need_whole_workspace("steering a rollout")
    remember(call)
    workspace = call.caller.workspace
    command(parts_of(call), workspace, asked.rollout, asked.action, by=call.caller.token_id, now=call.now, detail=body.comment)
    return details(*visible(call, asked.rollout), names_for(call), call.now)


def parts_of(call: Call) -> Parts:
    """What starting and steering rollouts needs."""
    return Parts(rollouts=call.services.rollouts, desired=call.services.desired, executions=call.services.executions)


def names_for(call: Call) -> Names:
    """Who acted, by the id in an audit log: a token's name with its id; what is no token of the workspace stays as it is."""
    known: dict[str, str] = {}

    def name(by: str) -> str:
        if by not in known:
            record = call.services.tokens.get(by) if by.isalnum() else None
            mine = record and record.get("workspace") == call.caller.workspace
            known[by] = f"{record['name']} ({by})" if record and mine else by
        return known[by]

    return name


def _is_visible(call: Call, rollout: Rollout) -> bool:
    if not call.caller.scope_text:
        return True
    found = call.services.rollouts.read(call.caller.workspace, rollout.id)
    return found is not None and _inside(call, found[1])


def _inside(call: Call, waves: list[Wave]) -> bool:
    scope = call.caller.tags
    return all(scope.matches({AGENT: member.agent, **member.tags}) for wave in waves for member in wave.members)


def visible(call: Call, rollout: str) -> tuple[Rollout, list[Wave]]:
    """A rollout with its waves; raises `NotFound`, also for one with agents outside of the caller's tag scope."""
    found = call.services.rollouts.read(call.caller.workspace, rollout)
    if found is None or not _inside(call, found[1]):
        raise NotFound(f"no rollout {rollout}")
    return found


def _wanted(
    call: Call, body: RolloutWanted, made: Changed, tags: Mapping[str, Mapping[str, str]], selector: str, patch: Mapping[str, Any]
) -> Launch:
    irreversible = made.irreversible or (["the whole of it: the request says so"] if body.irreversible else [])
    if irreversible and not body.backup and not body.dry_run:
        named = "; ".join(irreversible[:_NAMED])
        raise InvalidInput(f"is needed, for going back does not undo {named}: say that there is a backup (true, --backup)", "backup")
    return Launch(
        title=body.title.strip() or made.title,
        by=call.caller.token_id,
        targets=made.targets,
        tags=tags,
        selector=selector,
        change={"patch": patch},
        policy=policy_for(call, body.policy),
        irreversible=bool(irreversible),
        backup_by=call.caller.token_id if irreversible else None,
    )


def _preview(call: Call, wanted: Launch) -> tuple[Rollout | None, list[Wave]]:
    rollout, waves = preview(wanted, call.services.desired.hashes(call.caller.workspace), call.now)
    return (rollout if waves else None), waves


def _launched(call: Call, wanted: Launch) -> tuple[Rollout | None, list[Wave]]:
    remember(call)
    id = new_id(call.now, call.services.random(ID_BYTES))
    rollout = launch(parts_of(call), call.caller.workspace, wanted, id=id, now=call.now)
    found = call.services.rollouts.read(call.caller.workspace, id) if rollout else None
    return found or (rollout, [])
