"""The state machine of one alert: inactive → pending → firing → recovering → resolved.

    step(rule, state, sample, now) ──▶ Step(state, edge, reason, save)

What it promises:
- An alert is never resolved because data are missing, unless the rule asks for that, and then the edge says so.
- An evaluation that is not later than the state's own changes nothing, so evaluators that come late do no harm.
- Nothing is remembered of windows: when late data change what a window shows, the next evaluation goes by what it shows then.
- A rule that changed in what it decides by begins anew; a firing alert of the old one ends with that as its reason.
- An alert over a trailing week does not clear because that week has come to include the trouble; after a week it may.
- An alert that comes and goes is told as flapping once, and then stays one episode until it was calm for half an hour.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from functions.domain.alert import AlertState, Data, Edge, EdgeKind, Phase, Sample, episode_id
from functions.domain.alert_rules import Policy, Rule, needs_trailing
from functions.domain.alert_text import span
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

MAX_EPISODES_AN_HOUR = 5
"""More than so many beginnings in an hour are flapping."""
CALM_MS = 30 * MINUTE_MS
"""How long a flapping alert must be clear before it counts as resolved."""
REMEMBERED = 20
"""Beginnings of episodes that a state keeps."""
MISSING_AFTER_MS = DAY_MS
"""How long a missing series keeps its alert, unless the rule says otherwise."""
SAVE_EVERY_MS = 5 * MINUTE_MS
"""Figures alone (value, reason, when data were last seen) are stored this often."""

WEEK_MS = 7 * DAY_MS

OPEN = (Phase.FIRING, Phase.RECOVERING)


class Step(NamedTuple):
    """What an evaluation comes to."""

    state: AlertState
    edge: Edge | None
    reason: str
    save: bool
    """Whether the state must be stored: something but its figures changed, or these were not stored for a while."""


class _Finding(NamedTuple):
    """A sample, once the policies have had their say."""

    holds: bool
    clear: bool
    reason: str


_KEEP = _Finding(False, False, "")


def new_state(rule: Rule, series: dict[str, str]) -> AlertState:
    """The state of an alert of which nothing is stored."""
    return AlertState(rule=rule.name, series=series, rule_version=rule.digest)


def step(rule: Rule, state: AlertState, sample: Sample, now: int) -> Step:
    """The next state, and the edge if somebody must hear of it. `state` stays as it is; `version` is the store's and goes through."""
    if now <= state.evaluated:
        return Step(state, None, "not later than the last evaluation", save=False)
    if rule.expired(now):
        return end(state, "the rule has expired", now)
    if state.rule_version != rule.digest and state.phase in OPEN:
        return end(state, "the rule was changed: what it watches begins anew", now, rule.digest)
    if sample.ended:
        return end(state, sample.reason, now)
    before = state if state.rule_version == rule.digest else _anew(state, rule)
    after = _noted(before, sample, now)
    finding = _finding(rule, before, sample, now)
    _forget_gap(rule, before, after, now)
    edge = _advance(rule, after, finding, sample, now)
    return Step(after, edge, finding.reason or sample.reason, save=edge is not None or _worth_storing(state, after, now))


def end(state: AlertState, reason: str, now: int, digest: str | None = None) -> Step:
    """End an alert for a reason of its own: its rule changed, expired or was deleted, its series is gone on purpose."""
    if state.phase not in OPEN:
        quiet = msgspec.structs.replace(state, evaluated=now, rule_version=digest or state.rule_version)
        changed = quiet.phase is Phase.PENDING
        if changed:
            _rest(quiet, Phase.INACTIVE, now)
        return Step(quiet, None, reason, save=changed)
    ended = msgspec.structs.replace(state, evaluated=now, rule_version=digest or state.rule_version)
    return Step(ended, _resolve(ended, reason, now), reason, save=True)


def acknowledge(state: AlertState, who: str) -> AlertState:
    """The state with somebody's name on it; only a firing alert takes one."""
    return msgspec.structs.replace(state, acknowledged_by=who) if state.phase in OPEN else state


def forgettable(state: AlertState, now: int) -> bool:
    """Whether nothing is lost when the state is deleted: it is at rest and its memory of flapping is out of date."""
    return state.phase not in (*OPEN, Phase.PENDING) and now - max(state.since, state.evaluated) > DAY_MS


def _anew(state: AlertState, rule: Rule) -> AlertState:
    fresh = new_state(rule, state.series)
    return msgspec.structs.replace(fresh, version=state.version, seen=state.seen, evaluated=state.evaluated)


def _noted(state: AlertState, sample: Sample, now: int) -> AlertState:
    """A copy of the state with the sample's figures. Figures of before stay where there are no new ones."""
    noted = msgspec.structs.replace(state, evaluated=now, data=sample.data, reason=sample.reason, fired=list(state.fired))
    if sample.data is not state.data or not state.data_since:
        noted.data_since = now
    if sample.data is Data.OK:
        noted.value, noted.threshold, noted.seen = sample.value, sample.threshold, now
    return noted


def _forget_gap(rule: Rule, before: AlertState, after: AlertState, now: int) -> None:
    """A condition that nobody could see for longer than its `for` has not held through: it pends from now on."""
    blind = before.data is not Data.OK and after.data is Data.OK
    if after.phase is Phase.PENDING and blind and now - before.data_since > rule.for_ms:
        after.pending_since = now


