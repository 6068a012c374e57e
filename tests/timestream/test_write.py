"""WriteRecords: merging, units, the reasons of rejection."""

from __future__ import annotations

from typing import Any

import pytest

from clawpulse_localstack.timestream.write import LOWER_VERSION, SAME_VERSION
from tests.timestream.support import NOW_MS, Timestream, multi, record

ALL = "SELECT * FROM app.tbl ORDER BY time, measure_name"


def test_a_single_measure_is_stored_under_its_type(ts: Timestream) -> None:
    kinds = {"DOUBLE": "1.5", "BIGINT": "7", "VARCHAR": "x", "BOOLEAN": "true", "TIMESTAMP": str(NOW_MS)}
    answer = ts.write(*(record(value, kind=kind, measure=kind.lower()) for kind, value in kinds.items()))
    assert answer == {"RecordsIngested": {"Total": 5, "MemoryStore": 5, "MagneticStore": 0}}
    stored = [("double", "1.5"), ("bigint", "7"), ("varchar", "x"), ("boolean", "true"), ("timestamp", "2026-11-23 20:00:00.000000000")]
    for kind, expected in stored:
        assert ts.rows(f"SELECT measure_value::{kind} FROM app.tbl WHERE measure_name = '{kind}'") == [[expected]]


def test_a_multi_measure_record_is_one_row(ts: Timestream) -> None:
    ts.write(multi({"latency": ("DOUBLE", 12.5), "tokens": ("BIGINT", 3), "status": ("VARCHAR", "ok"), "cached": ("BOOLEAN", "false")}))
    assert ts.rows(ALL) == [["a", "m", "2026-11-23 20:00:00.000000000", "12.5", "3", "ok", "false"]]


def test_measures_that_a_record_lacks_are_null(ts: Timestream) -> None:
    ts.write(multi({"x": ("DOUBLE", 1)}), multi({"y": ("DOUBLE", 2)}, at_ms=NOW_MS + 1))
    assert ts.rows("SELECT x, y FROM app.tbl ORDER BY time") == [["1.0", None], [None, "2.0"]]


def test_common_attributes_fill_what_records_leave_out(ts: Timestream) -> None:
    common = {
        "Dimensions": [{"Name": "region", "Value": "eu"}],
        "MeasureName": "cpu",
        "MeasureValueType": "DOUBLE",
        "Time": str(NOW_MS // 1000),
        "TimeUnit": "SECONDS",
        "Version": 3,
    }
    ts.write(
        {"Dimensions": [{"Name": "host", "Value": "a"}], "MeasureValue": "1"},
        {"MeasureName": "mem", "MeasureValue": "2", "MeasureValueType": "BIGINT", "Time": str(NOW_MS), "TimeUnit": "MILLISECONDS"},
        common=common,
    )
    rows = ts.rows("SELECT region, host, measure_name, time, measure_value::double, measure_value::bigint FROM app.tbl ORDER BY 3")
    assert rows == [
        ["eu", "a", "cpu", "2026-11-23 20:00:00.000000000", "1.0", None],
        ["eu", None, "mem", "2026-11-23 20:00:00.000000000", None, "2"],
    ]
    [rejected] = ts.rejected({"Dimensions": [{"Name": "host", "Value": "a"}], "MeasureValue": "9"}, common=common)
    assert rejected["ExistingVersion"] == 3


def test_common_measure_values_are_joined_with_the_record_s(ts: Timestream) -> None:
    common = {"MeasureValueType": "MULTI", "MeasureName": "m", "MeasureValues": [{"Name": "x", "Type": "DOUBLE", "Value": "1"}]}
    own = {"Dimensions": [{"Name": "host", "Value": "a"}], "Time": str(NOW_MS)}
    ts.write(own | {"MeasureValues": [{"Name": "y", "Type": "DOUBLE", "Value": "2"}]}, common=common)
    assert ts.rows("SELECT x, y FROM app.tbl") == [["1.0", "2.0"]]


@pytest.mark.parametrize(
    ("unit", "time", "shown"),
    [
        ("SECONDS", NOW_MS // 1000, "20:00:00.000000000"),
        ("MILLISECONDS", NOW_MS + 7, "20:00:00.007000000"),
        ("MICROSECONDS", NOW_MS * 1000 + 7, "20:00:00.000007000"),
        ("NANOSECONDS", NOW_MS * 1_000_000 + 7001, "20:00:00.000007000"),
    ],
)
def test_every_time_unit_counts(ts: Timestream, unit: str, time: int, shown: str) -> None:
    ts.write(record(Time=str(time), TimeUnit=unit))
    assert ts.rows("SELECT time FROM app.tbl") == [[f"2026-11-23 {shown}"]]


def test_records_apart_by_nanoseconds_are_both_kept(ts: Timestream) -> None:
    ts.write(*(record(value, Time=str(NOW_MS * 1_000_000 + value), TimeUnit="NANOSECONDS") for value in (1, 2)))
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["2"]]


def test_the_same_record_is_accepted_again(ts: Timestream) -> None:
    for _ in range(3):
        assert ts.write(record(1.0), record(1.0))["RecordsIngested"]["Total"] == 2
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["1"]]


