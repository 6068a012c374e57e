"""What the API shows of the demo's fleet, gathered for the checks and the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clawpulse.cli._api import Api

SUMS = ("task.tokens_in", "task.tokens_out", "task.cost_usd", "task.errors")
COUNTS = ("task.latency_ms", "task.completed", "task.failed")
PAGE = 500
MAX_TASKS = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Answers of the API, by where they come from."""

    summary: Mapping[str, Any]
    """With a window that holds all that was sent."""
    series: Mapping[tuple[str, str], float]
    """(metric, tier): the sum of values, or the number of points."""
    tasks: Iterable[Mapping[str, Any]]
    agents: Mapping[str, Mapping[str, Any]]
    """By id."""

    @classmethod
    def read(cls, api: Api, selector: str, start_ms: int, end_ms: int) -> Shown:
        """Ask for all of it; raises `CommandError`."""
        span = {"start": rfc3339(start_ms), "end": rfc3339(end_ms), "tags": selector}
        found = api.collect("api/dashboard/instances", "instances", tags=selector)["instances"]
        return cls(
            summary=api.get("api/dashboard/summary", tags=selector, range="1h"),
            series={**_series(api, SUMS, "sum", span), **_series(api, COUNTS, "count", span)},
            tasks=api.collect("api/tasks", "tasks", MAX_TASKS, PAGE, **span)["tasks"],
            agents={agent["id"]: agent for agent in found},
        )


def rfc3339(ms: int) -> str:
    """A moment as the API wants it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str) -> int:
    """A moment of the API."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _series(api: Api, metrics: Iterable[str], aggregation: str, span: Mapping[str, str]) -> dict[tuple[str, str], float]:
    totals: dict[tuple[str, str], float] = {}
    for metric in metrics:
        for line in api.get("api/series", metric=metric, aggregation=aggregation, by="tier", step=60, **span)["series"]:
            key = (metric, line["tags"].get("tier", ""))
            totals[key] = sum(value for _, value in line["points"] if value is not None)
    return totals
