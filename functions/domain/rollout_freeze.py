"""Freezes: times in which no wave of a rollout begins, once or each week; the settings document `freezes`. Times of day are UTC.

    {"freezes": [{"reason": "Weekend", "tags": "env=prod", "weekly": {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}},
                 {"reason": "Black Friday", "starts": "2026-11-27T00:00:00Z", "ends": "2026-11-28T00:00:00Z"}]}

A wave waits when a freeze concerns any of its members. What a freeze never stops: a wave that has begun, and going back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.errors import InvalidInput
from functions.domain.rollout import Hold, HoldCause, Wave
from functions.domain.selector import Selector
from functions.domain.silence import Weekly
from functions.domain.times import DAY_MS, MINUTE_MS

FREEZES = "freezes"
"""Name of the document in `FleetStore.settings`."""
MAX_FREEZES = 200
MAX_TIME = 253_402_300_799_999
"""The end of the year 9999, ms."""
_KEYS = ("reason", "tags", "weekly", "starts", "ends")
_WEEK = 8
"""Days within which a weekly freeze that is not endless ends."""


class Freeze(NamedTuple):
    """One of them; in force from `starts` to before `ends` (ms; None: unbounded), and within that in its weekly hours, if it has any."""

    reason: str
    tags: Selector
    weekly: Weekly | None
    starts: int | None
    ends: int | None

    def until(self, now: int) -> int | None:
        """When it ends (ms), if it is in force; None when it is not."""
        if (self.starts is not None and now < self.starts) or (self.ends is not None and now >= self.ends):
            return None
        if self.weekly is None or self.weekly.endless:
            return self.ends
        end = _weekly_end(self.weekly, now)
        return min(end, self.ends) if end is not None and self.ends is not None else end


def parse_freezes(document: object) -> tuple[Freeze, ...]:
    """The freezes of a document. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", f"must be a mapping with freezes, not {kind(document)}")
        faults.raise_any()
        return ()
    root = Node(document, "", faults)
    root.keys((FREEZES,))
    freezes = tuple(_freeze(node) for node in root.nodes(FREEZES, MAX_FREEZES))
    faults.raise_any()
    return freezes


def frozen(freezes: Iterable[Freeze], tags: Mapping[str, str], now: int) -> Hold | None:
    """The freeze that holds agents with these tags at `now` (ms); of several, the one that ends last."""
    ends = [(until, freeze) for freeze in freezes if (until := freeze.until(now)) is not None and freeze.tags.matches(tags)]
    if not ends:
        return None
    until, freeze = max(ends, key=lambda entry: entry[0])
    end = datetime.fromtimestamp(until / 1000, UTC)
    return Hold(cause=HoldCause.FREEZE, reason=f"frozen until {end:%Y-%m-%d %H:%M} UTC: {freeze.reason}", until=until)


def frozen_wave(freezes: Sequence[Freeze], wave: Wave, now: int) -> Hold | None:
    """The freeze that holds a wave: that of any of its members that ends last."""
    kinds = {tuple(sorted(member.tags.items())) for member in wave.members}
    holds = [hold for tags in sorted(kinds) if (hold := frozen(freezes, dict(tags), now))]
    return max(holds, key=lambda hold: hold.until or 0, default=None)


def unreadable(error: InvalidInput) -> Hold:
    """A document of a later release, or one that somebody wrote into the table, is taken for a freeze: better late than into one."""
    return Hold(cause=HoldCause.FREEZE, reason=f"the document {FREEZES} is not valid, so nothing new begins: {error}")


def read_time(node: Node, key: str) -> int | None:
    """A time of a document, ms: RFC 3339 or ms. A fault is noted, and read as None."""
    value = node.raw(key)
    time = value if isinstance(value, int) and not isinstance(value, bool) else _moment(value)
    if time is not None and 0 < time <= MAX_TIME:
        return time
    if value is not None:
        node.fault(key, f"must be a time such as 2027-03-01T08:00:00Z, or ms since 1970, not {kind(value)}")
    return None


def _moment(value: Any) -> int | None:
    try:
        # YAML readers may have made a date of it already.
        moment = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None


def _weekly_end(weekly: Weekly, now: int) -> int | None:
    """The first moment at which it does not hold any more; None when it does not hold now."""
    if not weekly.holds(now):
        return None
    midnight = now // DAY_MS * DAY_MS
    ends = (midnight + day * DAY_MS + weekly.end * MINUTE_MS for day in range(_WEEK))
    return next(end for end in ends if end > now and not weekly.holds(end))


def _freeze(node: Node) -> Freeze:
    node.keys(_KEYS, ("reason",))
    starts, ends = (read_time(node, key) for key in ("starts", "ends"))
    if starts is not None and ends is not None and ends <= starts:
        node.fault("ends", "must be after starts")
    if "weekly" not in node and "ends" not in node:
        node.fault("", "needs weekly, or ends: a freeze for ever is no freeze")
    freeze = Freeze(node.text("reason", 500), _tags(node), _weekly(node), starts, ends)
    if freeze.weekly and freeze.weekly.endless and "ends" not in node:
        node.fault("weekly", "is every hour of all seven days and never ends: leave out a day or an hour, or say when it ends")
    return freeze


def _tags(node: Node) -> Selector:
    text = node.text("tags", 1024)
    try:
        return Selector.parse(text)
    except InvalidInput as error:
        node.fault("tags", error.reason)
        return Selector()


def _weekly(node: Node) -> Weekly | None:
    if "weekly" not in node:
        return None
    try:
        return Weekly.parse(node.raw("weekly"), "weekly")
    except InvalidInput as error:
        node.fault(error.field or "weekly", error.reason)
        return None
