"""The price list: the same numbers as the package it is made of, for every model; and nothing where that knows no price."""

from __future__ import annotations

import gzip
import json
import re
import runpy
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.data_units import unit_data
from genai_prices.types import ModelInfo, ModelPrice
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clawpulse import Price, Usage, price

ROOT = Path(__file__).parents[2]
FILE = ROOT / "sdk/src/clawpulse/prices.json.gz"
TIGHT = Decimal("1e-9")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FAMILIES = {unit["price_key"]: unit["dimensions"]["family"] for unit in unit_data.values()}


def theirs(model: str, usage: Usage, provider: str | None, at: datetime) -> Decimal | None:
    """What genai-prices says of the same request."""
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    counts = {
        "input_tokens": (usage.input or 0) + cached,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "output_reasoning_tokens": usage.reasoning,
        "input_audio_tokens": usage.input_audio,
        "output_audio_tokens": usage.output_audio,
        "input_image_tokens": usage.input_image,
        "output_image_tokens": usage.output_image,
        "web_searches": usage.searches,
    }
    try:
        return genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id=provider, genai_request_timestamp=at, price_context=dict(usage.terms)
        ).total_price
    except (LookupError, ValueError):
        return None


def same(ours: Price | None, expected: Decimal | None) -> bool:
    if ours is None or expected is None:
        return ours is None and expected is None
    return abs(ours.usd - expected) <= TIGHT * expected


def price_lists(model: ModelInfo) -> Iterator[ModelPrice]:
    yield from [model.prices] if isinstance(model.prices, ModelPrice) else (one.prices for one in model.prices)


def texts(clause: Any) -> Iterator[str]:
    """The texts that a rule for names compares with."""
    for value in vars(clause).values():
        if isinstance(value, list):
            for one in value:
                yield from texts(one)
        else:
            yield value


def name_of(model: ModelInfo) -> str:
    """A name that means this model; that is not always its id."""
    return next(name for name in (model.id, *texts(model.match)) if model.is_match(name))


NAMES = [(provider.id, name_of(model), model) for provider in providers for model in provider.models]


def is_left_unpriced(prices: ModelPrice) -> bool:
    """By the documented rule: no price at all, or one for what no response counts."""
    units = {key for key, value in vars(prices).items() if value is not None}
    return not units or any(FAMILIES[unit] not in ("tokens", "tool_calls", "requests") for unit in units)


def count(most: int) -> st.SearchStrategy[int]:
    return st.one_of(st.just(0), st.integers(1, 1_000), st.integers(0, most))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, written, output = draw(count(400_000)), draw(count(300_000)), draw(count(200_000))
    audio = draw(st.sampled_from([0, 0, 1]))
    fresh = draw(count(400_000))
    return Usage(
        input=fresh,
        output=output,
        cache_read=read or draw(st.sampled_from([None, 0])),
        cache_write=written,
        cache_write_1h=draw(st.integers(0, written)),
        reasoning=draw(st.integers(0, output)),
        input_audio=audio and draw(st.integers(0, fresh)),
        searches=draw(st.sampled_from([None, 0, 3])),
        terms=draw(st.sampled_from([(), *(((key, text),) for key, text in TERMS)])),
    )


TERMS = [
    ("processing", "batch"),
    ("service_tier", "default"),
    ("service_tier", "flex"),
    ("service_tier", "priority"),
    ("service_tier", "fast"),
    ("service_tier", "standard"),
    ("speed", "fast"),
]
MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants them so


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(usages(), MOMENTS)
@example(Usage(input=250_000, output=1_000, cache_read=30_000), NOW)
@example(Usage(input=1_000, output=1_000), datetime(2026, 2, 1, 8, 30, tzinfo=UTC))
@example(Usage(input=100, output=10, searches=2, terms=(("processing", "batch"),)), NOW)
def test_every_model_costs_what_its_source_says(usage: Usage, at: datetime) -> None:
    checked = 0
    for provider, name, model in NAMES:
        expected = theirs(name, usage, provider, at)
        ours = price(name, usage, provider, at)
        if ours is None and any(is_left_unpriced(one) for one in price_lists(model)):
            continue
        assert same(ours, expected), (provider, name, ours, expected)
        checked += ours is not None
    assert checked > 2_000 or usage.input_audio


