"""A report's numbers equal those of plain loops over every single task; tasks go through intake and seal before they are in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from random import Random

import pytest

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain.times import HOUR_MS
from tests.reports.fleet import FIRST, HOURS, PRICED_MODEL, Company, Task, random_fleet, random_tasks, stat, table

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def known(request: pytest.FixtureRequest) -> tuple[Company, list[Task]]:
    source = Random(request.param)
    tasks = random_tasks(source, random_fleet(source))
    company = Company()
    company.work(tasks)
    return company, tasks


def chosen(tasks: Sequence[Task], error: str | None, tags: Mapping[str, str]) -> list[Task]:
    return [task for task in tasks if tags.items() <= task.agent.tags.items() and error in (None, task.error)]


def now(tasks: Sequence[Task], error: str | None = None, **tags: str) -> list[Task]:
    """Those of the period, of one kind of failure and of agents with these tags if any are named."""
    return chosen([task for task in tasks if task.hour >= FIRST + HOURS], error, tags)


def before(tasks: Sequence[Task], error: str | None = None, **tags: str) -> list[Task]:
    """Those of the period before."""
    return chosen([task for task in tasks if task.hour < FIRST + HOURS], error, tags)


def has_cost(task: Task) -> bool:
    return task.usd is not None or task.agent.model == PRICED_MODEL


def usd(tasks: Sequence[Task]) -> float | None:
    """Reported costs, and list prices of tokens that came without."""
    some = [task for task in tasks if has_cost(task)]
    return sum(task.usd if task.usd is not None else list_usd(task) for task in some) if some else None


def list_usd(task: Task) -> float:
    found = price(PRICED_MODEL, Usage(input=task.tokens_in, output=task.tokens_out), at=task.hour * HOUR_MS / 1000)
    assert found is not None
    return float(found.usd)


def success(tasks: Sequence[Task]) -> float:
    return 1 - sum(task.error is not None for task in tasks) / len(tasks)


def quantile(tasks: Sequence[Task], q: float) -> float:
    """The value at rank floor(q (n - 1)), as sketches have it."""
    ordered = sorted(task.latency_ms for task in tasks)
    return ordered[floor(q * (len(ordered) - 1))]


def test_headline(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    told = {one.label: (one.value, one.before) for one in company.report().headline}
    mine, past = now(tasks), before(tasks)
    assert told["Agents"] == (len({task.agent.id for task in mine}), len({task.agent.id for task in past}))
    assert told["Tasks"] == (len(mine), len(past))
    assert told["Tasks that went well"] == pytest.approx((success(mine), success(past)))
    assert told["Cost"] == pytest.approx((usd(mine), usd(past)))


@pytest.mark.parametrize("tag", ["tier", "tenant"])
def test_cost_by_tags_and_the_sum_of_it(known: tuple[Company, list[Task]], tag: str) -> None:
    company, tasks = known
    report = company.report()
    rows = {row[0]: row for row in table(report, "cost", f"By {tag}").rows}
    for value in {task.agent.tags[tag] for task in tasks}:
        mine, past = now(tasks, **{tag: value}), before(tasks, **{tag: value})
        _, cost, old, _, share, amount, tokens, *_ = rows[value]
        assert cost == pytest.approx(usd(mine))
        assert old == pytest.approx(usd(past))
        assert share == pytest.approx((usd(mine) or 0) / (usd(now(tasks)) or 1))
        assert amount == len(mine)
        assert tokens == sum(task.tokens_in + task.tokens_out for task in mine)
    assert sum(float(row[1] or 0) for row in rows.values()) == pytest.approx(stat(report, "cost", "Cost").value)


def test_errors_by_kind(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    found = {row[0]: (row[1], row[2]) for row in table(company.report(), "errors", "Most frequent errors").rows}
    for kind in ("Timeout", "RateLimit"):
        assert found[kind] == (len(now(tasks, kind)), len(before(tasks, kind)))
    assert stat(company.report(), "errors", "Failed tasks").value == sum(task.error is not None for task in now(tasks))


def test_latency_within_a_hundredth(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    for tier, amount, *told, _ in table(company.report(), "tasks", "Latency by tier").rows:
        mine = now(tasks, tier=str(tier))
        assert amount == len(mine)
        assert told == pytest.approx([quantile(mine, q) for q in (0.5, 0.95, 0.99)], rel=0.0101)


def test_objectives(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    rows = {row[0]: (row[3], row[4]) for row in table(company.report(), "slos", "Objectives").rows}
    assert rows["Tasks go well"] == pytest.approx((success(now(tasks)), success(before(tasks))))
    within = [sum(task.latency_ms <= 60_000 for task in some) / len(some) for some in (now(tasks), before(tasks))]
    assert rows["Tasks take at most a minute"] == pytest.approx(within, abs=0.02)


def test_a_selector_tells_of_its_agents_only(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    tenant = tasks[0].agent.tags["tenant"]
    mine = now(tasks, tenant=tenant)
    report = company.report(f"tenant={tenant}")
    told = {one.label: one.value for one in report.headline}
    assert told["Tasks"] == len(mine)
    assert told["Cost"] == pytest.approx(usd(mine))
    others = {task.agent.id for task in tasks} - {task.agent.id for task in mine}
    assert not any(agent in repr(report) for agent in {f"'{other}'" for other in others})


def test_any_period(known: tuple[Company, list[Task]]) -> None:
    company, tasks = known
    report = company.report(first=FIRST + 3, last=FIRST + 5)
    told = {one.label: (one.value, one.before) for one in report.headline}
    mine = [task for task in tasks if FIRST + 3 <= task.hour < FIRST + 5]
    past = [task for task in tasks if FIRST + 1 <= task.hour < FIRST + 3]
    assert told["Tasks"] == (len(mine), len(past))
    assert told["Cost"] == pytest.approx((usd(mine), usd(past)))
