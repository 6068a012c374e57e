"""What a stream's files add up to, whole and damaged in any way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import _frames
from clawpulse._adopted import recut
from clawpulse._aggregation import Piece
from clawpulse._batches import batches
from clawpulse._journal import (
    Opening,
    batch_frame,
    body_of,
    cut_frame,
    done_frame,
    dropped_frame,
    opening_frame,
    rows_frame,
)
from clawpulse._replay import Contents, Replay, Unreadable
from clawpulse._spool import Batch
from clawpulse.wire import Event, Header, Point

T0 = 1_795_478_400_000
OPENING = Opening("http://h", "agent-1", "e1", {"env": "prod"}, {"host": "h1"}, False, at=T0)
TOTAL = 40
DELIVERED = (0, 2)
IN_BATCH = {0: [*range(6)], 1: [*range(6, 12)], 2: [*range(12, 18), 22], 3: [*range(18, 22), 23, 30]}
"""Numbers of the records in each batch of the stream below; the others were not cut yet."""
CUT = {number for numbers in IN_BATCH.values() for number in numbers}


def point(number: int) -> Point:
    return Point("a", float(number), T0 + number, (("tier", "fast"),), {"request_id": str(number)})


def batch(seq: int) -> Batch:
    pieces = [Piece(point(number), ((number, number + 1),), 1) for number in IN_BATCH[seq]]
    (made,) = batches(Header("agent-1", "e1", seq, T0, OPENING.tags, OPENING.info), pieces, {})
    return made


def cut(seq: int, number: int) -> bytes:
    made = batch_frame(batch(seq), number)
    return cut_frame(batch(seq), len(made), {}) + made


def noted(first: int, end: int) -> bytes:
    return rows_frame(first, [point(number) for number in range(first, end)], T0 + first, None)


def stream() -> list[bytes]:
    """Two segments as a process that was killed leaves them."""
    second = OPENING._replace(seq=2, number=20, uncut=[(12, 20)])
    return [
        opening_frame(OPENING._replace(uncut=[])) + noted(0, 10) + cut(0, 10) + noted(10, 20) + cut(1, 20) + done_frame(0, None),
        opening_frame(second) + noted(20, 30) + cut(2, 30) + done_frame(2, None) + noted(30, TOTAL) + cut(3, TOTAL),
    ]


def replayed(segments: Iterable[bytes]) -> Contents:
    replay = Replay()
    for number, data in enumerate(segments):
        replay.segment(number, data)
    return replay.result()


def numbers(body: bytes) -> list[int]:
    return [int(value) for row in json.loads(gzip.decompress(body))["series"] for value in row["values"]]


class Left(NamedTuple):
    """What is left to be delivered."""

    batches: dict[int, bytes]
    recut: dict[int, list[int]]


def left(segments: list[bytes]) -> Left:
    found = replayed(segments)
    kept = {}
    for made, place in found.batches:
        body = body_of(segments[place.segment][place.offset : place.offset + place.size])
        assert body is not None
        kept[made.seq] = body
    return Left(kept, {made.seq: numbers(made.body) for made in recut(found)})


def test_a_killed_process_leaves_its_batches_and_what_was_in_none() -> None:
    found = left(stream())
    assert found.batches == {1: batch(1).body, 3: batch(3).body}
    assert [sorted(numbers) for numbers in found.recut.values()] == [sorted(set(range(TOTAL)) - CUT)]
    assert not found.recut.keys() & IN_BATCH.keys()
    assert (replayed(stream()).lost, replayed(stream()).damaged) == (0, 0)


def test_whoever_cuts_it_again_makes_the_same_bytes() -> None:
    once = recut(replayed(stream()))
    first = once[0].seq
    again = [*stream(), opening_frame(OPENING._replace(seq=2, number=20)) + done_frame(1, None)]
    assert recut(replayed(again)) == once
    assert replayed([*again, done_frame(first, None)]).done == {0, 1, 2, first}


def test_a_torn_end_costs_nothing_that_was_sent() -> None:
    """A batch is sent once all of it is durable: one that is not whole is cut anew, under another number."""
    one, two = stream()
    for size in range(len(two) - len(cut(3, TOTAL)), len(two)):
        found = left([one, two[:size]])
        assert found.batches == {1: batch(1).body}
        assert sorted(n for numbers in found.recut.values() for n in numbers) == sorted(set(range(TOTAL)) - CUT | set(IN_BATCH[3]))
        assert not found.recut.keys() & IN_BATCH.keys()
        assert replayed([one, two[:size]]).lost == 0
    zeros = left([one, two[:-300] + bytes(300)])
    assert sorted(n for numbers in zeros.recut.values() for n in numbers) == sorted(set(range(TOTAL)) - CUT | set(IN_BATCH[3]))


def check(segments: list[bytes], *, maybe_sent: Iterable[int]) -> None:
    """No batch is wrong, no number is given twice, and nothing that may have been sent is sent in another batch."""
    found = left(segments)
    assert all(body == batch(seq).body for seq, body in found.batches.items())
    anew = [number for numbers in found.recut.values() for number in numbers]
    assert len(anew) == len(set(anew))
    assert set(anew) <= set(range(TOTAL))
    assert not found.recut.keys() & IN_BATCH.keys()
    assert not set(anew) & {number for seq in maybe_sent for number in IN_BATCH[seq]}


@given(st.integers(0, 1), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_never_makes_a_wrong_batch_nor_sends_a_point_twice(segment: int, where: float, bit: int) -> None:
    segments = stream()
    data = bytearray(segments[segment])
    data[int(where * len(data))] ^= 1 << bit
    segments[segment] = bytes(data)
    check(segments, maybe_sent=IN_BATCH)
    contents, found = replayed(segments), left(segments)
    known = {number for seq in {*found.batches, *contents.done} for number in IN_BATCH[seq]}
    anew = {number for numbers in found.recut.values() for number in numbers}
    assert contents.lost == TOTAL - len(known | anew)


@given(st.data())
def test_whatever_becomes_of_the_files_nothing_is_wrong(data: st.DataObject) -> None:
    segments = stream()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 1))
        begin = data.draw(st.integers(0, len(segments[at])))
        end = data.draw(st.integers(begin, min(len(segments[at]), begin + 400)))
        how = data.draw(st.sampled_from(["cut", "without", "noise", "zeros", "twice"]))
        there = segments[at][begin:end]
        instead = {"noise": data.draw(st.binary(max_size=60)), "zeros": bytes(len(there)), "twice": there * 2}.get(how, b"")
        segments[at] = segments[at][:begin] + instead + (b"" if how == "cut" else segments[at][end:])
    check(segments, maybe_sent=left(segments).batches)


@given(st.binary(max_size=200), st.lists(st.tuples(st.sampled_from([b"P", b"X"]), st.binary(max_size=50)), max_size=5))
def test_frames_are_found_behind_any_noise(noise: bytes, records: list[tuple[bytes, bytes]]) -> None:
    frames = b"".join(_frames.frame(kind, payload) for kind, payload in records)
    found = _frames.scan(noise + frames)
    assert [(item.kind, item.payload) for item in found.frames][-len(records) :] == records or not records


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
def test_records_come_back_as_they_were(rows: list[tuple[bool, str, float]]) -> None:
    records: list[Any] = [
        Event("e", T0, (("k", text),), {"task_id": text}, {"x": text}) if is_event else Point("p", value, T0, (("k", text),), {"t": text})
        for is_event, text, value in rows
    ]
    assert replayed([opening_frame(OPENING) + rows_frame(0, records, T0, None)]).rows == records


def test_counters_are_those_last_written() -> None:
    head = opening_frame(OPENING._replace(counts={"clawpulse.dropped": 1}))
    assert replayed([head]).counts == {"clawpulse.dropped": 1}
    noted_more = head + rows_frame(0, [], T0, {"clawpulse.dropped": 5}) + done_frame(0, None)
    assert replayed([noted_more]).counts == {"clawpulse.dropped": 5}
    sent = batch_frame(batch(0), 0)
    assert replayed([noted_more + cut_frame(batch(0), len(sent), {}) + sent]).counts == {}
    (made,) = recut(replayed([noted_more]))
    (series,) = json.loads(gzip.decompress(made.body))["series"]
    assert (series["name"], series["values"], made.points, made.counts) == ("clawpulse.dropped", [5.0], 0, {"clawpulse.dropped": 5})


def test_what_was_given_up_stays_so() -> None:
    found = replayed([*stream(), opening_frame(OPENING) + dropped_frame(1, 2**62, {"clawpulse.dropped": 9})])
    assert (found.batches, found.rows, found.lost, found.counts) == ([], [], 0, {"clawpulse.dropped": 9})


def test_another_version_is_left_alone() -> None:
    later = _frames.frame(b"H", b'{"v":2}')
    with pytest.raises(Unreadable, match="version"):
        replayed([later])
    with pytest.raises(Unreadable, match="understand"):
        replayed([opening_frame(OPENING), _frames.frame(b"P", b"{}\n")])
