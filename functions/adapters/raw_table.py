"""How raw records are written: one shape for the fast adapter and the one on boto3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from functions.domain.raw import RawRecord

CHUNK = 100
"""Records that the service takes at once."""


class Chunk:
    """Up to 100 records of one table, and their places among all."""

    def __init__(self, table: str, places: Sequence[int], records: Sequence[RawRecord]) -> None:
        self.table = table
        self.places = places
        self.records = records


def chunks(records: Sequence[RawRecord]) -> Iterator[Chunk]:
    """The calls that write the records."""
    by_table: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        by_table.setdefault(record.table, []).append(place)
    for table, places in by_table.items():
        for start in range(0, len(places), CHUNK):
            part = places[start : start + CHUNK]
            yield Chunk(table, part, [records[place] for place in part])


def common_attributes(common: Mapping[str, str]) -> dict[str, Any]:
    """What all records of a call share."""
    return {"Dimensions": dimensions(common), "MeasureValueType": "MULTI", "TimeUnit": "MICROSECONDS"}


def dimensions(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the service spells them."""
    return [{"Name": name, "Value": value} for name, value in tags.items()]


def measures(values: Mapping[str, float | str]) -> list[dict[str, str]]:
    """Values as the service spells them."""
    return [
        {"Name": name, "Value": value, "Type": "VARCHAR"}
        if isinstance(value, str)
        else {"Name": name, "Value": repr(float(value)), "Type": "DOUBLE"}
        for name, value in values.items()
    ]


def rejected(chunk: Chunk, document: Mapping[str, Any]) -> dict[int, str]:
    """Places and reasons of a `RejectedRecordsException`."""
    return {chunk.places[each["RecordIndex"]]: each.get("Reason", "no reason given") for each in document.get("RejectedRecords", ())}
