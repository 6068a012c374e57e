"""Reports in pages of daily buckets: what is the same with both providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from functions.adapters.key_providers.asking import Asker, document
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.times import SECOND_MS

MAX_PAGES = 40
ENOUGH_MS = 15 * SECOND_MS
"""After so long no further page is asked for: who waits for us has 29 s."""

type Query = Sequence[tuple[str, str]]
type Headers = Callable[[str], Mapping[str, str]]
"""Of a request, made of the admin key."""


def buckets(asker: Asker, url: str, query: Query, headers: Headers, began: int) -> Iterator[dict[str, Any]]:
    """The buckets of all pages; `began` is when the first report was asked for, ms."""
    page: list[tuple[str, str]] = []
    for _ in range(MAX_PAGES):
        if asker.now() - began > ENOUGH_MS:
            raise ProviderUnavailable(f"{asker.name} took too long to send its report: ask for fewer days")
        address = f"{url}?{urlencode([*query, *page])}"
        found = _page(asker, address, headers)
        yield from found["data"]
        if not found.get("has_more"):
            return
        if not found.get("next_page"):
            raise ProviderRefused(f"{asker.name} has more than it tells where to find")
        page = [("page", str(found["next_page"]))]
    raise ProviderRefused(f"{asker.name} sent {MAX_PAGES} pages without an end")


def _page(asker: Asker, address: str, headers: Headers) -> dict[str, Any]:
    answer, _ = asker.administer(lambda admin: ("GET", address, headers(admin), None))
    found = document(answer, asker.name)
    if not isinstance(found.get("data"), list):
        raise ProviderRefused(f"{asker.name} answered without a list `data`")
    return found


def amount(value: object, currency: object, name: str) -> Decimal:
    """A sum of money, which may be written as a text or a number; raises ValueError for what is none, `ProviderRefused` for no dollars."""
    if not isinstance(currency, str) or currency.upper() != "USD":
        raise ProviderRefused(f"{name} bills in another currency than US dollars, which nothing here converts")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("no amount of money")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("no amount of money") from None
    if not found.is_finite():
        raise ValueError("no amount of money")
    return found


def count(value: object) -> int:
    """A number of tokens; what a provider leaves out, or null, is none. Raises ValueError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("no number of tokens")
    return value
