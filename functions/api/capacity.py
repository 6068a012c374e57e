"""The capacity planner: how many agents each tier needs, from what its tasks did; how tiers are planned; the limits of providers' keys."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np

from functions.api import documents
from functions.api.capacity_answers import PlanAnswer, PlanAsked, TierAnswer, planned, unplanned
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind
from functions.api.endpoint import Call, Noun, Reply
from functions.api.tracking import Tracked, tracked
from functions.domain.alert_columns import Floats
from functions.domain.capacity import Demand, demand, settle
from functions.domain.capacity_figures import Observed
from functions.domain.capacity_settings import DOCUMENT as SETTINGS
from functions.domain.capacity_settings import CapacitySettings, parse_settings
from functions.domain.errors import InvalidInput
from functions.domain.fleet import Status
from functions.domain.fleet_cost import list_prices
from functions.domain.provider_limits import DOCUMENT as LIMITS
from functions.domain.provider_limits import Ceiling, Limit, ProviderOf, parse_limits
from functions.domain.provider_use import Sharers
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT
from functions.domain.spans import minutes_kept
from functions.domain.summary import TIER
from functions.domain.times import HOUR_MS, MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS
from functions.domain.token import Scope
from functions.domain.tracker import COUNTED, NAMES, SKETCHES, arrivals, track
from functions.usage_reading import read_minutes

noun = Noun("capacity")

type Source = Literal["minutes", "hours"]


class CapacityDocument(Document):
    """How tiers are planned: `{"agent_usd_per_month": 12.5, "tiers": {"nightly": {"kind": "batch"}, "smart": {"concurrency": 4}}}`.

    `kind` (latency, batch), `utilization`, `headroom`, `concurrency`, `agent_usd_per_month`, for all tiers or one.
    """


class LimitsDocument(Document):
    """Limits of providers' keys: `{"limits": [{"name": "prod", "provider": "anthropic", "requests_per_minute": 4000}]}`.

    `requests_per_minute`, `input_tokens_per_minute`, `output_tokens_per_minute`; `model`: a pattern; `tags`: who shares it.
    """


CAPACITY_KIND = Kind(name=SETTINGS, title="how tiers are planned", check=lambda _, document: parse_settings(document))
LIMITS_KIND = Kind(name=LIMITS, title="the providers' limits", check=lambda _, document: parse_limits(document))


@noun.endpoint("GET", "/api/capacity-settings", scope=Scope.READ, answers=CapacityDocument)
def read_settings(call: Call) -> Reply:
    """How tiers are planned."""
    return documents.read(call, CAPACITY_KIND)


@noun.endpoint("PUT", "/api/capacity-settings", scope=Scope.OPERATE, heeds=IfMatch, takes=CapacityDocument, answers=CapacityDocument)
def replace_settings(call: Call, heeded: IfMatch, body: CapacityDocument) -> Reply:
    """Replace how tiers are planned."""
    return documents.replace(call, CAPACITY_KIND, heeded, body)


@noun.endpoint("GET", "/api/provider-limits", scope=Scope.READ, answers=LimitsDocument)
def read_limits(call: Call) -> Reply:
    """The limits of providers' keys."""
    return documents.read(call, LIMITS_KIND)


@noun.endpoint("PUT", "/api/provider-limits", scope=Scope.OPERATE, heeds=IfMatch, takes=LimitsDocument, answers=LimitsDocument)
def replace_limits(call: Call, heeded: IfMatch, body: LimitsDocument) -> Reply:
    """Replace the limits of providers' keys."""
    return documents.replace(call, LIMITS_KIND, heeded, body)


@noun.endpoint("GET", "/api/capacity", scope=Scope.READ, asks=PlanAsked, answers=PlanAnswer)
def plan(call: Call, asked: PlanAsked) -> PlanAnswer:
    """How many agents each tier needs: from its tasks in whole hours that are over, with tests, certainty, limits and what it costs."""
    found = tracked(call, asked, asked.tags, NAMES, SKETCHES)
    by = tuple(dict.fromkeys((TIER, *(key for key in asked.by.split(",") if key))))
    seen, source = _observed(call, found, by)
    settings, what_if = _settings(call), asked.what_if()
    if len(seen) != 1 and (asked.arrival_rate is not None or asked.service_time is not None):
        field = "arrival_rate" if asked.arrival_rate is not None else "service_time"
        raise InvalidInput(f"is that of one tier, and these are {len(seen)}: narrow tags", field)
    dice = np.random.default_rng(found.frame.last_hour)
    try:
        wanted = [demand(one, settings.of(dict(one.tags).get(TIER)), what_if, dice) for one in seen]
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    held, note = _ceilings(call, found, by, [one for one in wanted if isinstance(one, Demand)])
    tiers = [
        planned(settle(one, what_if, held.get(shown.tags, []))) if isinstance(one, Demand) else unplanned(shown.tags, shown.agents, one)
        for shown, one in zip(seen, wanted, strict=True)
    ]
    return _answer(found, source, tiers, note)


