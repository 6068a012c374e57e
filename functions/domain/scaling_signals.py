"""Signals over time: in which zone each is and since when, what it asks for, and the episodes of those that only tell."""

from __future__ import annotations

from functions.domain.alert_text import figure, span
from functions.domain.scaling import (
    TELLING,
    GroupPolicy,
    Memory,
    Observed,
    Reading,
    ScalingSignal,
    Seen,
    Signal,
    SignalState,
    TellingSignal,
    Told,
    Vote,
    Zone,
)
from functions.domain.times import SECOND_MS

RELATIVE = frozenset({Signal.LATENCY, Signal.COST})
"""Signals whose level is a multiple of their baseline."""


def saw(policy: GroupPolicy, observed: Observed, memory: Memory) -> dict[Signal, Seen]:
    """Where each signal is now. One that cannot be read stays where it was last seen; after too long a gap it begins anew."""
    found: dict[Signal, Seen] = {}
    for signal, rule in policy.rules().items():
        before = memory.seen.get(signal)
        zone = _zone(rule, observed, signal)
        if zone is Zone.UNREADABLE:
            found |= {signal: before} if before else {}
            continue
        lasts = before is not None and before.zone is zone and observed.time - before.time <= policy.stale_after_s * SECOND_MS
        found[signal] = Seen(zone, before.since if before and lasts else observed.time, observed.time)
    return found


def level_of(signal: Signal, reading: Reading, current: int) -> float | None:
    """What thresholds are compared with; None when it cannot be told."""
    if reading.fault or reading.value is None:
        return None
    if signal in RELATIVE:
        return reading.value / reading.baseline if reading.baseline else None
    return reading.value / max(1, current) if signal is Signal.QUEUE else reading.value


def states(policy: GroupPolicy, observed: Observed, memory: Memory, seen: dict[Signal, Seen]) -> list[SignalState]:
    """How every signal of the policy stands."""
    found = []
    for signal, rule in policy.rules().items():
        reading = observed.readings.get(signal, Reading())
        zone, last = _zone(rule, observed, signal), seen.get(signal)
        since = last.since if last and last.zone is zone else observed.time
        vote, waits = _vote(rule, zone, since, observed.time, memory.changed) if isinstance(rule, ScalingSignal) else (Vote.NONE, "")
        found.append(
            SignalState(
                signal=signal,
                zone=zone,
                since=since,
                value=None if reading.fault else reading.value,
                baseline=None if reading.fault else reading.baseline,
                level=level_of(signal, reading, observed.current),
                vote=vote,
                reason=_reason(signal, rule, reading, observed, zone, since) + waits,
            )
        )
    return found


def episodes(policy: GroupPolicy, observed: Observed, memory: Memory, found: list[SignalState]) -> tuple[dict[Signal, int], list[Told]]:
    """The episodes that are under way after this observation, and which began or are over with it."""
    still: dict[Signal, int] = {}
    told: list[Told] = []
    by_signal = {state.signal: state for state in found}
    for signal in TELLING:
        rule, state, since = policy.telling().get(signal), by_signal.get(signal), memory.episodes.get(signal)
        if rule is None or state is None:
            if since is not None:
                told.append(Told(signal=signal, began=False, at=observed.time, since=since, text=f"{signal} is not looked at any more"))
            continue
        held = observed.time - state.since
        if since is None and state.zone is Zone.HIGH and held >= rule.for_s * SECOND_MS:
            since = observed.time
            told.append(Told(signal=signal, began=True, at=since, since=since, text=state.reason))
        elif since is not None and state.zone is Zone.LOW and held >= rule.clear_for_s * SECOND_MS:
            told.append(Told(signal=signal, began=False, at=observed.time, since=since, text=state.reason))
            since = None
        if since is not None:
            still[signal] = since
    return still, told


def _zone(rule: ScalingSignal | TellingSignal, observed: Observed, signal: Signal) -> Zone:
    reading = observed.readings.get(signal, Reading())
    if reading.fault:
        return Zone.UNREADABLE
    level = level_of(signal, reading, observed.current)
    if level is None:
        return Zone.SILENT
    if isinstance(rule, TellingSignal):
        return Zone.HIGH if level > rule.above else Zone.LOW if level <= rule.clear else Zone.MIDDLE
    return Zone.HIGH if level > rule.up else Zone.LOW if level < rule.down else Zone.MIDDLE


def _vote(rule: ScalingSignal, zone: Zone, since: int, time: int, changed: int | None) -> tuple[Vote, str]:
    """What a signal asks for, or what it waits for before it does."""
    if zone not in (Zone.HIGH, Zone.LOW):
        return Vote.NONE, ""
    vote, for_s, cooldown_s = (
        (Vote.UP, rule.up_for_s, rule.up_cooldown_s) if zone is Zone.HIGH else (Vote.DOWN, rule.down_for_s, rule.down_cooldown_s)
    )
    # What was seen before the last change says nothing of the group as it is since.
    held = time - max(since, since if changed is None else changed)
    if held < for_s * SECOND_MS:
        return Vote.NONE, f", waits for {span(for_s * SECOND_MS)}"
    if changed is not None and time - changed < cooldown_s * SECOND_MS:
        return Vote.NONE, f", cools down until {span(cooldown_s * SECOND_MS)} after the last change"
    return vote, ""


def _reason(signal: Signal, rule: ScalingSignal | TellingSignal, reading: Reading, observed: Observed, zone: Zone, since: int) -> str:
    """A clause such as `31 tasks wait, 6.2 for each of 5 agents: above 2 for 1 min`."""
    if zone is Zone.UNREADABLE:
        return f"{signal} could not be read: {reading.fault}"
    if reading.value is None:
        return f"{signal} is not known: nobody reports it, or too little of it"
    if signal in RELATIVE and not reading.baseline:
        return f"{_figure(signal, reading, observed)}: there is no baseline yet"
    held = f" for {span((observed.time - since) // SECOND_MS * SECOND_MS)}" if observed.time > since else ""
    high, low = (rule.up, rule.down) if isinstance(rule, ScalingSignal) else (rule.above, rule.clear)
    place = {Zone.HIGH: f"above {high:g}", Zone.LOW: f"{'below' if isinstance(rule, ScalingSignal) else 'not above'} {low:g}"}
    return f"{_figure(signal, reading, observed)}: {place.get(zone, f'between {low:g} and {high:g}')}{held}"


def _figure(signal: Signal, reading: Reading, observed: Observed) -> str:
    value = reading.value or 0.0
    match signal:
        case Signal.QUEUE:
            each = figure(value / max(1, observed.current))
            return f"{figure(value)} tasks wait, {each} for each of {observed.current} agents"
        case Signal.LATENCY:
            return f"p95 latency {figure(value, 'ms')}{_times(value, reading.baseline, 'ms')}"
        case Signal.SATURATION:
            return f"{figure(value, '%')} of the workers are busy"
        case Signal.RATE_LIMITED:
            return f"{figure(value)} rate limits (429) in a minute"
        case Signal.COST:
            return f"{figure(value, '$')} an hour{_times(value, reading.baseline, '$')}"


def _times(value: float, usual: float | None, unit: str) -> str:
    return f", {figure(value / usual)} times the usual {figure(usual, unit)}" if usual else ""
