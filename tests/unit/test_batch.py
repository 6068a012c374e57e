"""What a batch may hold, and what is said of the rest."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from clawpulse.sketch import Sketch
from functions.domain.errors import InvalidInput, NotAllowed, TooLarge
from functions.domain.times import DAY_MS, MINUTE_MS
from tests.ingest.support import NOW, batch, events, planned, series


def rejections(document: Any) -> list[tuple[str, int, int | None, str]]:
    plan = planned(document)
    return [(each.part, each.series, each.point, each.reason) for each in plan.rejected.listed]


def sketch_of(*values: float) -> str:
    return base64.b64encode(Sketch(values).to_bytes()).decode()


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"v": 2}, "v", "Invalid enum value 2"),
        ({"v": None}, "v", "Expected `int`, got `null`"),
        ({"agent": "a b"}, "agent", "characters that are not possible"),
        ({"agent": "a\n"}, "agent", "characters that are not possible"),
        ({"agent": "a" * 129}, "agent", "length <= 128"),
        ({"epoch": ""}, "epoch", "characters that are not possible"),
        ({"seq": -1}, "seq", ">= 0"),
        ({"seq": 1.5}, "seq", "Expected `int`"),
        ({"time": "now"}, "time", "Expected `int`, got `str`"),
        ({"tags": {"env": 1}}, "tags[...]", "Expected `str`, got `int`"),
        ({"tags": {"env": ""}}, "tags", "tag env: a value has 1 to 256 characters"),
        ({"tags": {"9": "a"}}, "tags", "'9' is no tag key"),
        ({"tags": {str(i): "a" for i in range(21)}}, "tags", "length <= 20"),
        ({"info": {"name": "a\x00"}}, "info.name", "characters that are not possible"),
        ({"info": {"versions": {"x": None}}}, "info.versions[...]", "Expected `str`, got `null`"),
        ({"series": {}}, "series", "Expected `array`, got `object`"),
        ({"serie": []}, None, "unknown field `serie`"),
    ],
)
def test_a_bad_head_is_named(change: dict[str, Any], field: str | None, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        planned(batch(**change))
    assert caught.value.field == field
    assert reason in caught.value.reason


def test_an_agents_tag_that_became_a_dimension_with_such_a_value_costs_the_tag_only() -> None:
    plan = planned(batch(tags={"env": "a,b", "zone": "a=b"}, series=[series(values=(5.0,))]))
    assert plan.items[0].info.tags == {"zone": "a=b"}
    assert (plan.accepted, plan.rejected.count) == (1, 0)
    (told,) = plan.rejected.listed
    assert (told.part, told.reason) == ("info", "tag env: the value of a dimension has none of , = | !")


@pytest.mark.parametrize("missing", ["v", "agent", "epoch", "seq", "time"])
def test_what_is_missing_is_named(missing: str) -> None:
    document = batch()
    del document[missing]
    with pytest.raises(InvalidInput, match=f"missing required field `{missing}`"):
        planned(document)


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"v":1,"agent":"\\ud800"}', b"[" * 100_000, b'{"v":' * 50_000])
def test_what_is_no_batch_is_invalid(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        planned(text)


def test_bad_points_are_listed_and_the_good_ones_kept() -> None:
    document = batch(
        series=[
            series(values=(1.0, "x", None, True, 4.0), times=(0, 0, 0, 0, "y")),
            series(name="9bad", values=(1.0, 2.0)),
            series(values=(1.0, 2.0), times=(0,)),
            series(values=(5.0,)),
        ]
    )
    assert rejections(document) == [
        ("series", 0, 1, "values: Expected `float`, got `str`"),
        ("series", 0, 2, "values: Expected `float`, got `null`"),
        ("series", 0, 3, "values: Expected `float`, got `bool`"),
        ("series", 0, 4, "times: Expected `int`, got `str`"),
        ("series", 1, None, "'9bad' is no name: letters, digits and _ . / - after a letter or _"),
        ("series", 2, None, "the column values has 2 entries, times has 1"),
    ]
    plan = planned(document)
    assert (plan.accepted, plan.rejected.count) == (2, 8)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (series(tags={"env": ""}), "tag env: a value has 1 to 256 characters"),
        (series(tags={"env": "a|b"}), "tag env: the value of a dimension has none of , = | !"),
        (series(tags={"any": "a\x7f"}), "tag any: a value has no control characters"),
        (series(tags={"k" * 65: "a"}), "a tag's key has at most 64 characters"),
        (series(name="n" * 129), "a name has at most 128 characters"),
        (series(attributes={"a b": ["x"]}), "'a b' is no tag key"),
        (series(attributes={"a": ["x", "y"]}), "the column a has 2 entries, times has 1"),
        (series(attributes={str(i): ["x"] for i in range(21)}), "at most 20 attributes"),
        (series(attributes={"a": ["x" * 257]}), "attributes.a: Expected `str` of length <= 256"),
        (series(values=(1e300,)), "values: Expected `float` <= 1e+290"),
        (series(more=1), "unknown field `more`"),
        ("series", "Expected `object`, got `str`"),
        (None, "Expected `object`, got `null`"),
    ],
)
def test_a_bad_series_is_rejected_alone(bad: Any, reason: str) -> None:
    plan = planned(batch(series=[bad, series()]))
    assert (plan.accepted, plan.rejected.count) == (1, 1)
    (rejection,) = plan.rejected.listed
    assert rejection.series == 0
    assert reason in rejection.reason


def test_numbers_that_json_has_and_floats_have_not_are_rejected_by_place() -> None:
    text = json.dumps(batch(series=[series(values=(1.0, 123456789.0))])).replace("123456789.0", "1e999").encode()
    plan = planned(text)
    assert [(each.point, each.reason) for each in plan.rejected.listed] == [(1, "values: Number out of range")]
    assert plan.accepted == 1


def test_points_are_between_24_hours_old_and_10_minutes_ahead() -> None:
    times = (-DAY_MS - 1, -DAY_MS, 10 * MINUTE_MS, 10 * MINUTE_MS + 1)
    plan = planned(batch(series=[series(values=(1.0, 2.0, 3.0, 4.0), times=times)]))
    assert [(each.point, each.reason) for each in plan.rejected.listed] == [
        (0, "is more than 24 h old"),
        (3, "is more than 10 min ahead of the server's clock"),
    ]
    assert {item.minute for item in plan.items} == {(NOW - DAY_MS) // MINUTE_MS, (NOW + 10 * MINUTE_MS) // MINUTE_MS}


def test_payloads_are_at_most_4_kb_of_text() -> None:
    payloads = [{"err": "x" * 4_086}, {"err": "x" * 4_087}, None, 7]
    plan = planned(batch(events=[events("task.failed", times=(0, 0, 0, 0), payloads=payloads)]))
    assert len(json.dumps(payloads[0], separators=(",", ":"))) == 4_096
    assert [(each.part, each.point) for each in plan.rejected.listed] == [("events", 1)]
    assert plan.accepted == 3


def test_a_thousand_points_are_possible_and_no_more() -> None:
    full = batch(series=[series(values=(1.0,) * 998)], events=[events()], sketches=[{}])
    assert planned(full).accepted == 999
    full["events"].append(events())
    with pytest.raises(TooLarge, match="at most 1000 points, events and sketches; this one has 1001"):
        planned(full)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sketch": "?"}, "sketch: Invalid base64"),
        ({"sketch": base64.b64encode(b"rubbish").decode()}, "no sketch"),
        ({"sketch": base64.b64encode(Sketch().to_bytes()).decode()}, "a sketch has 1 to 1000000000 values"),
        ({"sketch": base64.b64encode(b"x" * 2049).decode()}, "at most 2048 bytes"),
        ({"sketch": sketch_of(1e300)}, "values lie between"),
        ({"time": -DAY_MS - 1}, "is more than 24 h old"),
        ({"name": ""}, "'' is no name"),
        ({"last": None}, "last: Expected `float`"),
    ],
)
def test_a_bad_sketch_is_rejected(change: dict[str, Any], reason: str) -> None:
    good = {"name": "queue.depth", "time": 0, "last": 3.0, "sketch": sketch_of(1.0, 3.0)}
    plan = planned(batch(sketches=[good | change, good]))
    assert (plan.accepted, plan.rejected.count) == (1, 1)
    assert plan.rejected.listed[0].part == "sketches"
    assert reason in plan.rejected.listed[0].reason


def test_reasons_are_listed_up_to_100_and_counted_beyond() -> None:
    plan = planned(batch(series=[series(values=("x",) * 150)]))
    assert (plan.accepted, plan.rejected.count, len(plan.rejected.listed)) == (0, 150, 100)


def test_a_token_forces_its_tags() -> None:
    plan = planned(batch(series=[series(tags={"tier": "fast"})]), scope=(("owner", "me"), ("shard", "acme")))
    (item,) = plan.items
    assert item.info.tags == {"owner": "me", "shard": "acme"}
    assert item.info.scope == {"owner": "me", "shard": "acme"}
    assert [key.tags for key in item.rollup] == [(("shard", "acme"), ("tier", "fast"))]


@pytest.mark.parametrize("where", [{"tags": {"shard": "other"}}, {"series": [series(tags={"shard": "other"})]}])
def test_a_tag_that_contradicts_the_token_is_not_allowed(where: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed, match="tag shard=other contradicts the token, which is limited to shard=acme"):
        planned(batch(**where), scope=(("shard", "acme"),))


def test_a_tag_that_agrees_with_the_token_is_fine() -> None:
    plan = planned(batch(tags={"shard": "acme"}, series=[series(tags={"shard": "acme"})]), scope=(("shard", "acme"),))
    assert plan.accepted == 1
