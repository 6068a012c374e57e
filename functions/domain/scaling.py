"""Scaling: how many agents a group should have. Here are the words that policy, decision, store, API and simulator share.

    policy ─┐
    observed ─▶ scaling_decide.decide ─▶ Decision: action, desired count, reason, the signals' states, what people are told, next Memory
    memory ─┘

Three signals scale: pending queue, p95 latency, saturation. Two only tell: rate limits page somebody (more agents cannot beat a shared
key), a burn of cost alerts; neither ever changes a count. What nobody reports is `SILENT`, what could not be read is `UNREADABLE`: neither
is ever taken for 0. All times are ms.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from functions.domain.times import DAY_MS


class Signal(StrEnum):
    """What is looked at."""

    QUEUE = "queue"
    """Tasks that wait. Its level is how many there are for each agent."""
    LATENCY = "latency"
    """p95 latency of tasks, ms. Its level is a multiple of the baseline: the p95 of the seven days before."""
    SATURATION = "saturation"
    """Active over greatest concurrency, a fraction: value and level are the same."""
    RATE_LIMITED = "rate_limited"
    """429s of the models' providers in a minute: value and level are the same."""
    COST = "cost"
    """USD an hour. Its level is a multiple of the baseline: the mean hour of the seven days before."""


SCALING = (Signal.QUEUE, Signal.LATENCY, Signal.SATURATION)
"""Signals that can change a count."""
TELLING = (Signal.RATE_LIMITED, Signal.COST)
"""Signals that tell people, and change nothing."""
HISTORY_KEPT_MS = 14 * DAY_MS
"""For this long decisions that changed something can be looked up."""


class Zone(StrEnum):
    """Where a signal's level lies."""

    HIGH = "high"
    """Above `up`: more agents are wanted, or people to be told."""
    MIDDLE = "middle"
    LOW = "low"
    """Below `down`."""
    SILENT = "silent"
    """Nobody reports it, too little of it is known, or there is no baseline yet."""
    UNREADABLE = "unreadable"
    """What is stored of it could not be read, or is not sealed yet."""


class Vote(StrEnum):
    """What a signal asks for."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Action(StrEnum):
    """What a decision does."""

    GROW = "grow"
    SHRINK = "shrink"
    HOLD = "hold"


class ScalingSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Policy of one signal that scales."""

    up: float
    """Above this level it asks for more agents"""
    up_for_s: int
    """once it has been there for so long,"""
    up_cooldown_s: int
    """and the count was not changed for so long."""
    down: float
    down_for_s: int
    down_cooldown_s: int
    """Longer than `up_cooldown_s`."""
    must_agree: bool = True
    """Whether the group shrinks only when this signal, if anybody reports it, asks for it too."""

    @property
    def middle(self) -> float:
        """The level that counts are chosen for: as far from growing as from shrinking."""
        return (self.up + self.down) / 2


class TellingSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Policy of one signal that only tells."""

    above: float
    """Above this level people are told, once,"""
    for_s: int
    """when it has been there for so long."""
    clear: float
    """At or below this level it is over"""
    clear_for_s: int
    """after so long."""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where decisions are put into effect; without one they are only told."""

    asg: str
    """Name of an Auto Scaling group of EC2, whose desired capacity is set."""
    agents_per_instance: int = 1


class GroupPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Policy of one group. A signal that is None is not looked at."""

    name: str
    tags: str
    """Selector of its agents, as text."""
    min: int = 1
    max: int = 10
    step_up: str = "50%"
    """How many agents one decision adds at most: a number, or a share of those that there are; always one at least."""
    step_down: str = "20%"
    stabilise_up_s: int = 0
    """A group grows to the least count that was wanted in so long."""
    stabilise_down_s: int = 300
    """It shrinks to the greatest count that was wanted in so long."""
    stale_after_s: int = 180
    """What is older says nothing of now: no decision is made from it, and none answered. A longer gap breaks every "for so long"."""
    queue: ScalingSignal | None = ScalingSignal(up=2.0, up_for_s=60, up_cooldown_s=90, down=0.5, down_for_s=300, down_cooldown_s=300)
    latency: ScalingSignal | None = ScalingSignal(
        up=1.5, up_for_s=180, up_cooldown_s=180, down=1.0, down_for_s=900, down_cooldown_s=900, must_agree=False
    )
    saturation: ScalingSignal | None = ScalingSignal(
        up=0.85, up_for_s=120, up_cooldown_s=120, down=0.4, down_for_s=600, down_cooldown_s=600
    )
    rate_limited: TellingSignal | None = TellingSignal(above=5.0, for_s=0, clear=0.0, clear_for_s=600)
    cost: TellingSignal | None = TellingSignal(above=1.3, for_s=0, clear=1.3, clear_for_s=600)
    target: Target | None = None

    def scaling(self) -> dict[Signal, ScalingSignal]:
        """The signals that scale and are looked at."""
        chosen = {Signal.QUEUE: self.queue, Signal.LATENCY: self.latency, Signal.SATURATION: self.saturation}
        return {signal: policy for signal, policy in chosen.items() if policy is not None}

    def telling(self) -> dict[Signal, TellingSignal]:
        """The signals that tell and are looked at."""
        chosen = {Signal.RATE_LIMITED: self.rate_limited, Signal.COST: self.cost}
        return {signal: policy for signal, policy in chosen.items() if policy is not None}

    def rules(self) -> dict[Signal, ScalingSignal | TellingSignal]:
        """All signals that are looked at."""
        return {**self.scaling(), **self.telling()}


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signal as it was observed."""

    value: float | None = None
    """In the signal's unit; None when nobody reports it."""
    baseline: float | None = None
    """What is usual, in the same unit, for signals that are compared with it; None before there is enough of a past."""
    fault: str = ""
    """Why it could not be read; value and baseline then mean nothing."""


class Usual(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is usual in a group, from the hours of seven days; None where too little is known."""

    hour: int
    """Number of the hour that it was made in."""
    tags: str
    """Selector of the agents that it is of."""
    latency_ms: float | None = None
    """p95."""
    usd_per_hour: float | None = None
    """Mean."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a group's tasks in the last minutes."""

    started: float
    """That agents began, a second; above 0."""
    seconds: float
    """Mean time that one took; above 0."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """A group, as of a moment."""

    time: int
    """What all of it speaks of, ms: never the time of asking."""
    current: int
    """Agents that are alive."""
    readings: dict[Signal, Reading] = {}
    """A signal that is not here counts as silent."""
    places: float = 1.0
    """Tasks that an agent works on at a time."""
    work: Work | None = None
    """None when too little is known."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """Where a signal was when it was last read."""

    zone: Zone
    since: int
    """Since when without a gap, ms."""
    time: int
    """When it was last read, ms."""


class Past(msgspec.Struct, frozen=True, array_like=True):
    """What there was to be done; None where nobody said it."""

    time: int
    """ms."""
    waiting: float | None
    """Tasks."""
    busy: float | None
    """Agents, as a sum of fractions."""


class Memory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the next decision has to know of those before; the empty one is that of a group which is new."""

    time: int = 0
    """Of the last observation, ms."""
    desired: int | None = None
    changed: int | None = None
    """When the desired count was last changed, ms; None when it never was."""
    seen: dict[Signal, Seen] = {}
    wanted: list[tuple[int, int]] = []
    """Time and count: what was wanted lately, oldest first, for stabilisation."""
    lately: list[Past] = []
    """What there was to be done lately, oldest first: fewer agents have to be enough for it."""
    episodes: dict[Signal, int] = {}
    """Since when (ms) a signal that tells has been told of, without being over."""


class SignalState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one signal stands, for people and programs."""

    signal: Signal
    zone: Zone
    since: int
    """Of the zone, ms."""
    value: float | None = None
    baseline: float | None = None
    level: float | None = None
    """What thresholds are compared with."""
    vote: Vote = Vote.NONE
    reason: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of a signal that tells began, or is over."""

    signal: Signal
    began: bool
    at: int
    """ms."""
    since: int
    """When the episode began, ms: with the signal it names the episode."""
    text: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """How many agents a group should have, and why."""

    group: str
    time: int
    """What it was made from speaks of this moment, ms."""
    action: Action
    before: int
    """What was desired before."""
    desired: int
    current: int
    """Agents that are alive."""
    wanted: int
    """What the signals ask for, before steps, cooldowns and bounds."""
    min: int
    max: int
    reason: str
    """A sentence."""
    limits: list[str] = []
    """What kept the count from what is wanted, a sentence each: stabilisation, step, bounds, what there was to be done lately."""
    signals: list[SignalState] = []
    stale: bool = False
    """Made from nothing new: what was observed is too old to say anything."""
    told: list[Told] = []
    """What people are to be told."""
    memory: Memory = Memory()
    """For the next decision."""
