"""Silences: what nobody is to be told of for a while, made and lifted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from functions.api.alert_view import who
from functions.api.endpoint import Call, Noun, Reply
from functions.api.models import Answer, Asked, Body, Instant, Moment, SelectorText, milliseconds
from functions.domain.alert_text import parse_duration
from functions.domain.errors import InvalidInput, NotFound
from functions.domain.selector import Selector
from functions.domain.silence import Silence
from functions.domain.token import Scope

noun = Noun("silences")

ID_BYTES = 6
LENGTH_PATTERN = r"^([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
type TimeOfDay = Annotated[str, Field(pattern=TIME_PATTERN, description="UTC; `24:00` is the day's end.")]


class WeeklyBody(Body):
    """A part of certain days; one that ends before it begins goes on until the next day."""

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1, max_length=7)]
    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")


class SilenceWanted(Body):
    """A silence to make."""

    matchers: SelectorText = Field(description="Which alerts, by their labels, rule and severity: `rule=slow,tier=~fast|smart`.")
    starts: Instant | None = Field(None, strict=False, description="Now unless given.")
    ends: Instant | None = Field(None, strict=False, description="This, or `for`.")
    length: str | None = Field(None, alias="for", min_length=2, pattern=LENGTH_PATTERN, description="How long, from the start: `2h`, `7d`.")
    weekly: WeeklyBody | None = Field(None, description="Within its time only in these hours of each week.")
    comment: str = Field("", max_length=1024, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$", description="Why.")


class WeeklyAnswer(Answer):
    """Hours of each week, UTC."""

    days: list[str]
    begin: str = Field(alias="from")
    end: str = Field(alias="to")


class SilenceAnswer(Answer):
    """One silence."""

    id: str
    matchers: str
    starts: Moment
    ends: Moment
    weekly: WeeklyAnswer | None
    comment: str
    by: str
    active: bool = Field(description="Whether it hides alerts at this moment.")


class Silences(Answer):
    """Those that are not over, the one that ends first before the others."""

    silences: list[SilenceAnswer]
    faults: list[str] = Field(description="Stored silences that this release does not understand: they hide nothing.")


class SilenceAsked(Asked):
    """Which silence."""

    silence: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$", description="A silence's id.")


@noun.endpoint("GET", "/api/silences", scope=Scope.READ, answers=Silences)
def listing(call: Call) -> Silences:
    """The workspace's silences; a token with a tag scope sees those that hide nothing outside of it."""
    answers, faults = [], []
    for id, document in call.services.alerts.silences(call.caller.workspace).items():
        try:
            if _within(call, document):
                answers.append(_answer(id, document, call.now))
        except InvalidInput as error:
            faults.append(f"the silence {id}: {error}")
    shown = sorted(answers, key=lambda silence: (silence.ends, silence.id))
    return Silences(silences=shown, faults=[] if call.caller.scope_text else faults)


@noun.endpoint("POST", "/api/silences", scope=Scope.OPERATE, takes=SilenceWanted, answers=SilenceAnswer, status=201)
def make(call: Call, body: SilenceWanted) -> SilenceAnswer:
    """Silence alerts for a while: they go on, and are told when the silence ends. A tag scope of the token is added to the matchers."""
    starts = call.now if body.starts is None else milliseconds(body.starts)
    matchers = Selector.parse(body.matchers, "matchers")
    document: dict[str, Any] = {
        "matchers": str(matchers),
        "starts": starts,
        "ends": _ends(body, starts),
        "comment": body.comment,
        "by": who(call),
        **({"weekly": body.weekly.model_dump(by_alias=True)} if body.weekly else {}),
    }
    Silence.parse("new", document)
    if document["ends"] <= call.now:
        raise InvalidInput("must lie in the future", "ends")
    # A scope is no silence: it may narrow one, but not be all that one says.
    document["matchers"] = str(matchers & call.caller.tags)
    id = call.services.random(ID_BYTES).hex()
    call.services.alerts.put_silence(call.caller.workspace, id, document)
    return _answer(id, document, call.now)


@noun.endpoint("DELETE", "/api/silences/{silence}", scope=Scope.OPERATE, asks=SilenceAsked, status=204)
def lift(call: Call, asked: SilenceAsked) -> Reply:
    """Lift a silence: what fires is told from now on."""
    document = call.services.alerts.silences(call.caller.workspace).get(asked.silence)
    if document is None or not _within(call, document):
        raise NotFound(f"no silence {asked.silence}")
    call.services.alerts.drop_silence(call.caller.workspace, asked.silence)
    return Reply(body=None, status=204)


def _ends(body: SilenceWanted, starts: int) -> int:
    length = parse_duration(body.length) if body.length is not None else None
    if (body.ends is None) == (length is None):
        raise InvalidInput("give either ends or for, as 2h", "ends")
    return starts + (length or 0) if body.ends is None else milliseconds(body.ends)


def _within(call: Call, document: Mapping[str, Any]) -> bool:
    """Whether a silence is limited at least as the token is."""
    return set(call.caller.tags.matchers) <= set(Selector.parse(document["matchers"]).matchers)


def _answer(id: str, document: Mapping[str, Any], now: int) -> SilenceAnswer:
    silence = Silence.parse(id, document)
    return SilenceAnswer(
        id=id,
        matchers=str(silence.matchers),
        starts=silence.starts,
        ends=silence.ends,
        weekly=WeeklyAnswer(**document["weekly"]) if silence.weekly else None,
        comment=silence.comment,
        by=silence.by,
        active=silence.active(now),
    )
