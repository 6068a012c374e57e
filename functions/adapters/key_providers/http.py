"""Any provider with an HTTP API: the calls that the settings describe (`domain.key_calls`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from functions.adapters.key_providers.asking import Asker, Tried, document, proven, reading
from functions.domain.errors import ProviderRefused
from functions.domain.key_calls import HttpCall, at, filled
from functions.domain.key_settings import ProviderSettings
from functions.domain.rotation import KeyAnswer, NewKey, Usage
from functions.domain.times import SECOND_MS
from functions.ports import Answer

_MS_FROM = 100_000_000_000
"""Numbers above are ms, those below seconds."""


class HttpKeys:
    """`KeyProvider`."""

    def __init__(self, settings: ProviderSettings, asker: Asker) -> None:
        self._calls = settings.calls
        self._asker = asker

    def test(self, key: str) -> KeyAnswer:
        """Make the call `test`."""
        return self._tried(key).answer

    def create(self, name: str) -> NewKey:
        """Make the call `create`."""
        call = self._calls.get("create")
        if call is None:
            raise ProviderRefused(f"{self._asker.name} has no call `create` in key-settings")
        found = document(self._made(call, {"name": name})[0], self._asker.name)
        key = _read(found, call, "key", self._asker.name)
        if not isinstance(key, str) or not key:
            raise ProviderRefused(f"{self._asker.name} answered with no key at {call.pointers['key']}")
        try:
            id = at(found, call.pointers["id"]) if "id" in call.pointers else None
        except LookupError:
            # The key is there and must not be lost.
            id = None
        return NewKey(key, str(id) if isinstance(id, str | int) else None)

    def identify(self, key: str) -> str | None:
        """Not possible."""
        return None

    def revoke(self, key: str, id: str | None) -> bool:
        """Make the call `revoke`, then see that the key is refused."""
        call = self._calls.get("revoke")
        refusal: str | None = None
        if call and (id or "id" not in call.placeholders):
            answer, words = self._made(call, {"key": key, "id": id or ""}, passed=(400, 404, 410))
            refusal = "" if answer.status in call.accepted else words
        return proven(self._tried(key), refusal, self._asker.name)

    def usage(self, id: str | None, since: int) -> Usage:
        """Make the call `usage`."""
        call = self._calls.get("usage")
        if call is None or (not id and "id" in call.placeholders):
            return Usage(False)
        answer, _ = self._made(call, {"id": id or "", "since": str(since // SECOND_MS)}, passed=(404,))
        if answer.status not in call.accepted:
            return Usage(False)
        told = _read(document(answer, self._asker.name), call, "last_used", self._asker.name)
        with reading(self._asker.name):
            last = _ms(told)
        return Usage(True, last if last is not None and last >= since else None)

    def _tried(self, key: str) -> Tried:
        call = self._calls["test"]
        values = {"key": key}
        return self._asker.tried(
            call.method,
            filled(call.url, values, url=True),
            filled(call.headers, values),
            key,
            body=filled(call.body, values),
            accepted=call.accepted,
            refused=call.refused,
            dead=call.refused,
        )

    def _made(self, call: HttpCall, values: Mapping[str, str], passed: tuple[int, ...] = ()) -> tuple[Answer, str]:
        """Make a call of the administrator's, with the admin key if it wants one."""

        def request(admin: str) -> tuple[str, str, Mapping[str, str], Any]:
            every = {**values, "admin": admin}
            return call.method, filled(call.url, every, url=True), filled(call.headers, every), filled(call.body, every)

        answer, words = self._asker.administer(
            request,
            hidden=[values["key"]] if "key" in values else (),
            passed=(*passed, *call.accepted),
            plain="admin" not in call.placeholders,
        )
        if answer.status not in call.accepted and answer.status not in passed:
            raise ProviderRefused(f"{self._asker.name} {words}, which is not among the statuses accepted of {urlsplit(call.url).hostname}")
        return answer, words


def _read(found: Any, call: HttpCall, name: str, provider: str) -> Any:
    """What the answer has where the settings say."""
    try:
        return at(found, call.pointers[name])
    except LookupError:
        raise ProviderRefused(f"{provider} answered with nothing at {call.pointers[name]}") from None


def _ms(value: Any) -> int | None:
    """Of a number or an RFC 3339 text; None for null. Raises `TypeError` and `ValueError` for what is no time: that is not "never"."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value if value > _MS_FROM else value * SECOND_MS)
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return round(found.timestamp() * SECOND_MS)
