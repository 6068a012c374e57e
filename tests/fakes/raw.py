"""Raw history in memory: an upsert by time, dimensions and measure name, like the real one's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from functions.domain.errors import RecordsRejected
from functions.domain.raw import RawRecord

type Key = tuple[str, str, int, frozenset[tuple[str, str]]]


class MemoryRaw:
    """`RawWriter`."""

    def __init__(self) -> None:
        self.records: dict[Key, Mapping[str, float | str]] = {}

    def write(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        reasons = {}
        for place, record in enumerate(records):
            key = (record.table, record.measure, record.time_us, frozenset({**common, **record.dimensions}.items()))
            if self.records.setdefault(key, record.values) != record.values:
                reasons[place] = "A record already exists with the same time, dimensions, measure name, and record version."
        if reasons:
            raise RecordsRejected(reasons)
