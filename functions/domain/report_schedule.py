"""When reports are made by themselves: the settings document `report-schedule`.

    {"reports": [{"name": "weekly", "every": "week", "day": "monday", "hour": 7, "timezone": "Europe/Berlin",
                  "tags": "env=prod", "channels": ["team-mail"], "formats": ["html", "markdown", "json"], "link_days": 30}]}

Only `name` is needed. A report is about the days, weeks or months that were over at midnight, in its time zone. Without `channels` all
channels that can show one (Slack, Discord, e-mail) are told; an empty list tells nobody. Without the document there is one report a week.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from functions.domain.alert_faults import Faults, Node, kind, nearest
from functions.domain.errors import InvalidInput
from functions.domain.report_record import FORMATS, LINK_DAYS, ReportRecord, new_id
from functions.domain.selector import MAX_TEXT, Selector
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

DOCUMENT = "report-schedule"
"""Its name in `FleetStore.settings`."""
USUAL: Mapping[str, Any] = {"reports": [{"name": "weekly"}]}
"""What holds without a document."""
SHOWING = frozenset({"slack", "discord", "email"})
"""Kinds of channels that are told without being named."""
UNFIT = frozenset({"pagerduty"})
"""Kinds that are never told: a report wakes nobody."""
CATCH_UP_MS = DAY_MS
"""A report that is due for longer is not made any more: nobody waits for it."""
READY_MS = 20 * MINUTE_MS
"""So long after its period's end usage is complete."""
MAX_REPORTS = 50
MAX_LINK_DAYS = 365
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY = ("day", "week", "month")
_KEYS = ("name", "every", "day", "hour", "timezone", "tags", "channels", "formats", "link_days")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Scheduled(NamedTuple):
    """One report that comes again and again."""

    name: str
    every: str
    day: int
    """Of the week (0 is Monday), or of the month (1 to 28)."""
    hour: int
    zone: tzinfo
    tags: str
    channels: tuple[str, ...] | None
    """None: all that can show it."""
    formats: tuple[str, ...]
    link_days: int

    def told(self, known: Mapping[str, Any]) -> tuple[str, ...]:
        """The channels that are told, of all that there are (the document `channels`)."""
        if self.channels is None:
            return tuple(name for name, channel in known.items() if kind_of(channel) in SHOWING)
        return tuple(name for name in self.channels if name in known and kind_of(known[name]) not in UNFIT)


class Due(NamedTuple):
    """When a report was due last, and what it is about; ms."""

    at: int
    start: int
    end: int


def parse_schedule(document: Mapping[str, Any] | None, known: Mapping[str, Any] | None = None) -> list[Scheduled]:
    """The checked document; raises `InvalidDocument` with every fault. Channels must be `known`, unless that is None."""
    faults = Faults()
    node = Node(USUAL if document is None or document == {} else document, "", faults)
    node.keys(("reports",), ("reports",))
    nodes = node.nodes("reports", MAX_REPORTS)
    found = [_scheduled(one, known) for one in nodes]
    names = [one.name for one in found]
    for place, name in enumerate(names):
        if name and name in names[:place]:
            nodes[place].fault("name", f"there is a report {name} already")
    faults.raise_any()
    return found


def due(one: Scheduled, now: int) -> Due:
    """The last time that the report was due, and its period: whole hours of UTC."""
    today = datetime.fromtimestamp(now / SECOND_MS, one.zone).date()
    for last in _last_days(one, today):
        end = _moment(last, 0, one.zone)
        at = max(_moment(last, one.hour, one.zone), end + READY_MS)
        if at <= now:
            return Due(at, _whole(_moment(_before(one, last), 0, one.zone)), _whole(end))
    raise AssertionError("one of two days in a row is over")


def due_records(workspace: str, schedule: Sequence[Scheduled], known: Mapping[str, Any], now: int) -> Iterator[ReportRecord]:
    """Records of all reports that are due: the same ones, with the same ids, until others are."""
    for one in schedule:
        found = due(one, now)
        if now - found.at <= CATCH_UP_MS:
            yield ReportRecord(
                id=new_id(found.at, sha256(f"{workspace}|{one.name}".encode()).digest()[:5]),
                created=found.at,
                by="schedule",
                start=found.start,
                end=found.end,
                tags=one.tags,
                schedule=one.name,
                formats=one.formats,
                channels=one.told(known),
                link_days=one.link_days,
            )


