"""The words of alerting that everything about it shares: series, samples, phases, edges, the state of one alert.

    rule ── over data at a time ──▶ sample per series ── against the state of before ──▶ state, and an edge when somebody must hear of it

An **alert** is one series of one rule; its **episode** is one firing from its first moment to its end. All times are ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from functions.domain.rollup import TagPairs


class Severity(StrEnum):
    """How much a rule's alerts matter."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Phase(StrEnum):
    """Where an alert stands. `resolved` is `inactive` with a memory: it says that it fired."""

    INACTIVE = "inactive"
    PENDING = "pending"
    """The condition holds, not yet for as long as the rule's `for` asks."""
    FIRING = "firing"
    RECOVERING = "recovering"
    """Still counts as firing: the condition is clear, not yet for as long as `keep_firing_for` asks."""
    RESOLVED = "resolved"


class Data(StrEnum):
    """What a sample rests on: missing, too few and unreadable are three different things, and none of them is zero."""

    OK = "ok"
    NO_DATA = "no_data"
    """The series is known and has nothing in the window, or fewer samples than the rule asks for."""
    MISSING_SERIES = "missing_series"
    """The series itself is gone: no such agent or tag value any more."""
    UNREADABLE = "unreadable"
    """The store did not answer, or the rollups of the window are not sealed."""


class Sample(NamedTuple):
    """What a rule found for one series at one time."""

    data: Data
    holds: bool = False
    """Whether the condition holds; means nothing unless `data` is ok."""
    clear: bool = True
    """Whether the clear condition holds: with a separate clear threshold, neither may."""
    value: float | None = None
    threshold: float | None = None
    """What the value was compared with, baseline and factor worked in."""
    points: int = 0
    """How many the value was made of."""
    reason: str = ""
    """For people: `p95 of task.latency_ms over 5 min is 812 ms, above 500 ms`."""
    ended: bool = False
    """Whether the series ended on purpose (agent retired or forgotten, no longer selected): its alert ends, whatever the policies."""
    tags: TagPairs = ()
    """Tags of the agent that the series is, beyond the series' own."""


class EdgeKind(StrEnum):
    """What somebody must hear of."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change that is told exactly once; `id` is its key wherever it is stored."""

    id: str
    kind: EdgeKind
    rule: str
    series: dict[str, str] = {}
    """Tags that tell the series: `{"agent": …}`, `{"tier": …}`, or none for a group as a whole."""
    episode: str
    at: int
    """The evaluation's time, ms."""
    since: int
    """Since when the condition held, ms."""
    severity: Severity
    labels: dict[str, str] = {}
    """The rule's labels and the series' tags: routes, silences and inhibitions match on these."""
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    runbook: str | None = None
    owner: str | None = None
    flapping: bool = False
    """Told once of an alert that comes and goes: nothing more is told until it was calm for a while."""


class AlertState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The memory of one alert between evaluations; stored with `version` as the condition of its next write."""

    rule: str
    series: dict[str, str] = {}
    rule_version: str = ""
    """Digest of what the rule decides by: a changed rule begins anew where its meaning changed."""
    phase: Phase = Phase.INACTIVE
    since: int = 0
    """Since when this phase."""
    pending_since: int | None = None
    """Since when the condition has held."""
    firing_since: int | None = None
    clear_since: int | None = None
    """Since when the condition has been clear, while firing."""
    episode: str = ""
    seen: int = 0
    """When the series last had data."""
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    fired: list[int] = []
    """When its last episodes began (ms), newest last, at most 20: flapping shows here."""
    acknowledged_by: str | None = None
    """Ends with the episode."""
    version: int = 0
    evaluated: int = 0
    """`now` of the evaluation that made this state; one that is not later changes nothing."""
    data: Data = Data.OK
    """What the last sample rested on."""
    data_since: int = 0
    """Since when that has been so."""
    flapping: bool = False
    told: Edge | None = None
    """How the current episode was told as firing: its end is told with the same labels, even when the rule is gone by then."""


def series_id(rule: str, series: Mapping[str, str]) -> str:
    """The key of an alert: readable for short series, a digest behind it for safety."""
    pairs: TagPairs = tuple(sorted(series.items()))
    text = ",".join(f"{key}={value}" for key, value in pairs)
    return f"{rule}|{text[:100]}|{sha256(repr((rule, pairs)).encode()).hexdigest()[:16]}"


def episode_id(rule: str, series: Mapping[str, str], since: int) -> str:
    """The id of an episode: the same for every evaluator that sees it begin at the same time."""
    return f"{sha256(series_id(rule, series).encode()).hexdigest()[:16]}-{since:x}"
