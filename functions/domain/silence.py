"""Silences: alerts that nobody is to be told of, by matcher and time; once, or each week anew.

Times of day are UTC, as everywhere. A silence hides notifications, never the alert: it goes on, and is told when the silence ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, MINUTE_MS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_LENGTH_MS = 366 * DAY_MS
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Weekly:
    """A part of certain days; one that ends before it begins goes on until the next day."""

    days: frozenset[int]
    """0 is Monday."""
    begin: int
    """Minutes since midnight, UTC."""
    end: int

    @classmethod
    def parse(cls, document: object, field: str) -> Weekly:
        """Read `{"days": ["sat", "sun"], "from": "22:00", "to": "06:00"}`; raises `InvalidInput`."""
        if not isinstance(document, Mapping) or set(document) != {"days", "from", "to"}:
            raise InvalidInput("must be an object with days, from and to", field)
        days = document["days"]
        if not isinstance(days, list) or not days or not all(day in DAYS for day in days):
            raise InvalidInput(f"must be a list of {', '.join(DAYS)}", f"{field}.days")
        begin, end = (_minutes(document[key], f"{field}.{key}") for key in ("from", "to"))
        if begin == end:
            raise InvalidInput("begins when it ends; for whole days leave the hours at 00:00 and 24:00", field)
        return cls(frozenset(DAYS.index(day) for day in days), begin, end)

    @property
    def endless(self) -> bool:
        """Whether it holds all week."""
        return len(self.days) == len(DAYS) and self.end - self.begin == DAY_MS // MINUTE_MS

    def holds(self, now: int) -> bool:
        """Whether `now` (ms) lies in it."""
        moment = datetime.fromtimestamp(now / 1000, UTC)
        minute, today, yesterday = moment.hour * 60 + moment.minute, moment.weekday(), (moment.weekday() - 1) % 7
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        return (today in self.days and minute >= self.begin) or (yesterday in self.days and minute < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence; in force from `starts` to before `ends` (ms), and within that only in its weekly hours, if it has any."""

    id: str
    matchers: Selector
    starts: int
    ends: int
    weekly: Weekly | None = None
    comment: str = ""
    by: str = ""

    @classmethod
    def parse(cls, id: str, document: Mapping[str, Any]) -> Silence:
        """Read a stored or posted document; raises `InvalidInput` naming the field."""
        unknown = document.keys() - {"matchers", "starts", "ends", "weekly", "comment", "by"}
        if unknown:
            raise InvalidInput("is not known; known are matchers, starts, ends, weekly, comment, by", min(unknown))
        matchers = Selector.parse(_text(document, "matchers"), "matchers")
        if not matchers.matchers:
            raise InvalidInput("needs at least one condition: a silence of everything hides what you need to know most", "matchers")
        starts, ends = (_time(document, key) for key in ("starts", "ends"))
        if not starts < ends <= starts + MAX_LENGTH_MS:
            raise InvalidInput("must be after starts, and at most a year after it", "ends")
        weekly = Weekly.parse(document["weekly"], "weekly") if document.get("weekly") is not None else None
        return cls(
            id=id,
            matchers=matchers,
            starts=starts,
            ends=ends,
            weekly=weekly,
            comment=_text(document, "comment"),
            by=_text(document, "by"),
        )

    def active(self, now: int) -> bool:
        """Whether it is in force at `now` (ms)."""
        return self.starts <= now < self.ends and (self.weekly is None or self.weekly.holds(now))

    def hides(self, labels: Mapping[str, str], now: int) -> bool:
        """Whether an alert with these labels is silenced."""
        return self.active(now) and self.matchers.matches(labels)


def silenced_by(silences: Sequence[Silence], labels: Mapping[str, str], now: int) -> Silence | None:
    """The silence that hides an alert; of several the one that ends last."""
    return max((silence for silence in silences if silence.hides(labels, now)), key=lambda silence: silence.ends, default=None)


def _minutes(value: object, field: str) -> int:
    if value == "24:00":
        return 24 * 60
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise InvalidInput(f"must be a time of day such as 22:30 (UTC), not {value!r}", field)
    return int(found[1]) * 60 + int(found[2])


def _time(document: Mapping[str, Any], field: str) -> int:
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < MINUTE_MS:
        raise InvalidInput(f"must be a time in ms since 1970, not {value!r}", field)
    return value


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field, "")
    if not isinstance(value, str) or len(value) > 1024:
        raise InvalidInput("must be a text of at most 1,024 characters", field)
    return value
