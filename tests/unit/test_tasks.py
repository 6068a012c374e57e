"""Tasks out of rollups: neither way of reporting is needed for a right count."""

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.tasks import FINISHING, NAMES, TaskCounts, count_tasks, tasks_of


def test_the_users_snippet_counts_each_task_once():
    counts = count_tasks(
        [
            ("task.started", 10, 10.0),
            ("task.latency_ms", 8, 4000.0),
            ("task.completed", 8, 8.0),
            ("task.errors", 2, 2.0),
            ("task.failed", 2, 2.0),
            ("task.tokens_in", 8, 800.0),
            ("task.tokens_out", 8, 80.0),
            ("task.cost_usd", 6, 0.6),
            ("queue.depth", 5, 50.0),
        ]
    )
    assert (counts.started, counts.completed, counts.failed, counts.finished, counts.error_rate) == (10, 8, 2, 10, 0.2)
    assert (counts.tokens_in, counts.tokens_out, counts.cost_usd, counts.priced) == (800, 80, 0.6, 6)


def test_failures_count_by_event_or_by_metric():
    assert count_tasks([("task.failed", 3, 3.0)]).failed == 3
    assert count_tasks([("task.errors", 1, 3.0)]).failed == 3
    assert count_tasks([("task.errors", 3, 3.0), ("task.failed", 1, 1.0)]).failed == 3


def test_a_latency_alone_is_a_finished_task():
    counts = count_tasks([("task.latency_ms", 7, 1.0)])
    assert (counts.finished, counts.failed, counts.error_rate) == (7, 0, 0.0)


def test_missing_is_not_zero():
    assert count_tasks([]).error_rate is None
    assert count_tasks([]).cost_usd is None
    assert count_tasks([("task.cost_usd", 1, 0.0)]).cost_usd == 0.0


def test_a_rollup_is_counted_over_all_its_series():
    rollup: Rollup = {}
    for tier, values in (("fast", (1.0, 2.0)), ("smart", (3.0,))):
        aggregate = rollup[SeriesKey("task.latency_ms", (("tier", tier),))] = Aggregate()
        for value in values:
            aggregate.add(value, 1)
    assert tasks_of(rollup).finished == 3


ROWS = st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.integers(0, 100), st.integers(0, 100).map(float)))


@given(ROWS, ROWS)
def test_counts_add_up(some, others):
    assert count_tasks(some) + count_tasks(others) == count_tasks(some + others)
    assert count_tasks(some) + TaskCounts() == count_tasks(some)


@given(ROWS)
def test_errors_are_never_more_than_finished_tasks(rows):
    counts = count_tasks(rows)
    assert 0 <= counts.failed <= counts.finished
    assert counts.error_rate is None or 0 <= counts.error_rate <= 1


def test_what_finishes_a_task_speaks_of_tasks():
    assert FINISHING < NAMES
