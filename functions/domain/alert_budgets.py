"""Budgets: what a group may use of tokens, dollars, processor and memory; the settings document `budgets` (docs/budgets.md).

    {"tier=smart": {"tokens_per_day": 1000000, "usd_per_day": 50, "warn": 0.7, "act": {"at": 1.2, "do": "pause"}},
     "tenant=acme": {"usd_per_month": 900, "cpu_percent": 80}, "": {"usd_per_day": 400}}

Keys are plain tags (dimensions), empty for the whole workspace. Tokens and dollars are added up over whole hours, days and months of UTC;
`cpu_percent` and `memory_percent` hold for each agent of the group, in the mean of a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_rules import BUDGETS, RESOURCES, Budget, Rule
from functions.domain.errors import InvalidInput
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.selector import parse_tags

DOCUMENT = "budgets"
"""Its name in `FleetStore.settings`."""
MAX_BUDGETS = 200
LIMITS = (*BUDGETS, *RESOURCES)
"""Every budget that a group can have."""
WARN, ALERT = 0.8, 1.0
"""Shares of a budget from which it warns and alerts, where its group says nothing else."""
MAX_SHARE = 100.0
MAX_MODEL = 256

type Until = Literal["period", "raised"]


class BudgetLimit(NamedTuple):
    """What a group may use."""

    tags: TagPairs
    amount: float
    warn: float = WARN
    """Share of the amount."""
    alert: float = ALERT


class BudgetAct(NamedTuple):
    """What a group's budgets of tokens and dollars do to its agents."""

    at: float
    """Share of a budget."""
    patch: Mapping[str, Any]
    """A JSON merge patch of what each agent of the group shall have."""
    done: str
    """In words: `paused`."""
    until: Until
    """When it is lifted: at the end of the period, or not before somebody raises the budget. Raising it always lifts it."""
    on: tuple[str, ...]
    """The budgets of the group that do so."""


