"""Routes: which alerts go to which channels, and how they are grouped; the settings document `routes`.

    {"defaults": {"group_by": ["rule"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"},
     "routes": [{"name": "search-pages", "match": "severity=critical,team=search", "channels": ["oncall"], "continue": true},
                {"name": "rest", "channels": ["team-chat"], "group_by": ["rule", "tier"]}]}

A flat list instead of Alertmanager's tree: read from top to bottom, the first that matches takes an alert, and the next ones are tried only
if it says `continue`. What a tree nests, a longer `match` says in one place. Without a document everything goes to every channel.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.domain.alert import Edge
from functions.domain.alert_faults import Faults, Node, nearest
from functions.domain.alert_text import duration_text, parse_duration
from functions.domain.errors import InvalidInput
from functions.domain.naming import key_fault
from functions.domain.selector import MAX_TEXT, Selector
from functions.domain.times import DAY_MS, SECOND_MS

MAX_ROUTES = 100
MAX_GROUP_BY = 10
DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GROUPING = ("group_by", "group_wait", "group_interval", "repeat_interval")
_LIMITS_MS = {
    "group_wait": (0, DAY_MS),
    "group_interval": (10 * SECOND_MS, DAY_MS),
    "repeat_interval": (60 * SECOND_MS, 30 * DAY_MS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way from alerts to channels; times are seconds."""

    name: str
    channels: tuple[str, ...]
    match: Selector = field(default_factory=Selector)
    group_by: tuple[str, ...] = ("rule",)
    """Alerts with the same values of these labels are one incident."""
    group_wait_s: int = 30
    """An incident's first message waits so long for alerts of the same cause."""
    group_interval_s: int = 300
    """The next message about the incident comes no sooner, when alerts came or went."""
    repeat_interval_s: int = 14_400
    """What still fires is told again."""
    goes_on: bool = False
    """Whether later routes are tried, too: `continue`."""


@dataclass(frozen=True, slots=True)
class Routing:
    """A workspace's routes, in their order."""

    routes: tuple[Route, ...]

    def match(self, labels: Mapping[str, str]) -> list[Route]:
        """Those that an alert takes, in their order; none if nobody wants to hear of it."""
        found = []
        for route in self.routes:
            if route.match.matches(labels):
                found.append(route)
                if not route.goes_on:
                    break
        return found

    def named(self, name: str) -> Route:
        """The route of a name; for one that was removed while an incident was open, the last that takes everything, or one to nobody."""
        for route in self.routes:
            if route.name == name:
                return route
        catching = [route for route in self.routes if not route.match.matchers]
        return catching[-1] if catching else Route(name=name, channels=())


def labels_of(edge: Edge) -> dict[str, str]:
    """What routes match and group on: the alert's labels, its rule and its severity."""
    return {**edge.labels, "rule": edge.rule, "severity": str(edge.severity)}


def parse_routing(document: Mapping[str, Any] | None, channels: Collection[str]) -> Routing:
    """The routes, given the names of the workspace's channels; raises `InvalidDocument` with every fault.

    Without a document, or with an empty one, everything goes to every channel.
    """
    if not document:
        return Routing((Route(name=DEFAULT, channels=tuple(sorted(channels))),))
    faults = Faults()
    root = Node(document, "", faults)
    root.keys(("routes", "defaults"), required=("routes",))
    defaults = root.node("defaults")
    if defaults:
        defaults.keys(_GROUPING)
    grouping = _grouping(defaults) if defaults else {}
    routes = tuple(_route(node, channels, grouping) for node in root.nodes("routes", MAX_ROUTES))
    names = [route.name for route in routes if route.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.add("routes", f"{name} is the name of two routes")
    faults.raise_any()
    return Routing(routes)


def _route(node: Node, channels: Collection[str], defaults: Mapping[str, Any]) -> Route:
    node.keys(("name", "match", "channels", "continue", *_GROUPING), required=("name", "channels"))
    name, goes_on = node.text("name", 63), node.raw("continue")
    if name and not _NAME.fullmatch(name):
        node.fault("name", "must have small letters, digits and hyphens only, and begin with no hyphen")
    if not isinstance(goes_on, bool | None):
        node.fault("continue", "must be true or false")
    grouping = {**defaults, **_grouping(node)}
    return Route(name=name, channels=_channels(node, channels), match=_match(node), goes_on=goes_on is True, **grouping)


def _match(node: Node) -> Selector:
    try:
        return Selector.parse(node.text("match", MAX_TEXT) if node.raw("match") != "" else "")
    except InvalidInput as error:
        node.fault("match", error.reason)
    return Selector()


def _channels(node: Node, known: Collection[str]) -> tuple[str, ...]:
    given = node.raw("channels") if "channels" in node else []
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        node.fault("channels", "must be a list of channels' names; an empty one keeps its alerts to itself")
        return ()
    for name in given:
        if name not in known:
            node.fault("channels", f"there is no channel {name[:63]!r}" + nearest(name[:63], known))
    if len(set(given)) < len(given):
        node.fault("channels", "names a channel twice")
    return tuple(given)


def _grouping(node: Node) -> dict[str, Any]:
    """The arguments of `Route` that a mapping has."""
    found: dict[str, Any] = {}
    if "group_by" in node:
        found["group_by"] = _labels(node)
    for key, (least, most) in _LIMITS_MS.items():
        if key in node:
            length = parse_duration(node.raw(key))
            if length is None or not least <= length <= most:
                node.fault(key, f"must be a duration like 30s, 5m, 4h, from {duration_text(least)} to {duration_text(most)}")
            found[f"{key}_s"] = (length or least) // SECOND_MS
    return found


def _labels(node: Node) -> tuple[str, ...]:
    given = node.raw("group_by")
    if not isinstance(given, list) or len(given) > MAX_GROUP_BY or any(not isinstance(name, str) or key_fault(name) for name in given):
        node.fault("group_by", f"must be a list of at most {MAX_GROUP_BY} labels, like [rule, tier]")
        return ()
    return tuple(given)