def test_other_values_need_a_higher_version(ts: Timestream) -> None:
    ts.write(record(1, Version=200))
    assert ts.rejected(record(2, Version=200)) == [{"RecordIndex": 0, "Reason": SAME_VERSION, "ExistingVersion": 200}]
    assert ts.rejected(record(2, Version=2)) == [{"RecordIndex": 0, "Reason": LOWER_VERSION.format(2, 200), "ExistingVersion": 200}]
    ts.write(record(2, Version=201))
    assert ts.rows("SELECT measure_value::double FROM app.tbl") == [["2.0"]]


def test_a_higher_version_with_the_same_values_is_remembered(ts: Timestream) -> None:
    ts.write(record(1))
    ts.write(record(1, Version=5))
    assert ts.rejected(record(2, Version=5))[0]["ExistingVersion"] == 5


def test_a_replaced_record_loses_the_measures_it_no_longer_has(ts: Timestream) -> None:
    ts.write(multi({"x": ("DOUBLE", 1), "y": ("DOUBLE", 1)}))
    ts.write(multi({"x": ("DOUBLE", 2)}, Version=2))
    assert ts.rows("SELECT x, y FROM app.tbl") == [["2.0", None]]


def test_upserts_hold_within_one_request(ts: Timestream) -> None:
    rejected = ts.rejected(record(1), record(2), record(3, Version=2), record(4, Version=1))
    assert [(r["RecordIndex"], r["ExistingVersion"]) for r in rejected] == [(1, 1), (3, 2)]
    assert ts.rows("SELECT measure_value::double FROM app.tbl") == [["3.0"]]


def test_the_rest_of_a_request_is_written(ts: Timestream) -> None:
    old = record(at_ms=NOW_MS - 7 * 3_600_000)
    rejected = ts.rejected(record(1), old, record(2, at_ms=NOW_MS + 1))
    assert [r["RecordIndex"] for r in rejected] == [1]
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["2"]]


def test_the_window_is_the_memory_store_and_15_minutes_ahead(ts: Timestream) -> None:
    ts.write(record(at_ms=NOW_MS - 6 * 3_600_000), record(at_ms=NOW_MS + 15 * 60_000 - 1))
    reason = (
        "The record timestamp is outside the time range [2026-11-23T14:00:00.000Z, 2026-11-23T20:15:00.000Z) of the data ingestion window."
    )
    late, early = ts.rejected(record(at_ms=NOW_MS - 6 * 3_600_000 - 1), record(at_ms=NOW_MS + 15 * 60_000))
    assert late == {"RecordIndex": 0, "Reason": reason}
    assert early == {"RecordIndex": 1, "Reason": reason}


