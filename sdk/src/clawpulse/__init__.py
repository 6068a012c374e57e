"""Metrics and events of LLM agents, posted to ClawPulse: never blocks, never raises into the task.

    from clawpulse import cp_metric, cp_event

    cp_event("task.started", tags={"task_id": "t1", "tier": "fast"})
    cp_metric("task.latency_ms", 812.0, tags={"task_id": "t1", "tier": "fast"})

Settings come from the environment (`CLAWPULSE_URL`, `CLAWPULSE_TOKEN`, …) or from `configure(...)`; sdk/README.md lists them.

cp_metric, cp_event     record a value, an event; two names for methods of the process's own client
cp_flush                have everything delivered now
configure               settings in code; also makes an idle agent seen at once
Client                  a client of its own, for processes that run several agents
clawpulse.testing       capture what is recorded, in tests
clawpulse.sketch        the mergeable quantile sketch
clawpulse.wire          the batch format
clawpulse.errors        the tree of errors
"""

from __future__ import annotations

from typing import Any

from clawpulse._client import Client
from clawpulse._version import __version__
from clawpulse.errors import ClawPulseError, InvalidSettings

__all__ = ["ClawPulseError", "Client", "InvalidSettings", "__version__", "configure", "cp_event", "cp_flush", "cp_metric"]

_default = Client.from_environment()

cp_metric = _default.metric
cp_event = _default.event
cp_flush = _default.flush


def configure(**settings: Any) -> Client:
    """Give the process's own client its settings: the arguments of `Client`. Raises `InvalidSettings`; returns the client."""
    _default.configure(**settings)
    return _default
