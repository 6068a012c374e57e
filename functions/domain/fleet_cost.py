"""What other models would cost in a month: an agent's own tokens of the last days at the list prices of both models.

An estimate, and an honest one: what is not known (a model without a price, an agent without history) is None with its reason, never 0, and
a sum says whom it does not cover. Discounts for cached input, batches or contracts are in no list; neither is that another model may need
more or fewer tokens for the same work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain.times import DAY_MS, SECOND_MS

HISTORY_MS = 7 * DAY_MS
MONTH_DAYS = 30
CENT = 0.01
"""Less a month is no change."""
_SAMPLE = 1_000
"""Tokens of the request that tells a model's price: below all steps by which large requests cost more."""


class Rates(NamedTuple):
    """List price of a model, USD a token."""

    input: float
    output: float
    name: str
    """As the list calls it: `anthropic claude-sonnet-5`."""
    source: str
    """The list: `genai-prices 0.2.3`."""


class Tokens(NamedTuple):
    """What an agent used. None: it reported none, which is not 0."""

    input: float | None
    output: float | None
    days: float
    """How long, at most seven."""
    fault: str = ""
    """Why it is not known what it used; empty when it is."""


class Estimate(NamedTuple):
    """Of one agent whose model changes."""

    agent: str
    before: str | None
    """Model, None when nobody knows which."""
    after: str | None
    usd: float | None
    """More in a month, less if below 0; None: not known."""
    reason: str
    """Why it is not known; empty otherwise."""
    raises: bool
    """Whether it may cost more: known to, or its new model is priced higher, or cannot be compared."""


class Total(NamedTuple):
    """Of all agents whose model changes."""

    usd: float | None
    """More in a month of those that are known; None when none is."""
    known: int
    unknown: Mapping[str, int]
    """Agents that are not in the sum, by reason."""
    raises: bool
    """Whether somebody has to approve: the sum is above 0, or that of an agent which is not known may be."""
    why: str
    """The sentence to it."""


type Prices = Callable[[str], Rates | None]


def list_prices(now: int) -> Prices:
    """Prices by model as of `now` (ms), each looked up once; None for a model that has none."""
    at = now / SECOND_MS

    @cache
    def rates(model: str) -> Rates | None:
        one, many_in, many_out = (
            price(model, usage, at=at)
            for usage in (Usage(input=0, output=0), Usage(input=_SAMPLE, output=0), Usage(input=0, output=_SAMPLE))
        )
        if one is None or many_in is None or many_out is None:
            return None
        # What is paid for a request whatever its size is in all three.
        each_in, each_out = ((float(many.usd) - float(one.usd)) / _SAMPLE for many in (many_in, many_out))
        return Rates(each_in, each_out, f"{one.provider} {one.model}", one.source)

    return rates


def model_of(document: Mapping[str, Any]) -> str | None:
    """The model that a desired document names: OpenClaw's own part of it wins. None when it leaves the agent's own."""
    patch = document
    for key in ("openclaw", "agents", "defaults"):
        patch = _mapping(patch.get(key))
    named = [_primary(patch.get("model")), _primary(document.get("model"))]
    return next((model for model in named if model), None)


def estimate(agent: str, before: str | None, after: str | None, tokens: Tokens | None, prices: Prices) -> Estimate:
    """What an agent would cost more with its new model; `tokens` None: no history."""
    old, new = (prices(model) if model else None for model in (before, after))
    missing = [_unpriced(model, rates) for model, rates in ((before, old), (after, new))]
    reason = next(filter(None, missing), "") or _no_history(tokens)
    if reason or not (old and new and tokens) or tokens.input is None or tokens.output is None:
        return Estimate(agent, before, after, None, reason, _may_raise(old, new))
    used = tokens.input * (new.input - old.input) + tokens.output * (new.output - old.output)
    usd = used / tokens.days * MONTH_DAYS
    return Estimate(agent, before, after, usd, "", usd > 0)


def total(estimates: Sequence[Estimate]) -> Total:
    """The sum of what is known, and what is not."""
    known = [one.usd for one in estimates if one.usd is not None]
    open_ones = [one for one in estimates if one.usd is None]
    usd = sum(known) if known else None
    up, dear = usd is not None and usd >= CENT, [one for one in open_ones if one.raises]
    return Total(usd, len(known), _counted(one.reason for one in open_ones), up or bool(dear), _why(usd if up else None, dear))


def money(usd: float) -> str:
    """Dollars with their sign: `+$12.30`."""
    return f"{'-' if usd < 0 else '+'}${abs(usd):,.2f}"


def _why(usd: float | None, dear: Sequence[Estimate]) -> str:
    """What somebody has to approve."""
    parts = [f"it is estimated to cost {money(usd)} a month"] if usd is not None else []
    for reason, count in _counted(one.reason for one in dear).items():
        parts.append(f"for {count} {'agent' if count == 1 else 'agents'} it may cost more by an amount that is not known ({reason})")
    return " and ".join(parts)


def _counted(reasons: Iterable[str]) -> dict[str, int]:
    return dict(Counter(reasons).most_common())


def _may_raise(old: Rates | None, new: Rates | None) -> bool:
    """Whether the new model may cost more an agent whose tokens or prices are not all known."""
    return old is None or new is None or new.input > old.input or new.output > old.output


def _unpriced(model: str | None, rates: Rates | None) -> str:
    if model is None:
        return "nobody knows which model it has when none is desired"
    return "" if rates else f"no price is known for {model[:80]}"


def _no_history(tokens: Tokens | None) -> str:
    if tokens and tokens.fault:
        return tokens.fault
    if tokens is None or tokens.days <= 0:
        return "it has no history yet"
    missing = [name for name, value in (("task.tokens_in", tokens.input), ("task.tokens_out", tokens.output)) if value is None]
    return f"it reported no {' and no '.join(missing)} in the last 7 days" if missing else ""


def _primary(model: Any) -> str | None:
    found = model.get("primary") if isinstance(model, Mapping) else model
    return found if isinstance(found, str) and found else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