def test_few_models_are_left_unpriced() -> None:
    usage = Usage(input=1_000, output=100)
    unpriced = {name for provider, name, _ in NAMES if price(name, usage, provider, NOW) is None and not name.endswith(":free")}
    assert "whisper-1" in unpriced
    assert len(unpriced) < 60


@pytest.mark.parametrize("at", [NOW, NOW - timedelta(days=400)])
def test_the_maker_is_found_by_the_name_of_the_model(at: datetime) -> None:
    usage = Usage(input=1_234, output=56, cache_read=7)
    found = 0
    for name in sorted({model.id for provider in providers for model in provider.models}):
        expected = theirs(name, usage, None, at)
        ours = price(name, usage, None, at)
        if expected is None:
            assert ours is None or "/" in name  # there, what stands before the slash may be a provider
        elif ours is not None:
            found += 1
            assert same(ours, expected), name
    assert found > 300


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(providers), st.data())
def test_other_spellings_find_the_same_model(provider: Any, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(provider.models))
    name, compact = name_of(model), re.sub(r"-(20\d\d)-(\d\d)-(\d\d)", r"-\1\2\3", model.id)
    spelt = data.draw(st.sampled_from([name.upper(), compact, name + "-x", "x" + name]))
    usage = Usage(input=1_000, output=10)
    ours, expected = price(spelt, usage, provider.id, NOW), theirs(spelt, usage, provider.id, NOW)
    if ours is not None:
        assert same(ours, expected)
    elif expected is not None:
        found = genai_prices.calc_price(genai_prices.Usage(), spelt, provider_id=provider.id, genai_request_timestamp=NOW).model
        assert any(is_left_unpriced(one) for one in price_lists(found))


@pytest.mark.parametrize(
    ("model", "provider", "matched"),
    [
        ("claude-sonnet-4-5-20250929", None, ("anthropic", "claude-sonnet-4-5")),
        ("anthropic/claude-sonnet-4-5", None, ("anthropic", "claude-sonnet-4-5")),
        ("GPT-5", None, ("openai", "gpt-5")),
        ("openai/gpt-5", None, ("openai", "gpt-5")),
        ("openai/gpt-5", "litellm", ("openai", "gpt-5")),
        ("gpt-5", "azure", ("azure", "gpt-5")),
        ("openrouter/openai/gpt-5", None, ("openrouter", "openai/gpt-5")),
        ("gemini-2.5-pro", "google-vertex", ("google", "gemini-2.5-pro")),
    ],
)
def test_names(model: str, provider: str | None, matched: tuple[str, str]) -> None:
    found = price(model, Usage(input=1, output=1), provider, NOW)
    assert found is not None
    assert (found.provider, found.model) == matched
    assert found.source == f"genai-prices {version('genai-prices')}"


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        (None, None),
        ("our-own-model", None),
        ("", None),
        ("/", None),
        ("gpt-5", "nobody"),
        ("nobody/gpt-5", "nobody"),
        ("whisper-1", None),
        ("x" * 10_000, None),
    ],
)
def test_what_is_not_known_is_unpriced(model: str | None, provider: str | None) -> None:
    assert price(model, Usage(input=1_000, output=10), provider, NOW) is None


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        # $3 in, $15 out, $0.3 and $3.75 through the cache, $6 for an hour; twice, and $22.5 out, beyond 200,000 tokens of input
        (Usage(input=1_000_000 // 10, output=1_000), "0.315"),
        (Usage(input=200_000, output=0), "0.6"),
        (Usage(input=199_000, output=0, cache_read=1_001), "1.1946006"),
        (Usage(input=0, output=0, cache_write=1_000, cache_write_1h=400), "0.00465"),
        (Usage(input=0, output=0, searches=3), "0.03"),
        (Usage(input=0, output=0), "0"),
        (Usage(output=10), "0.00015"),
    ],
)
def test_amounts_by_hand(usage: Usage, dollars: str) -> None:
    found = price("claude-sonnet-4-5", usage, None, NOW)
    assert found is not None
    assert found.usd == Decimal(dollars)


