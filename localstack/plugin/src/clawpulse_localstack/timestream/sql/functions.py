"""Every function that a query may call, and what DuckDB runs for it. What is not listed does not exist.

That list is also the fence: DuckDB's functions that touch files, settings or its catalogue have no name here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from clawpulse_localstack.timestream.sql import builders, formats, lists


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, and its translation."""

    least: int
    most: int
    build: builders.Build | str
    """A builder, or the name of DuckDB's function or of a macro of ours: the call is kept, DISTINCT, ORDER BY and all."""
    times: bool = False
    """String literals among the arguments stand for timestamps."""


def _same(least: int, most: int, *names: str) -> dict[str, Function]:
    return {name: Function(least, most, name) for name in names}


def _renames(least: int, most: int, names: dict[str, str], *, times: bool = False) -> dict[str, Function]:
    return {name: Function(least, most, target, times) for name, target in names.items()}


def _times(least: int, most: int, *names: str) -> dict[str, Function]:
    return _renames(least, most, {name: f"ts_{name}" for name in names}, times=True)


_AGGREGATES = {
    **_same(0, 1, "count"),
    **_same(1, 1, "avg", "any_value", "array_agg", "bool_and", "bool_or", "count_if", "stddev", "stddev_pop", "stddev_samp"),
    **_same(1, 1, "variance", "var_pop", "var_samp", "skewness", "kurtosis", "histogram"),
    **_same(1, 2, "min", "max"),
    **_same(2, 2, "corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept"),
    **_renames(1, 1, {"arbitrary": "any_value", "every": "bool_and", "geometric_mean": "geomean", "sum": "sum"}),
    **_renames(1, 1, {"approx_distinct": "approx_count_distinct", "bitwise_and_agg": "bit_and", "bitwise_or_agg": "bit_or"}),
    **_renames(2, 2, {"map_agg": "ts_map_agg", "create_time_series": "ts_create_time_series"}),
    "max_by": Function(2, 3, lambda args: builders.call("arg_max_null" if len(args) == 2 else "arg_max", *args)),
    "min_by": Function(2, 3, lambda args: builders.call("arg_min_null" if len(args) == 2 else "arg_min", *args)),
    "approx_percentile": Function(2, 3, builders.percentile),
}

_WINDOW = {
    **_same(0, 0, "row_number", "rank", "dense_rank", "percent_rank", "cume_dist"),
    **_same(1, 1, "ntile", "first_value", "last_value", "grouping"),
    **_same(1, 3, "lag", "lead"),
    **_same(2, 2, "nth_value"),
}

_TIME = {
    **_renames(1, 1, {name: name for name in ("year", "quarter", "month", "day", "hour", "minute", "second")}, times=True),
    **_times(1, 1, "millisecond", "nanosecond", "to_iso8601", "date"),
    **_renames(1, 1, {"week": "weekofyear", "week_of_year": "weekofyear", "year_of_week": "isoyear", "yow": "isoyear"}, times=True),
    **_renames(
        1, 1, {"day_of_month": "day", "day_of_week": "isodow", "dow": "isodow", "day_of_year": "dayofyear", "doy": "dayofyear"}, times=True
    ),
    **_renames(
        1,
        1,
        {"last_day_of_month": "last_day", "to_milliseconds": "epoch_ms", "to_nanoseconds": "epoch_ns", "to_unixtime": "epoch"},
        times=True,
    ),
    **_renames(1, 1, {name: f"ts_{name}" for name in ("from_iso8601_timestamp", "from_milliseconds", "from_unixtime")}),
    **_renames(1, 1, {"from_nanoseconds": "make_timestamp_ns"}),
    "from_iso8601_date": Function(1, 1, builders.cast("date")),
    "bin": Function(2, 2, "ts_bin", times=True),
    "date_trunc": Function(
        2, 2, lambda args: builders.call("ts_date_trunc", builders.unit(args[0], "date_trunc"), builders.moment(args[1]))
    ),
    "date_add": Function(3, 3, builders.date_add),
    "date_diff": Function(
        3,
        3,
        lambda args: builders.call("date_sub", builders.unit(args[0], "date_diff"), builders.moment(args[1]), builders.moment(args[2])),
    ),
    "parse_duration": Function(1, 1, builders.parse_duration),
    "current_timezone": Function(0, 0, builders.constant("'UTC'")),
    "date_format": Function(2, 2, builders.format(formats.mysql, "strftime")),
    "date_parse": Function(2, 2, builders.format(formats.mysql, "strptime")),
    "format_datetime": Function(2, 2, builders.format(formats.joda, "strftime")),
    "parse_datetime": Function(2, 2, builders.format(formats.joda, "strptime")),
}