def parse_budgets(document: object, dimensions: Collection[str]) -> Mapping[str, Mapping[str, float]]:
    """The numbers of a checked document, by group; raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping) or len(document) > MAX_BUDGETS:
        faults.add("", f"must be a mapping of at most {MAX_BUDGETS} groups to their budgets")
        faults.raise_any()
        return {}
    checked = {key: _budgets(key, value, dimensions, faults) for key, value in document.items()}
    _refuse_doubles(document, faults)
    faults.raise_any()
    return checked


def group_of(key: str) -> str:
    """The one text of a group, whatever order and blanks its key has."""
    return group_text(sorted_pairs(parse_tags(key)))


def group_text(tags: TagPairs) -> str:
    """A group as documents name it; empty for the workspace."""
    return ",".join(f"{key}={value}" for key, value in tags)


def limits(document: Mapping[str, Mapping[str, float]], name: str) -> list[BudgetLimit]:
    """The groups that have a budget of this name, in the order of their tags."""
    return sorted(
        BudgetLimit(sorted_pairs(parse_tags(key)), entry[name], entry.get("warn", WARN), entry.get("alert", ALERT))
        for key, entry in document.items()
        if name in entry
    )


def of_budgets_in_use(rules: Iterable[Rule], document: Mapping[str, Any] | None) -> list[Rule]:
    """Rules without those about budgets that no group has, whether the document is sound or not: what they read need not be kept."""
    named = {name for entry in (document or {}).values() if isinstance(entry, Mapping) for name in entry}
    return [rule for rule in rules if not isinstance(rule.when.measure, Budget) or rule.when.measure.name in named]


def tightest(of: Collection[BudgetLimit], tags: Mapping[str, str]) -> BudgetLimit | None:
    """Of budgets of one name the smallest that covers an agent; None when none does."""
    return min((limit for limit in of if dict(limit.tags).items() <= tags.items()), key=lambda limit: limit.amount, default=None)


def parse_acts(document: Mapping[str, Any]) -> dict[str, BudgetAct]:
    """What groups do (by `group_of`), of a document that `parse_budgets` has found sound."""
    faults = Faults()
    found = {
        group_of(group): act
        for group, entry in document.items()
        if (node := Node(entry, "", faults).node("act")) and (act := _act(node, [name for name in BUDGETS if name in entry]))
    }
    faults.raise_any()
    return found


def _budgets(key: Any, value: object, dimensions: Collection[str], faults: Faults) -> dict[str, float]:
    path = f"[{key!r}]"
    try:
        tags = parse_tags(key)
    except (InvalidInput, TypeError) as error:
        faults.add(path, f"must be plain tags such as tier=smart: {getattr(error, 'reason', kind(key))}")
        return {}
    for tag in tags:
        if tag not in dimensions:
            faults.add(
                path, f"{tag} is no dimension, so what its values use is not added up; dimensions are {', '.join(sorted(dimensions))}"
            )
    if not isinstance(value, Mapping):
        faults.add(path, f"must be a mapping such as tokens_per_day: 1000000, not {kind(value)}")
        return {}
    node = Node(value, path, faults)
    node.keys((*LIMITS, "warn", "alert", "act"))
    found = _numbers(node)
    act = node.node("act")
    if act is not None:
        _act(act, [name for name in BUDGETS if name in node])
    return found


def _refuse_doubles(document: Mapping[Any, Any], faults: Faults) -> None:
    """Two keys may be one group: `a=1,b=2` and `b=2,a=1`."""
    if faults.found:
        return
    known: dict[str, str] = {}
    for key in document:
        first = known.setdefault(group_of(key), key)
        if first != key:
            faults.add(f"[{key!r}]", f"is the group {first!r} once more")


def _numbers(node: Node) -> dict[str, float]:
    amounts = {name: node.number(name) for name in (*LIMITS, "warn", "alert")}
    for name, amount in amounts.items():
        if amount is not None and amount <= 0:
            node.fault(name, "must be above 0")
    for name in ("warn", "alert"):
        if (amounts[name] or 0) > MAX_SHARE:
            node.fault(name, f"is a share of the budget, at most {MAX_SHARE:g}: 0.8 is 80 percent")
    found = {name: amount for name, amount in amounts.items() if amount is not None}
    if found.get("warn", WARN) > found.get("alert", ALERT):
        node.fault("warn" if "warn" in found else "alert", f"warn ({found.get('warn', WARN):g}) must not be above alert")
    return found


def _act(node: Node, given: Collection[str]) -> BudgetAct | None:
    """What a group does; None when something is wrong with it, which is noted then."""
    before = len(node.faults.found)
    node.keys(("at", "do", "until", "budgets"), ("at", "do"))
    at = node.number("at")
    if at is not None and not 0 < at <= MAX_SHARE:
        node.fault("at", f"is a share of the budget, above 0 and at most {MAX_SHARE:g}: 1.2 is 120 percent")
    done = _done(node)
    until: Until = "raised" if node.choice("until", get_args(Until.__value__), "period") == "raised" else "period"
    on = _named(node, given)
    if at is None or done is None or len(node.faults.found) > before:
        return None
    return BudgetAct(at, done[0], done[1], until, on)


def _done(node: Node) -> tuple[Mapping[str, Any], str] | None:
    """The patch of `do`, and its name."""
    given = node.raw("do")
    if given == "pause":
        return {"paused": True}, "paused"
    if not isinstance(given, Mapping):
        if given is not None:
            node.fault("do", f"must be pause, or a model such as {{model: anthropic/claude-haiku-4-5}}, not {kind(given)}")
        return None
    model = node.node("do")
    if model is None:
        return None
    model.keys(("model",), ("model",))
    name = model.text("model", MAX_MODEL)
    return ({"model": {"primary": name}}, f"model {name}") if name else None


def _named(node: Node, given: Collection[str]) -> tuple[str, ...]:
    """Which of the group's budgets act: all of tokens and dollars, unless it says."""
    named = node.raw("budgets")
    if named is None:
        if not given:
            node.fault("", "needs a budget of tokens or dollars in its group: what cpu and memory do is for alerts")
        return tuple(given)
    listed = named if isinstance(named, list) else [named]
    for name in listed:
        if name not in given:
            node.fault(
                "budgets", f"must name budgets of tokens or dollars that the group has ({', '.join(given) or 'none'}), not {kind(name)}"
            )
    if not listed:
        node.fault("budgets", "must name one: leave it out for all of the group's")
    return tuple(name for name in given if name in listed)