def _answer(found: Tracked, source: Source, tiers: list[TierAnswer], notes: list[str]) -> PlanAnswer:
    known = [tier for tier in tiers if tier.agents is not None and tier.with_headroom is not None]
    prices = [tier.usd_per_month for tier in tiers if tier.usd_per_month is not None]
    without = [f"{len(tiers) - len(known)} of {len(tiers)} tiers are not in the sums"] if len(known) < len(tiers) else []
    return PlanAnswer.model_construct(
        agents=sum(tier.agents or 0 for tier in known),
        with_headroom=sum(tier.with_headroom or 0 for tier in known),
        usd_per_month=sum(prices) if prices else None,
        start=found.start,
        end=found.end,
        source=source,
        tiers=tiers,
        notes=[*found.notes, *notes, *without],
    )


def _observed(call: Call, found: Tracked, by: tuple[str, ...]) -> tuple[list[Observed], Source]:
    """What each tier did. Its arrivals are told by the minute if minutes are kept, and by dimensions alone."""
    dimensions = frozenset(found.fleet.settings.dimensions)
    fine = found.selector.keys() | set(by) <= dimensions and minutes_kept(found.start, call.now)
    counts = _by_minute(call, found, by) if fine else {}
    groups = found.frame.group(by, found.selector, found.overlay)
    hourly = dict(zip(groups.keys, arrivals(found.frame, groups), strict=True))
    now = _agents_now(found, by)
    seen = [
        Observed(
            tags=one.tags,
            counts=counts.get(one.tags, hourly[one.tags]),
            bucket_s=(MINUTE_MS if one.tags in counts else HOUR_MS) // SECOND_MS,
            service=one.service,
            workers=one.workers,
            utilization=one.utilization,
            agents=now.get(one.tags, one.agents),
        )
        for one in track(found.frame, by, found.selector, found.overlay)
    ]
    return seen, "minutes" if fine else "hours"


def _by_minute(call: Call, found: Tracked, by: tuple[str, ...]) -> dict[TagPairs, Floats]:
    first, last = (hour * MINUTES_PER_HOUR for hour in (found.frame.first_hour, found.frame.last_hour))
    frame = read_minutes(call.services.rollups, call.caller.workspace, found.fleet.snapshot, first, last, names=COUNTED)
    groups = frame.group(by, found.selector)
    return dict(zip(groups.keys, arrivals(frame, groups), strict=True))


def _agents_now(found: Tracked, by: tuple[str, ...]) -> Counter[TagPairs]:
    """Agents in service and not silent, by the tags that they have."""
    counted: Counter[TagPairs] = Counter()
    for state in found.fleet.agents:
        tags = found.overlay[state.id]
        if not state.retired and state.health.status is not Status.GREY and found.selector.matches({AGENT: state.id, **tags}):
            counted[tuple((key, tags[key]) for key in by if key in tags)] += 1
    return counted


def _settings(call: Call) -> CapacitySettings:
    try:
        return parse_settings(call.services.fleet.settings(call.caller.workspace, SETTINGS) or {})
    except InvalidInput as error:
        raise InvalidInput(f"what is stored is not valid any more: {error}", "capacity-settings") from None


def _limits(call: Call) -> tuple[Limit, ...]:
    try:
        return parse_limits(call.services.fleet.settings(call.caller.workspace, LIMITS) or {})
    except InvalidInput as error:
        raise InvalidInput(f"what is stored is not valid any more: {error}", "provider-limits") from None


def _ceilings(call: Call, found: Tracked, by: tuple[str, ...], wanted: list[Demand]) -> tuple[dict[TagPairs, list[Ceiling]], list[str]]:
    """How far the limits let each tier go, and what there is to say of that."""
    limits = _limits(call)
    if limits and call.caller.scope_text:
        return {}, ["the providers' limits are not looked at: others, whom this token cannot see, share them"]
    if not limits:
        return {}, ["no limits of providers are set: PUT /api/provider-limits"]
    sharers = Sharers(found.frame, by, found.selector, found.overlay, _provider_of(call.now))
    return sharers.ceilings(limits, {one.observed.tags: one.plan.arrival_rate for one in wanted}), []


def _provider_of(now: int) -> ProviderOf:
    """What stands before the model's name, else whose model the price list says it is."""
    rates = list_prices(now)

    def provider_of(model: str) -> str | None:
        before, slash, _ = model.partition("/")
        if slash:
            return before.lower()
        found = rates(model)
        return found.name.partition(" ")[0] if found else None

    return provider_of
