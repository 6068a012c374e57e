"""The model calls of one task: what their responses report, added up and priced. Pure: time and the price list are arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clawpulse._usage import Reading, Usage, merge

if TYPE_CHECKING:
    from clawpulse._pricing import Price

Pricing = Callable[[str, Usage, "str | None", float], "Price | None"]

MIXED = "mixed"
"""The model of a task that called several."""
REPORTED = "reported"
"""The source of a cost that the task itself gave."""


class Call(NamedTuple):
    """One request to a model."""

    at: float
    """Seconds since 1970."""
    usage: Usage
    model: str
    """Empty if it is not known; likewise the provider."""
    provider: str


class Calls:
    """The calls of a task, in order. Events of a stream that belong to one response make one call."""

    def __init__(self) -> None:
        self.made: list[Call] = []
        self._open: Reading | None = None
        """The last event of the last stream."""
        self._position = 0
        """Where its call is in `made`."""

    def add(self, reading: Reading, at: float, model: str = "", provider: str = "") -> None:
        """Take in what an object reports; `model` and `provider` go before what it says of itself."""
        if self._open is not None and _continues(self._open, reading):
            before = self.made[self._position]
            usage = merge(before.usage, reading.usage)
            self.made[self._position] = Call(before.at, usage, model or before.model or usage.model or "", provider or before.provider)
            self._open = reading._replace(response=reading.response or self._open.response) if reading.streamed else None
            return
        if reading.streamed:
            self._open, self._position = reading, len(self.made)
        self.made.append(Call(at, reading.usage, model or reading.usage.model or "", provider))


def _continues(before: Reading, reading: Reading) -> bool:
    """Whether an object speaks of the same response as the event before it: by its id, or because it is an event without one."""
    return reading.streamed if reading.response is None else reading.response == before.response


class Totals(NamedTuple):
    """What the calls of a task come to. None: not reported, or not known."""

    tokens: Usage
    usd: float | None
    source: str
    """Where the cost comes from: `reported`, or a price list and its version; empty without a cost."""
    model: str
    """Empty if it is not known."""


def total(calls: Sequence[Call], model: str, provider: str, reported: float | None, price: Pricing) -> Totals:
    """Add up calls. `model` and `provider` are the task's, for calls that name none; a reported cost stands for all of them.

    One call without a price leaves the task without: a part of the cost would look like the cost.
    """
    names = {name for call in calls if (name := call.model or model)}
    one = model or (names.pop() if len(names) == 1 else MIXED if names else "")
    tokens = Usage(**{name: _sum([getattr(call.usage, name) for call in calls]) for name in _COUNTS})  # type: ignore[arg-type]
    if reported is not None:
        return Totals(tokens, reported, REPORTED, one)
    prices = [_price(call, model, provider, price) for call in calls]
    known = [found for found in prices if found is not None]
    if not known or len(known) < len(prices):
        return Totals(tokens, None, "", one)
    return Totals(tokens, sum(float(found.usd) for found in known), known[0].source, one)


_COUNTS = Usage._fields[: Usage._fields.index("model")]


def _price(call: Call, model: str, provider: str, price: Pricing) -> Price | None:
    name = call.model or model
    return price(name, call.usage, call.provider or provider or None, call.at) if name else None


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [number for number in counts if number is not None]
    return sum(known) if known else None