_TEXT = {
    **_same(1, 1, "chr", "lower", "upper", "ltrim", "rtrim", "trim"),
    **_same(2, 2, "starts_with"),
    **_same(3, 3, "lpad", "rpad"),
    **_renames(1, 1, {"length": "ts_length", "codepoint": "ts_codepoint"}),
    "reverse": Function(1, 1, lists.reverse),
    **_renames(
        2, 2, {"hamming_distance": "hamming", "levenshtein_distance": "levenshtein", "strpos": "ts_strpos", "strrpos": "ts_strrpos"}
    ),
    **_renames(2, 3, {"replace": "ts_replace", "split": "ts_split", "substr": "ts_substr", "substring": "ts_substr"}),
    **_renames(3, 3, {"split_part": "ts_split_part"}),
    **_renames(2, 2, {"regexp_like": "regexp_matches", "regexp_split": "string_split_regex"}),
    **_renames(2, 3, {"regexp_extract": "ts_regexp_extract", "regexp_extract_all": "regexp_extract_all"}),
    "regexp_replace": Function(2, 3, builders.regexp_replace),
    "concat": Function(2, 127, builders.concat),
    **_renames(2, 2, {"json_extract_scalar": "ts_json_scalar", "json_extract": "ts_json_extract", "json_size": "ts_json_size"}),
    **_renames(1, 1, {"json_parse": "ts_json_parse", "json_array_length": "ts_json_array_length"}),
    "json_format": Function(1, 1, builders.cast("varchar")),
}

_ARRAYS = {
    **_renames(1, 1, {name: f"ts_{name}" for name in ("array_distinct", "array_sort", "cardinality")}),
    **_renames(2, 2, {name: f"ts_{name}" for name in ("array_intersect", "array_union", "array_except", "array_position", "array_remove")}),
    **_renames(1, 1, {"array_max": "list_max", "array_min": "list_min", "flatten": "flatten"}),
    **_renames(
        2, 2, {"arrays_overlap": "list_has_any", "contains": "list_contains", "filter": "list_filter", "transform": "list_transform"}
    ),
    **_renames(2, 2, {"repeat": "ts_repeat"}),
    **_renames(3, 3, {"slice": "ts_slice"}),
    **_renames(2, 5, {"zip": "list_zip"}),
    "any_match": Function(2, 2, lists.match(lambda found, _: exp.GT(this=found, expression=exp.Literal.number(0)))),
    "none_match": Function(2, 2, lists.match(lambda found, _: exp.EQ(this=found, expression=exp.Literal.number(0)))),
    "all_match": Function(2, 2, lists.match(lambda found, size: exp.EQ(this=found, expression=size))),
    "array_join": Function(2, 3, lists.array_join),
    "element_at": Function(2, 2, builders.index),
    "sequence": Function(2, 3, lists.sequence, times=True),
    "reduce": Function(4, 4, lists.reduce),
    "map": Function(0, 2, "map"),
    **_same(1, 1, "map_keys", "map_values", "map_entries", "map_from_entries"),
    **_same(2, 5, "map_concat"),
    "row": Function(1, 256, "row"),
}

_SERIES = {
    "interpolate_linear": Function(2, 2, lists.interpolate("linear", "ts_linear_at"), times=True),
    "interpolate_locf": Function(2, 2, lists.interpolate("locf", "ts_locf_at"), times=True),
    "interpolate_fill": Function(3, 3, lists.interpolate("fill", "ts_fill"), times=True),
    **_renames(2, 2, {name: f"ts_{name}" for name in ("derivative_linear", "non_negative_derivative_linear")}),
    "integral_trapezoidal": Function(1, 2, lists.integral),
}

_MATH = {
    **_same(0, 0, "pi"),
    **_same(1, 1, "abs", "cbrt", "ceil", "ceiling", "degrees", "exp", "floor", "ln", "log2", "log10", "radians", "sign", "sqrt"),
    **_same(1, 1, "acos", "asin", "atan", "cos", "cosh", "sin", "tan", "tanh"),
    **_same(2, 2, "atan2", "pow", "power"),
    **_same(1, 2, "round"),
    **_renames(1, 1, {"truncate": "trunc", "is_finite": "isfinite", "is_infinite": "isinf", "is_nan": "isnan", "typeof": "ts_typeof"}),
    **_renames(0, 1, {"rand": "ts_random", "random": "ts_random"}),
    **_renames(2, 2, {"mod": "ts_mod", "to_base": "ts_to_base", "bitwise_xor": "xor"}),
    "e": Function(0, 0, builders.constant("exp(1)")),
    "infinity": Function(0, 0, builders.constant("CAST('Infinity' AS DOUBLE)")),
    "nan": Function(0, 0, builders.constant("CAST('NaN' AS DOUBLE)")),
    "bitwise_and": Function(2, 2, builders.operator(exp.BitwiseAnd)),
    "bitwise_or": Function(2, 2, builders.operator(exp.BitwiseOr)),
    "bitwise_not": Function(1, 1, lambda args: exp.Paren(this=exp.BitwiseNot(this=args[0]))),
}

_CONDITIONAL = {
    **_same(1, 1, "try"),
    **_same(1, 256, "coalesce"),
    **_same(2, 2, "nullif"),
    "greatest": Function(1, 256, builders.extreme("greatest")),
    "least": Function(1, 256, builders.extreme("least")),
}

FUNCTIONS = {**_AGGREGATES, **_WINDOW, **_TIME, **_TEXT, **_ARRAYS, **_SERIES, **_MATH, **_CONDITIONAL}
"""By lower-case name. `now` and `ago` are missing: they need the clock, see `rewrite`."""
