"""What calls become: the translations that are more than another name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from clawpulse_localstack.timestream.errors import invalid
from clawpulse_localstack.timestream.sql import formats, intervals

Arguments = Sequence[exp.Expression]
Build = Callable[[Arguments], exp.Expression]

TIMESTAMP = exp.DataType.build("timestamp", dialect="duckdb")
TIMESTAMP_NS = exp.DataType.build("timestamp_ns", dialect="duckdb")
AGGREGATES = frozenset(
    {"count", "sum", "avg", "min", "max", "any_value", "array_agg", "bool_and", "bool_or", "count_if", "histogram", "geomean"}
    | {"stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "skewness", "kurtosis", "bit_and", "bit_or"}
    | {"corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "approx_count_distinct", "approx_quantile"}
    | {"arg_max", "arg_min", "arg_max_null", "arg_min_null", "ts_map_agg", "ts_create_time_series"}
)
"""DuckDB's names of the aggregates that a rewritten query may hold."""

_MICROSECOND_DIGITS = 6


def call(name: str, *arguments: exp.Expression | str) -> exp.Expression:
    """A DuckDB call; strings are literals."""
    return exp.Anonymous(this=name, expressions=[exp.Literal.string(a) if isinstance(a, str) else a for a in arguments])


def timestamp(text: str) -> exp.Expression:
    """A timestamp literal, exact to the nanosecond."""
    digits = len(text.strip().partition(".")[2])
    return exp.Cast(
        this=exp.Literal.string(text),
        to=(TIMESTAMP_NS if digits > _MICROSECOND_DIGITS and text.strip()[-3:] != "000" else TIMESTAMP).copy(),
    )


def literal(argument: exp.Expression, what: str) -> str:
    """The text of an argument that must be a string literal."""
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise invalid(f"{what} must be a string literal")
    return str(argument.this)


def moment(argument: exp.Expression) -> exp.Expression:
    """An argument that stands for a time: a string literal is a timestamp."""
    return timestamp(argument.this) if isinstance(argument, exp.Literal) and argument.is_string else argument


def unit(argument: exp.Expression, function: str) -> str:
    """The name of a unit of time."""
    name = literal(argument, f"The unit of {function}").lower()
    if name not in intervals.UNITS:
        raise invalid(f"'{name}' is not a valid Timestamp field")
    return name


def cast(type_: str) -> Build:
    """A cast of the argument."""
    return lambda args: exp.Cast(this=args[0], to=exp.DataType.build(type_, dialect="duckdb"))


def constant(sql: str) -> Build:
    """The same expression whatever the arguments."""
    return lambda args: exp.maybe_parse(sql, dialect="duckdb")


def operator(kind: type[exp.Binary]) -> Build:
    """An operator between two arguments."""
    return lambda args: exp.Paren(this=kind(this=args[0], expression=args[1]))


def concat(args: Arguments) -> exp.Expression:
    """NULL if an argument is; for strings and arrays."""
    result = args[0]
    for argument in args[1:]:
        result = exp.DPipe(this=result, expression=argument)
    return exp.Paren(this=result)


def extreme(name: str) -> Build:
    """Trino's greatest and least are NULL as soon as one argument is; DuckDB's skip it."""

    def build(args: Arguments) -> exp.Expression:
        absent = exp.or_(*(exp.Is(this=argument.copy(), expression=exp.Null()) for argument in args))
        return exp.Case(ifs=[exp.If(this=absent, true=exp.Null())], default=call(name, *args))

    return build


def date_add(args: Arguments) -> exp.Expression:
    """A time plus some units."""
    return exp.Paren(this=exp.Add(this=moment(args[2]), expression=intervals.of_unit(unit(args[0], "date_add"), args[1])))


def format(translate: Callable[[str], str], target: str) -> Build:
    """A call with a translated format."""
    return lambda args: call(target, args[0], translate(literal(args[1], "The format")))


def regexp_replace(args: Arguments) -> exp.Expression:
    """Every match is replaced."""
    if len(args) == 3:
        args = [args[0], args[1], exp.Literal.string(formats.replacement(literal(args[2], "The replacement of regexp_replace")))]
    return call("ts_regexp_replace", *args)


def percentile(args: Arguments) -> exp.Expression:
    """One percentile, or an array of them."""
    if len(args) == 3:
        raise invalid("approx_percentile with weights or an accuracy is not supported")
    kind = "float[]" if isinstance(args[1], exp.Array) else "float"
    return call("approx_quantile", args[0], exp.Cast(this=args[1], to=exp.DataType.build(kind, dialect="duckdb")))


def parse_duration(args: Arguments) -> exp.Expression:
    """The interval of a literal."""
    text = literal(args[0], "The argument of parse_duration")
    interval = intervals.parse(text)
    if interval is None:
        raise invalid(f"Invalid duration: {text}")
    return interval


def index(args: Arguments) -> exp.Expression:
    """An element of an array or a map."""
    return exp.Bracket(this=exp.Paren(this=args[0]), expressions=[args[1]], offset=1)


def aggregated(nodes: Arguments) -> bool:
    """Whether rewritten expressions hold an aggregate or a window: DuckDB cannot choose an overload by their types."""
    return any(
        isinstance(found, exp.Window | exp.Filter) or (isinstance(found, exp.Anonymous) and str(found.this).lower() in AGGREGATES)
        for node in nodes
        for found in node.walk()
    )
