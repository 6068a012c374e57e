from __future__ import annotations

from pathlib import Path

import pytest

from clawpulse_localstack.timestream.paging import MAX_RESULTS
from tests.timestream.support import NOW_MS, Timestream, record

MANY = "SELECT t.x FROM UNNEST(sequence(1, 2500)) AS t(x) ORDER BY 1"


def page(ts: Timestream, sql: str = MANY, **more: object) -> tuple[list[str], str | None]:
    answer = ts.call("Query", QueryString=sql, **more)
    return [row["Data"][0]["ScalarValue"] for row in answer["Rows"]], answer.get("NextToken")


def test_pages_have_at_most_1000_rows_and_join_seamlessly(ts: Timestream) -> None:
    found, sizes, token = [], [], None
    while True:
        rows, token = page(ts, **({"NextToken": token} if token else {}))
        found += rows
        sizes.append(len(rows))
        if token is None:
            break
    assert sizes == [1000, 1000, 500]
    assert found == [str(number) for number in range(1, 2501)]


def test_max_rows_sizes_a_page(ts: Timestream) -> None:
    rows, token = page(ts, MaxRows=7)
    assert rows == [str(number) for number in range(1, 8)]
    rows, _ = page(ts, MaxRows=3, NextToken=token)
    assert rows == ["8", "9", "10"]
    assert page(ts, "SELECT 1", MaxRows=1) == (["1"], None)
    for size, bound in ((0, "greater than or equal to 1"), (1001, "less than or equal to 1000")):
        assert bound in ts.error("Query", QueryString=MANY, MaxRows=size).message


def test_pages_have_at_most_a_megabyte(ts: Timestream) -> None:
    rows, token = page(ts, "SELECT rpad('', 50000, 'x') FROM UNNEST(sequence(1, 50)) AS t(x)")
    assert 15 <= len(rows) < 20
    assert token is not None
    rows, token = page(ts, "SELECT rpad('', 2000000, 'x') FROM UNNEST(sequence(1, 2)) AS t(x)")
    assert (len(rows), token is None) == (1, False)


def test_all_pages_see_the_moment_of_the_query(ts: Timestream) -> None:
    ts.write(*(record(number, at_ms=NOW_MS + number) for number in range(100)))
    sql = "SELECT to_milliseconds(time) FROM app.tbl ORDER BY 1"
    first, token = page(ts, sql, MaxRows=60)
    ts.write(record(0, at_ms=NOW_MS - 5))
    ts.call("DeleteTable", DatabaseName="app", TableName="tbl")
    second, end = page(ts, sql, NextToken=token)
    assert [int(row) - NOW_MS for row in first + second] == list(range(100))
    assert end is None


def test_one_query_id_for_all_pages(ts: Timestream) -> None:
    first = ts.call("Query", QueryString=MANY)
    second = ts.call("Query", QueryString=MANY, NextToken=first["NextToken"])
    assert first["QueryId"] == second["QueryId"]
    assert first["ColumnInfo"] == second["ColumnInfo"]
    assert first["QueryId"].isalnum()
    assert len(first["QueryId"]) <= 64


def test_a_token_gives_the_same_rows_five_times(ts: Timestream) -> None:
    _, token = page(ts)
    answers = [page(ts, NextToken=token) for _ in range(5)]
    assert all(answer == answers[0] for answer in answers)
    assert ts.error("Query", QueryString=MANY, NextToken=token).message == "Invalid pagination token."


def test_using_the_newer_token_ends_the_older(ts: Timestream) -> None:
    _, first = page(ts)
    _, second = page(ts, NextToken=first)
    page(ts, NextToken=second)
    assert ts.error("Query", QueryString=MANY, NextToken=first).message == "Invalid pagination token."


@pytest.mark.parametrize("token", ["nonsense", "a.b", "é", "x" * 2000])
def test_a_made_up_token_is_refused(ts: Timestream, token: str) -> None:
    error = ts.error("Query", QueryString=MANY, NextToken=token)
    assert (error.code, error.message) == ("ValidationException", "Invalid pagination token.")


def test_a_token_is_bound_to_its_query_and_its_secret(ts: Timestream) -> None:
    _, token = page(ts)
    assert token is not None
    assert ts.error("Query", QueryString=MANY + " LIMIT 3", NextToken=token).code == "ValidationException"
    assert ts.error("Query", QueryString=MANY, NextToken=token[:-2] + "é").code == "ValidationException"


def test_a_token_expires_after_an_hour(ts: Timestream) -> None:
    _, token = page(ts)
    ts.clock.forward(seconds=3601)
    assert ts.error("Query", QueryString=MANY, NextToken=token).message == "Invalid pagination token."


def test_results_are_bounded_and_leave_no_files(ts: Timestream) -> None:
    folder = Path(ts.path + ".results")
    _, oldest = page(ts)
    for _ in range(MAX_RESULTS):
        page(ts)
    assert len(list(folder.iterdir())) == MAX_RESULTS
    assert ts.error("Query", QueryString=MANY, NextToken=oldest).code == "ValidationException"
    ts.clock.forward(seconds=3601)
    page(ts)
    assert len(list(folder.iterdir())) == 1
    ts.engine.close()
    assert not folder.exists()


def test_cancel_ends_the_paging(ts: Timestream) -> None:
    answer = ts.call("Query", QueryString=MANY)
    assert ts.call("CancelQuery", QueryId=answer["QueryId"]) == {}
    assert "CancellationMessage" in ts.call("CancelQuery", QueryId=answer["QueryId"])
    error = ts.error("Query", QueryString=MANY, NextToken=answer["NextToken"])
    assert (error.code, error.message) == ("ConflictException", "Unable to poll results for a cancelled query.")
    assert ts.error("CancelQuery", QueryId="UNKNOWN").code == "ValidationException"
    assert ts.error("CancelQuery").code == "ValidationException"


def test_a_client_token_makes_a_query_idempotent_for_four_hours(ts: Timestream) -> None:
    sql = "SELECT count(*) FROM app.tbl"
    first = ts.call("Query", QueryString=sql, ClientToken="c" * 32)
    ts.write(record())
    assert ts.call("Query", QueryString=sql, ClientToken="c" * 32) == first
    assert ts.rows(sql) == [["1"]]
    assert ts.error("Query", QueryString="SELECT 1", ClientToken="c" * 32).code == "ValidationException"
    ts.clock.forward(hours=4)
    assert ts.call("Query", QueryString=sql, ClientToken="c" * 32)["Rows"] == [{"Data": [{"ScalarValue": "1"}]}]
