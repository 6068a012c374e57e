"""Scaling policies put to the proof: against the load that a group had, or one that is made up."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from functions.api import documents
from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Body, Instant, Moment, Whole, whole
from functions.api.scaling_replay import read_load
from functions.domain.alert_faults import InvalidDocument
from functions.domain.errors import InvalidInput, NotFound
from functions.domain.scaling import Action, Decision, GroupPolicy
from functions.domain.scaling_load import MAX_MINUTES, Load, Shape, Synthetic, arrivals
from functions.domain.scaling_picture import picture
from functions.domain.scaling_policy import DOCUMENT, NAME, parse_policy
from functions.domain.scaling_queue import Agents
from functions.domain.scaling_simulate import Simulation, Wanted, constant, simulate
from functions.domain.times import MINUTE_MS
from functions.domain.token import Scope

noun = Noun("scaling_simulation")

MAX_CHANGES = 200
MAX_RATE = 10_000.0
TAIL = 2.5
"""p95 over mean where nobody tells: that of exponential times is 3, that of tasks much alike is less."""


class LoadWanted(Body):
    """A load that is made up."""

    shape: Shape = Field(strict=False)
    rate: float = Field(gt=0, le=MAX_RATE, description="Tasks a second.")
    peak: float | None = Field(None, gt=0, le=MAX_RATE, description="Tasks a second at most; three times `rate` unless given.")
    minutes: Whole = Field(360, ge=10, le=MAX_MINUTES)
    period: Whole = Field(120, ge=20, le=MAX_MINUTES, description="Minutes from one spike, wave or square to the next.")
    service_time: float = Field(gt=0, le=86_400, description="Mean seconds that a task takes an agent.")
    service_time_p95: float | None = Field(None, gt=0, le=86_400, description="2.5 times the mean unless given.")


class SimulationWanted(Body):
    """Which policy, against what."""

    group: str = Field(pattern=f"^{NAME.pattern}$", description="A group of `policy`, else of the stored one.")
    policy: dict[str, JsonValue] | None = Field(None, description="A policy that is not stored, as `PUT /api/scaling-policy` takes it.")
    load: LoadWanted | None = Field(None, description="Instead of what the group did.")
    range: str | None = Field(None, pattern=r"^[1-9][0-9]{0,4}[mhd]$", description="How far back from `end`: 1d unless given, at most 7d.")
    end: Instant | None = Field(None, strict=False, description="Now unless given; `range` begins at most 34 days ago.")
    concurrency: Whole = Field(1, ge=1, le=1000, description="Tasks that an agent runs at once.")
    boot_seconds: Whole = Field(60, ge=0, le=3600, description="From a decision until a new agent takes work.")
    provider_per_minute: float | None = Field(None, gt=0, description="Tasks that the models' provider lets all agents start in a minute.")
    initial: Annotated[int, Field(ge=0, le=10_000), BeforeValidator(whole)] | None = Field(
        None, description="Agents at the beginning; unless given, enough for the first minute."
    )
    usd_per_task: float | None = Field(None, ge=0, le=1e6)
    usd_per_agent_hour: float | None = Field(None, ge=0, le=1e6)
    seed: Whole = Field(1, ge=0, le=2**32, description="The same seed gives the same answer.")
    picture: bool = Field(False, description="Whether to answer the curves as SVG, too.")


class ChangeAnswer(Answer):
    """One change of the count."""

    time: Moment
    action: Action
    before: int = Field(alias="from")
    to: int
    reason: str
    limits: list[str]


class CurvesAnswer(Answer):
    """Values by minute."""

    start: Moment
    arrived: list[float]
    desired: list[int]
    agents: list[int]
    queue: list[float]
    p95_seconds: list[float]
    saturation: list[float]


class SimulationAnswer(Answer):
    """What the policy would have done, and what would have become of the tasks."""

    group: str
    start: Moment
    end: Moment
    minutes: int
    tasks: float
    service_time: float = Field(description="Mean seconds.")
    service_time_p95: float
    least: int = Field(description="Fewest agents that were desired.")
    most: int
    total: int = Field(description="Changes of the count.")
    direction_changes: int = Field(description="How often it turned from growing to shrinking or back.")
    changes: list[ChangeAnswer] = Field(description=f"The first {MAX_CHANGES}.")
    longest_queue: float
    longest_wait_seconds: float
    worst_p95_seconds: float
    left_waiting: float = Field(description="Tasks that wait at the end.")
    refused: float = Field(description="Starts that the provider would have refused.")
    agent_hours: float
    constant: int | None = Field(description="Agents that would do as well without any change; null when `max` would not.")
    constant_agent_hours: float | None
    usd: float | None = Field(description="Of agents and tasks, as far as their prices are given; null without any.")
    told: list[str] = Field(description="What people would have been told.")
    curves: CurvesAnswer
    picture: str | None = Field(description="SVG.")
    notes: list[str] = Field(description="What the simulation does not know.")


@noun.endpoint(
    "POST",
    "/api/scaling-simulation",
    scope=Scope.READ,
    takes=SimulationWanted,
    answers=SimulationAnswer,
    may_miss=True,
    max_body=documents.MAX_BYTES,
)
def run(call: Call, body: SimulationWanted) -> SimulationAnswer:
    """Simulate a scaling policy: counts, queue, latency and cost, minute by minute. Nothing is changed.

    The load is what the group's agents did (minutes are stored 3 days, hours 35), or one that is made up.
    """
    call.caller.need_whole_workspace("a simulation")
    if body.load is not None and (body.range or body.end):
        raise InvalidInput("range and end belong to the past, load is made up: give one of them", "load")
    policy = _policy(call, body)
    start, load, notes = _made_up(call, body.load) if body.load else read_load(call, policy.tags, body.range or "1d", body.end)
    wanted = Wanted(
        policy=policy,
        load=load,
        agents=Agents(concurrency=body.concurrency, boot_s=body.boot_seconds, provider_per_minute=body.provider_per_minute),
        initial=body.initial,
        usd_per_task=body.usd_per_task,
        usd_per_agent_hour=body.usd_per_agent_hour,
        start=start,
        seed=body.seed,
    )
    return _answer(wanted, simulate(wanted), notes, drawn=body.picture)


def _policy(call: Call, body: SimulationWanted) -> GroupPolicy:
    if body.policy is not None:
        try:
            found = parse_policy(body.policy)
        except InvalidDocument as error:
            raise error.below("policy") from None
    else:
        try:
            found = parse_policy(call.services.fleet.settings(call.caller.workspace, DOCUMENT) or {})
        except InvalidInput as error:
            raise InvalidInput(f"the stored policy is not valid any more: {error}", "group") from None
    for group in found:
        if group.name == body.group:
            return group
    raise NotFound(f"no group {body.group} in the {'stored' if body.policy is None else 'given'} policy")


def _made_up(call: Call, load: LoadWanted) -> tuple[int, Load, list[str]]:
    peak = load.peak if load.peak is not None else 3 * load.rate
    made = Synthetic(shape=load.shape, rate=load.rate, peak=peak, period=load.period)
    p95 = load.service_time_p95 if load.service_time_p95 is not None else TAIL * load.service_time
    if p95 < load.service_time:
        raise InvalidInput("is less than the mean", "load.serviceTimeP95")
    found = Load(arrivals=arrivals(made, load.minutes), service_s=load.service_time, service_p95_s=p95, random=True)
    return call.now // MINUTE_MS * MINUTE_MS, found, []


def _answer(wanted: Wanted, found: Simulation, notes: list[str], *, drawn: bool) -> SimulationAnswer:
    points, changes = found.points, found.changes
    least = constant(wanted, found.longest_wait_s)
    minutes = len(points)
    return SimulationAnswer(
        group=wanted.policy.name,
        start=wanted.start,
        end=wanted.start + minutes * MINUTE_MS,
        minutes=minutes,
        tasks=sum(point.arrived for point in points),
        service_time=wanted.load.service_s,
        service_time_p95=wanted.load.service_p95_s,
        least=min(point.decision.desired for point in points),
        most=max(point.decision.desired for point in points),
        total=len(changes),
        direction_changes=found.direction_changes,
        changes=[_change(one) for one in changes[:MAX_CHANGES]],
        longest_queue=max(point.seen.waiting for point in points),
        longest_wait_seconds=found.longest_wait_s,
        worst_p95_seconds=max(point.p95_s for point in points),
        left_waiting=points[-1].seen.waiting,
        refused=sum(point.seen.refused for point in points),
        agent_hours=found.agent_hours,
        constant=least,
        constant_agent_hours=None if least is None else least * minutes / 60,
        usd=found.usd(wanted),
        told=[told.text for told in found.told],
        curves=_curves(wanted, found),
        picture=picture(wanted, found) if drawn else None,
        notes=notes,
    )


def _change(one: Decision) -> ChangeAnswer:
    return ChangeAnswer(time=one.time, action=one.action, before=one.before, to=one.desired, reason=one.reason, limits=one.limits)


def _curves(wanted: Wanted, found: Simulation) -> CurvesAnswer:
    points = found.points
    return CurvesAnswer(
        start=wanted.start,
        arrived=[round(point.arrived, 3) for point in points],
        desired=[point.decision.desired for point in points],
        agents=[point.agents for point in points],
        queue=[round(point.seen.waiting, 3) for point in points],
        p95_seconds=[round(point.p95_s, 3) for point in points],
        saturation=[round(point.seen.saturation, 4) for point in points],
    )
