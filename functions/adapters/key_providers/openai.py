"""OpenAI: its API tries keys; its Admin API makes them (of service accounts), finds them, deletes them and reports on them.

Documents: "Models", "Project service accounts", "Project API keys", "Usage: completions", "Error codes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from functions.adapters.key_providers.asking import Asker, Tried, document, fits, proven, reading
from functions.adapters.key_providers.use import Bucket, Width, last_use
from functions.domain.errors import ProviderRefused
from functions.domain.key_settings import ProviderSettings
from functions.domain.rotation import KeyAnswer, NewKey, Usage
from functions.domain.times import SECOND_MS

_USE = "/v1/organization/usage/completions"
_PAGE = 50
"""Keys of a page: more might be cut off."""
_MOST_PAGES = 40
_MAX_NAME = 100


class OpenAIKeys:
    """`KeyProvider`."""

    def __init__(self, settings: ProviderSettings, asker: Asker) -> None:
        self._settings = settings
        self._asker = asker

    def test(self, key: str) -> KeyAnswer:
        """List models, or look at the one that the settings name."""
        return self._tried(key).answer

    def create(self, name: str) -> NewKey:
        """Of the service account that the settings name, else of a new one."""
        self._check_project("make keys")
        account = self._settings.service_account_id
        path = f"/service_accounts/{quote(account, safe='')}/api_keys" if account else "/service_accounts"
        answer, _ = self._asker.administer(lambda admin: ("POST", self._project(path), _headers(admin), {"name": name[:_MAX_NAME]}))
        found = document(answer, self._asker.name)
        made = found if account else found.get("api_key")
        if not isinstance(made, dict) or not isinstance(made.get("value"), str) or not isinstance(made.get("id"), str):
            raise ProviderRefused(f"{self._asker.name} made something without a key and its id")
        return NewKey(made["value"], made["id"])

    def identify(self, key: str) -> str | None:
        """The id of the project's key whose redacted value fits, if exactly one does."""
        if not self._administers:
            return None
        with reading(self._asker.name):
            found = [each["id"] for each in self._keys() if fits(str(each.get("redacted_value") or ""), key)]
        return str(found[0]) if len(found) == 1 else None

    def revoke(self, key: str, id: str | None) -> bool:
        """Delete it, then see that it is refused."""
        id = id or self.identify(key)
        refusal = self._deleted(id, key) if id and self._administers else None
        return proven(self._tried(key), refusal, self._asker.name)

    def usage(self, id: str | None, since: int) -> Usage:
        """The later of the key's own `last_used_at` (all endpoints) and the report of completions."""
        if not id or not self._asker.has_admin:
            return Usage(False)

        def used(width: Width, start: int) -> Iterator[Bucket]:
            return self._used(id, width, start)

        with reading(self._asker.name):
            reported = last_use(used, since, self._asker.now()).last_used
        times = [time for time in (reported, self._last_used(id)) if time is not None and time >= since]
        return Usage(True, max(times, default=None))

    @property
    def _administers(self) -> bool:
        return self._asker.has_admin and bool(self._settings.project_id)

    def _check_project(self, what: str) -> None:
        if not self._settings.project_id:
            raise ProviderRefused(f"{self._asker.name} needs a `project_id` in key-settings to {what}")

    def _project(self, path: str) -> str:
        return f"{self._settings.base_url}/v1/organization/projects/{quote(self._settings.project_id, safe='')}{path}"

    def _tried(self, key: str) -> Tried:
        path = f"/{quote(self._settings.model, safe='')}" if self._settings.model else ""
        return self._asker.tried("GET", f"{self._settings.base_url}/v1/models{path}", _headers(key), key)

    def _deleted(self, id: str, key: str) -> str:
        """Why it was not done; empty when it was."""
        url = self._project(f"/api_keys/{quote(id, safe='')}")
        answer, words = self._asker.administer(lambda admin: ("DELETE", url, _headers(admin), None), hidden=(key,), passed=(400, 404))
        return "" if answer.status < 300 else words

    def _keys(self) -> Iterator[dict[str, Any]]:
        query = {"limit": str(_PAGE), "owner_project_access": "any"}
        for _ in range(_MOST_PAGES):
            page = self._get(self._project("/api_keys"), query)
            yield from page["data"]
            if not page.get("has_more"):
                return
            query = {**query, "after": str(page["last_id"])}

    def _last_used(self, id: str) -> int | None:
        """ms; None also for a key that is deleted, or when its project is not known."""
        if not self._settings.project_id:
            return None
        url = self._project(f"/api_keys/{quote(id, safe='')}")
        answer, _ = self._asker.administer(lambda admin: ("GET", url, _headers(admin), None), passed=(404,))
        seconds = document(answer, self._asker.name).get("last_used_at")
        with reading(self._asker.name):
            return None if seconds is None else round(seconds * SECOND_MS)

    def _used(self, id: str, width: Width, start: int) -> Iterator[Bucket]:
        query = {
            "start_time": str(start // SECOND_MS),
            "bucket_width": width.name,
            "limit": str(width.most),
            "api_key_ids[]": id,
            "group_by[]": "api_key_id",
        }
        for bucket in self._get(self._settings.base_url + _USE, query)["data"]:
            # None: nobody told whose use it is. We asked for this key's.
            if any(result["api_key_id"] in (id, None) and result["num_model_requests"] for result in bucket["results"]):
                yield Bucket(bucket["start_time"] * SECOND_MS, bucket["end_time"] * SECOND_MS)

    def _get(self, url: str, query: Mapping[str, str]) -> dict[str, Any]:
        answer, _ = self._asker.administer(lambda admin: ("GET", f"{url}?{urlencode(query)}", _headers(admin), None))
        found = document(answer, self._asker.name)
        if not isinstance(found.get("data"), list):
            raise ProviderRefused(f"{self._asker.name} answered without a list `data`")
        return found


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
