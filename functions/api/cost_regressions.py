"""Whose tasks cost more than in the period before, and what changed at that time."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydantic import Field

from functions.api.cost_reading import reading
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import load_snapshot
from functions.api.models import Answer, Asked, Instant, Moment, SelectorText, milliseconds
from functions.api.series import BY_PATTERN
from functions.api.times import duration_ms
from functions.domain.change_bisect import Bisect, Change
from functions.domain.change_sources import fleet_changes, rollout_change
from functions.domain.cost_regressions import NAMES, Regressed, regressions
from functions.domain.errors import InvalidInput
from functions.domain.regression import Verdict
from functions.domain.rollout import Member
from functions.domain.times import HOUR_MS
from functions.domain.token import Scope

noun = Noun("regressions")

MAX_GROUPS = 500
MAX_ROLLOUTS = 100
"""Looked at for changes, the newest."""


class RegressionsAsked(Asked):
    """Of whom, and which two periods."""

    tags: SelectorText = ""
    by: str = Field("tier", pattern=BY_PATTERN, description="Tags, separated by commas: what is compared.")
    end: Instant | None = Field(None, description="End of the later period; now unless given.")
    period: str = Field("7d", pattern=r"^([1-9]|[1-4][0-9])d$", description="Length of each of the two periods, best whole weeks.")
    ratio: float = Field(1.2, gt=1, le=100, description="Less than so many times what a task cost before is no regression.")


class SuspectAnswer(Answer):
    """A change that could be the reason."""

    change: str
    id: str | None = Field(description="Of the rollout, where it was one.")
    at: Moment
    score: float = Field(description="0 to 1, of all that could explain it; what nobody knows of is among that.")
    why: str


class CauseAnswer(Answer):
    """When it began, and what changed then."""

    at: Moment | None = Field(description="First hour of the new level; null when there is no clear one.")
    low: Moment | None
    high: Moment | None
    culprit: str | None = Field(description="The change that is likelier than everything else together.")
    suspects: list[SuspectAnswer]
    reason: str


class RegressionAnswer(Answer):
    """A group in both periods. `traffic`, `mix` and `perTask` add up to the change of its cost, USD."""

    tags: dict[str, str]
    verdict: Verdict
    before: float | None = Field(description="USD a task.")
    after: float | None
    tasks_before: float
    tasks_after: float
    ratio: float | None = Field(description="Of the cost a task, at the later period's mix of agents.")
    low: float | None
    high: float | None
    traffic: float
    mix: float
    per_task: float
    reason: str
    cause: CauseAnswer | None
    notes: list[str]


class RegressionsAnswer(Answer):
    """All groups; those that got dearer first."""

    start: Moment
    middle: Moment = Field(description="End of the earlier period, and start of the later one.")
    end: Moment
    groups: list[RegressionAnswer]
    notes: list[str]


@noun.endpoint("GET", "/api/cost/regressions", scope=Scope.READ, asks=RegressionsAsked, answers=RegressionsAnswer)
def found(call: Call, asked: RegressionsAsked) -> RegressionsAnswer:
    """Groups whose tasks cost more than before: the cost of a task, apart from traffic and mix; with the likeliest change."""
    last = min(call.now, call.now if asked.end is None else milliseconds(asked.end)) // HOUR_MS
    width = duration_ms(asked.period) // HOUR_MS
    if last < 2 * width:
        raise InvalidInput("must be after 1970", "end")
    read = reading(call, (last - 2 * width, last), asked.tags, NAMES)
    by = tuple(key for key in asked.by.split(",") if key)
    changes = list(_changes(call, set(read.overlay) if call.caller.scope_text else None))
    groups = regressions(read.frame, by, last - width, asked.ratio, changes, read.selector, read.overlay)
    if len(groups) > MAX_GROUPS:
        raise InvalidInput(f"{len(groups)} groups are more than {MAX_GROUPS}: select fewer, or group by fewer tags", "by")
    return RegressionsAnswer.model_construct(
        start=read.start, middle=(last - width) * HOUR_MS, end=read.end, groups=list(map(_group, groups)), notes=read.notes
    )


def _changes(call: Call, agents: Collection[str] | None) -> Iterator[Change]:
    """Rollouts of configurations, and what the snapshot remembers of the last day; of these agents only, unless None."""
    store, workspace = call.services.rollouts, call.caller.workspace

    def sees(member: Member) -> bool:
        return agents is None or member.agent in agents

    for head in store.heads(workspace, MAX_ROLLOUTS):
        stored = store.read(workspace, head.id) if not head.channel else None
        members = [member for wave in stored[1] for member in wave.members] if stored else []
        change = rollout_change(head, members, sees)
        if change is not None:
            yield change
    snapshot = load_snapshot(call)
    yield from fleet_changes(snapshot.changes if snapshot else (), agents)


def _group(one: Regressed) -> RegressionAnswer:
    told = one.found
    return RegressionAnswer.model_construct(
        tags=dict(one.tags),
        verdict=told.verdict,
        before=told.before,
        after=told.after,
        tasks_before=told.tasks_before,
        tasks_after=told.tasks_after,
        ratio=told.ratio,
        low=told.low,
        high=told.high,
        traffic=told.traffic,
        mix=told.mix,
        per_task=told.per_task,
        reason=told.reason.removeprefix("all: "),
        cause=_cause(one.cause) if one.cause else None,
        notes=list(one.notes),
    )


def _cause(cause: Bisect) -> CauseAnswer:
    at, low, high = (None if hour is None else hour * HOUR_MS for hour in (cause.at_hour, cause.low_hour, cause.high_hour))
    suspects = [
        SuspectAnswer(change=one.change.text, id=one.change.id or None, at=one.change.at, score=one.score, why=one.why)
        for one in cause.suspects
    ]
    culprit = cause.culprit.text if cause.culprit else None
    return CauseAnswer(at=at, low=low, high=high, culprit=culprit, suspects=suspects, reason=cause.reason)
