"""Timestream for LiveAnalytics, local: AWS's write and query APIs on a DuckDB file.

`engine.Engine.dispatch` takes and gives botocore's shapes; nothing here knows LocalStack or HTTP.

Kept: the control plane, upserts by version, rejected records, retention, SQL with Timestream's functions and types, paging. An acknowledged
write is in DuckDB's write-ahead log. Not kept: batch load, scheduled queries, UNLOAD, metering, throttling; times are held in microseconds.
"""
