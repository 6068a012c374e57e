"""The code of an agent's task as a user writes it; only the model behind it is simulated."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.ledger import Reporter
from demo.profiles import Work

MAX_ERROR_TEXT = 500


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Result:
    """What the model gave."""

    usage: Usage
    cost_usd: float


def simulated_model(work: Work, sleep: Callable[[float], None]) -> Result:
    """Take the task's time, then answer, or fail with an error of the drawn name."""
    sleep(work.seconds)
    if work.error:
        raise type(work.error, (RuntimeError,), {})(f"simulated {work.error} after {work.seconds:.1f} s")
    return Result(Usage(work.tokens_in, work.tokens_out), work.cost_usd)


def run_agent_task(report: Reporter, openclaw_invoke: Callable[[str], Result], task_id: str, tier: str, shard: str) -> Result:
    """Run one task and report it."""
    started = time.time()
    tags = {"tier": tier, "shard": shard, "task_id": task_id}
    try:
        report.event("task.started", tags=tags)
        result = openclaw_invoke(task_id)
        report.metric("task.latency_ms", (time.time() - started) * 1000, tags=tags)
        report.metric("task.tokens_in", result.usage.input_tokens, tags=tags)
        report.metric("task.tokens_out", result.usage.output_tokens, tags=tags)
        report.metric("task.cost_usd", result.cost_usd, tags=tags)
        report.event("task.completed", tags=tags)
        return result
    except Exception as exc:
        report.metric("task.errors", 1, tags={**tags, "error": type(exc).__name__})
        report.event("task.failed", tags=tags, payload={"err": str(exc)[:MAX_ERROR_TEXT]})
        raise
