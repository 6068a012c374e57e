"""Calls about arrays and time series: lambdas, sequences, interpolation.

DuckDB chooses a macro's overload by the arguments' types, which it does not know yet where aggregates are among
them: then the arguments' looks decide.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from clawpulse_localstack.timestream.errors import invalid
from clawpulse_localstack.timestream.sql import intervals
from clawpulse_localstack.timestream.sql.builders import Arguments, Build, aggregated, call

_INTERVALS = frozenset({"to_microseconds", "to_days", "to_months"})
_TIMES = frozenset({"make_timestamp", "ts_bin", "ts_date_trunc", "ts_from_iso8601_timestamp", "strptime"})
_LISTS = frozenset(
    {"ts_times", "ts_integers", "ts_sequence", "array_agg", "list_transform", "list_filter", "ts_array_sort", "ts_array_distinct"}
)


def reduce(args: Arguments) -> exp.Expression:
    """DuckDB's reduce wants state and element of one type: both travel in one struct, `state` and `item`."""
    array, initial, step, output = args
    if not (isinstance(step, exp.Lambda) and isinstance(output, exp.Lambda) and len(step.expressions) == 2):
        raise invalid("reduce takes an array, an initial state, a lambda of two arguments and a lambda of one")

    def pair(state: exp.Expression, item: exp.Expression) -> exp.Expression:
        fields = [exp.PropertyEQ(this=exp.to_identifier(name), expression=value) for name, value in (("state", state), ("item", item))]
        return exp.Struct(expressions=fields)

    renamed = {step.expressions[0].name: "ts_acc.state", step.expressions[1].name: "ts_next.item"}
    body = _renamed(step.this, renamed)
    first = exp.Array(expressions=[pair(initial.copy(), exp.Bracket(this=array.copy(), expressions=[exp.Literal.number(1)], offset=1))])
    rest = call("list_transform", array.copy(), anonymous(pair(initial.copy(), exp.column("ts_item")), "ts_item"))
    folded = call(
        "list_reduce", exp.DPipe(this=first, expression=rest), anonymous(pair(body, exp.column("item", "ts_next")), "ts_acc", "ts_next")
    )
    state = exp.Array(expressions=[exp.Dot(this=folded, expression=exp.to_identifier("state"))])
    return exp.Bracket(this=call("list_transform", state, output), expressions=[exp.Literal.number(1)], offset=1)


def own_names(node: exp.Lambda) -> exp.Lambda:
    """A lambda whose parameters no column can be named like: DuckDB would take the column."""
    names = {parameter.name: f"ts_{parameter.name}" for parameter in node.expressions}
    return anonymous(_renamed(node.this, names), *names.values())


def _renamed(body: exp.Expression, names: dict[str, str]) -> exp.Expression:
    """A lambda's body with other names for its parameters, which may be paths (`acc.state`)."""

    def step(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Identifier) or node.name not in names or _is_field(node):
            return node
        first, *rest = names[node.name].split(".")
        path: exp.Expression = exp.to_identifier(first)
        for name in rest:
            path = exp.Dot(this=path, expression=exp.to_identifier(name))
        return path

    renamed: exp.Expression = body.transform(step)
    return renamed


def _is_field(node: exp.Identifier) -> bool:
    owner = node.parent
    if isinstance(owner, exp.Dot):
        return node.arg_key == "expression"
    return isinstance(owner, exp.Column | exp.ColumnDef | exp.Alias | exp.PropertyEQ)


def anonymous(body: exp.Expression, *names: str) -> exp.Lambda:
    """A lambda of these names."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier(name) for name in names])


def match(build: Callable[[exp.Expression, exp.Expression], exp.Expression]) -> Build:
    """A count of the matching elements against the size."""
    return lambda args: exp.Paren(this=build(call("len", call("list_filter", *args)), call("len", args[0].copy())))


def array_join(args: Arguments) -> exp.Expression:
    """The elements as one text, nulls left out unless there is a text for them."""
    item: exp.Expression = exp.Cast(this=exp.column("ts_item"), to=exp.DataType.build("varchar"))
    if len(args) == 3:
        item = call("coalesce", item, args[2])
    return call("array_to_string", call("list_transform", args[0], anonymous(item, "ts_item")), args[1])


def _about(node: exp.Expression, names: frozenset[str]) -> bool:
    return any(
        (isinstance(found, exp.Anonymous) and str(found.this).lower() in names)
        or (isinstance(found, exp.Cast) and found.to.is_type("timestamp", "timestampntz"))
        for found in node.walk()
    )


def _listed(node: exp.Expression) -> bool:
    return isinstance(node, exp.Array) or (isinstance(node, exp.Anonymous) and str(node.this).lower() in _LISTS)


def sequence(args: Arguments) -> exp.Expression:
    """Integers or timestamps, as the arguments look."""
    if len(args) == 3:
        timed = _about(args[2], _INTERVALS)
        return call(("ts_times" if timed else "ts_integers") if aggregated(args) or timed else "ts_sequence", *args)
    first, last = args
    if _about(first, _TIMES) or _about(last, _TIMES):
        return call("ts_times", first, last, call("to_days", exp.Literal.number(1)))
    step = exp.Case(
        ifs=[exp.If(this=exp.LTE(this=first.copy(), expression=last.copy()), true=exp.Literal.number(1))], default=exp.Literal.number(-1)
    )
    return call("ts_integers", first, last, step)


def interpolate(kind: str, at: str) -> Build:
    """Over an array of times, or at one time."""

    def build(args: Arguments) -> exp.Expression:
        if not aggregated(args):
            return call(f"ts_interpolate_{kind}", *args)
        return call(f"ts_{kind}_over" if _listed(args[1]) else at, *args)

    return build


def reverse(args: Arguments) -> exp.Expression:
    """Of a string or an array."""
    return call("list_reverse" if _listed(args[0]) else "reverse" if aggregated(args) else "ts_reverse", *args)


def integral(args: Arguments) -> exp.Expression:
    """Per second unless another interval is given."""
    return call("ts_integral_trapezoidal", args[0], args[1] if len(args) > 1 else intervals.microseconds(1_000_000))
