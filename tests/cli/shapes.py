"""Answers in the shapes that the API gives, for the tests of the command line and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOW = 1_795_478_400_000
STAMP = "2026-11-24T00:00:00.000Z"

Latency = dict[str, float | None]


def latency(p50: float | None = None, p95: float | None = None, p99: float | None = None) -> Latency:
    return {"p50": p50, "p95": p95, "p99": p99}


def config(desired: str | None = None, written: str | None = None, applied: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {"desired": desired, "written": written, "applied": applied, "error": error}


def desired(agent: str, **changes: Any) -> dict[str, Any]:
    return {"agent": agent, "hash": "h2", "time": STAMP, "by": "token1", "document": {"model": "m-2"}, **changes}


def instance(agent: str, status: str = "green", reason: str = "heartbeat fresh", **changes: Any) -> dict[str, Any]:
    return {
        "id": agent,
        "name": agent,
        "tags": {"env": "prod", "tier": "fast"},
        "health": {"status": status, "reason": reason, "since": STAMP},
        "lastSeen": STAMP,
        "last_seen": STAMP,
        "firstSeen": STAMP,
        "owner": None,
        "model": "swift-1",
        "host": "h1",
        "versions": {"openclaw": "2026.9.6"},
        "retired": False,
        "expected": None,
        "shadow": None,
        "tasksPerMinute": 12.4,
        "errorRate": 0.015,
        "latency": latency(600.0, 1200.0, 2400.0),
        "tokensPerMinute": 12_000.0,
        "costPerHour": 1.25,
        "queueDepth": 2.0,
        "activeWorkers": None,
        "maxWorkers": None,
        "cpu": None,
        "memory": None,
        "openTasks": 0,
        "config": config(),
        "keys": {},
        **changes,
    }


def details(agent: str, **changes: Any) -> dict[str, Any]:
    more = {"localTags": {"env": "prod"}, "remoteTags": {"tier": "fast"}, "tokenTags": {}, "links": {}}
    return instance(agent) | more | changes


SILENT: dict[str, Any] = {
    "tasksPerMinute": None,
    "errorRate": None,
    "latency": latency(),
    "tokensPerMinute": None,
    "costPerHour": None,
    "queueDepth": None,
}
"""What an agent without a task in the last minutes shows."""


def instances(agents: list[dict[str, Any]], cursor: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"instances": agents, "total": len(agents), "asOf": STAMP, "stale": False, "next": cursor, **changes}


def figures(agents: int = 3, health: Mapping[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "agents": agents,
        "health": {"green": agents, "yellow": 0, "red": 0, "grey": 0, **(health or {})},
        "shadows": 0,
        "tasksPerMinute": 84.0,
        "errorRate1m": 0.025,
        "latency": latency(640.0, 1890.0, 4100.0),
        "tokensPerMinute": 96_400.0,
        "costPerHour": 7.5,
        "queueDepth": 4.0,
        "saturation": None,
        **changes,
    }


def totals(**changes: Any) -> dict[str, Any]:
    found = {"tasks": 500, "errors": 10, "errorRate": 0.02, "latency": latency(600.0, 1800.0, 4000.0)}
    return found | {"tokensIn": 450_000.0, "tokensOut": 90_000.0, "costUsd": 1.2345, "pricedTasks": 490, **changes}


def summary(**changes: Any) -> dict[str, Any]:
    tiers = {"fast": figures(2), "smart": figures(1, errorRate1m=None, costPerHour=None)}
    extra = {"tiers": tiers, "window": None, "minute": STAMP, "asOf": STAMP, "stale": False, "warnings": [], "budgets": []}
    return figures() | extra | changes


def budget(**changes: Any) -> dict[str, Any]:
    return {
        "group": "tier=smart",
        "budget": "tokens_per_day",
        "start": STAMP,
        "end": STAMP,
        "used": 1240.0,
        "limit": 1000.0,
        "share": 1.24,
        "forecast": 2480.0,
        "level": "act",
        "reason": "1,240 tokens of 1,000 tokens (124 %)",
        "agent": None,
        "act": {"at": 1.2, "does": "paused", "until": "period", "state": "in force", "rollout": "r1k85dotfg9o3", "detail": None},
        **changes,
    }


def window(**changes: Any) -> dict[str, Any]:
    return totals() | {"range": "1h", "start": STAMP, "end": STAMP, "tiers": {"fast": totals()}, **changes}


def task(task_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": task_id,
        "agent": "a1",
        "status": "completed",
        "time": STAMP,
        "firstTime": STAMP,
        "latencyMs": 812.5,
        "tokensIn": 900.0,
        "tokensOut": 180.0,
        "costUsd": 0.00045,
        "errors": None,
        "error": None,
        "tags": {"tier": "fast"},
        "attributes": {},
        **changes,
    }


def event(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "time": STAMP,
        "agent": "a1",
        "taskId": "t1",
        "payload": {"err": "boom"},
        "tags": {"tier": "fast"},
        "attributes": {},
        **changes,
    }


def problem(status: int, detail: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, **more}