def test_magnetic_store_writes_take_old_records(ts: Timestream) -> None:
    retention = {"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 2}
    ts.call(
        "UpdateTable",
        DatabaseName="app",
        TableName="tbl",
        RetentionProperties=retention,
        MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
    )
    answer = ts.write(record(), record(at_ms=NOW_MS - 2 * 3_600_000))
    assert answer["RecordsIngested"] == {"Total": 2, "MemoryStore": 1, "MagneticStore": 1}
    assert "2026-11-21T20:00:00.000Z" in ts.rejected(record(at_ms=NOW_MS - 49 * 3_600_000))[0]["Reason"]


DIMENSION = [{"Name": "host", "Value": "a"}]
REASONS: list[tuple[dict[str, Any], str]] = [
    (record(MeasureName=None), "measure name must be specified"),
    (record(MeasureName="x" * 257), "maximum supported length: 256 bytes"),
    (record(MeasureValue=None), "measure value must be specified"),
    (record(Time=None), "time must be specified"),
    (record(Time="soon"), "not a whole number"),
    (record(Dimensions=None), "At least one dimension"),
    (record("abc"), "cannot be parsed as DOUBLE"),
    (record("NaN"), "cannot be parsed as DOUBLE"),
    (record("1.5", kind="BIGINT"), "cannot be parsed as BIGINT"),
    (record(2**63, kind="BIGINT"), "cannot be parsed as BIGINT"),
    (record("yes", kind="BOOLEAN"), "cannot be parsed as BOOLEAN"),
    (record("today", kind="TIMESTAMP"), "cannot be parsed as TIMESTAMP"),
    (record(Dimensions=[{"Name": "x" * 61, "Value": "v"}]), "maximum supported length: 60 bytes"),
    (record(Dimensions=[{"Name": "ts_x", "Value": "v"}]), "reserved"),
    (record(Dimensions=[{"Name": "time", "Value": "v"}]), "reserved"),
    (record(Dimensions=[{"Name": "a:b", "Value": "v"}]), "not supported"),
    (record(Dimensions=[{"Name": "", "Value": "v"}]), "must not be empty"),
    (record(Dimensions=[{"Name": "x", "Value": "v" * 2048}]), "maximum of 2048 bytes"),
    (record(Dimensions=[{"Name": f"d{i}", "Value": "v"} for i in range(129)]), "maximum of 128"),
    (record("x" * 2049, kind="VARCHAR"), "maximum of 2048 bytes"),
    (record(MeasureValues=[{"Name": "x", "Type": "DOUBLE", "Value": "1"}]), "only allowed for records of type MULTI"),
    (multi({}), "must have measure values"),
    (multi({"x": ("DOUBLE", 1)}, MeasureValue="1"), "not a MeasureValue"),
    (multi({"host": ("DOUBLE", 1)}), "'host' is also the name of a dimension"),
    (multi({"measure_value": ("DOUBLE", 1)}), "reserved"),
    (multi({"x": ("MULTI", 1)}), "one of the types"),
    (multi({f"m{i}": ("DOUBLE", 1) for i in range(257)}), "maximum of 256"),
    (multi({"x": ("VARCHAR", "v" * 1025), "y": ("VARCHAR", "v" * 1024)}), "maximum of 2048 bytes"),
    (multi({"x": ("DOUBLE", "one")}), "'x' cannot be parsed as DOUBLE"),
]


@pytest.mark.parametrize(("bad", "reason"), REASONS, ids=[reason[:40] for _, reason in REASONS])
def test_a_bad_record_is_rejected_with_its_reason(ts: Timestream, bad: dict[str, Any], reason: str) -> None:
    [rejected] = ts.rejected(record(at_ms=NOW_MS + 1), bad)
    assert rejected["RecordIndex"] == 1
    assert reason in rejected["Reason"]
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["1"]]


