"""Both sides of a bill: matched by model and day, the gap taken apart without a rest, and the reasons that the figures give."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.cost_ledger import Account
from functions.domain.cost_prices import parse_prices, prices
from functions.domain.cost_pricing import Tokens, list_price
from functions.domain.provider_report import CostRow, ProviderReport, UseRow
from functions.domain.reconciliation import OurDay, Reconciliation, named, reconcile
from functions.domain.reconciliation_reasons import reasons
from functions.domain.times import DAY_MS

DAY = 20_000
LATER = (DAY + 40) * DAY_MS
SONNET = "claude-sonnet-4-5"
"""3 USD a million tokens in, 15 out."""


def account(million_in: float = 0.0, usd: float | None = None, *, unpriced: int = 0, out: float = 0.0) -> Account:
    tokens = million_in * 1e6
    return Account(
        finished=1000,
        reported=0 if usd is None else 1000,
        reported_usd=usd or 0.0,
        tokens_in=tokens,
        tokens_out=out * 1e6,
        unpriced=unpriced,
        unpriced_tokens=tokens if unpriced else 0.0,
    )


def report(*rows: tuple[str, float, str], day: int = DAY, more: tuple[CostRow, ...] = ()) -> ProviderReport:
    """Model, millions of input tokens, USD."""
    use = [UseRow(day, model, "standard", "key_1", Tokens(round(millions * 1e6))) for model, millions, _ in rows]
    costs = [CostRow(day, model, "tokens", Decimal(usd)) for model, _, usd in rows]
    return ProviderReport(use, [*costs, *more], "the whole organisation")


def both(ours: Mapping[str | None, Account], theirs: ProviderReport, provider: str = "anthropic") -> Reconciliation:
    return reconcile(provider, [OurDay(DAY, ours)], theirs, list_price)


def told(ours: Mapping[str | None, Account], theirs: ProviderReport, now: int = LATER, missing: int = 0) -> dict[str, str]:
    days = [OurDay(DAY, ours, missing)]
    found = reconcile("anthropic", days, theirs, list_price)
    return {reason.kind: reason.text for reason in reasons(found, days, theirs, now)}


def test_what_agrees_has_no_gap_and_needs_no_reason() -> None:
    theirs = report(("claude-sonnet-4-5-20250929", 1.0, "3.00"))
    (line,) = both({SONNET: account(1.0, 3.0)}, theirs).lines
    assert (line.model, line.gap_usd, line.gap, line.more_tokens) == (SONNET, 0.0, 0.0, Tokens())
    assert told({SONNET: account(1.0, 3.0)}, theirs) == {}


@pytest.mark.parametrize(
    ("ours", "theirs", "parts"),
    [
        pytest.param(account(1.0, 3.0), report((SONNET, 1.5, "4.50")), (1.5, 0.0, 0.0), id="agents that do not report"),
        pytest.param(account(2.0, 6.0), report((SONNET, 1.0, "3.00")), (-3.0, 0.0, 0.0), id="another account"),
        pytest.param(account(1.0, 3.0), report((SONNET, 1.0, "2.40")), (0.0, -0.6, 0.0), id="a discount"),
        pytest.param(account(1.0, 2.0), report((SONNET, 1.0, "3.00")), (0.0, 0.0, 1.0), id="a client that prices lower"),
        pytest.param(account(1.0, unpriced=7), report((SONNET, 1.0, "3.00")), (0.0, 0.0, 3.0), id="tasks without a price"),
        pytest.param(account(), report((SONNET, 1.0, "3.00")), (3.0, 0.0, 0.0), id="nobody reports"),
    ],
)
def test_the_gap_is_taken_apart(ours: Account, theirs: ProviderReport, parts: tuple[float, ...]) -> None:
    found = both({SONNET: ours}, theirs).total
    assert found.parts == pytest.approx(parts)
    assert found.gap_usd == pytest.approx(sum(parts))


@given(st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 1e3), st.decimals(0, 10_000, places=4))
def test_the_parts_add_up_to_the_gap(ours_in: float, ours_usd: float, theirs_in: float, usd: Decimal) -> None:
    found = both({SONNET: account(ours_in, ours_usd, out=ours_in / 9)}, report((SONNET, theirs_in, str(usd))))
    for line in (*found.lines, *found.models, found.total):
        assert line.parts is not None
        assert line.gap_usd == pytest.approx(sum(line.parts), abs=1e-6)


@given(st.lists(st.tuples(st.sampled_from([SONNET, "claude-haiku-4-5", "own"]), st.floats(0, 9), st.integers(0, 3)), max_size=12))
def test_sums_are_those_of_the_lines(rows: list[tuple[str, float, int]]) -> None:
    days = [OurDay(DAY + number, {model: account(size, size) for model, size, day in rows if day == number}) for number in range(4)]
    use = [UseRow(DAY + day, model, "", None, Tokens(round(size * 1e6))) for model, size, day in rows]
    costs = [CostRow(DAY + day, model, "tokens", Decimal(str(size))) for model, size, day in rows]
    found = reconcile("anthropic", days, ProviderReport(use, costs, ""), list_price)
    assert found.total.usd == pytest.approx(sum(size for _, size, _ in rows))
    assert sum(found.total.tokens) == sum(sum(row.tokens) for row in use)
    for part in (found.lines, found.models):
        assert sum(line.usd or 0.0 for line in part) == pytest.approx(found.total.usd)
        assert sum(line.ours.reported_usd for line in part) == pytest.approx(found.total.ours.reported_usd)


def test_own_prices_are_what_the_provider_is_held_to() -> None:
    contract = prices(parse_prices({"version": "contract", "models": [{"match": "claude-*", "input": 2.4, "output": 12}]}))
    found = reconcile("anthropic", [OurDay(DAY, {SONNET: account(1.0, 2.4)})], report((SONNET, 1.0, "2.40")), contract)
    assert found.total.parts == pytest.approx((0.0, 0.0, 0.0))


def test_a_model_without_a_price_has_a_gap_and_no_parts() -> None:
    (line,) = both({"claude-own": account(1.0, unpriced=3)}, report(("claude-own", 2.0, "5.00"))).lines
    assert (line.gap_usd, line.parts, sum(line.more_tokens)) == (5.0, None, 1_000_000)


def test_models_of_other_providers_are_not_compared() -> None:
    found = both({SONNET: account(1.0, 3.0), "gpt-5": account(9.0, 9.0), "azure/own": account(1.0)}, report((SONNET, 1.0, "3.00")))
    assert [line.model for line in found.lines] == [SONNET]
    assert found.unassigned == {}


def test_a_model_that_only_the_provider_knows_is_found_by_its_name() -> None:
    found = both({"Claude-Next": account(1.0, 1.0)}, report(("claude-next", 1.0, "1.00")))
    assert (found.total.gap_usd, found.unassigned) == (0.0, {})


def test_what_may_be_anybodys_is_told_and_not_compared() -> None:
    ours = {None: account(0.5, unpriced=1), "own-model": account(0.25)}
    assert both(ours, report()).lines == []
    found = told(ours, report())
    assert found["unassigned"].startswith("250,000 tokens are of the model 'own-model', which no price list knows")


def test_a_provider_that_counts_and_does_not_bill_yet() -> None:
    use = [UseRow(DAY, SONNET, "standard", None, Tokens(1_000_000))]
    found = both({SONNET: account(1.0, 3.0)}, ProviderReport(use, [], ""))
    assert (found.total.usd, found.total.gap_usd, found.total.gap) == (None, None, None)
    assert "has not told what they cost" in told({SONNET: account(1.0, 3.0)}, ProviderReport(use, [], ""))["unsettled"]


def test_what_is_billed_beside_tokens_is_apart() -> None:
    theirs = report((SONNET, 1.0, "3.00"), more=(CostRow(DAY, None, "web_search", Decimal("1.25")),))
    assert both({SONNET: account(1.0, 3.0)}, theirs).others == {"web_search": 1.25}
    assert told({SONNET: account(1.0, 3.0)}, theirs) == {"not-tokens": "$1.25 for web_search is billed beside tokens"}


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "words"),
    [
        (account(1.0, 3.0), report((SONNET, 1.5, "4.50")), "more-tokens", "the provider counted 500,000 tokens more than agents reported"),
        (
            account(2.0, 6.0),
            report((SONNET, 1.0, "3.00")),
            "fewer-tokens",
            "agents reported 1,000,000 tokens more than the provider counted",
        ),
        (account(1.0, 3.0), report((SONNET, 1.0, "2.40")), "price", "$0.60 less than ours for the same tokens: discounts"),
        (account(1.0, 2.0), report((SONNET, 1.0, "3.00")), "accounting", "$1.00 more than the costs of our tasks"),
        (account(1.0, unpriced=7), report((SONNET, 1.0, "3.00")), "unpriced", "7 tasks with 1,000,000 tokens have no price"),
    ],
)
def test_each_part_has_its_reason(ours: Account, theirs: ProviderReport, kind: str, words: str) -> None:
    assert words in told({SONNET: ours}, theirs)[kind]


def test_tokens_of_another_kind_are_told() -> None:
    use = [UseRow(DAY, SONNET, "standard", None, Tokens(200_000, 0, 800_000))]
    found = told({SONNET: account(1.0, 3.0)}, ProviderReport(use, [CostRow(DAY, SONNET, "tokens", Decimal("0.84"))], ""))
    assert found.keys() == {"kinds"}
    assert "(theirs less ours: input -800,000, cache_read +800,000)" in found["kinds"]


def test_cents_of_rounding_are_no_reason() -> None:
    assert told({SONNET: account(100.0, 300.0)}, report((SONNET, 100.2, "300.60"))) == {}


def test_unknown_hours_and_days_that_still_change_are_told() -> None:
    found = told({SONNET: account(1.0, 3.0)}, report((SONNET, 1.0, "3.00")), now=(DAY + 1) * DAY_MS + 5, missing=2)
    assert found["missing-hours"] == "2 of 24 hours of ours are not known"
    assert found["unsettled"] == "the provider's figures of 2024-10-04 may still change"


def test_tiers_and_keys_are_told_by_their_shares() -> None:
    use = [
        UseRow(DAY, SONNET, "standard", "apikey_1", Tokens(750_000)),
        UseRow(DAY, SONNET, "batch", "apikey_2", Tokens(250_000)),
    ]
    theirs = ProviderReport(use, [CostRow(DAY, SONNET, "tokens", Decimal("3.00"))], "")
    found = told({SONNET: account(1.0, 3.0)}, theirs)
    assert found["tiers"] == "of the provider's tokens batch 25.0% have prices of their own"
    assert found["keys"] == "the provider's tokens went through 2 keys: apikey_1 75.0%, apikey_2 25.0%"


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("claude-sonnet-4-5-20250929", ("anthropic", SONNET)),
        ("anthropic/claude-sonnet-4-5", ("anthropic", SONNET)),
        ("gpt-5-2025-08-07", ("openai", "gpt-5")),
        ("azure/gpt-5", ("azure", "gpt-5")),
        ("acme/Own", ("acme", "own")),
        ("own", (None, "own")),
    ],
)
def test_names_of_models(model: str, wanted: tuple[str | None, str]) -> None:
    assert named(model, DAY * DAY_MS) == wanted
