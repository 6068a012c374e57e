"""What tasks without a cost of their own cost: their tokens at the price in force when they were used, or a plain "unpriced".

    rows of usage, models of agents, prices ─▶ the same rows with `cost.priced_usd` and `cost.unpriced` made anew

An agent's tokens of an hour and cell are priced as so many equal tasks, of the mean size: prices that depend on a request's size are taken
for the mean request. Everything that pricing takes stays in the rows, so that it can be done again with other prices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain import tasks, usage
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs, merge_into
from functions.domain.series import AGENT

MODEL: Final = "model"
MADE: Final = frozenset((usage.PRICED, usage.UNPRICED))
"""Metrics that pricing makes: rows of these names are never taken from anybody else."""
_KINDS: Final = {
    usage.WITHOUT_COST[tasks.TOKENS_IN]: "input",
    usage.WITHOUT_COST[tasks.TOKENS_OUT]: "output",
    usage.WITHOUT_COST[usage.TOKENS_CACHE_READ]: "cache_read",
    usage.WITHOUT_COST[usage.TOKENS_CACHE_WRITE]: "cache_write",
}
_OF_TASKS: Final = frozenset((*tasks.NAMES, *usage.TOKENS, *_KINDS))


class Tokens(NamedTuple):
    """Tokens by kind; `input` is without what came from or went to a cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Priced(NamedTuple):
    """A price, and whose it is."""

    usd: float
    source: str
    """`genai-prices 0.2.3`, or the version text of the workspace's own prices."""


type Prices = Callable[[str, Tokens, int, int], Priced | None]
"""What so many equal tasks of a model cost that used these tokens together, at a moment (ms); None for a model without a price."""


def list_price(model: str, tokens: Tokens, amount: int, at: int) -> Priced | None:
    """The price by the list that ClawPulse brings along."""
    each = Tokens(*(number // amount for number in tokens))
    one = _listed(model, each, at)
    if one is None:
        return None
    usd = one.usd * amount
    # What does not divide evenly: at what one token more of its kind costs.
    for kind, number in tokens._asdict().items():
        rest = number - getattr(each, kind) * amount
        more = _listed(model, each._replace(**{kind: getattr(each, kind) + 1}), at) if rest else None
        usd += rest * (more.usd - one.usd) if more else 0.0
    return Priced(usd, one.source)


def with_models(rows: Rollup, models: Mapping[str, str | None]) -> Rollup:
    """Rows of tasks with the model that they were done with: the cell's own, else the agent's (`models` by agent) where it is known."""
    named: Rollup = {}
    for key, aggregate in rows.items():
        if key.name in _OF_TASKS and MODEL not in dict(key.tags):
            merge_into(named, [{SeriesKey(key.name, _with_model(key.tags, models)): aggregate}])
        else:
            merge_into(named, [{key: aggregate}])
    return named


def priced(rows: Rollup, at: int, prices: Prices) -> Rollup:
    """Rows of an hour that began at `at` (ms) with their costs made anew; the rows given stay as they are."""
    made: Rollup = {key: aggregate for key, aggregate in rows.items() if key.name not in MADE}
    for tags, found in _by_cell(rows):
        amount = max(aggregate.sketch.count for aggregate in found.values())
        tokens = Tokens(**{kind: round(aggregate.sketch.sum) for kind, aggregate in found.items()})
        last = max(aggregate.last_time for aggregate in found.values())
        key, cost = _cost(tags, tokens, amount, last, at, prices)
        made[key] = cost
    return made


def priced_cells(agents: Mapping[str, Rollup], models: Mapping[str, str | None], at: int, prices: Prices) -> Rollup:
    """What the tasks without a cost of many agents cost together, by cell and model, in an hour that began at `at` (ms).

    A cell's tokens are priced as so many equal tasks, whosever they are: that is a few prices for a whole fleet.
    """
    cells: dict[TagPairs, _Used] = {}
    for agent, rollup in agents.items():
        for tags, found in _by_cell(rollup):
            used = cells.setdefault(_of_model(tags, models.get(agent)), _Used())
            used.amount += max(aggregate.sketch.count for aggregate in found.values())
            used.last = max(used.last, *(aggregate.last_time for aggregate in found.values()))
            for kind, aggregate in found.items():
                used.tokens[kind] += aggregate.sketch.sum
    return dict(
        _cost(tags, Tokens(**{kind: round(total) for kind, total in used.tokens.items()}), used.amount, used.last, at, prices)
        for tags, used in cells.items()
    )


@dataclass(slots=True)
class _Used:
    """What was used in a cell."""

    tokens: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Tokens._fields, 0.0))
    amount: int = 0
    last: int = -1


def _cost(tags: TagPairs, tokens: Tokens, amount: int, last: int, at: int, prices: Prices) -> tuple[SeriesKey, Aggregate]:
    """The row that a cell's tokens become, `last` (ms) being the newest of them."""
    model = dict(tags).get(MODEL)
    cost = prices(model, tokens, amount, at) if model else None
    if cost is None:
        return SeriesKey(usage.UNPRICED, tags), _equal(float(sum(tokens)), amount, last)
    own = tuple(sorted({**dict(tags), usage.COST_SOURCE: cost.source}.items()))
    return SeriesKey(usage.PRICED, own), _equal(cost.usd, amount, last)


def _listed(model: str, tokens: Tokens, at: int) -> Priced | None:
    found = price(model, Usage(*tokens), at=at / 1000)
    return None if found is None else Priced(float(found.usd), found.source)


def _with_model(tags: TagPairs, models: Mapping[str, str | None]) -> TagPairs:
    return _of_model(tags, models.get(dict(tags).get(AGENT, "")))


def _of_model(tags: TagPairs, model: str | None) -> TagPairs:
    """Tags with a model, unless they name one themselves."""
    own = dict(tags)
    return tags if not model or MODEL in own else tuple(sorted({**own, MODEL: model}.items()))


def _by_cell(rows: Rollup) -> Iterable[tuple[TagPairs, dict[str, Aggregate]]]:
    cells: dict[TagPairs, dict[str, Aggregate]] = {}
    for key, aggregate in rows.items():
        if kind := _KINDS.get(key.name):
            cells.setdefault(key.tags, {})[kind] = aggregate
    return cells.items()


def _equal(total: float, amount: int, time: int) -> Aggregate:
    """So many equal points that come to a total."""
    made = Aggregate()
    made.sketch.add(total / amount, amount)
    # To the last bit: sums of rows are compared with sums of parts.
    made.sketch.sum = total
    made.last, made.last_time = total / amount, time
    return made