def test_the_first_type_of_a_measure_stays(ts: Timestream) -> None:
    ts.write(multi({"x": ("DOUBLE", 1)}), record(1, measure="cpu"))
    first, second, third = ts.rejected(
        multi({"x": ("BIGINT", 1)}, at_ms=NOW_MS + 1), multi({"x": ("VARCHAR", 1), "new": ("DOUBLE", 1)}), record(1, kind="BIGINT")
    )
    assert first["Reason"] == "The type BIGINT of the measure 'x' does not match its existing type DOUBLE."
    assert second["Reason"] == "The type VARCHAR of the measure 'x' does not match its existing type DOUBLE."
    assert "'cpu'" in third["Reason"]
    assert "new" not in str(ts.rows("DESCRIBE app.tbl"))


def test_a_dimension_and_a_measure_share_no_name(ts: Timestream) -> None:
    ts.write(multi({"x": ("DOUBLE", 1)}))
    [rejected] = ts.rejected(record(Dimensions=[{"Name": "x", "Value": "v"}]))
    assert "'x' is already the name of a measure" in rejected["Reason"]


def test_the_counts_of_a_table_are_bounded(ts: Timestream) -> None:
    for start in range(0, 1024, 256):
        ts.write(multi({f"m{number}": ("BIGINT", 1) for number in range(start, start + 256)}, at_ms=NOW_MS + start))
    assert "more than the maximum of 1024 measures" in ts.rejected(multi({"one_more": ("BIGINT", 1)}))[0]["Reason"]


def test_overlapping_dimensions_refuse_the_request(ts: Timestream) -> None:
    for common, own in ((DIMENSION, DIMENSION), ([], DIMENSION * 2)):
        error = ts.error(
            "WriteRecords",
            DatabaseName="app",
            TableName="tbl",
            CommonAttributes={"Dimensions": common},
            Records=[record(at_ms=NOW_MS + 1), record(Dimensions=own)],
        )
        assert (error.code, "'host' is given more than once" in error.message) == ("ValidationException", True)
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["0"]]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"TimeUnit": "DAYS"}, "'DAYS' at 'records.1.member.timeUnit' failed to satisfy constraint: Member must satisfy enum value set"),
        ({"MeasureValueType": "INT"}, "'INT' at 'records.1.member.measureValueType' failed"),
        (
            {"Version": 0},
            "'0' at 'records.1.member.version' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
    ],
)
def test_values_out_of_the_api_s_shape_refuse_the_request(ts: Timestream, change: dict[str, Any], part: str) -> None:
    error = ts.error("WriteRecords", DatabaseName="app", TableName="tbl", Records=[record() | change])
    assert error.code == "ValidationException"
    assert part in error.message


def test_a_request_has_1_to_100_records(ts: Timestream) -> None:
    many = ts.error("WriteRecords", DatabaseName="app", TableName="tbl", Records=[record(at_ms=NOW_MS + i) for i in range(101)])
    assert "Member must have length less than or equal to 100" in many.message
    assert "greater than or equal to 1" in ts.error("WriteRecords", DatabaseName="app", TableName="tbl", Records=[]).message
    assert ts.error("WriteRecords", DatabaseName="app", TableName="nope", Records=[record()]).code == "ResourceNotFoundException"


def test_names_apart_by_case_are_apart(ts: Timestream) -> None:
    ts.write(multi({"Latitude": ("DOUBLE", 1), "latitude": ("BIGINT", 2)}))
    assert ts.rows("DESCRIBE app.tbl")[-2:] == [["Latitude", "double", "MULTI"], ["latitude", "bigint", "MULTI"]]
    assert ts.rows(ALL)[0][-2:] == ["1.0", "2"]


def test_odd_characters_pass_through(ts: Timestream) -> None:
    name, value = "q'\"--;x", "v'\"\n\\ é 中 \U0001f600"
    ts.write(multi({name: ("VARCHAR", value)}, Dimensions=[{"Name": "d'x\"", "Value": value}], measure=value))
    assert ts.rows(ALL) == [[value, value, "2026-11-23 20:00:00.000000000", value]]