def _finding(rule: Rule, before: AlertState, sample: Sample, now: int) -> _Finding:
    """What a sample means under the rule's policies."""
    if sample.data is Data.OK:
        if sample.clear and _made_itself_usual(rule, before, sample, now):
            return _Finding(False, False, f"{sample.reason}; still beyond what it fired at: the week it is compared with has it in by now")
        return _Finding(sample.holds, sample.clear, sample.reason)
    policy = {Data.NO_DATA: rule.no_data, Data.MISSING_SERIES: rule.missing_series, Data.UNREADABLE: rule.unreadable}[sample.data]
    if policy is Policy.FIRE:
        return _Finding(True, False, f"{sample.reason}; the rule fires on that")
    if policy is Policy.RESOLVE:
        return _Finding(False, True, f"{sample.reason}; not known to be well, but the rule resolves on that")
    missing_ms = now - max(before.seen, before.since)
    if policy is Policy.KEEP_A_DAY and missing_ms >= MISSING_AFTER_MS:
        return _Finding(False, True, f"{sample.reason}; not known to be well, but missing for {span(missing_ms // HOUR_MS * HOUR_MS)}")
    return _KEEP


def _made_itself_usual(rule: Rule, state: AlertState, sample: Sample, now: int) -> bool:
    """Whether an alert would clear only because the trailing week has learnt the trouble: for a week, what it fired at counts as well."""
    told = state.told
    if state.phase not in OPEN or told is None or told.threshold is None or sample.value is None or not needs_trailing(rule):
        return False
    beyond = sample.value > told.threshold if rule.when.bound.direction == "above" else sample.value < told.threshold
    return beyond and now - told.at < WEEK_MS


def _advance(rule: Rule, state: AlertState, finding: _Finding, sample: Sample, now: int) -> Edge | None:
    """Move the state on, in place."""
    if finding.holds:
        return _go_on(rule, state, finding, sample, now)
    if state.phase in OPEN:
        return _recover(rule, state, finding, now)
    if state.phase is Phase.PENDING and finding is not _KEEP:
        _rest(state, Phase.RESOLVED if state.episode else Phase.INACTIVE, now)
    return None


def _go_on(rule: Rule, state: AlertState, finding: _Finding, sample: Sample, now: int) -> Edge | None:
    """The condition holds."""
    state.clear_since = None
    if state.phase in OPEN:
        if state.phase is Phase.RECOVERING:
            _enter(state, Phase.FIRING, now)
        return None
    if state.phase is not Phase.PENDING or state.pending_since is None:
        _enter(state, Phase.PENDING, now)
        state.pending_since = now
    if now - state.pending_since < rule.for_ms:
        return None
    return _fire(rule, state, finding.reason, sample, now)


def _fire(rule: Rule, state: AlertState, reason: str, sample: Sample, now: int) -> Edge:
    since = state.pending_since if state.pending_since is not None else now
    _enter(state, Phase.FIRING, now)
    state.firing_since, state.episode = now, episode_id(rule.name, state.series, since)
    state.acknowledged_by = None
    state.fired = [*state.fired, now][-REMEMBERED:]
    state.flapping = sum(now - began < HOUR_MS for began in state.fired) > MAX_EPISODES_AN_HOUR
    if state.flapping:
        reason = f"{reason}. Flapping: more than {MAX_EPISODES_AN_HOUR} times in an hour; told again when it was clear for {span(CALM_MS)}"
    state.told = Edge(
        id=f"{state.episode}:{EdgeKind.FIRING}",
        kind=EdgeKind.FIRING,
        rule=rule.name,
        series=state.series,
        episode=state.episode,
        at=now,
        since=since,
        severity=rule.severity,
        labels={**dict(sample.tags), **dict(rule.labels), **state.series},
        value=state.value,
        threshold=state.threshold,
        reason=reason,
        runbook=rule.runbook,
        owner=rule.owner,
        flapping=state.flapping,
    )
    return state.told


def _recover(rule: Rule, state: AlertState, finding: _Finding, now: int) -> Edge | None:
    """The condition of an open alert does not hold: clear, neither, or nothing is known."""
    if finding is _KEEP:
        return None
    if not finding.clear:
        if state.phase is Phase.RECOVERING:
            _enter(state, Phase.FIRING, now)
        state.clear_since = None
        return None
    if state.clear_since is None:
        state.clear_since = now
    hold = max(rule.keep_firing_ms, CALM_MS) if state.flapping else rule.keep_firing_ms
    if now - state.clear_since >= hold:
        return _resolve(state, finding.reason, now)
    if state.phase is Phase.FIRING:
        _enter(state, Phase.RECOVERING, now)
    return None


def _resolve(state: AlertState, reason: str, now: int) -> Edge | None:
    """End the episode, in place."""
    told = state.told
    _rest(state, Phase.RESOLVED, now)
    state.reason, state.acknowledged_by, state.told, state.flapping = reason, None, None, False
    if told is None:
        return None
    figures = {"value": state.value, "threshold": state.threshold}
    return msgspec.structs.replace(told, id=f"{told.episode}:{EdgeKind.RESOLVED}", kind=EdgeKind.RESOLVED, at=now, reason=reason, **figures)


def _enter(state: AlertState, phase: Phase, now: int) -> None:
    state.phase, state.since = phase, now


def _rest(state: AlertState, phase: Phase, now: int) -> None:
    _enter(state, phase, now)
    state.pending_since = state.firing_since = state.clear_since = None


def _worth_storing(before: AlertState, after: AlertState, now: int) -> bool:
    if _places(before) != _places(after):
        return True
    at_rest = after.phase in (Phase.INACTIVE, Phase.RESOLVED)
    return not at_rest and now - before.evaluated >= SAVE_EVERY_MS


def _places(state: AlertState) -> tuple[object, ...]:
    """What of a state decides how it goes on."""
    at_rest = state.phase in (Phase.INACTIVE, Phase.RESOLVED)
    data = None if at_rest else state.data
    return state.phase, state.pending_since, state.clear_since, state.rule_version, data
