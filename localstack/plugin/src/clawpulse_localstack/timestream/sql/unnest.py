"""UNNEST: a time series gives `time` and `value`, a map its keys and values, an array its elements."""

from __future__ import annotations

from sqlglot import exp

from clawpulse_localstack.timestream.sql.builders import call

_ROW_COLUMNS = 2


def unnested(node: exp.Unnest, *, maps: bool) -> exp.Expression:
    """A lateral subquery that yields the rows."""
    alias = node.args.get("alias")
    names = [column.copy() for column in alias.columns] if alias else []
    ordinality = node.args.get("offset")
    if isinstance(ordinality, exp.Expression):
        names.append(ordinality.copy())
    wide = len(node.expressions) == 1 and (not names or len(names) - bool(ordinality) >= _ROW_COLUMNS)
    columns = [_spread(value, maps=maps) if wide else call("unnest", value) for value in node.expressions]
    if ordinality:
        columns.append(call("generate_subscripts", node.expressions[0].copy(), exp.Literal.number(1)))
    table = exp.TableAlias(this=alias.this.copy() if alias and alias.this else exp.to_identifier("unnested"), columns=names)
    return exp.Lateral(this=exp.Subquery(this=exp.Select(expressions=columns)), alias=table)


def _spread(value: exp.Expression, *, maps: bool) -> exp.Expression:
    rows = call("map_entries", value) if maps else value
    depth = exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2))
    return call("unnest", rows, depth)
