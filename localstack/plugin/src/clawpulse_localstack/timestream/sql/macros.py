"""Timestream's functions that DuckDB has no equal of, as DuckDB macros.

Their names begin with `ts_`, which no caller can reach: see `functions`.

Overloads are chosen by type; a parameter without a type takes the rest. A time series is a list of `{time, value}`.
"""

_ARITHMETIC = """
ts_div(a HUGEINT, b HUGEINT) AS CASE WHEN b = 0 THEN error('Division by zero') ELSE CAST(a // b AS BIGINT) END,
  (a DOUBLE, b DOUBLE) AS a / b,
  (a INTERVAL, b DOUBLE) AS to_microseconds(CAST(epoch_us(a) / b AS BIGINT));
ts_mod(a HUGEINT, b HUGEINT) AS CASE WHEN b = 0 THEN error('Division by zero') ELSE CAST(a % b AS BIGINT) END,
  (a DOUBLE, b DOUBLE) AS a % b;
ts_random() AS random(), (n) AS CAST(floor(random() * n) AS BIGINT);
"""

_TIME = """
ts_date(x) AS CAST(x AS DATE);
ts_millisecond(x) AS epoch_us(x) // 1000 % 1000;
ts_nanosecond(x) AS epoch_us(x) % 1000000 * 1000;
ts_date_trunc(unit, x) AS CAST(date_trunc(unit, x) AS TIMESTAMP);
ts_bin(x, width) AS time_bucket(width, CAST(x AS TIMESTAMP), TIMESTAMP '1970-01-01');
ts_from_iso8601_timestamp(x) AS timezone('UTC', CAST(x AS TIMESTAMPTZ));
ts_to_iso8601(x) AS CASE WHEN typeof(x) = 'DATE' THEN strftime(x, '%Y-%m-%d') ELSE strftime(x, '%Y-%m-%dT%H:%M:%S.%n') END;
ts_from_milliseconds(x) AS make_timestamp(x * 1000);
ts_from_unixtime(x) AS make_timestamp(CAST(round(x * 1e6) AS BIGINT));
ts_padded(x) AS CASE WHEN contains(x, '.') THEN rpad(x, 29, '0') ELSE x || '.000000000' END;
ts_varchar(x) AS CASE WHEN typeof(x) LIKE 'TIMESTAMP%' THEN ts_padded(CAST(x AS VARCHAR)) ELSE CAST(x AS VARCHAR) END;
"""

