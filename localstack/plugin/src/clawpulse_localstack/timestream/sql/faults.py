"""What DuckDB says of a query, in Timestream's words: the place where there is one, never a name of ours or of DuckDB's inside."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
from sqlglot import exp

from clawpulse_localstack.timestream.errors import TimestreamError, invalid
from clawpulse_localstack.timestream.sql.dialect import place
from clawpulse_localstack.timestream.sql.functions import FUNCTIONS
from clawpulse_localstack.timestream.sql.rewrite import Translation

_NAMES = {function.build: name for name, function in FUNCTIONS.items() if isinstance(function.build, str)} | {
    "ts_div": "/",
    "ts_mod": "%",
    "ts_varchar": "cast",
    "time_bucket": "bin",
    "ts_date_trunc": "date_trunc",
    "date_sub": "date_diff",
    "approx_quantile": "approx_percentile",
}
_TYPES = {
    "HUGEINT": "bigint",
    "UBIGINT": "bigint",
    "INT64": "bigint",
    "INT32": "integer",
    "STRING_LITERAL": "varchar",
    "INTEGER_LITERAL": "integer",
}
_INTERNAL = re.compile(r"duckdb|\bts_|\bstore\.|make_timestamp|Candidate|\bt\d+\b|lambda", re.IGNORECASE)

Rule = Callable[[re.Match[str], Translation, str], str]


def translate(error: duckdb.Error, translation: Translation, sql: str) -> TimestreamError:
    """The error that the caller gets."""
    if isinstance(error, duckdb.InterruptException):
        return TimestreamError(
            "QueryExecutionException", "The query was stopped: it was cancelled, or ran longer than the local engine allows."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return TimestreamError("QueryExecutionException", "The query needs more memory than the local engine allows.")
    text = str(error).partition("\n")[0].partition("Error: ")[2] or str(error)
    for pattern, rule in _RULES:
        if match := re.search(pattern, text):
            return invalid(rule(match, translation, sql))
    if isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException | duckdb.OutOfRangeException) and not _INTERNAL.search(
        text
    ):
        return invalid(text)
    return invalid("line 1:1: The query is not valid" + ("" if _INTERNAL.search(text) else f": {text}"))


def _missing_column(match: re.Match[str], translation: Translation, sql: str) -> str:
    name = match["name"]
    return f"{_place_of(name, translation, sql)}: Column '{name}' does not exist"


def _missing_table(match: re.Match[str], translation: Translation, sql: str) -> str:
    column = next((c for c in translation.source.find_all(exp.Column) if c.table.lower() == match["name"].lower()), None)
    name = f"{match['name']}.{column.name}" if column else match["name"]
    return f"{_place_of(match['name'], translation, sql)}: Column '{name}' does not exist"


def _ambiguous(match: re.Match[str], translation: Translation, sql: str) -> str:
    return f"{_place_of(match['name'], translation, sql)}: Column '{match['name']}' is ambiguous"


def _not_grouped(match: re.Match[str], translation: Translation, sql: str) -> str:
    where = _place_of(match["name"], translation, sql)
    return f"{where}: '{match['name']}' must be an aggregate expression or appear in GROUP BY clause"


def _parameters(match: re.Match[str], translation: Translation, sql: str) -> str:
    name, types = match["name"], (match.groupdict().get("types") or "")
    spelled = ", ".join(_type(part) for part in re.split(r", (?![^(]*\))", types) if part)
    known = _NAMES.get(name, name)
    call = next((c for c in translation.source.find_all(exp.Anonymous) if str(c.name).lower() == known), None)
    where = place(call, sql) if call is not None else "line 1:1"
    if not known.isidentifier():
        return f"{where}: '{known}' cannot be applied to {spelled or 'these types'}"
    return f"{where}: Unexpected parameters{f' ({spelled})' if spelled else ''} for function {known}"


def _mismatch(match: re.Match[str], translation: Translation, sql: str) -> str:
    return f"line 1:1: Cannot compare values of types {_type(match['left'])} and {_type(match['right'])}"


def _cast(match: re.Match[str], translation: Translation, sql: str) -> str:
    return f"Cannot cast '{match['value']}' to {_type(match['type'])}"


def _timestamp(match: re.Match[str], translation: Translation, sql: str) -> str:
    return f"Value cannot be cast to {match['type']}: {match['value']}"


def _aggregate(match: re.Match[str], translation: Translation, sql: str) -> str:
    return f"line 1:1: {match['clause']} clause cannot contain aggregations, window functions or grouping operations"


_RULES: tuple[tuple[str, Rule], ...] = (
    (r'Referenced column "(?P<name>[^"]+)"', _missing_column),
    (r'does not have a column named "(?P<name>[^"]+)"', _missing_column),
    (r'column "?(?P<name>[^" ]+)"? (?:not found|does not exist) ?in', _missing_column),
    (r'Column "(?P<name>[^"]+)" .*does not exist', _missing_column),
    (r'Referenced table "(?P<name>[^"]+)" not found', _missing_table),
    (r'Ambiguous reference to column name "(?P<name>[^"]+)"', _ambiguous),
    (r'column "(?P<name>[^"]+)" must appear in the GROUP BY clause', _not_grouped),
    (r"given name and argument types '(?P<name>[^(]+)\((?P<types>.*)\)'", _parameters),
    (r'best candidate function for the function call "(?P<name>[^(]+)\((?P<types>.*)\)"', _parameters),
    (r"Macro \"?(?P<name>\w+)(?:\(\))?\"? (?:does not support|has multiple overloads)", _parameters),
    (r"Cannot compare values of type (?P<left>\S+) and (?:values of )?type (?P<right>[^\s.]+)", _mismatch),
    (r"Could not convert string '(?P<value>.*)' to (?P<type>\w+)", _cast),
    (r"(?P<clause>WHERE|GROUP BY|HAVING) clause cannot contain (?:aggregates|window)", _aggregate),
    (r'invalid (?P<type>timestamp|date|time) field format: "(?P<value>[^"]*)"', _timestamp),
)


def _place_of(name: str, translation: Translation, sql: str) -> str:
    """Where a name is first used: as a column by itself if there is one, else anywhere."""
    found = [node for node in translation.source.find_all(exp.Identifier) if node.name.lower() == name.lower() and "start" in node.meta]
    bare = [node for node in found if isinstance(node.parent, exp.Column) and not node.parent.table]
    for node in bare + found:
        return place(node.parent if isinstance(node.parent, exp.Column) else node, sql)
    return _place_of("measure_value", translation, sql) if name.startswith("measure_value::") else "line 1:1"


def _type(name: str) -> str:
    return _TYPES.get(name.upper(), name.lower())
