"""What providers let a key do in a minute: the settings document `provider-limits` (docs/capacity.md), and the ceiling that it is.

    {"limits": [{"name": "anthropic-prod", "provider": "anthropic", "model": "claude-sonnet-*", "tags": "env=prod",
                 "requests_per_minute": 4000, "input_tokens_per_minute": 2000000, "output_tokens_per_minute": 400000}]}

All agents that `tags` selects share the limit, whatever their tier: more agents cannot beat a shared key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, NamedTuple

from functions.domain.alert_faults import Faults, Node
from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector

DOCUMENT: Final = "provider-limits"
"""Its name in `FleetStore.settings`."""
MAX_LIMITS: Final = 100
_MOST: Final = 1e12

type Quantity = Literal["requests", "input_tokens", "output_tokens"]
QUANTITIES: Final[tuple[Quantity, ...]] = ("requests", "input_tokens", "output_tokens")
type ProviderOf = Callable[[str], str | None]
"""Whose model it is; None when nobody knows."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a key may do in a minute."""

    name: str
    provider: str
    model: str
    """A pattern of models, `claude-*`; empty for all of the provider."""
    selector: Selector
    """Who shares it."""
    amounts: Mapping[Quantity, float]
    requests_per_task: float
    cache_reads: bool
    """Whether input that was read from the provider's cache counts."""

    def takes_model(self, model: str | None, provider_of: ProviderOf) -> bool:
        """Whether tasks of a model count against it. One whose provider nobody knows does where its name fits."""
        if model is None:
            return False
        if not self.model:
            return provider_of(model) == self.provider
        fits = fnmatchcase(model, self.model) or fnmatchcase(model.rpartition("/")[2], self.model)
        return fits and provider_of(model) in (self.provider, None)


class Use(NamedTuple):
    """What a tier's tasks do to a limit."""

    rate: float
    """Tasks a second, at the rate that is planned for."""
    per_task: float
    """Of the limit's quantity, on average over all of the tier's tasks."""


class Ceiling(NamedTuple):
    """The rate beyond which more agents change nothing."""

    limit: str
    quantity: Quantity
    amount: float
    """A minute."""
    used: float
    """A minute, by all who share it, at the rates that are planned for."""
    arrival_rate: float
    """Tasks a second of this tier, at most."""


def parse_limits(document: object) -> tuple[Limit, ...]:
    """Read the document; raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", "must be a mapping with the list limits")
        faults.raise_any()
        return ()
    top = Node(document, "", faults)
    top.keys(("limits",))
    limits = [_limit(node) for node in top.nodes("limits", MAX_LIMITS)]
    seen: set[str] = set()
    for place, limit in enumerate(limits):
        if limit.name in seen:
            faults.add(f"limits[{place}].name", f"there is another limit named {limit.name}")
        seen.add(limit.name)
    faults.raise_any()
    return tuple(limits)


def _limit(node: Node) -> Limit:
    names = {f"{quantity}_per_minute": quantity for quantity in QUANTITIES}
    node.keys(("name", "provider", "model", "tags", *names, "requests_per_task", "cache_reads"), ("name", "provider"))
    amounts = {quantity: amount for name, quantity in names.items() if (amount := _positive(node, name)) is not None}
    if not amounts:
        node.fault("", f"limits nothing: give one of {', '.join(names)}")
    cached = node.raw("cache_reads")
    if not isinstance(cached, bool | None):
        node.fault("cache_reads", "must be true or false")
    return Limit(
        name=node.text("name", 64),
        provider=node.text("provider", 64).lower(),
        model=node.text("model", 128),
        selector=_selector(node),
        amounts=amounts,
        requests_per_task=_positive(node, "requests_per_task") or 1.0,
        cache_reads=cached is True,
    )


def _positive(node: Node, key: str) -> float | None:
    value = node.number(key)
    if value is not None and not 0 < value <= _MOST:
        node.fault(key, "must be more than 0 and at most 10^12")
        return None
    return value


def _selector(node: Node) -> Selector:
    try:
        return Selector.parse(node.text("tags", 1024), "")
    except InvalidInput as error:
        node.fault("tags", error.reason)
        return Selector()


def ceiling(limit: Limit, quantity: Quantity, mine: Use, others: float) -> Ceiling | None:
    """How far a tier can go: up to what others leave of the limit, or, where all together ask for too much, to its share of that.

    `others` is what the rest uses a minute. None for a tier that uses nothing of it.
    """
    amount, own = limit.amounts[quantity], mine.rate * mine.per_task * 60
    if mine.per_task <= 0:
        return None
    fair = amount * own / (own + others) if own + others > 0 else 0.0
    room = max(amount - others, fair)
    return Ceiling(limit.name, quantity, amount, own + others, room / mine.per_task / 60)
