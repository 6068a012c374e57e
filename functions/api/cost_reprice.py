"""Prices the past anew: with today's price list and the workspace's own prices. Dry unless asked otherwise, and told of afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.cost_reading import MAX_DAYS, CostAsked, hours_of, own_prices
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import view
from functions.api.models import Answer, Body, Cursor, Instant, Moment, SelectorText, rfc3339
from functions.domain.cost_reprice import Choice, Tally
from functions.domain.errors import InvalidCursor, StoreUnavailable
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, HOURS_PER_DAY, SECOND_MS
from functions.domain.token import Scope
from functions.repricing import Repricing, Run
from functions.runtime.observability import logger

noun = Noun("repricing")

RUNNING_MS = 15 * SECOND_MS
"""A request ends then, with a cursor; the gateway waits 29 s."""
DOCUMENT = "repricings"
"""Settings document with what was repriced, newest first."""
KEPT = 50
TRIES = 5
"""To change that document while others do."""


class RepriceWanted(Body):
    """Which hours, and whose."""

    tags: SelectorText = Field("", description="Also by `cost_source`: what an old price list made.")
    start: Instant | None = Field(None, strict=False)
    end: Instant | None = Field(None, strict=False, description="Not included; now unless given.")
    range: str | None = Field(None, pattern=r"^[1-9][0-9]{0,4}[mhd]$", description="Length up to the end, instead of `start`.")
    dry_run: bool = Field(True, description="Only tell what would change.")
    cursor: Cursor | None = None


class PricedBy(Answer):
    """What a price list makes of it."""

    source: str
    tasks: int
    usd: float


class TallyAnswer(Answer):
    """What the tasks that have no reported cost come to."""

    usd: float | None
    sources: list[PricedBy]
    unpriced_tasks: int
    unpriced_tokens: float


class RepriceAnswer(Answer):
    """What changed, of the hours from `start` to `end`."""

    dry_run: bool
    start: Moment
    end: Moment = Field(description="What is later waits for the next request: see `next`.")
    hours_changed: int
    before: TallyAnswer
    after: TallyAnswer
    notes: list[str]
    next: str | None = Field(description="Cursor of the rest, when the time of one request was not enough.")


class Repricings(Answer):
    """What was repriced, newest first."""

    repricings: list[dict[str, Any]] = Field(description="`hoursChanged` is null for a request that did not come to its end.")


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a request ended."""

    hour: int
    last: int


@noun.endpoint("POST", "/api/cost/reprice", scope=Scope.OPERATE, takes=RepriceWanted, answers=RepriceAnswer)
def reprice(call: Call, wanted: RepriceWanted) -> RepriceAnswer:
    """Price stored usage anew with today's price list and the workspace's own prices. Reported costs stay as they are."""
    question = paging.fingerprint("reprice", wanted.model_dump(exclude={"cursor"}))
    first, last = _hours(call, wanted, question)
    fleet = view(call)
    choice = Choice(Selector.parse(wanted.tags) & call.caller.tags, fleet.tags())
    id = f"reprice-{call.services.random(8).hex()}"
    repricing = _repricing(call, id, lambda: _began(call, wanted, id, (first, last)))
    run = repricing.run(first, last, choice, own_prices(call), dry=wanted.dry_run)
    if run.next_hour == first < last:
        raise StoreUnavailable("the hours are being built in this moment: try again")
    answer = RepriceAnswer(
        dry_run=wanted.dry_run,
        start=first * HOUR_MS,
        end=run.next_hour * HOUR_MS,
        hours_changed=run.changed,
        before=_tally(run.repriced.before),
        after=_tally(run.repriced.after),
        notes=_notes(run),
        next=paging.write(question, Place(run.next_hour, last)) if run.next_hour < last else None,
    )
    if run.begun:
        _ended(call, id, answer)
    return answer


@noun.endpoint("GET", "/api/cost/reprice", scope=Scope.READ, answers=Repricings)
def repricings(call: Call) -> Repricings:
    """What was repriced by whom, newest first."""
    call.caller.need_whole_workspace("what was repriced")
    return Repricings(repricings=list((call.services.fleet.settings(call.caller.workspace, DOCUMENT) or {}).get("runs", [])))


def _hours(call: Call, wanted: RepriceWanted, question: str) -> tuple[int, int]:
    first, last = hours_of(CostAsked.model_construct(start=wanted.start, end=wanted.end, range=wanted.range), call.now)
    if wanted.cursor is None:
        return first, last
    place = paging.read(wanted.cursor, question, Place)
    # Time has gone on since the first request: the hours that it meant stand in the cursor.
    if not 0 <= place.hour <= place.last <= min(call.now // HOUR_MS, place.hour + MAX_DAYS * HOURS_PER_DAY):
        raise InvalidCursor("does not fit the hours asked for", "cursor")
    return place.hour, place.last


def _repricing(call: Call, id: str, begins: Callable[[], None]) -> Repricing:
    services = call.services
    return Repricing(
        rollups=services.newest_rollups,
        fleet=services.fleet,
        lease=services.lease,
        workspace=call.caller.workspace,
        holder=id,
        now=services.now,
        sleep=services.sleep,
        until=call.now + RUNNING_MS,
        begins=begins,
    )


def _tally(tally: Tally) -> TallyAnswer:
    sources = [PricedBy(source=source, tasks=tasks, usd=usd) for source, (tasks, usd) in sorted(tally.sources.items())]
    return TallyAnswer(usd=tally.usd, sources=sources, unpriced_tasks=tally.unpriced, unpriced_tokens=tally.tokens)


def _notes(run: Run) -> list[str]:
    damaged = [f"{run.damaged} pieces of hours could not be read, and stay as they are"] if run.damaged else []
    untold = "budgets may count these hours at the costs of before for a while: seal was busy; apply it once more to have them read anew"
    return damaged if run.told else [*damaged, untold]


def _began(call: Call, wanted: RepriceWanted, id: str, hours: tuple[int, int]) -> None:
    """Note a request before its first write, so that one that is killed is told of, too."""
    start, end = (rfc3339(hour * HOUR_MS) for hour in hours)
    line = {"id": id, "at": rfc3339(call.now), "by": call.caller.token_id, "tags": wanted.tags, "start": start, "end": end}
    unknown = dict.fromkeys(("hoursChanged", "before", "after"))
    if not _noted(call, lambda runs: [{**line, **unknown}, *runs]):
        raise StoreUnavailable("others price the past anew in this moment: try again")


def _ended(call: Call, id: str, answer: RepriceAnswer) -> None:
    told = answer.model_dump(mode="json", by_alias=True, include={"start", "end", "hours_changed", "before", "after"})
    logger("api").info(
        "usage repriced", extra={"workspace": call.caller.workspace, "by": call.caller.token_id, "hours": answer.hours_changed}
    )
    _noted(call, lambda runs: [{**run, **told} if run.get("id") == id else run for run in runs])


def _noted(call: Call, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> bool:
    """Change what is kept. Of requests in the same moment one goes first, and the others try again."""
    store, workspace = call.services.fleet, call.caller.workspace
    for _ in range(TRIES):
        before = store.settings(workspace, DOCUMENT)
        if store.replace_settings(workspace, DOCUMENT, {"runs": change((before or {}).get("runs", []))[:KEPT]}, before):
            return True
    return False
