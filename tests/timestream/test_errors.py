"""What is wrong with a query is told in Timestream's words, with its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawpulse_localstack.timestream.errors import TimestreamError
from tests.timestream.support import Timestream, record


@pytest.fixture
def filled(ts: Timestream) -> Timestream:
    ts.write(record())
    return ts


@pytest.mark.parametrize(
    ("sql_", "message"),
    [
        ("SELECT nope FROM app.tbl", "line 1:8: Column 'nope' does not exist"),
        ("SELECT host,\n  nope\nFROM app.tbl", "line 2:3: Column 'nope' does not exist"),
        ("SELECT t.nope FROM app.tbl t", "line 1:8: Column 'nope' does not exist"),
        ("SELECT x.host FROM app.tbl t", "line 1:8: Column 'x.host' does not exist"),
        ("SELECT measure_value::bigint FROM app.tbl", "line 1:8: Column 'measure_value::bigint' does not exist"),
        ("SELECT host FROM app.nope", "line 1:18: Table 'app.nope' does not exist"),
        ("SELECT host FROM nope.tbl", "line 1:18: Database 'nope' does not exist"),
        ("SELECT host FROM tbl", "line 1:18: Database must be specified for the table 'tbl'"),
        ("SELECT frobnicate(host) FROM app.tbl", "line 1:8: Function frobnicate not registered"),
        ("SELECT upper(host, 1) FROM app.tbl", "line 1:8: Unexpected parameters for function upper: it takes 1, not 2"),
        ("SELECT sum(host) FROM app.tbl", "line 1:8: Unexpected parameters (varchar) for function sum"),
        ("SELECT host, count(*) FROM app.tbl", "line 1:8: 'host' must be an aggregate expression or appear in GROUP BY clause"),
        (
            "SELECT 1 FROM app.tbl WHERE count(*) > 1",
            "line 1:1: WHERE clause cannot contain aggregations, window functions or grouping operations",
        ),
        ("SELECT a.host FROM app.tbl a JOIN app.tbl b ON host = 'a'", "line 1:48: Column 'host' is ambiguous"),
        ("SELECT CAST('abc' AS bigint)", "Cannot cast 'abc' to bigint"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT 5 % 0", "Division by zero"),
        ("SELECT date_trunc('fortnight', now())", "line 1:8: 'fortnight' is not a valid Timestamp field"),
        ("SELECT sequence(1, 100000)", "result of sequence function must not have more than 10000 entries"),
        ("SELECT parse_duration('soon')", "line 1:8: Invalid duration: soon"),
        ("DELETE FROM app.tbl", "line 1:1: mismatched input 'DELETE'. Expecting: 'DESC', 'DESCRIBE', 'SELECT', 'SHOW', 'VALUES', 'WITH'"),
        ("SHOW MEASURES FROM app.nope", "line 1:20: Table 'app.nope' does not exist"),
        ("DESCRIBE nope.tbl", "line 1:10: Database 'nope' does not exist"),
        ("SELECT 1; SELECT 2", "line 1:1: the query string must hold exactly one statement"),
    ],
)
def test_message(filled: Timestream, sql_: str, message: str) -> None:
    assert filled.invalid(sql_) == message


@pytest.mark.parametrize("sql_", ["SELEC 1", "SELECT FROM", "SELECT (1", "SELECT 'a", "SELECT 1 FROM app.tbl WHERE", "SELECT 5q"])
def test_syntax_errors_have_a_place(filled: Timestream, sql_: str) -> None:
    assert re.match(r"line \d+:\d+: ", filled.invalid(sql_))


def test_the_query_string_is_bounded(ts: Timestream) -> None:
    assert "'queryString' failed to satisfy constraint" in ts.invalid("SELECT '" + "x" * 262_144 + "'")
    assert ts.error("Query").code == "ValidationException"
    assert ts.error("Query", QueryString="").code == "ValidationException"


INTERNAL = re.compile(r"duckdb|ts_[a-z]|store\.|Candidate|Traceback", re.IGNORECASE)
WORDS = [
    *("SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "CROSS", "JOIN", "WITH", "AS", "AND", "LIMIT", "OVER", "UNNEST("),
    *("app.tbl", "host", "time", "measure_value::double", "x", "t(x)", "q", "(VALUES", "1", "'a'", "15m", "null", "interval '1' day", "*"),
    *(
        "count(*)",
        "sum(",
        "ago(",
        "bin(",
        "cast(",
        "filter(",
        "create_time_series(",
        "array[",
        "bigint",
        "(",
        ")",
        "]",
        ",",
        "+",
        "/",
        "=",
        "->",
    ),
]


@settings(max_examples=150, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_no_query_breaks_the_engine_or_shows_its_inside(sql: Timestream, words: list[str]) -> None:
    text = "SELECT " + " ".join(words)
    try:
        sql.call("Query", QueryString=text)
    except TimestreamError as error:
        message = str(error)
    else:
        message = ""
    assert not INTERNAL.search(message), text