def test_prices_change_with_the_days_and_the_hours() -> None:
    usage = Usage(input=1_000_000, output=0)

    def cost(model: str, at: datetime | float) -> str:
        found = price(model, usage, None, at)
        assert found is not None
        return format(found.usd.normalize(), "f")

    assert cost("claude-opus-4-6", datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC)) == "10"
    assert cost("claude-opus-4-6", datetime(2026, 3, 13, tzinfo=UTC)) == "5"
    assert cost("claude-opus-4-6", datetime(2026, 3, 13).timestamp() + 86_400) == "5"  # noqa: DTZ001  a number of seconds is what is tried
    assert cost("claude-opus-4-6", datetime(2026, 3, 12, 23, 30, tzinfo=timezone(timedelta(hours=-1)))) == "5"
    assert cost("claude-opus-4-6", datetime(2026, 3, 13)) == "5"  # noqa: DTZ001  without a zone: UTC
    assert cost("deepseek-chat", datetime(2026, 5, 1, 0, 29, 59, tzinfo=UTC)) == "0.135"
    assert cost("deepseek-chat", datetime(2026, 5, 1, 0, 30, tzinfo=UTC)) == "0.27"
    assert cost("deepseek-chat", datetime(2026, 5, 1, 16, 30, tzinfo=UTC)) == "0.135"


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(cache_read=None, reasoning=5),
        Usage(input=10, output=10, cache_write=5, cache_write_1h=6),
        Usage(input=10, output=5, output_audio=6),
        Usage(input=1_000, output=5, cache_read=100, input_audio=50),
    ],
    ids=["nothing", "only a part", "a part beyond its whole", "another", "cached audio, or not?"],
)
def test_counts_that_do_not_tell_have_no_price(usage: Usage) -> None:
    model = "gpt-realtime" if usage.input_audio or usage.output_audio else "claude-sonnet-4-5"
    assert price(model, Usage(input=10, output=10), None, NOW) is not None
    assert price(model, usage, None, NOW) is None


def test_the_callers_decimal_context_does_no_harm() -> None:
    with localcontext() as context:
        context.prec = 2
        found = price("claude-sonnet-4-5", Usage(input=123_456, output=789), None, NOW)
    assert found is not None
    assert found.usd == Decimal("0.382203")


def test_the_list_is_that_of_the_pinned_package() -> None:
    content = json.loads(gzip.decompress(FILE.read_bytes()))
    pinned = re.search(r"^genai-prices==(\S+)", (ROOT / "requirements/dev.txt").read_text(), re.M)
    assert pinned
    assert content["source"] == f"genai-prices {pinned[1]}" == f"genai-prices {version('genai-prices')}"
    assert datetime.fromisoformat(content["made"])
    assert "Permission is hereby granted" in content["licence"]
    assert "Copyright (c) Pydantic Services Inc." in content["licence"]
    assert FILE.stat().st_size <= 150_000


def test_the_list_is_what_the_script_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(ROOT / "scripts/prices"))["main"]
    assert script(["--check"]) == 0

    old = tmp_path / "prices.json.gz"
    content = json.loads(gzip.decompress(FILE.read_bytes()))
    old.write_bytes(gzip.compress(json.dumps({**content, "source": "genai-prices 0.0.1"}).encode()))
    assert script(["--check", str(old)]) == 1
    assert "of genai-prices 0.0.1, is not what" in capsys.readouterr().err

    assert script([str(old)]) == 0
    assert script(["--check", str(old)]) == 0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
