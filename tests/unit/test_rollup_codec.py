"""Encoded rollups: read back whole, or only their scalars."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.rollup_codec import SPLIT, SPLIT_ROWS, VERSION, Table, decode, encode, rows

words = st.text(min_size=1, max_size=8)
keys = st.builds(
    lambda name, tags: SeriesKey(name, tuple(sorted(tags.items()))), st.sampled_from("abc"), st.dictionaries(words, words, max_size=3)
)
points = st.lists(st.tuples(st.floats(-1e12, 1e12), st.integers(0, 2**45)), max_size=10)
rollups = st.dictionaries(keys, points, max_size=8)


def build(series: dict[SeriesKey, list[tuple[float, int]]]) -> Rollup:
    rollup: Rollup = {}
    for key, values in series.items():
        rollup[key] = Aggregate()
        for value, time in values:
            rollup[key].add(value, time)
    return rollup


@given(rollups)
def test_a_rollup_is_read_back(series: dict[SeriesKey, list[tuple[float, int]]]) -> None:
    assert decode(encode(build(series))) == build(series)


@given(rollups)
def test_rows_are_the_scalars(series: dict[SeriesKey, list[tuple[float, int]]]) -> None:
    rollup = build(series)
    found = {row.key: row for row in rows(encode(rollup))}
    assert found.keys() == rollup.keys()
    for key, aggregate in rollup.items():
        row, sketch = found[key], aggregate.sketch
        assert (row.count, row.sum, row.min, row.max) == (sketch.count, sketch.sum, sketch.min, sketch.max)
        assert (row.last, row.last_time, row.sketch) == (aggregate.last, aggregate.last_time, sketch.to_bytes())


def test_rows_of_some_names_only() -> None:
    data = encode(build({SeriesKey(name): [(1.0, 1)] for name in "abc"}))
    assert [row.key.name for row in rows(data, {"a", "c", "z"})] == ["a", "c"]


@given(st.binary(max_size=60))
def test_rubbish_is_a_value_error(data: bytes) -> None:
    for text in (data, VERSION + data, SPLIT + data, VERSION + zlib.compress(data)):
        with pytest.raises(ValueError, match="not an encoded rollup"):
            rows(text)


@given(rollups, st.data())
def test_a_damaged_rollup_is_a_value_error_or_another_rollup(series: dict[SeriesKey, list[tuple[float, int]]], data: st.DataObject) -> None:
    plain = bytearray(zlib.decompress(encode(build(series))[1:]))
    place = data.draw(st.integers(0, len(plain) - 1))
    plain[place] = data.draw(st.integers(0, 255))
    try:
        decode(VERSION + zlib.compress(bytes(plain)))
    except ValueError:
        return


def test_a_typical_batch_item_is_small() -> None:
    """Ten series of two tags, five points each: what an agent sends every 15 s."""
    tags = (("shard", "acme"), ("tier", "fast"))
    names = [f"task.metric_{i}" for i in range(10)]
    series = {
        SeriesKey(name, tags): [(100.5 * (i + 1) * (j + 2), 1_795_478_400_000 + 15 * j) for j in range(5)] for i, name in enumerate(names)
    }
    assert len(encode(build(series))) <= 1_000


def large() -> Rollup:
    tags = [(("tier", f"t{number}"),) for number in range(SPLIT_ROWS // 2)]
    return build({SeriesKey(name, pairs): [(number + 0.5, number)] for number, pairs in enumerate(tags) for name in ("b", "a")})


def test_a_large_rollup_is_read_back() -> None:
    data = encode(large())
    assert data[:1] == SPLIT
    assert decode(data) == large()
    assert [row.key.tags for row in rows(data, {"a"})] == [key.tags for key in large() if key.name == "a"]
    assert [row.sketch for row in rows(data, {"a"})] == [each.sketch.to_bytes() for key, each in large().items() if key.name == "a"]


def test_one_row_less_is_one_piece() -> None:
    some = dict(list(large().items())[1:])
    assert encode(some)[:1] == VERSION
    assert decode(encode(some)) == some


def test_sketches_of_one_name_only_are_unpacked() -> None:
    whole = encode(large())
    table = Table(whole)
    head, blocks = msgspec.msgpack.decode(whole[1:])
    broken = Table(SPLIT + msgspec.msgpack.encode((head, [blocks[0], b"rubbish"])))
    assert broken.sketches(table.names[0]) == table.sketches(table.names[0])
    assert table.sketches("no such") == []
    with pytest.raises(ValueError, match="not an encoded rollup"):
        broken.sketches(table.names[1])
    assert {row.sketch for row in table.rows(sketches=False)} == {b""}


@given(st.data())
def test_a_damaged_large_rollup_is_a_value_error_or_another_rollup(data: st.DataObject) -> None:
    damaged = bytearray(encode(large()))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(damaged))
    except ValueError:
        return