def kind_of(channel: object) -> str:
    """The kind of a channel, by its settings."""
    return str(channel.get("kind")) if isinstance(channel, Mapping) else ""


def words(value: object, node: Node, key: str, known: Collection[str] | None) -> tuple[str, ...] | None:
    """A list of different known words; None without one."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_REPORTS:
        node.fault(key, f"must be a list of at most {MAX_REPORTS} texts")
        return None
    for place, word in enumerate(value):
        if not isinstance(word, str) or (known is not None and word not in known):
            node.fault(f"{key}[{place}]", "is not known" + nearest(str(word)[:80], known or ()))
        elif word in value[:place]:
            node.fault(f"{key}[{place}]", f"{word} is there already")
    return tuple(str(word) for word in value)


def _scheduled(node: Node, known: Mapping[str, Any] | None) -> Scheduled:
    node.keys(_KEYS, ("name",))
    name = node.text("name", 63)
    if name and not _NAME.fullmatch(name):
        node.fault("name", "has 1 to 63 small letters, digits and hyphens, and begins with no hyphen")
    every = node.choice("every", _EVERY, "week")
    return Scheduled(
        name=name,
        every=every,
        day=_day(node, every),
        hour=node.whole("hour", 0, 23, 7),
        zone=_zone(node),
        tags=_tags(node),
        channels=_channels(node, known),
        formats=_formats(node),
        link_days=node.whole("link_days", 1, MAX_LINK_DAYS, LINK_DAYS),
    )


def _day(node: Node, every: str) -> int:
    if every == "week":
        return _DAYS.index(node.choice("day", _DAYS, "monday"))
    if every == "month":
        return node.whole("day", 1, 28, 1)
    if "day" in node:
        node.fault("day", "is for reports of weeks and months: leave it out")
    return 0


def _zone(node: Node) -> tzinfo:
    name = node.text("timezone", 64, "UTC")
    if name == "UTC":
        # Known everywhere; others stand in files of the system, which may have none.
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        node.fault("timezone", f"{kind(name)} is no time zone that is known here, such as Europe/Berlin")
        return UTC


def _tags(node: Node) -> str:
    if node.raw("tags") == "":
        return ""
    text = node.text("tags", MAX_TEXT)
    try:
        return str(Selector.parse(text, ""))
    except InvalidInput as error:
        node.fault("tags", error.reason)
        return ""


def _channels(node: Node, known: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    found = words(node.raw("channels"), node, "channels", known)
    for place, name in enumerate(found or ()):
        if kind_of((known or {}).get(name)) in UNFIT:
            node.fault(f"channels[{place}]", f"{name} wakes people: reports are for channels that show them")
    return found


def _formats(node: Node) -> tuple[str, ...]:
    found = words(node.raw("formats"), node, "formats", FORMATS)
    if found == ():
        node.fault("formats", "must name at least one")
    return FORMATS if found is None else found


def _last_days(one: Scheduled, today: date) -> Iterator[date]:
    """The days on which it is due, the newest first."""
    if one.every == "day":
        yield from (today, today - timedelta(days=1))
    elif one.every == "week":
        last = today - timedelta(days=(today.weekday() - one.day) % 7)
        yield from (last, last - timedelta(days=7))
    else:
        last = today.replace(day=one.day) if today.day >= one.day else _month_before(today.replace(day=one.day))
        yield from (last, _month_before(last))


def _before(one: Scheduled, day: date) -> date:
    """Where the period that ends with this day begins."""
    return _month_before(day) if one.every == "month" else day - timedelta(days=1 if one.every == "day" else 7)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=day.day)


def _moment(day: date, hour: int, zone: tzinfo) -> int:
    return round(datetime.combine(day, time(hour), zone).astimezone(UTC).timestamp()) * SECOND_MS


def _whole(moment: int) -> int:
    """Usage is kept by hours of UTC."""
    return moment // HOUR_MS * HOUR_MS
