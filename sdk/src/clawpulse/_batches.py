"""From pieces to the bytes of batches, within what the wire allows. Pure: the same pieces give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clawpulse import wire
from clawpulse._aggregation import MINUTE_MS, Piece
from clawpulse._pending import same_task
from clawpulse._runs import merged
from clawpulse._spool import Batch


def batches(header: wire.Header, pieces: Sequence[Piece], counts: Mapping[str, int]) -> list[Batch]:
    """One batch, or several if one would be too large; numbered from the header's. The counters go with the first."""
    items: list[wire.Item] = [piece.item for piece in pieces]
    items += [wire.Point(name, float(count), header.time) for name, count in counts.items()]
    if len(pieces) > 1 and _too_varied(items):
        return _halves(header, pieces, counts)
    plain = wire.to_json(wire.document(header, items))
    if len(pieces) > 1 and len(plain) > wire.MAX_BYTES:
        return _halves(header, pieces, counts)
    runs = merged(run for piece in pieces for run in piece.runs)
    return [Batch(header.seq, wire.compress(plain), sum(piece.points for piece in pieces), counts, runs)]


def _halves(header: wire.Header, pieces: Sequence[Piece], counts: Mapping[str, int]) -> list[Batch]:
    half = _seam(pieces)
    first = batches(header, pieces[:half], counts)
    return first + batches(header._replace(seq=header.seq + len(first)), pieces[half:], {})


def _seam(pieces: Sequence[Piece]) -> int:
    """Where to part pieces: as near to the middle as the points of one task stay together."""
    half = len(pieces) // 2
    places = sorted(range(1, len(pieces)), key=lambda place: abs(place - half))
    return next((place for place in places if not same_task(pieces[place - 1].item, pieces[place].item)), half)


def _too_varied(items: Sequence[wire.Item]) -> bool:
    minutes = len({item.time // MINUTE_MS for item in items})
    names = len({item.name for item in items})
    return len(items) > wire.MAX_POINTS or minutes > wire.MAX_MINUTES or names > wire.MAX_SERIES
