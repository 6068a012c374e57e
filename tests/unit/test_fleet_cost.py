from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain.fleet_cost import Rates, Tokens, estimate, list_prices, model_of, money, total

NOW = 1_795_464_030_000
CHEAP, DEAR, OTHER = "anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5", "nobody/knows-this"
PRICES = list_prices(NOW)
WEEK = Tokens(7_000_000.0, 700_000.0, 7.0)


def test_prices_are_those_of_the_list_with_their_source() -> None:
    found = PRICES(DEAR)
    assert found
    expected = price(DEAR, Usage(input=1_000, output=1_000), at=NOW / 1000)
    assert expected
    assert math.isclose(1_000 * (found.input + found.output), float(expected.usd))
    assert (found.name, found.source) == ("anthropic claude-opus-4-5", expected.source)
    assert PRICES(OTHER) is None


def test_an_agents_own_tokens_at_the_difference_of_the_prices() -> None:
    cheap, dear = PRICES(CHEAP), PRICES(DEAR)
    assert cheap
    assert dear
    found = estimate("a", CHEAP, DEAR, WEEK, PRICES)
    a_day = 1_000_000 * (dear.input - cheap.input) + 100_000 * (dear.output - cheap.output)
    assert found.usd is not None
    assert math.isclose(found.usd, 30 * a_day)
    assert (found.raises, found.reason) == (True, "")
    back = estimate("a", DEAR, CHEAP, WEEK, PRICES)
    assert back.usd is not None
    assert math.isclose(back.usd, -found.usd)
    assert not back.raises


def test_a_shorter_history_counts_for_a_month_too() -> None:
    whole, short = (estimate("a", CHEAP, DEAR, Tokens(days * 1e6, days * 1e5, days), PRICES) for days in (7.0, 0.5))
    assert whole.usd is not None
    assert short.usd is not None
    assert math.isclose(whole.usd, short.usd)


@pytest.mark.parametrize(
    ("before", "after", "tokens", "raises", "reason"),
    [
        (CHEAP, OTHER, WEEK, True, "no price is known for nobody/knows-this"),
        (OTHER, CHEAP, WEEK, True, "no price is known for nobody/knows-this"),
        (None, CHEAP, WEEK, True, "nobody knows which model it has when none is desired"),
        (CHEAP, None, WEEK, True, "nobody knows which model it has when none is desired"),
        (CHEAP, DEAR, None, True, "it has no history yet"),
        (DEAR, CHEAP, None, False, "it has no history yet"),
        (CHEAP, DEAR, Tokens(5.0, None, 7.0), True, "it reported no task.tokens_out in the last 7 days"),
        (DEAR, CHEAP, Tokens(None, None, 7.0), False, "it reported no task.tokens_in and no task.tokens_out in the last 7 days"),
        (CHEAP, DEAR, Tokens(5.0, 5.0, 0.0), True, "it has no history yet"),
        (CHEAP, DEAR, Tokens(None, None, 0.0, "not read"), True, "not read"),
    ],
)
def test_what_is_not_known_is_no_zero(before: str | None, after: str | None, tokens: Tokens | None, raises: bool, reason: str) -> None:
    found = estimate("a", before, after, tokens, PRICES)
    assert (found.usd, found.reason, found.raises) == (None, reason, raises)


def test_a_sum_tells_whom_it_does_not_cover() -> None:
    some = [estimate("a", CHEAP, DEAR, WEEK, PRICES), estimate("b", CHEAP, DEAR, None, PRICES), estimate("c", DEAR, CHEAP, None, PRICES)]
    found = total(some)
    assert (found.usd, found.known, found.unknown) == (some[0].usd, 1, {"it has no history yet": 2})
    assert found.raises
    assert found.why == (
        f"it is estimated to cost {money(some[0].usd or 0)} a month and for 1 agent it may cost more by an amount that is not known "
        "(it has no history yet)"
    )


def test_what_saves_needs_nobody() -> None:
    saves = total([estimate("a", CHEAP, DEAR, WEEK, PRICES), *[estimate("b", DEAR, CHEAP, WEEK, PRICES)] * 2])
    assert saves.usd is not None
    assert saves.usd < 0
    assert (saves.raises, saves.why) == (False, "")
    nothing = total([])
    assert (nothing.usd, nothing.raises, nothing.why) == (None, False, "")
    assert not total([estimate("c", DEAR, CHEAP, None, PRICES)]).raises


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0.05, 7), st.booleans()), max_size=8))
def test_a_sum_is_that_of_its_agents(fleet: list[tuple[float, float, float, bool]]) -> None:
    def prices(model: str) -> Rates | None:
        return {"x": Rates(1e-6, 2e-6, "x", "l"), "y": Rates(3e-6, 4e-6, "y", "l")}.get(model)

    each = [
        estimate(str(number), *(("x", "y") if up else ("y", "x")), Tokens(tokens_in, tokens_out, days), prices)
        for number, (tokens_in, tokens_out, days, up) in enumerate(fleet)
    ]
    found = total(each)
    assert found.known == len(fleet)
    assert (found.usd is None) == (not fleet)
    assert math.isclose(found.usd or 0, sum(one.usd or 0 for one in each), abs_tol=1e-6)


def test_the_model_is_read_where_openclaw_has_it() -> None:
    assert model_of({}) is None
    assert model_of({"model": {"primary": "a"}}) == "a"
    assert model_of({"model": {"primary": "a"}, "openclaw": {"agents": {"defaults": {"model": {"primary": "b"}}}}}) == "b"
    assert model_of({"model": {"primary": "a"}, "openclaw": {"agents": {"defaults": {"model": "c"}}}}) == "c"
    assert model_of({"model": "d", "openclaw": {"agents": None}}) == "d"
    assert model_of({"model": {"fallbacks": ["x"]}}) is None


def test_money_has_its_sign() -> None:
    assert (money(1234.5), money(-0.126)) == ("+$1,234.50", "-$0.13")
