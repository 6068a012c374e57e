"""How many agents are needed: for the tasks that come and wait, and at the least, for what there was to be done lately.

Growing: a level over its threshold says that more are needed, not how many. Where the tasks are known, Little's law says it:

    rate x time / utilisation                       what comes, once nothing waits any more
    rate x time + waiting x time / drained within   what comes, and what waits; the greater of both

Shrinking: a count is gone to only if it would have passed no threshold for growing in the last minutes, with room for chance: busy places
scatter by their square root, which is much for few agents and little for many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from clawpulse._capacity import LATENCY
from functions.domain.alert_text import figure, span
from functions.domain.scaling import GroupPolicy, Observed, Past, Reading, ScalingSignal, Signal
from functions.domain.times import MINUTE_MS, SECOND_MS

LATELY_S = 900
"""Fewer agents must have been enough for all of so long: as long as the slowest signal has to be low before it asks for fewer."""
MAX_LATELY = 900
"""Observations remembered for it: one a second."""
WORK_S = 180
"""Tasks are known of so long: shorter is chance, longer is late."""
KNOWN = 0.5
"""The share of the busy places that known tasks must account for, or there are tasks that nobody tells of."""
MOST = 1e6
"""Agents that may be wanted: more than any policy allows. A level over tiny thresholds can be anything, infinite too."""


@dataclass(frozen=True, slots=True)
class Need:
    """So many agents are needed."""

    agents: int
    text: str
    """How it comes about, as a clause."""


def lately(observed: Observed, before: Sequence[Past]) -> list[Past]:
    """What there was to be done, oldest first, now at the end."""
    waiting, saturation = (_value(observed, signal) for signal in (Signal.QUEUE, Signal.SATURATION))
    busy = None if saturation is None else saturation * observed.current
    since = observed.time - LATELY_S * SECOND_MS
    return [*(past for past in before if past.time >= since), Past(observed.time, waiting, busy)][-MAX_LATELY:]


def need(policy: GroupPolicy, observed: Observed, past: Sequence[Past]) -> Need | None:
    """The agents for the tasks that come and wait; None where too little is known of them."""
    rate, seconds = _rate(observed, past), _seconds(observed, past[-1])
    if rate is None or seconds is None:
        return None
    # Fewer than none is nonsense, and no help for those that come.
    waiting, target = max(0.0, past[-1].waiting or 0.0), policy.saturation.middle if policy.saturation else LATENCY
    within_s = policy.queue.down_cooldown_s if policy.queue else LATELY_S
    steady, draining = rate * seconds / target, rate * seconds + waiting * seconds / within_s
    each = f" / {figure(observed.places)} places" if observed.places != 1 else ""
    comes = f"{figure(rate)} tasks/s x {figure(seconds, 's')}"
    if draining <= steady:
        return _need(steady / observed.places, f"{comes} / {figure(target)}{each}")
    drains = f"{figure(waiting)} waiting x {figure(seconds, 's')} / {span(within_s * SECOND_MS)}"
    return _need(draining / observed.places, f"({comes} + {drains}){each}" if each else f"{comes} + {drains}")


def least(policy: GroupPolicy, observed: Observed, past: Sequence[Past]) -> Need:
    """The fewest agents that would have passed no threshold for growing lately; the text says what one less could come to."""
    found = [Need(0, "")]
    waiting = max((one.waiting for one in past if one.waiting is not None), default=None)
    busy = max((one.busy for one in past if one.busy is not None), default=None)
    if policy.queue and waiting is not None:
        found.append(_least(policy.queue, waiting, "each could have {} waiting tasks", f"{figure(waiting)} waited"))
    if policy.saturation and busy is not None:
        # Who tells nonsense, such as fewer than none, changes nothing.
        chance = sqrt(max(0.0, busy) / observed.places)
        said = f"{figure(busy)} were busy, and {figure(chance)} more by chance"
        found.append(_least(policy.saturation, busy + chance, "the saturation could be {}", said))
    return max(found, key=lambda one: one.agents)


def _least(rule: ScalingSignal, amount: float, would: str, said: str) -> Need:
    count = whole(amount / rule.up)
    if count < 2:
        return Need(count, "")
    fewer = f"with {count - 1} {would.format(figure(amount / (count - 1)))}, above {rule.up:g}"
    return Need(count, f"{fewer} ({said} within {span(LATELY_S * SECOND_MS)})")


def whole(agents: float) -> int:
    """So many agents, rounded up: less than a billionth over a whole number is an error of floats, and not one agent more."""
    return ceil(min(agents, MOST) - 1e-9)


def _need(agents: float, text: str) -> Need:
    count = whole(agents)
    return Need(count, f"{count} are needed: {text}")


def _rate(observed: Observed, past: Sequence[Past]) -> float | None:
    """Tasks that come a second: those that began, and what the queue grew by meanwhile, for a task begins only when an agent has time."""
    then = next(one for one in past if one.time >= observed.time - WORK_S * SECOND_MS)
    now = past[-1]
    if observed.work is None or now.waiting is None or then.waiting is None or now.time - then.time < MINUTE_MS:
        return None
    return max(0.0, observed.work.started + (now.waiting - then.waiting) * SECOND_MS / (now.time - then.time))


def _seconds(observed: Observed, now: Past) -> float | None:
    """How long a task keeps a place; None if that does not account for what is busy."""
    work, places = observed.work, observed.places
    if work is None or (now.busy is not None and work.started * work.seconds < KNOWN * now.busy * places):
        return None
    # A time in which waiting is counted is longer than places can have been kept.
    return min(work.seconds, places * max(1, observed.current) / work.started)


def _value(observed: Observed, signal: Signal) -> float | None:
    reading = observed.readings.get(signal, Reading())
    return None if reading.fault else reading.value
