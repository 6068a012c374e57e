"""Anthropic: its API tries keys, its Admin API finds, disables and reports on them. Keys are made in its Console only.

Documents: "Models", "Admin API" (list, get and update API keys), "Usage and Cost API", "Errors".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from functions.adapters.key_providers.asking import Asker, Tried, document, fits, proven, reading
from functions.adapters.key_providers.use import Bucket, Width, last_use
from functions.domain.errors import ProviderRefused
from functions.domain.key_settings import ProviderSettings
from functions.domain.notification_text import iso
from functions.domain.rotation import KeyAnswer, NewKey, Usage
from functions.domain.times import SECOND_MS

VERSION = "2023-06-01"
_KEYS = "/v1/organizations/api_keys"
_USE = "/v1/organizations/usage_report/messages"
_PAGE = 50
"""Keys of a page: more might be cut off."""
_MOST_PAGES = 40


class AnthropicKeys:
    """`KeyProvider`."""

    def __init__(self, settings: ProviderSettings, asker: Asker) -> None:
        self._settings = settings
        self._asker = asker

    def test(self, key: str) -> KeyAnswer:
        """List models, or look at the one that the settings name."""
        return self._tried(key).answer

    def create(self, name: str) -> NewKey:
        """Not possible."""
        raise ProviderRefused(f"{self._asker.name}: Anthropic makes keys in its Console only; make one there and rotate it in")

    def identify(self, key: str) -> str | None:
        """The id of the key whose hint fits, if exactly one does."""
        if not self._asker.has_admin:
            return None
        with reading(self._asker.name):
            found = [each["id"] for each in self._keys() if fits(str(each.get("partial_key_hint") or ""), key)]
        return str(found[0]) if len(found) == 1 else None

    def revoke(self, key: str, id: str | None) -> bool:
        """Set its status, then see that it is refused."""
        id = id or self.identify(key)
        refusal = self._disabled(id, key) if id and self._asker.has_admin else None
        return proven(self._tried(key), refusal, self._asker.name)

    def usage(self, id: str | None, since: int) -> Usage:
        """From the usage report of the Messages API."""
        if not id or not self._asker.has_admin:
            return Usage(False)

        def used(width: Width, start: int) -> Iterator[Bucket]:
            return self._used(id, width, start)

        with reading(self._asker.name):
            return last_use(used, since, self._asker.now())

    def _tried(self, key: str) -> Tried:
        path = f"/{quote(self._settings.model, safe='')}" if self._settings.model else "?limit=1"
        return self._asker.tried("GET", f"{self._settings.base_url}/v1/models{path}", _headers(key), key)

    def _disabled(self, id: str, key: str) -> str:
        """Why it was not done; empty when it was."""
        body = {"status": self._settings.revoked_as}
        answer, words = self._asker.administer(
            lambda admin: ("POST", f"{self._settings.base_url}{_KEYS}/{quote(id, safe='')}", _headers(admin), body),
            hidden=(key,),
            passed=(400, 404),
        )
        return "" if answer.status < 300 else words

    def _keys(self) -> Iterator[dict[str, Any]]:
        query = {"limit": str(_PAGE)} | ({"workspace_id": self._settings.workspace_id} if self._settings.workspace_id else {})
        for _ in range(_MOST_PAGES):
            page = self._get(_KEYS, query)
            yield from page["data"]
            if not page.get("has_more"):
                return
            query = {**query, "after_id": str(page["last_id"])}

    def _used(self, id: str, width: Width, start: int) -> Iterator[Bucket]:
        query = {
            "starting_at": iso(start),
            "bucket_width": width.name,
            "limit": str(width.most),
            "api_key_ids[]": id,
            "group_by[]": "api_key_id",
        }
        for bucket in self._get(_USE, query)["data"]:
            # None: nobody told whose use it is. We asked for this key's.
            if any(result["api_key_id"] in (id, None) for result in bucket["results"]):
                yield Bucket(_ms(bucket["starting_at"]), _ms(bucket["ending_at"]))

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._settings.base_url}{path}?{urlencode(query)}"
        answer, _ = self._asker.administer(lambda admin: ("GET", url, _headers(admin), None))
        found = document(answer, self._asker.name)
        if not isinstance(found.get("data"), list):
            raise ProviderRefused(f"{self._asker.name} answered {path} without a list `data`")
        return found


def _headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": VERSION}


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * SECOND_MS)
