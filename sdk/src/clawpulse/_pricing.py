"""What a request cost, by the price list that the SDK brings along, and where that price comes from.

The list is made of `genai-prices` by scripts/prices, whose head describes the file; it is read at the first price. A model that the list
does not have, has no price for, or prices by something that responses do not count (hours of audio, characters, pages) is unpriced: None.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from clawpulse._usage import Usage

_FILE = "prices.json.gz"
_GZIP = 31
_MEMO = 1_024
_COMPACT_DATE = re.compile(r"(?<=-)(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

_Model = list[Any]


class Price(NamedTuple):
    """What a request cost."""

    usd: Decimal
    source: str
    """The price list: `genai-prices 0.2.3`."""
    model: str
    """The model of the list that was meant."""
    provider: str
    """Whose prices they are."""


def price(model: str | None, usage: Usage, provider: str | None = None, at: datetime | float | None = None) -> Price | None:
    """The price of one request, or None if it is not known: never 0 for what is not known.

    `model` is a name as the provider uses it, `provider` one of the list (`azure`, `openrouter`); left out, it is the model's maker, or
    what stands before a slash in the model's name. `at`: seconds since 1970, or a datetime (UTC without a zone); now if left out.
    """
    found = _find(model.lower(), provider) if isinstance(model, str) else None
    if found is None:
        return None
    host, owner, row = found
    prices = _in_force(row, _moment(at), dict(usage.terms) if owner is host else {})
    usd = _cost(prices, usage) if prices else None
    return None if usd is None else Price(usd, _list()["source"], row[0], host["id"])


@lru_cache(maxsize=1)
def _list() -> dict[str, Any]:
    import json
    import zlib
    from decimal import Decimal
    from pkgutil import get_data

    packed = get_data("clawpulse", _FILE)
    listed: dict[str, Any] = json.loads(zlib.decompress(packed or b"", _GZIP), parse_float=Decimal, parse_int=int)
    listed["by_id"] = {provider["id"]: provider for provider in listed["providers"]}
    return listed


@lru_cache(maxsize=_MEMO)
def _find(model: str, provider: str | None) -> tuple[dict[str, Any], dict[str, Any], _Model] | None:
    """The provider asked, the one whose model it is (another, if it offers others' models), and the model."""
    for host, name in _asked(model, provider):
        found = _model(host, name) if host is not None else None
        if host is not None and found is not None:
            return (host, *found)
    return None


def _asked(model: str, provider: str | None) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Which providers to ask, for which name."""
    prefix, slash, rest = model.partition("/")
    routed = provider is not None and provider.lower().strip() == "litellm"
    if provider is not None and not routed:
        yield _provider(provider), model
        return
    if slash and routed:
        yield _provider(prefix), rest
    yield _maker(model), model
    if slash and not routed:
        yield _provider(prefix), rest


def _provider(name: str) -> dict[str, Any] | None:
    name = name.lower().strip()
    listed = _list()
    return listed["by_id"].get(name) or next((one for one in listed["providers"] if _matches(one.get("alias"), name)), None)


def _maker(model: str) -> dict[str, Any] | None:
    return next((one for one in _list()["providers"] if _matches(one.get("match"), model)), None)


def _model(host: dict[str, Any], name: str) -> tuple[dict[str, Any], _Model] | None:
    """A model by its name; one like `gpt-5.2-20251211` is looked for as `gpt-5.2-2025-12-11`, too."""
    offering = [host, *(_list()["by_id"][other] for other in host.get("fallback", ()))]
    for spelt in dict.fromkeys((name, _COMPACT_DATE.sub(r"\1-\2-\3", name))):
        for owner in offering:
            for row in owner["models"]:
                if spelt == row[0].lower() if row[1] == 0 else _matches(row[1], spelt):
                    return owner, row
    return None


def _matches(match: Any, text: str) -> bool:
    if match is None:
        return False
    if isinstance(match, list):
        return any(_matches(one, text) for one in match)
    if isinstance(match, dict):
        return all(_matches(one, text) for one in match["and"])
    sign, wanted = match[0], match[1:]
    if sign == "=":
        return bool(text == wanted)
    if sign == "^":
        return text.startswith(wanted)
    if sign == "$":
        return text.endswith(wanted)
    return wanted in text if sign == "*" else re.search(wanted, text) is not None


def _moment(at: datetime | float | None) -> tuple[str, str]:
    """Day and time of day, UTC."""
    if at is None:
        at = time.time()
    elif not isinstance(at, (int, float)):
        from datetime import timezone

        at = (at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)).timestamp()
    moment = time.gmtime(at)
    return time.strftime("%Y-%m-%d", moment), time.strftime("%H:%M:%S", moment)


def _applies(when: str | None, moment: tuple[str, str]) -> bool:
    if when is None:
        return True
    day, hour = moment
    if ":" not in when:
        return day >= when
    start, end = when.split("-")
    return start <= hour < end if start <= end else hour >= start or hour < end


def _in_force(row: _Model, moment: tuple[str, str], terms: Mapping[str, str]) -> dict[str, Any] | None:
    """The price list of a model at a moment, on these terms."""
    lists, standard = _list()["prices"], row[2]
    if isinstance(standard, list):
        standard = next((number for when, number in reversed(standard) if _applies(when, moment)), standard[0][1])
    if standard is None:
        return None
    prices: dict[str, Any] = lists[standard]
    if not terms or len(row) < 4:
        return prices
    special: dict[str, Any] = {}
    for wanted, when, number in row[3]:
        if number is not None and wanted.items() <= terms.items() and _applies(when, moment):
            special = {**lists[number], **special}
    return {**prices, **special}


def _cost(prices: Mapping[str, Any], usage: Usage) -> Decimal | None:
    """What the counts cost: each token at the most specific price that it has. None if the counts do not tell, or contradict each other."""
    from decimal import Context, Decimal, localcontext

    counts = _counts(usage)
    if not any(counts[unit] for unit in ("input", "output", "searches")) and usage.input is None and usage.output is None:
        return None
    total_input, usd = counts["input"] or 0, Decimal(0)
    with localcontext(Context()):
        for unit, own, per in _own_counts(prices, counts):
            if own is None or own < 0:
                return None
            usd += Decimal(_rate(prices[unit], total_input)) * own / per
    return usd


def _counts(usage: Usage) -> dict[str, int | None]:
    read, written = usage.cache_read or 0, usage.cache_write or 0
    cached: dict[str, int | None] = {
        # No response tells how much of the cached input is audio or an image; with neither, or no cached input, it is none.
        "cache_audio_read": None if read and usage.input_audio else 0,
        "cache_image_read": None if read and usage.input_image else 0,
        "cache_read": read,
        "cache_write": written,
        "cache_write_1h": usage.cache_write_1h or 0,
    }
    parts = {name: getattr(usage, name) or 0 for name in ("reasoning", "input_audio", "output_audio", "input_image", "output_image")}
    whole = {"input": (usage.input or 0) + read + written, "output": usage.output or 0}
    return {**cached, **parts, **whole, "searches": usage.searches or 0, "requests": 1}


def _own_counts(prices: Mapping[str, Any], counts: Mapping[str, int | None]) -> Iterator[tuple[str, int | None, int]]:
    """Each priced unit, how many of it no more specific priced unit has counted, and the amount that its price is for."""
    taken: dict[str, int] = {}
    for unit, (per, wider) in _list()["units"].items():
        if unit not in prices:
            continue
        amount = counts[unit]
        own = None if amount is None else amount - taken.get(unit, 0)
        for other in wider:
            taken[other] = taken.get(other, 0) + (own or 0)
        yield unit, own, per


def _rate(rate: Any, total_input: int) -> Any:
    """The price in force; one that depends on the size of the request is that of the highest step passed."""
    if not isinstance(rate, list):
        return rate
    return next((higher for above, higher in reversed(rate[1:]) if total_input > above), rate[0])
