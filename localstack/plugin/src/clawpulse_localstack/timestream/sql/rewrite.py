"""A parsed Timestream query as DuckDB runs it.

Anything not allowed here is refused: queries read, and read nothing but the catalog's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from clawpulse_localstack.timestream.catalog import Catalog, Columns, Kind, Table
from clawpulse_localstack.timestream.clock import Clock
from clawpulse_localstack.timestream.errors import TimestreamError, invalid
from clawpulse_localstack.timestream.retention import horizon
from clawpulse_localstack.timestream.sql import builders, functions, intervals, lists, operators
from clawpulse_localstack.timestream.sql.dialect import parse, place
from clawpulse_localstack.timestream.sql.unnest import unnested
from clawpulse_localstack.timestream.store import identifier

UNNAMED = "_col?"
"""Begins the alias of an unnamed column whose place is known only once `*` is expanded."""

_SPECIAL = (
    exp.Array,
    exp.Cast,
    exp.TryCast,
    exp.Case,
    exp.If,
    exp.And,
    exp.Or,
    exp.Exists,
    exp.Unnest,
    exp.Extract,
    exp.StrPosition,
    exp.Any,
    exp.All,
    exp.CurrentDate,
    exp.CurrentTime,
    exp.CurrentTimestamp,
    exp.Localtime,
    exp.Localtimestamp,
)
_REFUSED = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Placeholder, exp.Parameter, exp.SessionParameter, exp.TableSample, exp.Pivot)
_VALUE_FUNCTIONS = frozenset(
    {"current_schema", "current_database", "current_catalog", "current_role", "session_user", "user", "system_user"}
)


@dataclass(frozen=True, slots=True)
class Translation:
    """What DuckDB runs, and the tree that errors are placed in."""

    sql: str
    source: exp.Expression


class Rewriter:
    """Rewrites one query."""

    def __init__(self, sql: str, catalog: Catalog, clock: Clock, *, maps: bool = False) -> None:
        self._sql = sql
        self._catalog = catalog
        self._now_ns = clock()
        self._maps = maps
        """Whether UNNEST with two columns is over a map: the tree does not tell, so `query` tries."""

    def translate(self) -> Translation:
        """The DuckDB statement. Raises `ValidationException` with the place of the fault."""
        source = parse(self._sql)
        self._check(source)
        tree = source.copy()
        self._tables(tree)
        tree = self._nodes(tree)
        for select in list(tree.find_all(exp.Select)):
            _name_columns(select)
        return Translation(tree.sql(dialect="duckdb", identify=True), source)

    def _fail(self, node: exp.Expression, message: str) -> TimestreamError:
        return invalid(f"{place(node, self._sql)}: {message}")

    def _check(self, tree: exp.Expression) -> None:
        if not isinstance(tree, exp.Query | exp.Values):
            raise self._fail(tree, "Only SELECT, WITH, SHOW and DESCRIBE statements are supported")
        for node in tree.walk():
            if isinstance(node, _REFUSED):
                raise self._fail(node, f"{node.key.upper()} is not supported")
            if isinstance(node, exp.Anonymous):
                if operators.quantifier(node) is None:
                    self._check_call(node)
            elif isinstance(node, exp.Func) and not isinstance(node, _SPECIAL):
                raise self._fail(node, f"Function {node.key} not registered")

    def _check_call(self, node: exp.Anonymous) -> None:
        name = operators.function_name(node)
        if name in {"now", "ago"}:
            least = most = int(name == "ago")
        elif name in functions.FUNCTIONS:
            least, most = functions.FUNCTIONS[name].least, functions.FUNCTIONS[name].most
        else:
            raise self._fail(node, f"Function {name} not registered")
        arguments = sum(len(a.expressions) if isinstance(a, exp.Distinct) else 1 for a in node.expressions)
        if not least <= arguments <= most:
            raise self._fail(node, f"Unexpected parameters for function {name}: it takes {_range(least, most)}, not {arguments}")

    def _tables(self, tree: exp.Expression) -> None:
        views = {view.alias.lower() for view in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            if not isinstance(table.this, exp.Identifier):
                raise self._fail(table, "Table functions are not supported")
            if not table.db and table.name.lower() in views:
                continue
            table.replace(self._subquery(table, self._known_table(table)))
        self._value_functions(tree)

    def _value_functions(self, tree: exp.Expression) -> None:
        """Names that DuckDB takes for functions without parentheses when there is no such column."""
        for column in tree.find_all(exp.Column):
            if not column.table and column.name.lower() in _VALUE_FUNCTIONS and column.name.lower() not in _given_names(tree):
                raise self._fail(column, f"Column '{column.name}' does not exist")

    def _known_table(self, table: exp.Table) -> Table:
        if table.catalog:
            raise self._fail(table, f"Catalog '{table.catalog}' does not exist")
        if not table.db:
            raise self._fail(table, f"Database must be specified for the table '{table.name}'")
        if table.db not in self._catalog.databases:
            raise self._fail(table, f"Database '{table.db}' does not exist")
        if (table.db, table.name) not in self._catalog.tables:
            raise self._fail(table, f"Table '{table.db}.{table.name}' does not exist")
        return self._catalog.tables[table.db, table.name]

    def _subquery(self, node: exp.Table, table: Table) -> exp.Expression:
        """The table as callers see it: its columns by their names, nothing internal, nothing expired."""
        oldest = horizon(table, self._now_ns) // 1000
        expired = f" WHERE time >= make_timestamp({oldest})" if oldest > 0 else ""
        columns = visible(self._catalog.columns(table))
        query: exp.Expression = exp.maybe_parse(f"SELECT {columns} FROM {table.physical}{expired}", dialect="duckdb")  # noqa: S608
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
        return exp.Subquery(this=query, alias=alias.copy())

    def _nodes(self, tree: exp.Expression) -> exp.Expression:
        for node in reversed(list(tree.walk(bfs=True))):  # children before parents
            rewritten = self._node(node)
            if rewritten is not node:
                tree = rewritten if node is tree else tree
                if node.parent:
                    node.replace(rewritten)
        return tree

    def _node(self, node: exp.Expression) -> exp.Expression:
        for kind, rewrite in self._rewrites():
            if isinstance(node, kind):
                return rewrite(node)
        return node

    def _rewrites(self) -> tuple[tuple[type[exp.Expression], Callable[..., exp.Expression]], ...]:
        return (
            (exp.Anonymous, self._call),
            (exp.Lambda, lists.own_names),
            (exp.Cast, operators.cast),
            (exp.Column, self._column),
            (exp.Literal, operators.decimal),
            (exp.DataType, operators.type_),
            (exp.Div, operators.divide),
            (exp.Mod, operators.modulo),
            (exp.Extract, self._extract),
            (exp.Interval, self._interval),
            (exp.Unnest, lambda node: unnested(node, maps=self._maps)),
            (exp.CurrentTimestamp, lambda _: self._now()),
            (exp.Localtimestamp, lambda _: self._now()),
            (exp.CurrentDate, lambda _: exp.cast(self._now(), "date")),
            (exp.CurrentTime, lambda _: exp.cast(self._now(), "time")),
            (exp.Localtime, lambda _: exp.cast(self._now(), "time")),
        )

    def _now(self) -> exp.Expression:
        return builders.call("make_timestamp", exp.Literal.number(self._now_ns // 1000))

    def _call(self, node: exp.Anonymous) -> exp.Expression:
        name = operators.function_name(node)
        if name == "now":
            return self._now()
        if quantifier := operators.quantifier(node):
            return quantifier
        if name == "ago":
            return exp.Paren(this=exp.Sub(this=self._now(), expression=node.expressions[0]))
        function = functions.FUNCTIONS.get(name)
        if function is None:
            return node  # made by an earlier step
        if function.times:
            node.set("expressions", [builders.moment(argument) for argument in node.expressions])
        if isinstance(function.build, str):
            node.set("this", function.build)
            return node
        try:
            return function.build(node.expressions)
        except TimestreamError as error:
            raise self._fail(node, error.message) from None

    def _column(self, node: exp.Column) -> exp.Expression:
        if node.this.args.get("quoted") or node.table:
            return node
        if node.name.lower() in {"localtime", "localtimestamp"}:
            return exp.cast(self._now(), "time") if node.name.lower() == "localtime" else self._now()
        if not node.name[:1].isdigit():
            return node
        interval = intervals.parse(node.name)
        if interval is None:
            raise self._fail(node, f"mismatched input '{node.name}'")
        return interval

    def _extract(self, node: exp.Extract) -> exp.Expression:
        name = node.name.lower()
        function = functions.FUNCTIONS.get(name)
        if function is None or not isinstance(function.build, str) or not function.times:
            raise self._fail(node, f"Invalid EXTRACT field: {node.name}")
        return builders.call(function.build, builders.moment(node.expression))

    def _interval(self, node: exp.Interval) -> exp.Expression:
        if not isinstance(node.this, exp.Literal):
            raise self._fail(node, "INTERVAL takes a literal and a unit")
        text, unit = str(node.this.this), str(node.args.get("unit") or "").lower().removesuffix("s")
        negative, count = text.startswith("-"), text.removeprefix("-")
        interval = intervals.parse(f"{7 * int(count)}day" if unit == "week" and count.isdecimal() else count + unit)
        if interval is None:
            raise self._fail(node, f"Invalid INTERVAL literal: '{text}' {unit}".rstrip())
        return exp.Paren(this=exp.Neg(this=interval)) if negative else interval


def _given_names(tree: exp.Expression) -> set[str]:
    aliases = {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    return aliases | {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}


def visible(columns: Columns) -> str:
    """The select list of a table: dimensions, measure name, time, then measures."""
    order = sorted(columns.values(), key=lambda column: column.position)
    dimensions = [f"{column.physical} AS {identifier(column.name)}" for column in order if column.kind is Kind.DIMENSION]
    measures = [f"{column.physical} AS {identifier(column.name)}" for column in order if column.kind is Kind.MEASURE]
    return ", ".join([*dimensions, "measure_name", "time", *measures])


def _range(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"


def _name_columns(select: exp.Select) -> None:
    starred = False
    for place_, item in enumerate(select.expressions):
        starred = starred or bool(item.is_star)
        if item.is_star or item.alias or isinstance(item, exp.Column):
            continue
        if isinstance(item, exp.Dot) and not isinstance(item.expression, exp.Star):
            item.replace(exp.alias_(item.copy(), item.expression.name, quoted=True))
        else:
            item.replace(exp.alias_(item.copy(), f"{UNNAMED if starred else '_col'}{place_}", quoted=True))
