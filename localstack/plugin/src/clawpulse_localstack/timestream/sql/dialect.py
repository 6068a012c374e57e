"""How Timestream's SQL is read: Trino's, with interval literals (`15m`) and `measure_value::double`.

Every function stays a plain call, known by the name that the caller wrote: `functions` decides what it means. sqlglot's own ideas of
functions would let through what Timestream does not have, and change what it has.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token

from clawpulse_localstack.timestream.errors import TimestreamError, invalid

_KEPT_PARSERS = ("CAST", "TRY_CAST", "EXTRACT", "POSITION")


class Timestream(Trino):
    """Trino with Timestream's literals."""

    IDENTIFIERS_CAN_START_WITH_DIGIT = True  # `15m` is read as a name, and rewritten

    class Tokenizer(Trino.Tokenizer):
        """SHOW and the like are words, not the rest of the line in one."""

        COMMANDS: ClassVar = set()

    class Parser(Trino.Parser):
        """Plain calls only."""

        FUNCTIONS = dict[str, Any]()  # noqa: RUF012 - as in the base class
        FUNCTION_PARSERS = {name: parser for name, parser in Trino.Parser.FUNCTION_PARSERS.items() if name in _KEPT_PARSERS}  # noqa: RUF012


def parse(sql: str) -> exp.Expression:
    """The one statement of a query string. Raises `ValidationException` with the place of the fault."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=Timestream) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        raise _syntax_error(error) from None
    if len(trees) != 1:
        raise invalid("line 1:1: the query string must hold exactly one statement")
    return trees[0]


def tokens(sql: str) -> list[Token]:
    """The tokens of a statement that is no query."""
    try:
        return Timestream().tokenize(sql)
    except SqlglotError as error:
        raise _syntax_error(error) from None


def _syntax_error(error: Exception) -> TimestreamError:
    details = getattr(error, "errors", None)
    if not details:
        return invalid("line 1:1: The query syntax is invalid")
    first = details[0]
    mark = first.get("highlight") or ""
    line, column = first.get("line") or 1, (first.get("col") or 1) - max(len(mark) - 1, 0)
    return invalid(
        f"line {line}:{max(column, 1)}: mismatched input '{mark}'. {first.get('description') or 'The query syntax is invalid'}".rstrip()
    )


def place(node: exp.Expression, sql: str) -> str:
    """Where a node begins, as AWS writes it: `line 1:8`."""
    start = position(node)
    if start is None:
        return "line 1:1"
    before = sql[:start]
    return f"line {before.count(chr(10)) + 1}:{start - (before.rfind(chr(10)) + 1) + 1}"


def position(node: exp.Expression) -> int | None:
    """The index of a node's first character, as far as its names and calls tell."""
    starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
    return min(starts) if starts else None