_TEXT = """
ts_reverse(x VARCHAR) AS reverse(x), (x) AS list_reverse(x);
ts_length(x VARCHAR) AS CAST(length(x) AS BIGINT);
ts_codepoint(x VARCHAR) AS unicode(x);
ts_replace(x, y) AS replace(x, y, ''), (x, y, z) AS replace(x, y, z);
ts_split(x, y) AS string_split(x, y), (x, y, n) AS CASE WHEN len(string_split(x, y)) <= n THEN string_split(x, y)
  ELSE list_slice(string_split(x, y), 1, n - 1) || [array_to_string(list_slice(string_split(x, y), n, len(string_split(x, y))), y)] END;
ts_split_part(x, y, n) AS CASE WHEN n < 1 THEN error('Index must be greater than zero') ELSE string_split(x, y)[n] END;
ts_strpos(x, y) AS CAST(instr(x, y) AS BIGINT);
ts_strrpos(x, y) AS CAST(CASE WHEN instr(x, y) = 0 THEN 0 ELSE length(x) - instr(reverse(x), reverse(y)) - length(y) + 2 END AS BIGINT);
ts_substr(x, n) AS CASE WHEN n = 0 OR -n > length(x) THEN '' ELSE substr(x, n) END,
  (x, n, size) AS CASE WHEN n = 0 OR -n > length(x) THEN '' ELSE substr(x, n, size) END;
ts_regexp_extract(x, p) AS CASE WHEN regexp_matches(x, p) THEN regexp_extract(x, p) END,
  (x, p, g) AS CASE WHEN regexp_matches(x, p) THEN regexp_extract(x, p, g) END;
ts_regexp_replace(x, p) AS regexp_replace(x, p, '', 'g'), (x, p, r) AS regexp_replace(x, p, r, 'g');
ts_to_base(x, radix) AS lower(to_base(x, radix));
ts_json_path(p) AS replace(replace(p, '["', '."'), '"]', '"');
ts_json_scalar(x, p) AS CASE WHEN json_valid(x) AND json_type(x, ts_json_path(p)) NOT IN ('OBJECT', 'ARRAY', 'NULL')
  THEN json_extract_string(x, ts_json_path(p)) END;
ts_json_extract(x, p) AS CASE WHEN json_valid(x) THEN CAST(json_extract(x, ts_json_path(p)) AS VARCHAR) END;
ts_json_parse(x) AS CASE WHEN json_valid(x) THEN CAST(json(x) AS VARCHAR) ELSE error('Cannot convert value to JSON: ' || x) END;
ts_json_array_length(x) AS CASE WHEN json_valid(x) AND json_type(x) = 'ARRAY' THEN CAST(json_array_length(x) AS BIGINT) END;
ts_json_size(x, p) AS CASE json_type(x, ts_json_path(p)) WHEN 'ARRAY' THEN CAST(json_array_length(x, ts_json_path(p)) AS BIGINT)
  WHEN 'OBJECT' THEN len(json_keys(x, ts_json_path(p))) ELSE 0 END;
"""

_ARRAYS = """
ts_too_long() AS 'result of sequence function must not have more than 10000 entries';
ts_backwards() AS 'sequence stop value should be greater than or equal to start value if step is greater than zero, '
  || 'otherwise stop should be less than or equal to start';
ts_array_distinct(x) AS list_filter(x, (item, place) -> list_position(x, item) = place
  OR (item IS NULL AND len(list_filter(x[1:place], i -> i IS NULL)) = 1));
ts_array_intersect(x, y) AS list_filter(ts_array_distinct(x), item -> list_contains(y, item));
ts_array_union(x, y) AS ts_array_distinct(x || y);
ts_array_except(x, y) AS list_filter(ts_array_distinct(x), item -> NOT list_contains(y, item));
ts_array_position(x, y) AS CAST(coalesce(list_position(x, y), CASE WHEN x IS NOT NULL THEN 0 END) AS BIGINT);
ts_array_remove(x, y) AS list_filter(x, item -> item <> y);
ts_array_sort(x) AS list_sort(x, 'ASC', 'NULLS LAST');
ts_cardinality(x) AS CAST(len(x) AS BIGINT);
ts_repeat(x, n) AS list_transform(range(n), i -> x);
ts_slice(x, first, size) AS CASE WHEN first = 0 THEN error('SQL array indices start at 1')
  ELSE list_slice(x, CASE WHEN first < 0 THEN len(x) + first + 1 ELSE first END,
  CASE WHEN first < 0 THEN len(x) + first ELSE first - 1 END + size) END;
ts_integers(a, b, step) AS CASE WHEN step = 0 OR (b < a AND step > 0) OR (b > a AND step < 0) THEN error(ts_backwards())
  WHEN (b - a) // step >= 10000 THEN error(ts_too_long()) ELSE generate_series(a, b, step) END;
ts_times(a, b, step) AS CASE WHEN b < a THEN error(ts_backwards())
  WHEN (epoch_us(b) - epoch_us(a)) / epoch_us(step) >= 10000 THEN error(ts_too_long()) ELSE generate_series(a, b, step) END;
ts_sequence(a BIGINT, b BIGINT, step BIGINT) AS ts_integers(a, b, step), (a TIMESTAMP, b TIMESTAMP, step INTERVAL) AS ts_times(a, b, step);
ts_map_agg(k, v) AS map_from_entries(list_filter(list({'key': k, 'value': v}), item -> item.key IS NOT NULL));
"""

