"""Series with bad cells in them, decoded cell by cell, so that one bad value costs one point."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from functions.domain import wire

_SERIES = msgspec.json.Decoder(wire.LooseSeries)
_EVENTS = msgspec.json.Decoder(wire.LooseEvents)
_TIME = msgspec.json.Decoder(int)
_VALUE = msgspec.json.Decoder(wire.Value)
_ATTRIBUTE = msgspec.json.Decoder(wire.Attribute)


class Sorted[T](NamedTuple):
    """Good points as columns, and the reasons of the others by their place."""

    good: T
    faults: dict[int, str]


def series(raw: msgspec.Raw) -> Sorted[wire.Series] | str:
    """The good points of a series, or why it has none."""
    loose = wire.try_decode(raw, _SERIES)
    fault = loose.text if isinstance(loose, wire.Fault) else _lengths_fault(loose, loose.values, "values")
    if fault or isinstance(loose, wire.Fault):
        return fault or ""
    table = _Table(len(loose.times))
    times = table.column("times", loose.times, _TIME)
    values = table.column("values", loose.values, _VALUE)
    attributes = {key: table.column(f"attributes.{key}", column, _ATTRIBUTE) for key, column in loose.attributes.items()}
    return Sorted(
        wire.Series(
            loose.name,
            table.good(times),
            table.good(values),
            loose.tags,
            {key: table.good(column) for key, column in attributes.items()},
        ),
        table.faults,
    )


def events(raw: msgspec.Raw) -> Sorted[wire.Events] | str:
    """The good events of a name, or why there are none."""
    loose = wire.try_decode(raw, _EVENTS)
    fault = loose.text if isinstance(loose, wire.Fault) else _lengths_fault(loose, loose.payloads, "payloads")
    if fault or isinstance(loose, wire.Fault):
        return fault or ""
    table = _Table(len(loose.times))
    times = table.column("times", loose.times, _TIME)
    attributes = {key: table.column(f"attributes.{key}", column, _ATTRIBUTE) for key, column in loose.attributes.items()}
    return Sorted(
        wire.Events(
            loose.name,
            table.good(times),
            loose.tags,
            {key: table.good(column) for key, column in attributes.items()},
            loose.payloads and table.good(loose.payloads),
        ),
        table.faults,
    )


class _Table:
    """Columns of one length, whose rows are good when all their cells are."""

    def __init__(self, size: int) -> None:
        self.faults: dict[int, str] = {}
        self._size = size

    def column[T](self, name: str, cells: list[msgspec.Raw], decoder: msgspec.json.Decoder[T]) -> list[T]:
        """Decode a column; a cell that is bad leaves its reason, and anything in its place."""
        return [self._cell(name, place, cell, decoder) for place, cell in enumerate(cells)]

    def _cell[T](self, name: str, place: int, cell: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
        found = wire.try_decode(cell, decoder)
        if isinstance(found, wire.Fault):
            self.faults.setdefault(place, f"{name}: {found.reason}")
        return found  # type: ignore[return-value]

    def good[T](self, column: list[T]) -> list[T]:
        """The cells of good rows."""
        return [cell for place, cell in enumerate(column) if place not in self.faults]


def _lengths_fault(loose: wire.LooseSeries | wire.LooseEvents, column: list[msgspec.Raw] | None, name: str) -> str | None:
    """Why cells cannot be put together to rows."""
    size = len(loose.times)
    for key, cells in ((name, column), *loose.attributes.items()):
        if cells is not None and len(cells) != size:
            return f"the column {key} has {len(cells)} entries, times has {size}"
    return None
