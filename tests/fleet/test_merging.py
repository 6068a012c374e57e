"""Laws of merging, on random layers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse.fleet.merging import NotAList, merge

SCALARS = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
KEYS = st.sampled_from(["a", "b", "c"])
LISTS = st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=4)
REFERENCES = st.sampled_from([{"secret": "x"}, {"secret": "y"}])


def mappings(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(KEYS, st.recursive(leaves, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6), max_size=3)


DOCUMENTS = mappings(SCALARS | LISTS | REFERENCES)
LAYERS = mappings(SCALARS | LISTS | REFERENCES | st.none())


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(DOCUMENTS, LAYERS)
def test_merging_changes_neither_and_gives_the_same_again(lower: dict[str, Any], layer: dict[str, Any]) -> None:
    before = copy.deepcopy((lower, layer))
    assert merge(lower, layer) == merge(lower, layer)
    assert (lower, layer) == before


@given(DOCUMENTS)
def test_an_empty_layer_changes_nothing_and_a_document_over_nothing_is_itself(document: dict[str, Any]) -> None:
    assert merge(document, {}) == document
    assert merge({}, document) == document
    assert merge(document, document) == document


@given(DOCUMENTS, LAYERS)
def test_a_layer_twice_is_a_layer_once(lower: dict[str, Any], layer: dict[str, Any]) -> None:
    once = merge(lower, layer)
    assert merge(once, layer) == once


@given(DOCUMENTS, LAYERS)
def test_the_layer_wins_null_removes_and_the_rest_stays(lower: dict[str, Any], layer: dict[str, Any]) -> None:
    made = merge(lower, layer)
    for key in {*lower, *layer}:
        if key not in layer:
            assert made[key] == lower[key]
        elif layer[key] is None:
            assert key not in made
        elif not isinstance(layer[key], dict) or "secret" in layer[key]:
            assert text(made[key]) == text(layer[key])
        else:
            there = lower.get(key)
            assert made[key] == merge(there if isinstance(there, dict) and "secret" not in there else {}, layer[key])


@given(DOCUMENTS, LAYERS, LAYERS)
def test_layers_override_in_their_order(base: dict[str, Any], tier: dict[str, Any], shard: dict[str, Any]) -> None:
    made = merge(merge(base, tier), shard)
    for key in {*base, *tier, *shard}:
        says = next((layer[key] for layer in (shard, tier, base) if key in layer), None)
        if says is None:
            assert key not in made
        elif not isinstance(says, dict):
            assert text(made[key]) == text(says)


@given(st.none() | LISTS, LISTS)
def test_plus_appends_what_is_not_there(there: list[Any] | None, items: list[Any]) -> None:
    lower = {} if there is None else {"k": there}
    made = merge(lower, {"k+": items}).get("k", [])
    kept = list(map(text, there or []))
    assert list(map(text, made[: len(kept)])) == kept
    assert set(map(text, made)) == {*kept, *map(text, items)}
    added = list(map(text, made[len(kept) :]))
    assert len(added) == len(set(added))
    assert not set(added) & set(kept)
    assert merge(merge(lower, {"k+": items}), {"k+": items}) == merge(lower, {"k+": items})


@given(st.none() | LISTS, LISTS)
def test_minus_removes_and_keeps_the_order_of_the_rest(there: list[Any] | None, items: list[Any]) -> None:
    lower = {} if there is None else {"k": there}
    gone = set(map(text, items))
    made = merge(lower, {"k-": items})
    assert made == ({} if there is None else {"k": [item for item in there if text(item) not in gone]})
    assert text(merge(made, {"k-": items})) == text(made)


@given(LISTS, LISTS, LISTS)
def test_minus_goes_before_plus_whatever_the_order_in_the_file(there: list[Any], less: list[Any], more: list[Any]) -> None:
    made = merge({"k": there}, {"k+": more, "k-": less})
    assert text(made) == text(merge({"k": there}, {"k-": less, "k+": more}))
    assert text(made) == text(merge(merge({"k": there}, {"k-": less}), {"k+": more}))
    assert set(map(text, more)) <= set(map(text, made["k"]))


def test_true_is_not_one_and_a_reference_is_one_value() -> None:
    assert merge({"k": [1]}, {"k+": [True]})["k"] == [1, True]
    assert text(merge({"k": [1, True]}, {"k-": [True]})["k"]) == "[1]"
    assert merge({"k": {"secret": "a"}}, {"k": {"x": 1}}) == {"k": {"x": 1}}
    assert merge({"k": {"x": 1}}, {"k": {"secret": "a"}}) == {"k": {"secret": "a"}}


def test_a_change_of_what_is_no_list_names_where() -> None:
    with pytest.raises(NotAList, match="the layers before have a mapping there") as caught:
        merge({"a": {"k": {}}}, {"a": {"k+": [1]}})
    assert caught.value.path == "a.k+"
