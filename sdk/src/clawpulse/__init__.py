"""Metrics and events of LLM agents, posted to ClawPulse: never blocks, never raises into the task.

    from clawpulse import cp_metric, cp_event

    cp_event("task.started", tags={"task_id": "t1", "tier": "fast"})
    cp_metric("task.latency_ms", 812.0, tags={"task_id": "t1", "tier": "fast"})

Settings come from the environment (`CLAWPULSE_URL`, `CLAWPULSE_TOKEN`, …) or from `configure(...)`; sdk/README.md lists them.

cp_metric, cp_event     record a value, an event; two names for methods of the process's own client
task, current_task      measure a task: latency, errors, tokens and cost; as context manager or decorator
usage_of, price         the tokens that a response reports, and what they cost
cp_flush                have everything delivered now
configure               settings in code; also makes an idle agent seen at once
Client                  a client of its own, for processes that run several agents
clawpulse.testing       capture what is recorded, in tests
clawpulse.sketch        the mergeable quantile sketch
clawpulse.wire          the batch format
clawpulse.errors        the tree of errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clawpulse._client import Client
from clawpulse._current import current_task
from clawpulse._task import Task, task
from clawpulse._version import __version__
from clawpulse.errors import ClawPulseError, InvalidSettings

if TYPE_CHECKING:
    from clawpulse._pricing import Price, price
    from clawpulse._usage import Usage, usage_of

__all__ = [
    "ClawPulseError",
    "Client",
    "InvalidSettings",
    "Price",
    "Task",
    "Usage",
    "__version__",
    "configure",
    "cp_event",
    "cp_flush",
    "cp_metric",
    "current_task",
    "price",
    "task",
    "usage_of",
]

_default = Client.from_environment()

cp_metric = _default.metric
cp_event = _default.event
cp_flush = _default.flush


def configure(**settings: Any) -> Client:
    """Give the process's own client its settings: the arguments of `Client`. Raises `InvalidSettings`; returns the client."""
    _default.configure(**settings)
    return _default


def __getattr__(name: str) -> Any:
    """What not every agent needs, loaded when it is."""
    if name in ("Price", "price"):
        from clawpulse import _pricing as home
    elif name in ("Usage", "usage_of"):
        from clawpulse import _usage as home  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(home, name)
