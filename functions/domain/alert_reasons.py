"""Reasons: one sentence with figures and units for what a rule found.

`p95 of task.latency_ms over 5 min is 812 ms, above 780 ms, with 390 ms in the last 7 days (2.1 x)`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from functions.domain.alert import Data, Sample
from functions.domain.alert_data import Evidence
from functions.domain.alert_fields import UNITS
from functions.domain.alert_rules import RESOURCE_WINDOW_MS, Absence, BaselineKind, Budget, Field, HealthIs, Points, Rule, Term
from functions.domain.alert_text import figure, span, unit_of
from functions.domain.series import AGENT

_USUAL: Final = {
    BaselineKind.TRAILING_7D: "the last 7 days",
    BaselineKind.SAME_HOUR_OF_WEEK: "this hour of the week",
    BaselineKind.PREVIOUS_WINDOW: "the window before",
    BaselineKind.FLEET_MEDIAN: "the fleet's median",
}
_FIELD_NAMES: Final = {"heartbeat_age_s": "age of the last heartbeat", "since_progress_s": "time without progress on open work"}


class Words(NamedTuple):
    """What all sentences of a rule have in common."""

    subject: str
    unit: str
    plain_unit: str
    """Of the value before its change or ratio is taken."""

    @classmethod
    def of(cls, rule: Rule) -> Words:
        """The words of a rule."""
        return cls(subject(rule), unit(rule), _plain_unit(rule))


class Story(NamedTuple):
    """What a sentence is made from."""

    data: Data
    value: float | None
    threshold: float | None
    clear_at: float | None
    base: float | None
    points: int
    holds: bool
    clear: bool
    unreadable: str
    words: Words


def tell(rule: Rule, series: Mapping[str, str], story: Story, evidence: Evidence) -> str:
    """The sentence of a sample."""
    match story.data:
        case Data.UNREADABLE:
            return f"{story.words.subject}: {story.unreadable or 'not all of it could be read'}"
        case Data.MISSING_SERIES:
            return f"{story.words.subject}: {_named(series)} is not known any more"
        case Data.NO_DATA:
            return f"{story.words.subject}: {_why_nothing(rule, story)}"
        case Data.OK:
            return _found(rule, story) + _details(rule, series, evidence)


def gone(rule: Rule, series: Mapping[str, str], evidence: Evidence, unreadable: str) -> Sample:
    """The sample of a series that a rule has no more."""
    if evidence.snapshot is None or unreadable:
        return Sample(Data.UNREADABLE, clear=False, reason=unreadable or "the snapshot of the fleet could not be read")
    agent = series.get(AGENT)
    state = evidence.snapshot.agents.get(agent) if agent is not None else None
    of_budget = isinstance(rule.when.measure, Budget)
    if of_budget and not evidence.budgets_known:
        return Sample(Data.UNREADABLE, clear=False, reason="the budgets could not be read")
    if of_budget and agent is None:
        return Sample(Data.MISSING_SERIES, clear=False, reason=f"{_named(series)} has no such budget any more", ended=True)
    if state is not None:
        left = "has no such budget any more" if of_budget else "is not selected by the rule any more: its tags changed"
        why = "is retired" if state.retired else left
        return Sample(Data.MISSING_SERIES, clear=False, reason=f"agent {agent} {why}", ended=True)
    if agent is not None and agent in evidence.snapshot.forgotten:
        return Sample(Data.MISSING_SERIES, clear=False, reason=f"agent {agent} was forgotten by an operator", ended=True)
    return Sample(Data.MISSING_SERIES, clear=False, reason=f"{_named(series)} is not known any more")


def subject(rule: Rule) -> str:
    """What a rule measures, in words: `p95 of task.latency_ms over 5 min`."""
    match rule.when.measure:
        case Points(term=term, over=over, divided_by=divisor):
            per = f" per {_term(divisor)}" if divisor else ""
            return f"{_term(term)}{per} over {span(over)}"
        case Absence(names=names, over=over):
            return f"{' + '.join(names)} in {span(over)}"
        case Field(name=name, aggregation=aggregation):
            text = _FIELD_NAMES.get(name, name.replace("_", " "))
            return text if rule.per_agent else f"{aggregation} of {text}"
        case HealthIs(statuses=statuses, aggregation=aggregation):
            colours = " or ".join(sorted(statuses))
            return f"health {colours}" if rule.per_agent else f"{aggregation} of agents with health {colours}"
        case Budget() as budget if budget.metric is not None:
            return f"mean {budget.what} over {span(RESOURCE_WINDOW_MS)} of the agent's budget"
        case Budget(what=what, period=period):
            return f"used of the {'token' if what == 'tokens' else 'dollar'} budget of this {period}"


def unit(rule: Rule) -> str:
    """The unit of a rule's value."""
    match rule.when.measure:
        case Points(change="relative") | Budget():
            return "%"
        case Points(term=term, divided_by=None):
            return _unit(term)
        case Points(term=term, divided_by=Term() as divisor):
            over, under = _unit(term), _unit(divisor)
            return "" if over == under else over
        case Field(name=name):
            return UNITS.get(name, "")
        case _:
            return ""


