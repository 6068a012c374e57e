"""The checks must hold for a right answer of the API, and fail for each number that is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from clawpulse.sketch import Sketch
from demo.checks import compare
from demo.ledger import Ledger, Point, Recorder
from demo.profiles import TIERS, Member, Role, Work, fleet
from demo.shown import Shown
from demo.task import run_agent_task, simulated_model
from tests.demo.fakes import FakeClient

MEMBERS = fleet(6)
TASKS_EACH = 7


@pytest.fixture
def ledger() -> Ledger:
    """Tasks of every agent: the failing one's all fail, one task of the zombie stays open."""
    ledger = Ledger()
    for place, member in enumerate(MEMBERS):
        report = Recorder(member.id, FakeClient(), ledger)
        for number in range(TASKS_EACH):
            error = "ToolError" if member.role is Role.FAILING else None
            work = Work(seconds=0, tokens_in=100 + number, tokens_out=10 + place, cost_usd=0.1 + number / 7, error=error)
            try:
                run_agent_task(
                    report,
                    lambda _, work=work: simulated_model(work, lambda _: None),
                    f"{member.id}-{number}",
                    member.tier.name,
                    member.shard,
                )
            except RuntimeError:
                assert error
        if member.role is Role.ZOMBIE:
            ledger.note(Point(member.id, "task.started", 1.0, {"task_id": f"{member.id}-open", "tier": member.tier.name}))
    return ledger


def totals(ledger: Ledger, **tags: str) -> dict[str, Any]:
    """What a right service makes of the points, with the real sketch."""
    sent, sketch = ledger.totals(**tags), Sketch()
    for value in sent.latencies:
        sketch.add(value)
    found = sketch.quantiles((0.5, 0.95, 0.99)) if sent.latencies else (None, None, None)
    latency = dict(zip(("p50", "p95", "p99"), found, strict=True))
    figures = {
        "tasks": sent.tasks,
        "errors": sent.errors,
        "tokensIn": sent.tokens_in,
        "tokensOut": sent.tokens_out,
        "costUsd": sent.cost_usd,
    }
    return figures | {"latency": latency}


def series(ledger: Ledger, tier: str) -> dict[tuple[str, str], float]:
    sent = ledger.totals(tier=tier)
    figures = {"latency_ms": len(sent.latencies), "completed": sent.tasks - sent.errors, "failed": sent.errors, "errors": sent.errors}
    figures |= {"tokens_in": sent.tokens_in, "cost_usd": sent.cost_usd}
    return {(f"task.{name}", tier): value for name, value in figures.items()}


def agent(member: Member) -> dict[str, Any]:
    health = {
        Role.ZOMBIE: {"status": "red", "reason": "no progress for 75 s while 1 task is open"},
        Role.FAILING: {"status": "yellow", "reason": "1 of 12 tasks failed in 5 min (8%)"},
    }
    return {"id": member.id, "health": health.get(member.role, {"status": "green", "reason": "heartbeat fresh"})}


@pytest.fixture
def shown(ledger: Ledger) -> Shown:
    names = {point.tags["task_id"]: point for point in ledger.points() if point.name == "task.started"}
    ends = {point.tags["task_id"]: point.name for point in ledger.points() if point.name in ("task.completed", "task.failed")}
    costs = {point.tags["task_id"]: point.value for point in ledger.points() if point.name == "task.cost_usd"}
    return Shown(
        summary={"window": totals(ledger) | {"tiers": {tier.name: totals(ledger, tier=tier.name) for tier in TIERS}}},
        series={key: value for tier in TIERS for key, value in series(ledger, tier.name).items()},
        tasks=[{"id": task, "status": ends.get(task, "task.started").removeprefix("task."), "costUsd": costs.get(task)} for task in names],
        agents={member.id: agent(member) for member in MEMBERS},
    )


def failing(ledger: Ledger, shown: Shown) -> list[str]:
    return [check.name for check in compare(ledger, MEMBERS, shown) if not check.passed]


def test_a_right_answer_passes_every_check(ledger: Ledger, shown: Shown) -> None:
    checks = compare(ledger, MEMBERS, shown)
    assert [check for check in checks if not check.passed] == []
    assert len(checks) == 8 * 4 + 6 * 3 + 5 + 3
    assert next(check.sent for check in checks if check.name == "tasks: started") == "1"


def change(path: str, how: Callable[[Any], Any]) -> Callable[[Shown], None]:
    def changed(shown: Shown) -> None:
        *places, last = path.split("/")
        target: Any = {"window": shown.summary["window"], "series": shown.series, "agents": shown.agents}
        for place in places:
            target = target[place]
        key = tuple(last.split(":")) if ":" in last else last
        target[key] = how(target[key])

    return changed


def drop_task(shown: Shown) -> None:
    shown.tasks.pop()


def swap_statuses(shown: Shown) -> None:
    """The counts stay right, the tasks are not."""
    done, failed = (next(task for task in shown.tasks if task["status"] == status) for status in ("completed", "failed"))
    done["status"], failed["status"] = "failed", "completed"


WRONG = {
    "summary, all: tasks": change("window/tasks", lambda value: value - 1),
    "summary, all: errors": change("window/errors", lambda value: value + 1),
    "summary, all: tokens in": change("window/tokensIn", lambda value: value + 1),
    "summary, all: cost, $": change("window/costUsd", lambda value: value * 1.000001),
    "summary, fast: tokens out": change("window/tiers/fast/tokensOut", lambda value: None),
    "summary, smart: p95, ms": change("window/tiers/smart/latency/p95", lambda value: value * 100),
    "summary, batch: p99, ms": change("window/tiers/batch/latency/p99", lambda value: value / 100),
    "summary, all: p50, ms": change("window/latency/p50", lambda value: None),
    "series, fast: completed": change("series/task.completed:fast", lambda value: value - 1),
    "series, smart: errors": change("series/task.errors:smart", lambda value: value + 1),
    "series, batch: cost, $": change("series/task.cost_usd:batch", lambda value: value + 0.01),
    "tasks: each with its status": swap_statuses,
    "agents: smart-02, zombie": change("agents/smart-02/health", lambda health: health | {"status": "green"}),
    "agents: fast-02, failing": change(
        "agents/fast-02/health", lambda health: health | {"status": "red", "reason": "no heartbeat for 75 s"}
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_number_fails_its_check(ledger: Ledger, shown: Shown, name: str) -> None:
    wrong = copy.deepcopy(shown)
    WRONG[name](wrong)
    assert name in failing(ledger, wrong)


def test_a_missing_task_and_a_missing_or_unknown_agent_fail(ledger: Ledger, shown: Shown) -> None:
    wrong = copy.deepcopy(shown)
    drop_task(wrong)
    assert "tasks: each with its status" in failing(ledger, wrong)
    del wrong.agents["fast-01"]
    assert "agents" in failing(ledger, wrong)
    wrong.agents["fast-01"] = wrong.agents["stranger"] = {"id": "x", "health": {"status": "green", "reason": ""}}
    assert "agents" in failing(ledger, wrong)


def test_nothing_shown_fails_everything_that_was_sent(ledger: Ledger) -> None:
    nothing = Shown(summary={"window": {"tiers": {}}}, series={}, tasks=[], agents={})
    passed = {check.name for check in compare(ledger, MEMBERS, nothing) if check.passed}
    # Only what was not sent can be right: no batch or smart task failed.
    assert passed == {f"series, {tier}: {what}" for tier in ("smart", "batch") for what in ("failed", "errors")}
