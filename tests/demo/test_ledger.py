from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.ledger import Ledger, Point, Recorder, quantile_bounds
from demo.profiles import Work
from demo.task import run_agent_task, simulated_model
from tests.demo.fakes import FakeClient


def run(ledger: Ledger, client: FakeClient, work: Work, task: str = "t1", tier: str = "fast") -> None:
    run_agent_task(Recorder("agent-1", client, ledger), lambda _: simulated_model(work, lambda seconds: None), task, tier, "acme")


def work(error: str | None = None, cost: float = 0.25) -> Work:
    return Work(seconds=1.0, tokens_in=100, tokens_out=20, cost_usd=cost, error=error)


def test_the_ledger_has_exactly_what_the_client_was_handed() -> None:
    ledger, client = Ledger(), FakeClient()
    run(ledger, client, work())
    with pytest.raises(RuntimeError, match="simulated ToolError"):
        run(ledger, client, work("ToolError"), "t2")
    assert [(point.name, point.value) for point in ledger.points()] == client.sent
    assert len(client.sent) == 6 + 3


def test_totals_count_tasks_errors_tokens_and_cost() -> None:
    ledger = Ledger()
    run(ledger, FakeClient(), work(cost=0.25))
    run(ledger, FakeClient(), work(cost=0.5), tier="smart")
    with pytest.raises(RuntimeError):
        run(ledger, FakeClient(), work("ToolError"))
    every, fast = ledger.totals(), ledger.totals(tier="fast")
    assert (every.tasks, every.errors, every.tokens_in, every.tokens_out, every.cost_usd) == (3, 1, 200, 40, 0.75)
    assert (fast.tasks, fast.errors, fast.cost_usd, len(fast.latencies)) == (2, 1, 0.25, 1)
    assert ledger.agents() == {"agent-1"}


def test_a_started_task_is_no_finished_one() -> None:
    ledger = Ledger()
    ledger.note(Point("a", "task.started", 1.0, {}))
    assert ledger.totals().tasks == 0


def test_points_of_many_threads_are_all_there() -> None:
    ledger = Ledger()
    threads = [threading.Thread(target=lambda: [ledger.note(Point("a", "x", 1.0, {})) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(ledger.points()) == 4_000


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantile_bounds_are_neighbours_in_order(values: list[float], quantile: float) -> None:
    ordered = tuple(sorted(values))
    low, high = quantile_bounds(ordered, quantile)
    assert ordered[0] <= low <= high <= ordered[-1]
    assert sum(low < value < high for value in ordered) == 0


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile_bounds((), 0.5)
