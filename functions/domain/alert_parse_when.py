"""Reads the condition of a rule, `when:`; see `alert_parse`."""

from __future__ import annotations

import re
from typing import get_args

from functions.domain.alert_faults import Node, kind
from functions.domain.alert_rules import (
    BUDGETS,
    ERROR_RATE,
    ERROR_RATE_NAMES,
    FIELDS,
    MAX_WINDOW_MS,
    MIN_WINDOW_MS,
    RESOURCES,
    Absence,
    Baseline,
    BaselineKind,
    Bound,
    Budget,
    BudgetLevel,
    Change,
    Condition,
    Direction,
    Field,
    HealthIs,
    Measure,
    Points,
    Term,
)
from functions.domain.alert_text import parse_duration
from functions.domain.errors import InvalidInput
from functions.domain.fleet import Status
from functions.domain.series import AGENT, SIMPLE, Aggregation
from functions.domain.times import MINUTE_MS

NAME = r"^[A-Za-z_][A-Za-z0-9_./-]{0,127}$"
MAX_NAMES = 10
MAX_POINTS = 1_000_000_000
SUBJECTS = ("metric", "event", "absent", "field", "health", "budget")
_OF_POINTS = ("aggregation", "over", "divided_by", "change", "empty", "min_points", "baseline")
_BOUND = ("above", "below", "clear")
ALLOWED: dict[str, tuple[str, ...]] = {
    "metric": (*_OF_POINTS, *_BOUND),
    "event": (*_OF_POINTS, *_BOUND),
    "absent": ("over",),
    "field": ("aggregation", "baseline", *_BOUND),
    "health": ("aggregation", *_BOUND),
    "budget": ("level", *_BOUND),
}
"""What may stand beside each subject."""
TERM_KEYS = ("metric", "event", "aggregation", "empty")
BASELINE_KEYS = ("of", "factor", "clear_factor", "at_least", "min_points", "hours")
OVER_AGENTS = ("avg", "sum", "min", "max")
COUNTING = ("count", "rate", "sum")
DEFAULT_BASELINE_POINTS = {BaselineKind.FLEET_MEDIAN: 3}
_USUAL_BASELINE_POINTS = 20


def parse_condition(node: Node, per: tuple[str, ...]) -> Condition | None:
    """The condition; None when its subject is wrong, which is noted then."""
    found = [subject for subject in SUBJECTS if subject in node]
    if len(found) != 1:
        node.keys(tuple(dict.fromkeys((*SUBJECTS, *_OF_POINTS, *_BOUND))))
        node.fault("", f"must have one of {', '.join(SUBJECTS)}" + (f", not {' and '.join(found)}" if found else ""))
        return None
    subject = found[0]
    node.keys((subject, *ALLOWED[subject]))
    measure = _MEASURES[subject](node, per)
    bound = _bound(node, subject)
    if measure is None or bound is None:
        return None
    return Condition(measure=measure, bound=bound, min_points=node.whole("min_points", 1, MAX_POINTS, 1))


def _points(node: Node, _per: tuple[str, ...]) -> Measure | None:
    term, over = _term(node), _over(node)
    divisor = node.node("divided_by")
    divided_by = None
    if divisor is not None:
        divisor.keys(TERM_KEYS)
        divided_by = _term(divisor)
    if ERROR_RATE in (node.raw("metric"), divisor.raw("metric") if divisor else None) and divisor is not None:
        node.fault("divided_by", f"{ERROR_RATE} is a ratio already")
    change: Change | None = None
    if "change" in node:
        change = "absolute" if node.choice("change", get_args(Change.__value__), "relative") == "absolute" else "relative"
    if change and "baseline" in node:
        node.fault("change", "cannot stand with a baseline: both say what the value is compared with")
    return Points(term=term, over=over, divided_by=divided_by, change=change) if term and over else None


def _term(node: Node) -> Term | None:
    """The figure that `metric` or `event` and the keys beside it name."""
    if ("metric" in node) == ("event" in node):
        node.fault("", "must have either metric or event")
        return None
    event = "event" in node
    found = _names(node, "event" if event else "metric")
    if not found:
        return None
    if ERROR_RATE in found:
        return _error_rate(node, found)
    aggregation = _aggregation(node, "count" if event else "")
    zero = node.choice("empty", ("zero", "no_data"), "zero" if event and aggregation in COUNTING else "no_data") == "zero"
    if zero and aggregation not in COUNTING:
        node.fault("empty", f"nothing has a {', '.join(COUNTING)} of zero, but no {aggregation or 'aggregation'}")
    return Term(found, aggregation, zero) if aggregation else None


def _error_rate(node: Node, found: tuple[str, ...]) -> Term | None:
    if len(found) > 1:
        node.fault("metric", f"{ERROR_RATE} stands alone")
    for key in ("aggregation", "empty"):
        if key in node:
            node.fault(key, f"{ERROR_RATE} is failed over finished tasks: it takes none")
    return Term(ERROR_RATE_NAMES, "error_rate")


def _names(node: Node, key: str) -> tuple[str, ...]:
    value = node.raw(key)
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= MAX_NAMES or not all(isinstance(name, str) and re.fullmatch(NAME, name) for name in listed):
        node.fault(key, f"must be a name, or a list of 1 to {MAX_NAMES} names, not {kind(value)}")
        return ()
    return tuple(sorted(set(listed)))


def _aggregation(node: Node, default: str) -> str:
    value = node.raw("aggregation")
    if value is None:
        if not default:
            node.fault("aggregation", f"is missing: one of {', '.join(SIMPLE)} or a percentile such as p95")
        return default
    try:
        return Aggregation.parse(value if isinstance(value, str) else repr(value)).name
    except InvalidInput as error:
        node.fault("aggregation", error.reason)
        return default


