"""What a gate looks at and how sure it has to be."""

from __future__ import annotations

import msgspec

METRICS = ("task.errors", "task.latency_ms", "task.cost_usd", "task.tokens_out")


class GatePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one rollout."""

    metrics: tuple[str, ...] = METRICS
    alpha: float = 0.001
    """Chance that a metric of a wave which is as good as its references is ever called worse, however often one looks."""
    min_tasks: int = 20
    """Fewer finished tasks of a wave are too few for a pass."""
    ratio: float = 1.5
    """What is not so many times worse than both references is no reason to fail, however sure."""
