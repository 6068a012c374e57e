"""Tokens priced by the list and by own prices: to the token, by the size of requests, and never 0 for what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import Usage, price
from functions.domain import usage
from functions.domain.alert_faults import InvalidDocument
from functions.domain.cost_prices import parse_prices, prices
from functions.domain.cost_pricing import Tokens, list_price, priced, with_models
from functions.domain.rollup import Aggregate, Rollup, SeriesKey

AT = 1_795_464_000_000
MODEL = "claude-sonnet-4-5"
AMOUNTS = st.integers(0, 100_000)


def listed(model: str, tokens: Tokens) -> float:
    found = price(model, Usage(*tokens), at=AT / 1000)
    assert found is not None
    return float(found.usd)


def rows(*cells: tuple[str, str, list[float]], agent: str = "a") -> Rollup:
    made: Rollup = {}
    for name, model, values in cells:
        tags = {"agent": agent} | ({"model": model} if model else {})
        aggregate = made.setdefault(SeriesKey(name, tuple(sorted(tags.items()))), Aggregate())
        for value in values:
            aggregate.add(value, AT)
    return made


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=5))
def test_below_all_steps_the_price_is_the_sum_of_the_tasks(each: list[tuple[int, int, int, int]]) -> None:
    together = Tokens(*(sum(kind) for kind in zip(*each, strict=True)))
    found = list_price("gpt-4o-mini", together, len(each), AT)
    assert found is not None
    assert found.usd == pytest.approx(sum(listed("gpt-4o-mini", Tokens(*one)) for one in each), rel=1e-9, abs=1e-12)


def test_prices_by_size_are_taken_for_the_mean_request() -> None:
    small, large = Tokens(input=150_000), Tokens(input=250_000)
    assert listed(MODEL, large) > listed(MODEL, small) / 150_000 * 250_000, "the list has a step there"
    found = list_price(MODEL, Tokens(input=10 * 150_000), 10, AT)
    assert found is not None
    assert found.usd == pytest.approx(10 * listed(MODEL, small))


def test_a_model_without_a_price_is_unpriced_with_its_tokens() -> None:
    made = priced(rows(("cost.tokens_in", "no-such-model", [10.0, 20.0]), ("cost.tokens_out", "no-such-model", [1.0, 2.0])), AT, list_price)
    (aggregate,) = (found for key, found in made.items() if key.name == usage.UNPRICED)
    assert (aggregate.sketch.count, aggregate.sketch.sum) == (2, 33.0)
    assert not [key for key in made if key.name == usage.PRICED]


def test_what_somebody_sends_under_our_names_is_not_taken() -> None:
    forged = rows((usage.PRICED, MODEL, [99.0]), (usage.UNPRICED, MODEL, [99.0]))
    assert priced(forged, AT, list_price) == {}


def test_the_agents_model_counts_where_a_cell_names_none() -> None:
    told = with_models(rows(("cost.tokens_in", "", [10.0]), ("cost.tokens_in", MODEL, [5.0]), ("agent.cpu", "", [1.0])), {"a": MODEL})
    assert {(key.name, dict(key.tags).get("model")): found.sketch.sum for key, found in told.items()} == {
        ("cost.tokens_in", MODEL): 15.0,
        ("agent.cpu", None): 1.0,
    }


def test_pricing_again_gives_the_same() -> None:
    once = priced(rows(("cost.tokens_in", MODEL, [10.0, 11.0])), AT, list_price)
    assert priced(once, AT, list_price) == once


OWN = {
    "version": "contract 1",
    "models": [
        {"match": "claude-*", "input": 1, "output": 2, "cacheRead": 0.5, "until": "2026-11-01"},
        {"match": "Claude-Sonnet-?-5", "input": 4, "output": 8},
    ],
}


def test_own_prices_go_before_the_list_by_pattern_and_day() -> None:
    of = prices(parse_prices(OWN))
    tokens = Tokens(input=1_000_000, output=1_000_000, cache_read=1_000_000, cache_write=1_000_000)
    assert of(MODEL, tokens, 1, AT) == (4 + 8 + 4 + 4, "contract 1")
    october = AT - 30 * 86_400_000
    assert of(MODEL, tokens, 1, october) == (1 + 2 + 0.5 + 1, "contract 1")
    assert of("gpt-4o-mini", tokens, 1, AT) == list_price("gpt-4o-mini", tokens, 1, AT)


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ({"models": []}, "version", "is missing"),
        ({"version": "a,b", "models": []}, "version", "none of"),
        ({"version": "v", "models": [{"match": "m", "input": -1, "output": 1}]}, "models[0].input", "from 0"),
        ({"version": "v", "models": [{"match": "m", "input": 1}]}, "models[0].output", "is missing"),
        ({"version": "v", "models": [{"match": "m", "input": 1, "output": 1, "from": "soon"}]}, "models[0].from", "no day"),
        ({"version": "v", "models": [{"match": "m", "input": 1, "output": 1, "inptu": 1}]}, "models[0].inptu", "input"),
        ({"version": "v", "models": "all"}, "models", "list"),
    ],
)
def test_faults_of_prices_are_told_with_their_place(document: object, path: str, reason: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_prices(document)
    assert [fault.path for fault in refused.value.faults] == [path]
    assert reason in refused.value.faults[0].reason


def test_brackets_and_many_stars_are_plain_and_fast() -> None:
    of = prices(parse_prices({"version": "v", "models": [{"match": "*a" * 60 + "[x]", "input": 1, "output": 1}]}))
    assert of("a" * 256, Tokens(input=1), 1, AT) is None
    assert of("a" * 60 + "[x]", Tokens(input=1_000_000), 1, AT) == (1.0, "v")