def _over(node: Node) -> int:
    value = node.raw("over")
    ms = parse_duration(value)
    if value is None:
        node.fault("over", "is missing: the length of the window, such as 5m")
    elif ms is None or not MIN_WINDOW_MS <= ms <= MAX_WINDOW_MS or ms % MINUTE_MS:
        node.fault("over", f"must be whole minutes from 1m to 7d, such as 5m or 2h, not {kind(value)}: rollups are a minute wide")
        return 0
    return ms or 0


def _absence(node: Node, _per: tuple[str, ...]) -> Measure | None:
    of, over = node.node("absent"), _over(node)
    if of is None:
        return None
    of.keys(("metric", "event"))
    if ("metric" in of) == ("event" in of):
        of.fault("", "must have either metric or event")
        return None
    found = _names(of, "metric" if "metric" in of else "event")
    return Absence(names=found, over=over) if found and over else None


def _field(node: Node, per: tuple[str, ...]) -> Measure:
    name = node.choice("field", FIELDS, FIELDS[0])
    if per != (AGENT,) and "aggregation" not in node:
        node.fault("aggregation", f"is missing: several agents become one by {', '.join(OVER_AGENTS)}")
    return Field(name=name, aggregation=node.choice("aggregation", OVER_AGENTS, "max"))


def _health(node: Node, _per: tuple[str, ...]) -> Measure | None:
    value = node.raw("health")
    listed = value if isinstance(value, list) else [value]
    colours = [status.value for status in Status]
    if not listed or not all(isinstance(colour, str) and colour in colours for colour in listed):
        node.fault("health", f"must be a list of {', '.join(colours)}, not {kind(value)}")
        return None
    return HealthIs(statuses=frozenset(map(Status, listed)), aggregation=node.choice("aggregation", OVER_AGENTS, "sum"))


def _budget(node: Node, per: tuple[str, ...]) -> Measure | None:
    name = node.choice("budget", (*BUDGETS, *RESOURCES), BUDGETS[0])
    if per:
        node.faults.add(node.path.removesuffix("when") + "per", "budgets have series of their own, one each: leave it out")
    return Budget(name=name)


_MEASURES = {"metric": _points, "event": _points, "absent": _absence, "field": _field, "health": _health, "budget": _budget}
_DEFAULT_LIMITS = {"absent": 0.0, "health": 0.0, "budget": 1.0}


def _bound(node: Node, subject: str) -> Bound | None:
    baseline = _baseline(node, subject)
    above, below, clear = (node.number(key) for key in _BOUND)
    if "above" in node and "below" in node:
        node.fault("below", "cannot stand with above: make two rules of it")
        return None
    limit = above if above is not None else below
    if limit is None and "baseline" not in node:
        limit = _DEFAULT_LIMITS.get(subject)
        if limit is None:
            if not {"above", "below"} & node.given():
                node.fault("above", "is missing: give above or below, or a baseline")
            return None
    if "baseline" in node and baseline is None:
        return None
    direction = _direction(node, baseline)
    _check_clear(node, direction, limit, clear)
    return Bound(direction=direction, limit=limit, clear=clear, baseline=baseline, level=_level(node))


def _level(node: Node) -> BudgetLevel | None:
    if "level" not in node:
        return None
    for key in _BOUND:
        if key in node:
            node.fault(key, "cannot stand with level, which takes the bound from the settings")
    return "warn" if node.choice("level", get_args(BudgetLevel.__value__), "alert") == "warn" else "alert"


def _direction(node: Node, baseline: Baseline | None) -> Direction:
    if "below" in node:
        return "below"
    if "above" in node or baseline is None or baseline.factor > 1:
        return "above"
    if baseline.factor == 1:
        node.fault("baseline.factor", "1 says neither above nor below: give above or below, too")
    return "below"


def _check_clear(node: Node, direction: Direction, limit: float | None, clear: float | None) -> None:
    if clear is None:
        return
    if limit is None:
        node.fault("clear", "clears what above or below set; a baseline has clear_factor")
    elif (clear > limit) if direction == "above" else (clear < limit):
        node.fault("clear", f"must not be {direction} {limit:g}, where the alert begins")


def _baseline(node: Node, subject: str) -> Baseline | None:
    below = node.node("baseline")
    if below is None:
        return None
    before = len(below.faults.found)
    below.keys(BASELINE_KEYS, ("of", "factor"))
    kinds = [kind.value for kind in BaselineKind]
    of = BaselineKind(below.choice("of", kinds, BaselineKind.TRAILING_7D))
    if subject == "field" and of is not BaselineKind.FLEET_MEDIAN:
        below.fault("of", "of a field only fleet_median is known: the snapshot has no past")
    factor, clear_factor = (_factor(below, key) for key in ("factor", "clear_factor"))
    if factor and clear_factor and (clear_factor > factor) == (factor > 1) and clear_factor != factor:
        below.fault("clear_factor", f"must not be further out than the factor {factor:g}, where the alert begins")
    same_hours = below.choice("hours", ("all", "same"), "all") == "same"
    if same_hours and of is not BaselineKind.TRAILING_7D:
        below.fault("hours", "goes with trailing_7d only")
    at_least = below.number("at_least")
    points = below.whole("min_points", 1, MAX_POINTS, DEFAULT_BASELINE_POINTS.get(of, _USUAL_BASELINE_POINTS))
    if factor is None or len(below.faults.found) > before:
        return None
    return Baseline(of=of, factor=factor, clear_factor=clear_factor, min_points=points, at_least=at_least, same_hours=same_hours)


def _factor(node: Node, key: str) -> float | None:
    value = node.number(key)
    if value is not None and not 0 < value <= 1e6:
        node.fault(key, "must be above 0")
        return None
    return value
