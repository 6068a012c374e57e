"""Casts, literals, types, arithmetic and quantifiers, one node at a time."""

from __future__ import annotations

from sqlglot import exp

from clawpulse_localstack.timestream.sql import builders

_VALUE_TYPES = {
    "DOUBLE": "double",
    "BIGINT": "bigint",
    "VARCHAR": "varchar",
    "TEXT": "varchar",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
}


def function_name(node: exp.Anonymous) -> str:
    """The lower-case name of a call."""
    return (node.this if isinstance(node.this, str) else node.this.name).lower()


def cast(node: exp.Cast) -> exp.Expression:
    """`measure_value::double` is a column; texts of timestamps have nine decimals."""
    kind, value = node.to.this.name if isinstance(node.to.this, exp.DataType.Type) else "", node.this
    if isinstance(value, exp.Column) and value.name == "measure_value" and kind in _VALUE_TYPES:
        return exp.column(f"measure_value::{_VALUE_TYPES[kind]}", table=value.args.get("table"), quoted=True)
    if isinstance(value, exp.Literal) and value.is_string and kind == "TIMESTAMP":
        return builders.timestamp(value.this)
    if kind in {"VARCHAR", "TEXT"} and not isinstance(node, exp.TryCast):
        return builders.call("ts_varchar", value)
    return node


def decimal(node: exp.Literal) -> exp.Expression:
    """Timestream has no DECIMAL: a literal with a point is a DOUBLE."""
    if node.is_string or "." not in node.this or "e" in node.this.lower():
        return node
    return exp.Literal.number(node.this + "e0")


def type_(node: exp.DataType) -> exp.Expression:
    """Lengths and precisions mean nothing; DECIMAL is DOUBLE."""
    if node.this in {exp.DataType.Type.TIMESTAMP, exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.TIME}:
        node.set("expressions", [])
    elif node.this is exp.DataType.Type.DECIMAL:
        return exp.DataType.build("double")
    return node


def divide(node: exp.Div) -> exp.Expression:
    """Integers divide to integers. By zero it is an error for integers; NULL where the types are not known yet (`_untyped`)."""
    left, right = node.this, node.expression
    if not _untyped(node):
        return builders.call("ts_div", left, right)
    if _is_double(left) or _is_double(right):
        return node
    return exp.Paren(this=exp.IntDiv(this=left, expression=right))  # it divides doubles as well


def modulo(node: exp.Mod) -> exp.Expression:
    """The remainder, with the same rules."""
    left, right = _bare(node.this), _bare(node.expression)
    return node if _untyped(node) else builders.call("ts_mod", left, right)


def _untyped(node: exp.Binary) -> bool:
    """Where DuckDB cannot choose a macro's overload, or TRY wants no error: around aggregates and in lambdas."""
    return builders.aggregated([node.this, node.expression]) or node.find_ancestor(exp.Lambda) is not None or _tried(node)


def _tried(node: exp.Expression) -> bool:
    """Inside TRY, division by zero is NULL, which is what DuckDB's own operators make of it."""
    call = node.find_ancestor(exp.Anonymous)
    while call is not None and function_name(call) != "try":
        call = call.find_ancestor(exp.Anonymous)
    return call is not None


def _is_double(node: exp.Expression) -> bool:
    node = _bare(node)
    if isinstance(node, exp.Cast):
        return node.to.is_type("double")
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in {"avg", "stddev", "stddev_pop", "stddev_samp", "geomean"}
    return isinstance(node, exp.Literal) and not node.is_string and "e" in str(node.this).lower()


def quantifier(node: exp.Anonymous) -> exp.Expression | None:
    """Sqlglot reads ANY, ALL and SOME over VALUES as calls."""
    kind = {"any": exp.Any, "some": exp.Any, "all": exp.All}.get(function_name(node))
    if kind is None or len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Values | exp.Subquery):
        return None
    rows = node.expressions[0]
    return kind(this=exp.Paren(this=rows) if isinstance(rows, exp.Values) else rows)


def _bare(node: exp.Expression) -> exp.Expression:
    while isinstance(node, exp.Paren):
        node = node.this
    return node
