"""Service level objectives: what a group promises; the settings document `slos`.

    {"slos": [{"name": "Answers", "kind": "success", "tags": "tier=fast", "target": 0.98},
              {"name": "Speed", "kind": "latency", "ms": 5000, "target": 0.95},
              {"name": "Well", "kind": "health", "target": 0.99}]}

`success`: share of the tasks that do not fail. `latency`: share of the tasks that take at most `ms`. `health`: share of the time in which
agents are not red. Without a document `DEFAULTS` hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from functions.domain.alert_faults import Faults, Node
from functions.domain.errors import InvalidInput
from functions.domain.policy_fields import policy_node
from functions.domain.selector import Selector

DOCUMENT = "slos"
"""Its name in `FleetStore.settings`."""
MAX_SLOS = 50
_KEYS = ("name", "kind", "tags", "target", "ms")


class SloKind(StrEnum):
    """What is promised."""

    SUCCESS = "success"
    LATENCY = "latency"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One objective."""

    name: str
    kind: SloKind
    target: float
    """A share, above 0 and below 1."""
    selector: Selector = field(default_factory=Selector)
    ms: float | None = None
    """Of a latency."""


DEFAULTS: Final = (
    Slo(name="Tasks go well", kind=SloKind.SUCCESS, target=0.95),
    Slo(name="Tasks take at most a minute", kind=SloKind.LATENCY, target=0.95, ms=60_000.0),
    Slo(name="Agents are not in trouble", kind=SloKind.HEALTH, target=0.99),
)


def parse_slos(document: object) -> tuple[Slo, ...]:
    """The objectives of a document, `DEFAULTS` when it names none; raises `InvalidDocument` with every fault."""
    faults = Faults()
    node = policy_node(document, '{"slos": [{"name": "Answers", "kind": "success", "target": 0.98}]}', faults)
    node.keys(("slos",))
    found = [_slo(one) for one in node.nodes("slos", MAX_SLOS)]
    names = [one.name for one in found]
    for place, name in enumerate(names):
        if name and name in names[:place]:
            faults.add(f"slos[{place}].name", f"{name!r} is there already")
    faults.raise_any()
    return tuple(found) or DEFAULTS


def _slo(node: Node) -> Slo:
    node.keys(_KEYS, ("name", "kind", "target"))
    kind = SloKind(node.choice("kind", list(SloKind), SloKind.SUCCESS))
    target, ms = node.number("target"), node.number("ms")
    if target is not None and not 0 < target < 1:
        node.fault("target", f"must be a share above 0 and below 1, such as 0.99, not {target:g}")
    if kind is SloKind.LATENCY and "ms" not in node:
        node.fault("ms", "is missing: how long a task may take")
    if ms is not None and (kind is not SloKind.LATENCY or ms <= 0):
        node.fault("ms", "must be above 0" if kind is SloKind.LATENCY else f"is only for kind latency, not {kind}")
    return Slo(name=node.text("name", 80), kind=kind, target=target or 0.5, selector=_selector(node), ms=ms)


def _selector(node: Node) -> Selector:
    try:
        return Selector.parse(node.text("tags", 1024))
    except InvalidInput as error:
        node.fault("tags", error.reason)
        return Selector()
