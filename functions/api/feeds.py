"""What the feeds of tasks and events share: columns of the raw tables, remote tags, and pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from functions.api.endpoint import Call
from functions.api.fleet_view import view
from functions.domain.dimensions import RESERVED
from functions.domain.errors import NotFound
from functions.domain.feed import columns_sql, overrides
from functions.domain.feed_sql import TagColumns
from functions.domain.selector import Selector
from functions.ports import RawReader

MAX_COLUMNS = 1_000


def reader(call: Call) -> RawReader:
    """The reader of raw history; raises `NotFound` on a stage that keeps none."""
    if call.services.raw is None:
        raise NotFound("this stage keeps no raw history (rawHistory: false), so no tasks and events; rollups: /api/series")
    return call.services.raw


def tag_columns(call: Call, table: str, selector: Selector) -> TagColumns:
    """Where a table has the tags. A column comes into being with its first record: before, it cannot be named in a statement."""
    described = rows(reader(call), columns_sql(call.services.raw_database, table), MAX_COLUMNS)
    kinds = {str(row["Column"]): str(row.get("Timestream attribute type", "")) for row in described}
    stored = frozenset(column for column, kind in kinds.items() if kind == "DIMENSION") - RESERVED
    if not selector.keys():
        return TagColumns(frozenset(kinds), stored)
    fleet = view(call)
    dimensions = stored | frozenset(fleet.settings.dimensions)
    return TagColumns(frozenset(kinds), dimensions, overrides(selector, dimensions, fleet.everyone.values()))


def rows(source: RawReader, sql: str, limit: int) -> list[Mapping[str, Any]]:
    """At most `limit` rows; the service may hand them out in several lots."""
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while len(found) < limit:
        page = source.query(sql, limit - len(found), cursor)
        found += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    return found


def attributes(text: str | None) -> dict[str, Any]:
    """Attributes of a record, which are stored as JSON."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
