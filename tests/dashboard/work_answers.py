"""Answers about agents, tasks, errors and changes, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

import json
import time
from typing import Any

from functions.api.agents import AgentDetails
from functions.api.changes import ChangeAnswer, Changes
from functions.api.errors import ErrorAnswer, ErrorDetails, ErrorLinks, Errors, SampleAnswer
from functions.api.events import Event, Events
from functions.api.series import SeriesAnswer, SeriesLine
from functions.api.tasks import BandAnswer, Task, TaskCost, Tasks
from functions.api.tracker import ServiceAnswer, TrackAnswer, TrackerAnswer
from tests.cli import shapes
from tests.dashboard.answer_parts import shown, wave
from tests.dashboard.site import Request, stamp

MINUTE = 60_000
NOW = int(time.time() * 1000)
HOSTILE = "<img src=x onerror=alert(1)>"


def task(place: int, **changes: Any) -> Task:
    """A task that ended so many minutes ago; each fifth failed, each seventh has no price."""
    failed = place % 5 == 3
    costs = (
        TaskCost(how="unpriced", usd=None, source=None)
        if place % 7 == 6
        else TaskCost(how="priced", usd=0.004 + place / 1000, source="genai-prices 0.2.3")
    )
    fields: dict[str, Any] = {
        "id": f"t-{place:03d}",
        "agent": f"fast-{place % 4:03d}",
        "status": "failed" if failed else "completed",
        "time": NOW - place * MINUTE,
        "first_time": NOW - place * MINUTE - 4_000,
        "latency_ms": 600.0 + place * 35,
        "tokens_in": 900.0 + place,
        "tokens_out": 180.0,
        "tokens_cache_read": 5_000.0,
        "tokens_cache_write": None,
        "cost_usd": None,
        "cost": costs,
        "errors": 1.0 if failed else None,
        "error": "TimeoutError: no answer within 30 s" if failed else None,
        "tags": {"tier": "fast", "env": "prod"},
        "attributes": {"queue": "mail"},
    }
    return Task(**fields | changes)


def tasks(*found: Task, low: float | None = None, high: float | None = None, more: str | None = None) -> Any:
    band = BandAnswer(low=low, high=high) if low is not None else None
    return shown(Tasks(tasks=list(found), band=band, start=NOW - 1440 * MINUTE, end=NOW, next=more))


def events(*found: tuple[str, int, Any]) -> Any:
    """Of name, ms before now, and payload; the newest first."""
    made = [
        Event(name=name, time=NOW - ago, agent="fast-003", task_id="t-003", payload=payload, tags={}, attributes={})
        for name, ago, payload in found
    ]
    return shown(Events(events=made, start=NOW - 1440 * MINUTE, end=NOW, next=None))


def tracker() -> Any:
    service = ServiceAnswer(tasks=480, mean=0.7, p50=0.5, p95=0.69, p99=2.4, spread=1.1, tail=None)
    unknown = dict.fromkeys(("concurrency", "workers", "utilization", "utilization_source", "queue_depth", "wait", "bands"))
    group = TrackAnswer(tags={"tier": "fast"}, agents=4, tasks=500, errors=10, arrivals=500, arrival_rate=0.1, service=service, **unknown)
    return shown(TrackerAnswer(start=NOW - 2880 * MINUTE, end=NOW, groups=[group], left_out=0, slow=[], notes=[]))


def kind(place: int = 0, **changes: Any) -> dict[str, Any]:
    names = ("TimeoutError", "RateLimitError", "KeyError", "unknown")
    fields: dict[str, Any] = {
        "fingerprint": f"{place:016x}",
        "type": names[place % len(names)],
        "message": ("no answer within … s", "429 of the provider, try again in … s", "'…'", "")[place % len(names)],
        "count": 240 // (place + 1),
        "per_minute": 240 / (place + 1) / 1440,
        "first_seen": NOW - (30 + 2_000 * (place % 2)) * MINUTE,
        "last_seen": NOW - place * MINUTE,
        "new": place % 2 == 0,
        "agents": {"fast-003": 180 // (place + 1), "__other__": 60 // (place + 1)},
        "tiers": {"fast": 240 // (place + 1)},
        "sample": SampleAnswer(at=NOW - MINUTE, agent="fast-003", payload='{"error": "no answer within 30 s"}'),
    }
    return fields | changes


def errors(*kinds: dict[str, Any]) -> Any:
    found = [ErrorAnswer(**one) for one in kinds]
    return shown(Errors(errors=found, total=len(found), start=NOW - 1440 * MINUTE, end=NOW, next=None))


def error(raw: bool = True, **changes: Any) -> Any:
    samples = [
        SampleAnswer(at=NOW - n * MINUTE, agent="fast-003", payload=json.dumps({"error": "no answer within 30 s", "try": n}))
        for n in range(3)
    ]
    samples.append(SampleAnswer(at=NOW - 5 * MINUTE, agent="fast-001", payload='{"error": "no answer…'))
    links = ErrorLinks(tasks="/api/tasks?status=failed" if raw else None, events=None)
    points = [(NOW - (24 - hour) * 60 * MINUTE, round(20 * wave(hour))) for hour in range(24)]
    return shown(
        ErrorDetails(**kind(**changes), samples=samples, start=NOW - 1440 * MINUTE, end=NOW, step=3600, points=points, links=links)
    )


def series(request: Request) -> Any:
    """As long as asked for metrics of which something is known."""
    known = not request.query["metric"][0].startswith("agent.memory")
    points = [(NOW - (48 - step) * 30 * MINUTE, 400 + 300 * wave(step, 20)) for step in range(48)]
    lines = [SeriesLine(tags={}, points=points)] if known else []
    aggregation = request.query.get("aggregation", ["avg"])[0]
    return shown(
        SeriesAnswer(
            metric=request.query["metric"][0],
            aggregation=aggregation,
            start=NOW - 1440 * MINUTE,
            end=NOW,
            step=1800,
            source="group",
            series=lines,
        )
    )


def agent(agent_id: str = "fast-003", **changes: Any) -> Any:
    """Checked by its model, of which the given changes are a part."""
    found = shapes.details(agent_id, lastSeen=stamp(4), links={"series": "", "tasks": "", "events": ""}, **changes)
    found.pop("last_seen", None)
    AgentDetails.model_validate(
        found
        | {name: None for name, value in found.items() if name in ("lastSeen", "firstSeen")}
        | {"health": found["health"] | {"since": None}, "keys": {}}
    )
    return found


def change(kind: str, text: str, ago: int, **changes: Any) -> ChangeAnswer:
    fields: dict[str, Any] = {"id": None, "state": None, "agents": 1, "named": ["fast-003"], "tags": {}}
    return ChangeAnswer(kind=kind, text=text, at=NOW - ago * MINUTE, until=NOW - ago * MINUTE, **fields | changes)


def changes(*found: ChangeAnswer, more: int = 0) -> Any:
    return shown(Changes(changes=list(found), more=more))
