"""Audit: which rules do not earn their keep, why, and what to do about each.

Looked for: never fired, always firing, flapping, never acknowledged, stale (nothing of its name comes any more), overlapping (fires
together with another rule), expired.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final

from functions.domain.alert_faults import nearest
from functions.domain.alert_machine import MAX_EPISODES_AN_HOUR
from functions.domain.alert_rules import ERROR_RATE_NAMES, Rule, names
from functions.domain.alert_text import duration_text, span
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

ENOUGH_MS = 14 * DAY_MS
"""A shorter time says nothing of a rule that did not fire."""
ALWAYS: Final = 0.8
"""Share of the time for which an alert fires, to be always firing."""
TOGETHER: Final = 0.8
"""Share of a rule's episodes that begin beside another's, to be overlapping."""
TOGETHER_MS = 5 * MINUTE_MS
FEW: Final = 3
"""Fewer episodes are no habit."""
UNHEARD: Final = 5
"""Episodes that nobody acknowledged, to be never acknowledged."""


class Flaw(StrEnum):
    """What is wrong with a rule."""

    NEVER_FIRED = "never fired"
    ALWAYS_FIRING = "always firing"
    FLAPPING = "flapping"
    NEVER_ACKNOWLEDGED = "never acknowledged"
    STALE = "stale"
    OVERLAPPING = "overlapping"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One episode that was."""

    rule: str
    series: Mapping[str, str]
    fired: int
    """ms."""
    resolved: int | None
    """None while it fires."""
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of some time."""

    start: int
    end: int
    """ms."""
    episodes: Sequence[Past]
    names: Collection[str] | None = None
    """Metrics and events that came in this time; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one rule."""

    rule: str
    fault: Flaw
    text: str
    proposal: str
    others: tuple[str, ...] = field(default=())
    """Rules that it concerns, too."""


def audit(rules: Sequence[Rule], record: Record) -> list[Finding]:
    """Findings by rule in the order of the rules; a rule that is stale or expired is told only that."""
    by_rule: dict[str, list[Past]] = defaultdict(list)
    for episode in sorted(record.episodes, key=lambda one: one.fired):
        by_rule[episode.rule].append(episode)
    found: list[Finding] = []
    for rule in rules:
        mine = by_rule[rule.name]
        gone = _expired(rule, record) or _stale(rule, record)
        if gone:
            found.append(gone)
            continue
        checks = (_never_fired(rule, mine, record), _always(rule, mine, record), _flapping(rule, mine), _unheard(rule, mine))
        found += [finding for finding in checks if finding]
        found += _overlapping(rule, mine, [(other, by_rule[other.name]) for other in rules if other.name != rule.name])
    return found


def _expired(rule: Rule, record: Record) -> Finding | None:
    if not rule.expired(record.end):
        return None
    return Finding(rule.name, Flaw.EXPIRED, "its time is over: it is not evaluated any more", "delete it, or give it a later expires")


def _stale(rule: Rule, record: Record) -> Finding | None:
    wanted = names(rule)
    if record.names is None or not wanted or wanted & set(record.names):
        return None
    if wanted == set(ERROR_RATE_NAMES):
        return Finding(rule.name, Flaw.STALE, "no task was reported in all the time", "delete it, or look why agents report no tasks")
    listed = ", ".join(sorted(wanted))
    text = f"nothing of the name {listed} came in {span(record.end - record.start)}"
    hint = nearest(min(wanted), record.names).removeprefix("; ") if record.names else "no metric came at all"
    return Finding(rule.name, Flaw.STALE, text, f"correct the name or delete the rule; {hint}")


def _never_fired(rule: Rule, mine: Sequence[Past], record: Record) -> Finding | None:
    if mine or record.end - record.start < ENOUGH_MS:
        return None
    text = f"did not fire in {span((record.end - record.start) // DAY_MS * DAY_MS)}"
    proposal = f"see with `clawpulse alerts backtest {rule.name}` how close it came; keep it if it guards against what is rare and dear"
    return Finding(rule.name, Flaw.NEVER_FIRED, text, proposal)


def _always(rule: Rule, mine: Sequence[Past], record: Record) -> Finding | None:
    firing: dict[tuple[tuple[str, str], ...], int] = defaultdict(int)
    for one in mine:
        end = record.end if one.resolved is None else one.resolved
        firing[tuple(sorted(one.series.items()))] += max(0, min(end, record.end) - max(one.fired, record.start))
    length = max(1, record.end - record.start)
    always = {series: share for series, ms in firing.items() if (share := ms / length) >= ALWAYS}
    if not always:
        return None
    series, share = max(always.items(), key=lambda item: item[1])
    where = ", ".join(f"{key}={value}" for key, value in series) or "the group"
    text = f"{len(always)} series fired nearly all the time, {where} for {share:.0%} of it"
    return Finding(rule.name, Flaw.ALWAYS_FIRING, text, "mend the cause, move the threshold, or give these series an override")


def _flapping(rule: Rule, mine: Sequence[Past]) -> Finding | None:
    gaps, lengths, worst = _rhythm(mine)
    if worst <= MAX_EPISODES_AN_HOUR:
        return None
    text = f"fired {worst} times within an hour, for {span(_minutes(lengths))} each with {span(_minutes(gaps))} between"
    keep = duration_text(max(2 * _minutes(gaps), rule.keep_firing_ms))
    proposal = (
        f"set keep_firing_for: {keep}, a clear threshold of its own, or for: {duration_text(max(2 * _minutes(lengths), rule.for_ms))}"
    )
    return Finding(rule.name, Flaw.FLAPPING, text, proposal)


def _rhythm(mine: Sequence[Past]) -> tuple[list[int], list[int], int]:
    """Of the series that fires most often within an hour: the pauses between its episodes, how long they are, and how many."""
    by_series: dict[tuple[tuple[str, str], ...], list[Past]] = defaultdict(list)
    for one in mine:
        by_series[tuple(sorted(one.series.items()))].append(one)
    best: tuple[list[int], list[int], int] = ([], [], 0)
    for episodes in by_series.values():
        most = max(sum(0 <= other.fired - one.fired < HOUR_MS for other in episodes) for one in episodes)
        if most > best[2]:
            gaps = [after.fired - before.resolved for before, after in pairwise(episodes) if before.resolved is not None]
            lengths = [one.resolved - one.fired for one in episodes if one.resolved is not None]
            best = (gaps, lengths, most)
    return best


def _minutes(lengths: Sequence[int]) -> int:
    """The median in whole minutes, at least one."""
    return max(1, round(median(lengths or [0]) / MINUTE_MS)) * MINUTE_MS


def _unheard(rule: Rule, mine: Sequence[Past]) -> Finding | None:
    if len(mine) < UNHEARD or any(one.acknowledged for one in mine):
        return None
    text = f"fired {len(mine)} times and was never acknowledged"
    return Finding(rule.name, Flaw.NEVER_ACKNOWLEDGED, text, "lower its severity, send it to somebody who acts on it, or delete it")


def _overlapping(rule: Rule, mine: Sequence[Past], others: Sequence[tuple[Rule, Sequence[Past]]]) -> list[Finding]:
    """Rules beside whose episodes this one's begin; of two that do so mutually, only the one that fires more often is told."""
    if len(mine) < FEW:
        return []
    found = []
    for other, theirs in others:
        beside = _share_beside(mine, theirs)
        mutual = len(theirs) >= FEW and _share_beside(theirs, mine) >= TOGETHER
        first = (len(mine), rule.name) < (len(theirs), other.name)
        if beside >= TOGETHER and not (mutual and first):
            text = f"{beside:.0%} of its {len(mine)} episodes began within {span(TOGETHER_MS)} of one of {other.name}"
            proposal = f"have {other.name} inhibit it, or make one rule of the two"
            found.append(Finding(rule.name, Flaw.OVERLAPPING, text, proposal, (other.name,)))
    return found


def _share_beside(mine: Sequence[Past], theirs: Sequence[Past]) -> float:
    return sum(any(_beside(one, other) for other in theirs) for one in mine) / max(1, len(mine))


def _beside(one: Past, other: Past) -> bool:
    """Whether two began together on series that may be the same thing: no tag contradicts."""
    return abs(one.fired - other.fired) <= TOGETHER_MS and all(other.series.get(key, value) == value for key, value in one.series.items())