_SERIES = """
ts_not_null(x) AS CASE WHEN x IS NULL THEN error('CREATE_TIME_SERIES: the value must not be null') ELSE x END;
ts_create_time_series(t, v) AS list({'time': t, 'value': ts_not_null(v)} ORDER BY t);
ts_before(series, t) AS list_filter(series, p -> p.time <= t)[-1];
ts_after(series, t) AS list_filter(series, p -> p.time >= t)[1];
ts_between(p, q, t) AS CASE WHEN p IS NULL OR q IS NULL THEN NULL WHEN p.time = q.time THEN CAST(p.value AS DOUBLE)
  ELSE p.value + (q.value - p.value) * (epoch_us(t) - epoch_us(p.time)) / (epoch_us(q.time) - epoch_us(p.time)) END;
ts_fill(series, t, v) AS coalesce(list_filter(series, p -> p.time = t)[1].value, v);
ts_linear_at(series, t) AS ts_between(ts_before(series, t), ts_after(series, t), t);
ts_locf_at(series, t) AS ts_before(series, t).value;
ts_linear_over(series, axis) AS list_transform(axis, t -> {'time': t, 'value': ts_linear_at(series, t)});
ts_locf_over(series, axis) AS list_transform(axis, t -> {'time': t, 'value': ts_locf_at(series, t)});
ts_fill_over(series, axis, v) AS list_transform(axis, t -> {'time': t, 'value': ts_fill(series, t, v)});
ts_interpolate_linear(series, t TIMESTAMP) AS ts_linear_at(series, t), (series, axis TIMESTAMP[]) AS ts_linear_over(series, axis);
ts_interpolate_locf(series, t TIMESTAMP) AS ts_locf_at(series, t), (series, axis TIMESTAMP[]) AS ts_locf_over(series, axis);
ts_interpolate_fill(series, t TIMESTAMP, v) AS ts_fill(series, t, v), (series, axis TIMESTAMP[], v) AS ts_fill_over(series, axis, v);
ts_slope(p, q, width) AS (q.value - p.value) * epoch_us(width) / (epoch_us(q.time) - epoch_us(p.time));
ts_derivative_linear(series, width) AS list_transform(series[2:], (p, i) -> {'time': p.time, 'value': ts_slope(series[i], p, width)});
ts_non_negative_derivative_linear(series, width) AS list_filter(ts_derivative_linear(series, width), p -> p.value >= 0);
ts_integral_trapezoidal(series, width) AS coalesce(list_sum(list_transform(series[2:], (p, i) ->
  (p.value + series[i].value) / 2.0 * (epoch_us(p.time) - epoch_us(series[i].time)) / epoch_us(width))), 0.0);
"""

_TYPE_NAMES = """
ts_typeof_name(x) AS CASE WHEN x = 'INTERVAL' THEN 'interval day to second' WHEN x LIKE 'TIMESTAMP%' THEN 'timestamp'
  WHEN x LIKE 'DECIMAL%' THEN 'double'  WHEN x = 'HUGEINT' OR x = 'UBIGINT' THEN 'bigint' WHEN x = 'INTEGER_LITERAL' THEN 'integer'
  WHEN x = '"NULL"' THEN 'unknown' ELSE lower(x) END;
ts_typeof(x) AS CASE WHEN typeof(x) LIKE '%[]' THEN 'array(' || ts_typeof_name(typeof(x)[:-3]) || ')' ELSE ts_typeof_name(typeof(x)) END;
"""


def _statements(block: str) -> list[str]:
    return [f"CREATE OR REPLACE MACRO {part.strip()}" for part in block.split(";\n") if part.strip()]


MACROS = ";\n".join(statement for block in (_ARITHMETIC, _TIME, _TEXT, _ARRAYS, _SERIES, _TYPE_NAMES) for statement in _statements(block))
"""One script that defines them all."""
