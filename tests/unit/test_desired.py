from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.desired import MAX_BYTES, canonical, desired, hash_of, meets
from functions.domain.errors import InvalidInput, TooLarge

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(TEXT, JSON, max_size=5)


def shuffled(value: Any) -> Any:
    """The same with the keys of all objects the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(DOCUMENTS)
def test_the_text_means_the_document_and_does_not_depend_on_the_order_of_keys(document: dict[str, Any]) -> None:
    text = canonical(document)
    assert json.loads(text) == document
    assert canonical(json.loads(text)) == canonical(shuffled(document)) == text


def test_the_text_is_compact_sorted_and_utf_8() -> None:
    made = desired({"b": [1, 2.5, None], "a": {"ü": True, "A": '"'}}, time=5, by="t")
    assert made.text == '{"a":{"A":"\\"","ü":true},"b":[1,2.5,null]}'
    assert made.hash == hashlib.sha256(made.text.encode()).hexdigest()[:32]
    assert (made.time, made.by) == (5, "t")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", 10**5000], ids=["nan", "infinity", "surrogate", "digits"])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="body: cannot be written as JSON"):
        canonical({"x": value})


def test_what_is_nested_too_deeply_is_refused() -> None:
    document: dict[str, Any] = {}
    for _ in range(100_000):
        document = {"x": document}
    with pytest.raises(InvalidInput, match="nested too deeply"):
        canonical(document)


def test_its_size_is_bounded_in_bytes() -> None:
    assert len(canonical({"x": "ü" * ((MAX_BYTES - 8) // 2)}).encode()) == MAX_BYTES
    with pytest.raises(TooLarge, match="at most 262144 bytes; this one has 262145"):
        canonical({"x": "ü" * ((MAX_BYTES - 8) // 2) + "x"})


H = hash_of("x")


@pytest.mark.parametrize(
    ("current", "if_match", "met"),
    [
        (None, None, True),
        (H, None, True),
        (H, f'"{H}"', True),
        (H, f' "other" , W/"{H}"', True),
        (H, "*", True),
        (H, '"other"', False),
        (H, '""', False),
        (H, f'"{H}0"', False),
        (None, f'"{H}"', False),
        (None, "*", False),
    ],
)
def test_what_a_writer_means_to_change(current: str | None, if_match: str | None, met: bool) -> None:
    assert meets(current, if_match) is met


@pytest.mark.parametrize("if_match", ["", H, f'"{H}', f'"{H}" "x"', "*, *", '"a",', '"\n"'])
def test_what_is_no_condition_is_refused(if_match: str) -> None:
    with pytest.raises(InvalidInput, match="If-Match: must be a list of entity tags"):
        meets(H, if_match)
