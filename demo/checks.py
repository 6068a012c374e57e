"""Compares what the fleet sent with what the API shows. Pure: one check a figure, each with both numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.ledger import Ledger, Totals, quantile_bounds
from demo.profiles import TIERS, Member, Role
from demo.shown import Shown

SKETCH_ERROR = 0.01
"""Relative error that the quantile sketch states."""
SUM_ERROR = 1e-9
"""Of adding floats in another order."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
TROUBLE = {Role.ZOMBIE: ("red",), Role.FAILING: ("red", "yellow")}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure as sent and as shown."""

    name: str
    sent: str
    shown: str
    passed: bool


def compare(ledger: Ledger, members: Sequence[Member], shown: Shown) -> list[Check]:
    """All checks."""
    window = shown.summary["window"]
    checks = [*_totals("summary, all", ledger.totals(), window)]
    for tier in TIERS:
        sent = ledger.totals(tier=tier.name)
        checks += _totals(f"summary, {tier.name}", sent, window["tiers"].get(tier.name, {}))
        checks += _series(tier.name, sent, shown.series)
    return [*checks, *_tasks(ledger, shown), *_agents(ledger, members, shown)]


def _totals(name: str, sent: Totals, shown: Mapping[str, Any]) -> Iterator[Check]:
    yield _equal(f"{name}: tasks", sent.tasks, shown.get("tasks"))
    yield _equal(f"{name}: errors", sent.errors, shown.get("errors"))
    yield _near(f"{name}: tokens in", sent.tokens_in, shown.get("tokensIn"))
    yield _near(f"{name}: tokens out", sent.tokens_out, shown.get("tokensOut"))
    yield _near(f"{name}: cost, $", sent.cost_usd, shown.get("costUsd"))
    for label, quantile in QUANTILES.items():
        yield _quantile(f"{name}: {label}, ms", sent.latencies, quantile, (shown.get("latency") or {}).get(label))


def _series(tier: str, sent: Totals, shown: Mapping[tuple[str, str], float]) -> Iterator[Check]:
    yield _equal(f"series, {tier}: measured tasks", len(sent.latencies), shown.get(("task.latency_ms", tier), 0))
    yield _equal(f"series, {tier}: completed", sent.tasks - sent.errors, shown.get(("task.completed", tier), 0))
    yield _equal(f"series, {tier}: failed", sent.errors, shown.get(("task.failed", tier), 0))
    yield _equal(f"series, {tier}: errors", sent.errors, shown.get(("task.errors", tier), 0))
    yield _near(f"series, {tier}: tokens in", sent.tokens_in, shown.get(("task.tokens_in", tier), 0))
    yield _near(f"series, {tier}: cost, $", sent.cost_usd, shown.get(("task.cost_usd", tier), 0))


def _tasks(ledger: Ledger, shown: Shown) -> Iterator[Check]:
    """Task by task: the status of each, and its figures in sum."""
    sent = _statuses(ledger)
    seen = {task["id"]: task["status"] for task in shown.tasks}
    wrong = sorted(task for task in sent.keys() | seen.keys() if sent.get(task) != seen.get(task))
    for status in ("completed", "failed", "started"):
        yield _equal(f"tasks: {status}", Counter(sent.values())[status], Counter(seen.values())[status])
    yield Check("tasks: each with its status", "0 differ", f"{len(wrong)} differ {', '.join(wrong[:3])}".strip(), not wrong)
    cost = math.fsum(task["costUsd"] for task in shown.tasks if task["costUsd"] is not None)
    yield _near("tasks: cost, $", ledger.totals().cost_usd, cost)


def _statuses(ledger: Ledger) -> dict[str, str]:
    statuses: dict[str, str] = {}
    for status in ("started", "completed", "failed"):
        for point in ledger.points():
            if point.name == f"task.{status}":
                statuses[point.tags["task_id"]] = status
    return statuses


def _agents(ledger: Ledger, members: Sequence[Member], shown: Shown) -> Iterator[Check]:
    missing = sorted(ledger.agents() ^ shown.agents.keys())
    yield Check("agents", str(len(ledger.agents())), str(len(shown.agents)), not missing)
    for member in members:
        if member.role in TROUBLE:
            health = shown.agents.get(member.id, {}).get("health", {"status": "absent", "reason": ""})
            wanted = TROUBLE[member.role]
            text = f"{health['status']}: {health['reason']}"
            yield Check(
                f"agents: {member.id}, {member.role}", " or ".join(wanted), text, health["status"] in wanted and _fits(member.role, text)
            )


def _fits(role: Role, text: str) -> bool:
    """Whether the reason speaks of the agent's own trouble."""
    return ("no progress" if role is Role.ZOMBIE else "failed") in text


def _equal(name: str, sent: float, shown: float | None) -> Check:
    return Check(name, f"{sent:,.0f}", "nothing" if shown is None else f"{shown:,.0f}", shown == sent)


def _near(name: str, sent: float, shown: float | None) -> Check:
    passed = shown is not None and math.isclose(sent, shown, rel_tol=SUM_ERROR, abs_tol=1e-9)
    digits = 6 if name.endswith("$") else 0
    return Check(name, f"{sent:,.{digits}f}", "nothing" if shown is None else f"{shown:,.{digits}f}", passed)


def _quantile(name: str, ordered: tuple[float, ...], quantile: float, shown: float | None) -> Check:
    if not ordered:
        return Check(name, "nothing", "nothing" if shown is None else f"{shown:,.1f}", shown is None)
    low, high = quantile_bounds(ordered, quantile)
    passed = shown is not None and low * (1 - SKETCH_ERROR) <= shown <= high * (1 + SKETCH_ERROR)
    return Check(
        name, f"{low:,.1f}" if low == high else f"{low:,.1f} to {high:,.1f}", "nothing" if shown is None else f"{shown:,.1f}", passed
    )
