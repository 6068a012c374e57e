"""Secrets by reference, from whichever store has them, remembered for five minutes: a changed secret works that much later at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.domain.channels import SecretReference
from functions.domain.times import MINUTE_MS
from functions.ports import SecretReader

REMEMBERED_MS = 5 * MINUTE_MS
_MOST = 200


class Secrets:
    """`SecretCache`."""

    def __init__(self, stores: Mapping[str, SecretReader], now: Callable[[], int]) -> None:
        """`stores` by name, as references have it; `now` gives ms."""
        self._stores = stores
        self._now = now
        self._known: dict[SecretReference, tuple[str, int]] = {}

    def read(self, reference: SecretReference, *, fresh: bool = False) -> str:
        """The secret's text; `fresh` asks its store whatever is remembered. A failure is not remembered."""
        known = self._known.get(reference)
        if known and known[1] > self._now() and not fresh:
            return known[0]
        found = self._stores[reference.store].read(reference)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[reference] = (found, self._now() + REMEMBERED_MS)
        return found
