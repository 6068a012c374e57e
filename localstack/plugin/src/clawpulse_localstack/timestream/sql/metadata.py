"""SHOW DATABASES, SHOW TABLES, SHOW MEASURES, DESCRIBE."""

from __future__ import annotations

import re

import pyarrow as pa
from sqlglot.tokenizer_core import Token, TokenType

from clawpulse_localstack.timestream.catalog import Catalog, Kind, Table
from clawpulse_localstack.timestream.errors import TimestreamError, invalid
from clawpulse_localstack.timestream.sql.dialect import tokens
from clawpulse_localstack.timestream.store import Store

_QUERY_STARTS = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN, TokenType.VALUES}
_DIMENSION = pa.struct([("dimension_name", pa.string()), ("data_type", pa.string())])


def metadata(sql: str, catalog: Catalog, store: Store) -> pa.Table | None:
    """The answer to a metadata statement; None for a query. Anything else is refused."""
    found = tokens(sql)
    if not found:
        raise invalid("line 1:1: The query string is empty")
    first, rest = found[0], [token for token in found[1:] if token.token_type is not TokenType.SEMICOLON]
    if first.token_type in _QUERY_STARTS:
        return None
    word = first.text.upper()
    if word in {"DESCRIBE", "DESC"}:
        return _describe(_table(rest, catalog), catalog)
    if word == "SHOW" and rest:
        return _show(rest[0].text.upper(), rest[1:], catalog, store)
    raise _unexpected(first)


def _show(what: str, rest: list[Token], catalog: Catalog, store: Store) -> pa.Table:
    rest, like = _like(rest)
    if what == "DATABASES" and not rest:
        return pa.table({"Database": pa.array(filter(like.fullmatch, sorted(catalog.databases)), pa.string())})
    if what == "TABLES":
        names = [name for database, name in sorted(catalog.tables) if not rest or database == _database(rest, catalog)]
        return pa.table({"Table": pa.array(filter(like.fullmatch, names), pa.string())})
    if what == "MEASURES" and rest and rest[0].text.upper() == "FROM":
        return _measures(_table(rest[1:], catalog), like, catalog, store)
    raise invalid(f"line 1:6: mismatched input '{what.lower()}'. Expecting: 'DATABASES', 'MEASURES', 'TABLES'")


def _like(rest: list[Token]) -> tuple[list[Token], re.Pattern[str]]:
    if len(rest) > 1 and rest[-2].text.upper() == "LIKE" and rest[-1].token_type is TokenType.STRING:
        parts = [{"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in rest[-1].text]
        return rest[:-2], re.compile("".join(parts), re.DOTALL)
    return rest, re.compile(".*", re.DOTALL)


def _database(rest: list[Token], catalog: Catalog) -> str:
    if len(rest) != 2 or rest[0].text.upper() not in {"FROM", "IN"}:
        raise _unexpected(rest[0])
    if rest[1].text not in catalog.databases:
        raise invalid(f"{_place(rest[1])}: Database '{rest[1].text}' does not exist")
    return rest[1].text


def _table(rest: list[Token], catalog: Catalog) -> Table:
    if len(rest) != 3 or rest[1].token_type is not TokenType.DOT:
        raise invalid("line 1:1: The statement must name one table as database.table")
    database, name = rest[0].text, rest[2].text
    if database not in catalog.databases:
        raise invalid(f"{_place(rest[0])}: Database '{database}' does not exist")
    if (database, name) not in catalog.tables:
        raise invalid(f"{_place(rest[0])}: Table '{database}.{name}' does not exist")
    return catalog.tables[database, name]


def _describe(table: Table, catalog: Catalog) -> pa.Table:
    order = sorted(catalog.columns(table).values(), key=lambda column: column.position)
    rows = [(column.name, "varchar", "DIMENSION") for column in order if column.kind is Kind.DIMENSION]
    rows += [("measure_name", "varchar", "MEASURE_NAME"), ("time", "timestamp", "TIMESTAMP")]
    measures = [column for column in order if column.kind is Kind.MEASURE]
    rows += [(column.name, column.type.lower(), "MEASURE_VALUE" if "::" in column.name else "MULTI") for column in measures]
    names = ("Column", "Type", "Timestream attribute type")
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})


def _measures(table: Table, like: re.Pattern[str], catalog: Catalog, store: Store) -> pa.Table:
    columns = catalog.columns(table)
    dimensions = [column for (kind, _), column in columns.items() if kind is Kind.DIMENSION]
    seen = _dimensions_by_measure(table, [column.physical for column in dimensions], store)
    rows = [column for (kind, name), column in sorted(columns.items()) if kind is Kind.SERIES and like.fullmatch(name)]
    used = [
        [
            {"dimension_name": column.name, "data_type": "varchar"}
            for column, has in zip(dimensions, seen.get(row.name, ()), strict=False)
            if has
        ]
        for row in rows
    ]
    return pa.table(
        {
            "measure_name": pa.array([row.name for row in rows], pa.string()),
            "data_type": pa.array([row.type for row in rows], pa.string()),
            "dimensions": pa.array(used, pa.list_(_DIMENSION)),
        }
    )


def _dimensions_by_measure(table: Table, physical: list[str], store: Store) -> dict[str, tuple[bool, ...]]:
    if not physical:
        return {}
    used = ", ".join(f"count({name}) > 0" for name in physical)
    return {row[0]: row[1:] for row in store.run(f"SELECT measure_name, {used} FROM {table.physical} GROUP BY measure_name")}  # noqa: S608


def _unexpected(token: Token) -> TimestreamError:
    expected = "'DESC', 'DESCRIBE', 'SELECT', 'SHOW', 'VALUES', 'WITH'"
    return invalid(f"{_place(token)}: mismatched input '{token.text}'. Expecting: {expected}")


def _place(token: Token) -> str:
    return f"line {token.line}:{max(token.col - len(token.text) + 1, 1)}"
