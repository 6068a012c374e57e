"""Moto's tables, seen from inside: read, filled and swept without a request. The caller holds `LOCK`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from clawpulse_localstack.dynamodb.writes import Attributes, plain

LOCK = threading.RLock()
"""Held by whoever reads or writes the tables: moto has no locks of its own."""

Key = dict[str, dict[str, str]]


def find(name: str) -> Table | None:
    """The table of that name, whichever account and region it is in; the local cloud has one of each."""
    return next((table for table in every() if table.name == name), None)


def every() -> Iterator[Table]:
    """All tables."""
    for regions in list(dynamodb_backends.values()):
        for backend in list(regions.values()):
            yield from list(backend.tables.values())


def key_of(table: Table, attributes: Attributes) -> Key:
    """The item's key alone."""
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    return {name: plain(attributes[name]) for name in names}


def read(table: Table, key: Key) -> dict[str, Any] | None:
    """The item as JSON, if there is one."""
    item = table.get_item(*_key_types(table, key))
    return item.to_json()["Attributes"] if item else None


def write(table: Table, item: Mapping[str, Any]) -> None:
    """Put an item back as it was."""
    table.put_item(dict(item))


def sweep(table: Table, now: float) -> list[Key]:
    """Delete the items whose time to live is over; returns their keys. Also drops what is left of emptied partitions."""
    attribute = table.ttl.get("AttributeName") if table.ttl.get("TimeToLiveStatus") == "ENABLED" else None
    if not attribute:
        return []
    expired = [item for item in _items(table) if _is_over(item.attrs.get(attribute), now)]
    for item in expired:
        table.delete_item(item.hash_key, item.range_key)
    if table.has_range_key:
        for partition in [partition for partition, items in table.items.items() if not items]:
            del table.items[partition]
    return [key_of(table, {name: value.to_json() for name, value in item.attrs.items()}) for item in expired]


def _items(table: Table) -> list[Item]:
    if table.has_range_key:
        return [item for partition in table.items.values() for item in partition.values()]
    return [item for item in table.items.values() if isinstance(item, Item)]


def _is_over(value: DynamoType | None, now: float) -> bool:
    """DynamoDB's rule: a number of seconds in the past, but not more than five years."""
    if value is None or value.type != "N":
        return False
    return now - 5 * 365 * 86_400 < float(value.value) < now


def _key_types(table: Table, key: Key) -> tuple[DynamoType, DynamoType | None]:
    return DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr]) if table.range_key_attr else None
