"""From Timestream's SQL to DuckDB's: parsed by sqlglot, rewritten, checked against a list of what is allowed, generated."""
