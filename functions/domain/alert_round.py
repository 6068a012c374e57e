"""A round: the samples of all rules against all stored states. What comes out is what there is to store and to tell.

samples of `evaluate`, and stored states ── play ──▶ a Step for every alert that is stored, or of which there is something to say
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from functions.domain import alert_machine
from functions.domain.alert import AlertState
from functions.domain.alert_axis import series_of
from functions.domain.alert_machine import Step, new_state
from functions.domain.alert_rules import Rule
from functions.domain.alert_samples import Samples
from functions.domain.rollup import TagPairs


def play(rules: Sequence[Rule], samples: Mapping[str, Samples], states: Iterable[AlertState], now: int) -> Iterator[Step]:
    """Steps of all alerts, in no order that matters. Those with neither `edge` nor `save` need nothing done."""
    known = {rule.name: rule for rule in rules}
    seen: set[tuple[str, TagPairs]] = set()
    for state in states:
        seen.add((state.rule, series_of(state.series)))
        yield _stored(known.get(state.rule), samples.get(state.rule), state, now)
    for found in samples.values():
        for slot in found.stirred():
            if (found.rule.name, found.axis.series[slot]) not in seen:
                yield alert_machine.step(found.rule, new_state(found.rule, found.series(slot)), found.at(slot), now)


def _stored(rule: Rule | None, samples: Samples | None, state: AlertState, now: int) -> Step:
    if rule is None:
        return alert_machine.end(state, "the rule was deleted", now)
    if rule.expired(now):
        return alert_machine.end(state, "the rule has expired", now)
    if samples is None:
        return Step(state, None, "the rule was not evaluated", save=False)
    return alert_machine.step(rule, state, samples.of(state.series), now)
