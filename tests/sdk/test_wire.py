"""The batch format: what `wire` makes, its schema and the vectors say the same."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clawpulse
from clawpulse import wire
from clawpulse.sketch import Sketch
from clawpulse.wire import Aggregate, Event, Header, Item, Point
from functions.domain.errors import InvalidInput
from tests.ingest.support import planned

SCHEMA: dict[str, Any] = json.loads((Path(clawpulse.__file__).parent / "wire.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
VECTORS = Path(__file__).parent / "vectors"
NOW = 1_795_478_400_000
HEADER = Header("agent-7", "k3f9x2", 12, NOW, {"env": "prod"}, {"host": "h1", "versions": {"clawpulse": "0.1.0"}})


def vector(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1, max_size=20)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,20}", fullmatch=True)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,10}", fullmatch=True)
TAGS = st.dictionaries(KEYS, TEXT, max_size=4)
PAIRS = TAGS.map(lambda tags: tuple(sorted(tags.items())))
TIMES = st.integers(NOW - 86_400_000, NOW + 600_000)
POINTS = st.builds(Point, NAMES, st.floats(-wire.MAX_VALUE, wire.MAX_VALUE), TIMES, PAIRS, TAGS)
EVENTS = st.builds(Event, NAMES, TIMES, PAIRS, TAGS, st.none() | st.dictionaries(TEXT, TEXT, max_size=3))


def read(batch: dict[str, Any]) -> list[Item]:
    """The points and events of a batch, as any reader would find them."""
    found: list[Item] = []
    for kind in ("series", "events"):
        for row in batch.get(kind, ()):
            tags = tuple(sorted(row["tags"].items()))
            for i, offset in enumerate(row["times"]):
                attributes = {key: column[i] for key, column in row.get("attributes", {}).items()}
                at = batch["time"] + offset
                if kind == "series":
                    found.append(Point(row["name"], row["values"][i], at, tags, attributes))
                else:
                    found.append(Event(row["name"], at, tags, attributes, row.get("payloads", [None] * (i + 1))[i]))
    return found


def comparable(items: list[Item]) -> list[str]:
    return sorted(repr(item._replace(attributes=sorted(item.attributes.items()))) for item in items)


@given(st.lists(POINTS | EVENTS, max_size=30))
def test_what_goes_in_comes_out(items: list[Item]) -> None:
    batch = json.loads(gzip.decompress(wire.encode(HEADER, items)))
    VALIDATOR.validate(batch)
    assert comparable(read(batch)) == comparable(items)


def test_no_column_has_more_attributes_than_its_points() -> None:
    items = [Point("a", 1.0, NOW, (), {f"key_{n}_{i}": "x" for i in range(15)}) for n in range(4)]
    batch = wire.document(HEADER, items)
    jsonschema.validate(batch, SCHEMA)
    assert comparable(read(batch)) == comparable(items)


def test_the_same_input_gives_the_same_bytes() -> None:
    items = [Point("a", 1.0, NOW), Event("b", NOW, payload={"x": 1})]
    assert wire.encode(HEADER, items) == wire.encode(HEADER, list(items))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.encode(HEADER, [Point("a", float("nan"), NOW)])


INPUTS: dict[str, Any] = vector("items")


def item(fields: dict[str, Any]) -> Item:
    """An item as tests/sdk/vectors/items.json has it."""
    kind, tags = fields.pop("kind"), tuple(sorted(fields.pop("tags").items()))
    if kind == "sketch":
        return Aggregate(sketch=Sketch(fields.pop("values")).to_bytes(), tags=tags, **fields)
    return {"point": Point, "event": Event}[kind](tags=tags, **fields)


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_vectors(name: str) -> None:
    case = INPUTS[name]
    batch = vector(name)
    made = wire.document(Header(**case["header"]), [item(dict(fields)) for fields in case["items"]])
    assert made == batch
    assert wire.to_json(made).decode() == json.dumps(batch, separators=(",", ":"), ensure_ascii=False)
    jsonschema.validate(batch, SCHEMA)


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_ingest_takes_the_vectors_whole(name: str) -> None:
    plan = planned(vector(name), now=NOW)
    assert (plan.accepted, plan.rejected.listed) == (len(INPUTS[name]["items"]), [])


@pytest.mark.parametrize("case", vector("refused"), ids=lambda case: str(case["field"]))
def test_what_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(case["batch"], SCHEMA)
    with pytest.raises(InvalidInput, match=case["field"]):
        planned(case["batch"], now=NOW)


@pytest.mark.parametrize("case", vector("rejected"), ids=lambda case: str(case["why"]))
def test_what_is_rejected_point_by_point(case: dict[str, Any]) -> None:
    assert planned(case["batch"], now=NOW).rejected.count == case["rejected"]


def test_every_vector_is_used() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == {*INPUTS, "items", "sketches", "refused", "rejected"}


def test_sketch_vectors() -> None:
    for case in vector("sketches"):
        sketch = Sketch()
        for value, weight in case["values"]:
            sketch.add(value, weight)
        data = base64.b64decode(case["sketch"])
        assert sketch.to_bytes() == data
        assert Sketch.from_bytes(data) == sketch


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"agent": "-x"},
        {"epoch": ""},
        {"seq": -1},
        {"time": "now"},
        {"colour": "red"},
        {"tags": {"a b": "x"}},
        {"tags": {"a": ""}},
        {"series": [{"name": "1a", "times": [0], "values": [1]}]},
        {"events": [{"name": "a", "times": [0.5]}]},
    ],
)
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**wire.document(HEADER, []), **change}, SCHEMA)