def _term(term: Term) -> str:
    return "error rate" if term.aggregation == "error_rate" else f"{term.aggregation} of {' + '.join(term.names)}"


def _unit(term: Term) -> str:
    if term.aggregation == "error_rate":
        return "%"
    units = {unit_of(name) for name in term.names}
    found = units.pop() if len(units) == 1 else ""
    return {"count": "", "rate": f"{found}/s"}.get(term.aggregation, found)


def _plain_unit(rule: Rule) -> str:
    measure = rule.when.measure
    return _unit(measure.term) if isinstance(measure, Points) and measure.divided_by is None else ""


def _why_nothing(rule: Rule, story: Story) -> str:
    if story.value is None:
        return "no data" if story.points < rule.when.min_points or not story.points else "no figure can be made of what there is"
    if rule.when.min_points > 1 and story.points < rule.when.min_points:
        return f"only {_points(story)}, the rule asks for {rule.when.min_points}"
    return "no baseline: too little history, or too small a one"


def _found(rule: Rule, story: Story) -> str:
    match rule.when.measure:
        case Absence():
            return f"no {story.words.subject}" if story.holds else f"{_points(story)} of {story.words.subject}"
        case HealthIs() if rule.per_agent:
            return story.words.subject if story.holds else f"not {story.words.subject}"
        case Field(name="shadow") if rule.per_agent:
            return "shadow agent" if story.holds else "no shadow agent"
        case Points(change=str()):
            return f"{story.words.subject} {_change(story)}, {_compared(rule, story)}"
    return f"{story.words.subject} is {figure(story.value or 0, story.words.unit)}, {_compared(rule, story)}"


def _change(story: Story) -> str:
    value = story.value or 0
    before = "" if story.base is None else f" from {figure(story.base, story.words.plain_unit)}"
    return f"{'rose' if value >= 0 else 'fell'} by {figure(abs(value), story.words.unit)}{before} in the window before"


def _compared(rule: Rule, story: Story) -> str:
    bound, of = rule.when.bound, story.words.unit
    beyond = bound.direction
    if story.threshold is None:
        return "compared with nothing"
    if not story.holds and not story.clear and story.clear_at is not None:
        return f"no longer {beyond} {figure(story.threshold, of)}, but not yet back at {figure(story.clear_at, of)}"
    told = f"{beyond} {figure(story.threshold, of)}"
    if bound.baseline is not None and story.base is not None:
        usual = _USUAL[bound.baseline.of] + (" at this hour" if bound.baseline.same_hours else "")
        told = f"{told}, with {figure(story.base, of)} in {usual}"
        if story.base:
            told = f"{told} ({_times(story.value or 0, story.base)} x)"
    return told if story.holds else f"not {told}"


def _points(story: Story) -> str:
    return "1 point" if story.points == 1 else f"{story.points} points"


def _times(value: float, base: float) -> str:
    return f"{value / base:.2g}" if abs(value / base) < 10 else f"{value / base:.0f}"


def _details(rule: Rule, series: Mapping[str, str], evidence: Evidence) -> str:
    """What the snapshot says of an agent, where that tells more than the figure."""
    state = evidence.snapshot.agents.get(series.get(AGENT, "")) if evidence.snapshot else None
    if state is None:
        return ""
    match rule.when.measure:
        case HealthIs():
            return f": {state.health.status.value}, {state.health.reason}"
        case Field(name="shadow") if state.shadow:
            return f": {state.shadow}"
        case Field(name="since_progress_s") if state.progress.open_tasks:
            return f"; {state.progress.open_tasks} tasks open, heartbeat {max(0, evidence.now - (state.last_seen or 0)) // 1000} s ago"
    return ""


def _named(series: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(series.items())) or "the group"
