"""Raw history: which records a batch leaves."""

from __future__ import annotations

import json
from typing import Any

from functions.domain.raw import MAX_RECORD, RawRecord
from tests.ingest.support import NOW, batch, events, planned, series

TAGS = {"tier": "fast", "task_id": "t1"}


def raw(**parts: Any) -> list[RawRecord]:
    return list(planned(batch(**{"tags": {"env": "prod", "colour": "red"}, **parts})).raw)


def test_a_point_is_a_record_with_its_effective_dimensions() -> None:
    first, second = raw(series=[series(values=(1.5, 2.5), times=(-1, 0), tags={"tier": "fast", "x": "y"}, attributes={"a": ["b", None]})])
    assert (first.table, first.measure, first.dimensions) == ("points", "agent.cpu", {"env": "prod", "tier": "fast"})
    assert (first.time_us, second.time_us) == ((NOW - 1) * 1000, NOW * 1000 + 1)
    assert first.values == {"value": 1.5, "attributes": '{"x":"y","a":"b"}'}
    assert second.values == {"value": 2.5, "attributes": '{"x":"y"}'}


def test_a_point_without_attributes_has_none() -> None:
    (record,) = raw(series=[series()])
    assert record.values == {"value": 1.0}


def test_all_metrics_of_a_task_are_one_record() -> None:
    """What the snippet in users' agents sends for a task that went well."""
    records = raw(
        series=[
            series("task.latency_ms", (812.0,), (0,), tags=TAGS),
            series("task.tokens_in", (100.0,), (0,), tags=TAGS),
            series("task.tokens_out", (20.0,), (0,), tags=TAGS),
            series("task.cost_usd", (0.25,), (1,), tags=TAGS),
        ],
        events=[events("task.started", (-812,), tags=TAGS), events("task.completed", (1,), tags=TAGS)],
    )
    (task,) = (record for record in records if record.table == "tasks")
    assert (task.measure, task.time_us // 1000, task.dimensions) == ("task", NOW + 1, {"env": "prod", "tier": "fast"})
    assert task.values == {
        "task_id": "t1",
        "status": "completed",
        "latency_ms": 812.0,
        "tokens_in": 100.0,
        "tokens_out": 20.0,
        "cost_usd": 0.25,
    }
    assert sorted(record.measure for record in records if record.table == "events") == ["task.completed", "task.started"]
    assert len(records) == 3


def test_a_task_that_failed_says_why() -> None:
    records = raw(
        series=[series("task.errors", tags={**TAGS, "error": "ValueError"})],
        events=[events("task.failed", tags=TAGS, payloads=[{"err": "boom"}])],
    )
    (task,) = (record for record in records if record.table == "tasks")
    assert task.values == {"task_id": "t1", "status": "failed", "error": "ValueError", "errors": 1.0}
    assert "error" not in task.dimensions
    (event,) = (record for record in records if record.table == "events")
    assert event.values == {"task_id": "t1", "payload": '{"err":"boom"}', "attributes": '{"task_id":"t1"}'}


def test_without_an_error_tag_the_payload_says_why() -> None:
    records = raw(events=[events("task.failed", tags=TAGS, payloads=[{"err": "boom"}])])
    (task,) = (record for record in records if record.table == "tasks")
    assert task.values == {"task_id": "t1", "status": "failed", "error": "boom"}


def test_tasks_may_come_in_columns() -> None:
    ids = ["t1", "t2", None]
    records = raw(series=[series("task.tokens_in", (1.0, 2.0, 4.0), attributes={"task_id": ids, "who": ["me", None, None]})])
    tasks = {record.values["task_id"]: record.values for record in records if record.table == "tasks"}
    assert tasks == {
        "t1": {"task_id": "t1", "tokens_in": 1.0, "attributes": '{"who":"me"}'},
        "t2": {"task_id": "t2", "tokens_in": 2.0},
    }
    (stray,) = (record for record in records if record.table == "points")
    assert (stray.measure, stray.values) == ("task.tokens_in", {"value": 4.0})


def test_what_a_task_reports_twice_adds_up() -> None:
    records = raw(series=[series("task.cost_usd", (1.0, 2.0), tags=TAGS), series("task.latency_ms", (5.0, 7.0), (-9, 0), tags=TAGS)])
    assert [record.values for record in records] == [{"task_id": "t1", "status": "completed", "cost_usd": 3.0, "latency_ms": 7.0}]


def test_the_key_of_a_point_does_not_depend_on_the_others_being_good() -> None:
    good = raw(series=[series(values=(1.0, 2.0, 3.0))])
    with_a_bad_one = raw(series=[series(values=(1.0, None, 3.0))])
    assert [record.time_us for record in with_a_bad_one] == [good[0].time_us, good[2].time_us]


def test_a_thousand_points_of_one_time_have_a_thousand_keys() -> None:
    records = raw(series=[series(values=(1.0,) * 500), series(values=(2.0,) * 500)])
    assert len({record.time_us for record in records}) == 1000


def size(record: RawRecord) -> int:
    texts = {**record.dimensions, **record.values}
    return sum(len(key) + len(str(value).encode()) for key, value in texts.items()) + len(record.measure)


def test_long_payloads_are_cut_to_what_the_store_takes_and_say_so() -> None:
    (record,) = raw(events=[events("deploy", payloads=[{"log": 'ü"' * 1_000}])])
    assert size(record) <= MAX_RECORD
    payload = json.loads(str(record.values["payload"]))
    assert payload["truncated"].startswith('{"log":')
    assert len(payload["truncated"]) > 400


def test_long_tags_and_attributes_are_cut_to_what_the_store_takes() -> None:
    dimensions = ("env", "tier", "shard", "team", "function", "region", "tenant", "model", "prompt_version", "error")
    tags = {key: key[0] + "ö" * 255 for key in dimensions}
    attributes = {f"a{i}": ["x" * 256] for i in range(20)}
    (record,) = raw(tags=tags, series=[series(attributes=attributes)])
    assert size(record) <= MAX_RECORD
    assert record.dimensions.keys() == set(dimensions)
    kept = json.loads(str(record.values["attributes"]))
    assert kept
    assert all(value.startswith("x") and value.endswith("…") for value in kept.values())


def test_nothing_is_recorded_where_raw_history_is_off() -> None:
    assert planned(batch(series=[series()]), raw=False).raw == ()
