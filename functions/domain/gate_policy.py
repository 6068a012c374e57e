"""What a gate looks at and how sure it has to be."""

from __future__ import annotations

import msgspec

from functions.domain.alert_faults import Node, kind, nearest

METRICS = ("task.errors", "task.latency_ms", "task.cost_usd", "task.tokens_out")
"""All that a gate can look at."""
ALPHA = (1e-9, 0.05)
"""From a certainty that nobody needs to one that nobody should act on."""
MAX_MIN_TASKS = 100_000
RATIO = (1.0, 100.0)


class GatePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one rollout."""

    metrics: tuple[str, ...] = METRICS
    alpha: float = 0.002
    """Bound of the chance that a metric of a wave which is as good as its references is ever called worse, however often one looks."""
    min_tasks: int = 20
    """Fewer finished tasks of a wave are too few for a pass."""
    ratio: float = 1.5
    """What is not so many times worse than both references is no reason to fail, however sure."""


USUAL = GatePolicy()


def parse_gate(node: Node, default: GatePolicy = USUAL) -> GatePolicy:
    """Read a gate's part of a policy document. What is wrong is noted in the node's faults; what is wrong or not said is the default's."""
    node.keys(GatePolicy.__struct_fields__)
    return GatePolicy(
        metrics=_metrics(node, default.metrics),
        alpha=_within(node, "alpha", ALPHA, default.alpha),
        min_tasks=node.whole("min_tasks", 1, MAX_MIN_TASKS, default.min_tasks),
        ratio=_within(node, "ratio", RATIO, default.ratio),
    )


def _metrics(node: Node, default: tuple[str, ...]) -> tuple[str, ...]:
    found = node.raw("metrics")
    if found is None:
        return default
    if not isinstance(found, list) or not found:
        node.fault("metrics", f"must be a list of some of {', '.join(METRICS)}; a rollout without gates says gates: false")
        return default
    sound = []
    for number, name in enumerate(found):
        if not isinstance(name, str) or name not in METRICS:
            node.fault(
                f"metrics[{number}]", f"is no metric of gates: {kind(name)}" + (nearest(name, METRICS) if isinstance(name, str) else "")
            )
        elif name in sound:
            node.fault(f"metrics[{number}]", f"names {name} again")
        else:
            sound.append(name)
    return tuple(sound) or default


def _within(node: Node, key: str, bounds: tuple[float, float], default: float) -> float:
    value = node.number(key)
    if value is None:
        return default
    low, high = bounds
    if not low <= value <= high:
        node.fault(key, f"must be from {low:g} to {high:g}, not {value:g}")
        return default
    return value
