"""What a stream adds up to when it is read again, whole or damaged: batches to deliver, records that are in none, and what was lost.

A record that was in a batch which may have been sent never goes into another, whatever was damaged; if in doubt it is lost, and counted.
Pure: bytes in.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clawpulse._frames import Frame, scan
from clawpulse._journal import VERSION, Opening, record_of
from clawpulse._runs import Runs, merged
from clawpulse._spool import Batch, Place

_BLOCK = 20
"""Bits: whoever cuts what a dead process left begins a new block of sequence numbers, so that none can be meant that a lost end held."""


class Unreadable(Exception):
    """A stream of a version that this one does not know; it stays for one that does."""


class Contents(NamedTuple):
    """What a stream adds up to."""

    opening: Opening | None
    batches: list[tuple[Batch, Place]]
    """Batches to be delivered, in order; their bytes are where the place says."""
    rows: list[Any]
    """Records that no batch took, as they came."""
    left_segment: int
    """The first segment that must stay for these, and for the two below."""
    counts: Mapping[str, int]
    at: int
    """The wall clock when the newest of the records were written, ms."""
    seq: int
    """From here on batches of what is left are numbered."""
    done: frozenset[int]
    """Of these, what an earlier reader delivered."""
    given_up: int
    """Segments up to this one hold nothing any more."""
    lost: int
    """Points that damage cost."""
    damaged: int
    """Places at which it was damaged; a torn end, which a kill leaves, is none."""


class _Rows(NamedTuple):
    """A piece of the journal, not decoded: hardly any will have to be."""

    first: int
    end: int
    segment: int
    packed: bytes


class _Cut(NamedTuple):
    """What is said of a batch before it."""

    runs: Sequence[Sequence[int]]
    counts: Mapping[str, int]
    whole: bool
    """Whether all its bytes were written, be they damaged now."""


class Replay:
    """Reads a stream again, segment by segment in order."""

    def __init__(self) -> None:
        self._opening: Opening | None = None
        self._cuts: dict[int, _Cut] = {}
        self._doubtful: dict[int, int] = {}
        self._batches: dict[int, tuple[Batch, Place]] = {}
        self._rows: deque[_Rows] = deque()
        self._uncut, self._gaps, self._unsure = Runs(), Runs(), Runs()
        self._unsure_points = 0
        self._counts: Mapping[str, int] = {}
        self._done: set[int] = set()
        self._number: int | None = None
        self._next_seq = self._at = self._lost = self._damaged = 0
        self._given_up, self._at_segment = -1, 0
        self._torn = False

    def segment(self, number: int, data: bytes) -> None:
        """Take in the next segment. Raises `Unreadable`."""
        self._damaged += self._torn
        found = scan(data)
        self._torn = bool(found.damaged) and found.damaged[-1][1] == len(data)
        self._damaged += len(found.damaged) - self._torn
        try:
            for item in found.frames:
                self._take(number, item, data)
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"it says what this version does not understand ({type(error).__name__}: {error})") from None

    def result(self) -> Contents:
        """The sum of it."""
        self._doubt()
        self._lost += sum(points for seq, points in self._doubtful.items() if seq not in self._done)
        self._lost += max(0, len(self._unsure) - self._unsure_points)
        rows = self._left() if self._opening else []
        return Contents(
            opening=self._opening,
            batches=[found for seq, found in sorted(self._batches.items()) if seq not in self._done],
            rows=[record for _, record in rows],
            left_segment=min(self._at_segment, rows[0][0]) if rows else self._at_segment,
            counts=self._counts,
            at=self._at,
            seq=((self._next_seq >> _BLOCK) + 1) << _BLOCK,
            done=frozenset(self._done),
            given_up=self._given_up,
            lost=self._lost + len(self._gaps) + len(self._uncut) - len(rows),
            damaged=self._damaged,
        )

    def _left(self) -> list[tuple[int, Any]]:
        """The records that no batch took, each with its segment."""
        return [
            (rows.segment, record_of(row))
            for rows in self._rows
            for number, row in enumerate(json.loads(zlib.decompress(rows.packed)), rows.first)
            if number in self._uncut
        ]

    def _take(self, segment: int, item: Frame, data: bytes) -> None:
        text, _, rest = item.payload.partition(b"\n")
        content = json.loads(text)
        if item.kind == b"H":
            self._open(segment, content)
        elif item.kind == b"P":
            self._note(segment, content, rest)
        elif item.kind == b"C":
            begin = item.offset + item.size
            self._cuts[content["seq"]] = _Cut(content["runs"], content["counts"], _is_whole(data, begin, content["size"]))
            self._next_seq = max(self._next_seq, content["seq"] + 1)
        elif item.kind == b"B":
            self._batch(Place(segment, item.offset, item.size), content)
        elif item.kind == b"A":
            self._done.add(content["seq"])
        elif item.kind == b"D":
            self._give_up(content)
        if item.kind in b"PAD" and content["counts"] is not None:
            self._counts = content["counts"]

    def _open(self, segment: int, content: dict[str, Any]) -> None:
        if content.pop("v") != VERSION:
            raise Unreadable(f"its version is not {VERSION}")
        self._opening = Opening(**content)
        self._counts = self._opening.counts
        self._number = max(self._number or 0, self._opening.number)
        if self._opening.uncut is not None:
            self._only(self._opening.uncut)
        self._next_seq = max(self._next_seq, self._opening.seq)
        self._note_time(segment, self._opening.at)

    def _note(self, segment: int, content: dict[str, Any], packed: bytes) -> None:
        first, end = content["first"], content["first"] + content["size"]
        if first < (self._number or 0):
            return
        self._see(first)
        self._uncut.append(first, end)
        self._rows.append(_Rows(first, end, segment, packed))
        self._number = end
        self._note_time(segment, content["at"])

    def _note_time(self, segment: int, at: int) -> None:
        if at > self._at:
            self._at, self._at_segment = at, segment

    def _batch(self, place: Place, content: dict[str, Any]) -> None:
        seq, points = content["seq"], content["points"]
        if seq in self._batches:
            return
        self._batches[seq] = (Batch(seq, b"", points, content["counts"]), place)
        self._next_seq = max(self._next_seq, seq + 1)
        self._see(content["number"])
        cut = self._cuts.pop(seq, None)
        if cut is not None:
            self._consume(cut.runs)
            self._counts = cut.counts
            return
        # Which records are in it may become clear later. Until then those that may be must not travel again.
        before = [(0, content["number"])]
        self._unsure = _both(self._unsure, _within(self._uncut, before), _within(self._gaps, before))
        self._unsure_points += points
        self._uncut.remove(before)
        self._gaps.remove(before)
        self._counts = {}

    def _see(self, number: int) -> None:
        """There were records up to this number: those that are not known are lost, if they are in no batch."""
        if self._number is not None:
            self._gaps.append(self._number, number)
        self._number = max(number, self._number or 0)

    def _only(self, uncut: Sequence[Sequence[int]]) -> None:
        """These are the records that are in no batch yet, whatever could be read before."""
        self._doubt()
        known = _both(self._uncut, self._unsure)
        self._unsure.remove(uncut)
        self._uncut.remove(uncut)
        self._lost += len(self._uncut) + max(0, len(self._unsure) - self._unsure_points)
        self._uncut, self._unsure, self._unsure_points = _within(known, uncut), Runs(), 0
        self._gaps = Runs(uncut)
        self._gaps.remove(self._uncut.runs())
        self._forget_rows()

    def _doubt(self) -> None:
        """Batches whose beginning is known and that cannot be read: if they were ever whole they may have been sent."""
        for seq, cut in self._cuts.items():
            if cut.whole:
                self._doubtful[seq] = self._consume(cut.runs)
        self._cuts = {}

    def _consume(self, runs: Sequence[Sequence[int]]) -> int:
        """These records are in a batch; returns how many of them nobody had taken."""
        sets = (self._uncut, self._gaps, self._unsure)
        before = sum(map(len, sets))
        for numbers in sets:
            numbers.remove(runs)
        self._forget_rows()
        return before - sum(map(len, sets))

    def _forget_rows(self) -> None:
        wanted = [number for number in (self._uncut.lowest(), self._unsure.lowest()) if number is not None]
        while self._rows and (not wanted or self._rows[0].end <= min(wanted)):
            self._rows.popleft()

    def _give_up(self, content: dict[str, Any]) -> None:
        self._given_up = max(self._given_up, content["segment"])
        self._batches = {seq: kept for seq, kept in self._batches.items() if kept[1].segment > self._given_up}
        self._consume([(0, content["number"])])


def _both(*sets: Runs) -> Runs:
    """All numbers of sets that have none in common."""
    return Runs(merged(run for numbers in sets for run in numbers.runs()))


def _within(numbers: Runs, runs: Sequence[Sequence[int]]) -> Runs:
    """Those of the numbers that are in the runs."""
    others = Runs(numbers.runs())
    others.remove(runs)
    found = Runs(numbers.runs())
    found.remove(others.runs())
    return found


def _is_whole(data: bytes, begin: int, size: int) -> bool:
    """Whether so many bytes were written there. A file system that lost them at a crash may show zeros."""
    return begin + size <= len(data) and any(data[max(begin, begin + size - 16) : begin + size])
