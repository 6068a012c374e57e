"""Anthropic's API and Admin API, after "Models", "Messages", "Admin API: API keys", "Usage report: messages" and "Errors"."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request
from tests.rotations.providers.base import WIDTHS, ProviderServer, ServerKey, buckets, now_ms, object_of, path_of, query_of

VERSIONS = ("2023-06-01", "2026-10-21")
MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5")
TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
_MESSAGE = {
    "model", "max_tokens", "messages", "system", "metadata", "stop_sequences", "stream", "temperature",
    "top_k", "top_p", "tools", "tool_choice", "thinking", "service_tier",
}  # fmt: skip
_SAMPLING = {"temperature", "top_k", "top_p"}
"""Removed in the newest version."""
_GROUPS = {"api_key_id", "workspace_id", "model", "service_tier", "context_window"}
_FILTERS = {"api_key_ids[]", "workspace_ids[]", "models[]", "service_tiers[]", "context_window[]", "group_by[]"}


def error(status: int, message: str) -> Refused:
    kind = TYPES[status]
    return Refused(
        Reply(status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{secrets.token_hex(6)}"})
    )


def invalid(message: str) -> Refused:
    return error(400, message)


def given_key(request: Request) -> str:
    """HTTP requests have it in `x-api-key`, those of the newest libraries as a bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (token if scheme == "Bearer" else "")


def not_known(request: Request) -> Refused:
    if request.headers.get("x-api-key"):
        return error(401, "invalid x-api-key")
    return error(401, "Invalid bearer token" if "authorization" in request.headers else "x-api-key header is required")


class AnthropicServer(ProviderServer):
    prefix = "sk-ant-api03-"

    def __init__(self, now: Callable[[], int] = now_ms) -> None:
        super().__init__(now)
        self.admin = f"sk-ant-admin01-{secrets.token_urlsafe(24)}"
        self.workspaces: dict[str, str] = {}
        """Of keys that are not in the default one, by their id."""
        self.archived: set[str] = set()

    def new_id(self) -> str:
        return f"apikey_{secrets.token_hex(12)}"

    def busy(self, status: int) -> Reply:
        kind, words = ("rate_limit_error", "rate limited") if status == 429 else ("overloaded_error", "Overloaded")
        return Reply(429 if status == 429 else 529, {"type": "error", "error": {"type": kind, "message": words}}, {"retry-after": "7"})

    def check(self, request: Request) -> Reply:
        with self._keys_lock:
            if request.headers.get("anthropic-version") not in VERSIONS:
                raise invalid("anthropic-version: header is required")
            path = path_of(request)
            if path.startswith("/v1/organizations/"):
                return self._administered(request, path)
            key = self._key(request)
            if request.method == "POST" and path == "/v1/messages":
                return self._message(request, key)
            if request.method == "GET" and path.startswith("/v1/models"):
                return self._models(request, path)
            raise error(404, "Not Found")

    def _key(self, request: Request) -> ServerKey:
        key = self.keys.get(given_key(request))
        if key is None or not key.active:
            self.rejected += 1
            raise not_known(request)
        return key

    def _models(self, request: Request, path: str) -> Reply:
        found = [{"type": "model", "id": id, "display_name": id, "created_at": "2025-10-01T00:00:00Z"} for id in MODELS]
        if path != "/v1/models":
            one = next((model for model in found if path == f"/v1/models/{model['id']}"), None)
            if one is None:
                raise error(404, f"model: {path.rpartition('/')[2]}")
            return Reply(200, one)
        query = dict(query_of(request))
        if unknown := query.keys() - {"limit", "after_id", "before_id"}:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        shown = found[: int(query.get("limit", "20"))]
        return Reply(200, {"data": shown, "has_more": len(shown) < len(found), "first_id": shown[0]["id"], "last_id": shown[-1]["id"]})

    def _message(self, request: Request, key: ServerKey) -> Reply:
        body = object_of(request, invalid)
        if unknown := body.keys() - (_MESSAGE if request.headers["anthropic-version"] == VERSIONS[0] else _MESSAGE - _SAMPLING):
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        if body.get("model") not in MODELS:
            raise error(404, f"model: {body.get('model')}")
        if not isinstance(body.get("max_tokens"), int) or not isinstance(body.get("messages"), list) or not body["messages"]:
            raise invalid("max_tokens and messages: Field required")
        self.used(key)
        return Reply(
            200,
            {
                "id": f"msg_{secrets.token_hex(12)}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": "done"}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 12, "output_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
            },
        )

    def _administered(self, request: Request, path: str) -> Reply:
        if given_key(request) != self.admin:
            raise not_known(request)
        if request.method == "GET" and path == "/v1/organizations/usage_report/messages":
            return self._report(request)
        if request.method == "GET" and path == "/v1/organizations/api_keys":
            return self._list(request)
        found = re.fullmatch(r"/v1/organizations/api_keys/([^/]+)", path)
        key = next((key for key in self.keys.values() if found and key.id == found[1]), None)
        if request.method not in ("GET", "POST") or key is None:
            raise error(404, "API key not found" if found else "Not Found")
        return Reply(200, self._shown(key)) if request.method == "GET" else self._update(request, key)

    def _update(self, request: Request, key: ServerKey) -> Reply:
        body = object_of(request, invalid)
        if unknown := body.keys() - {"name", "status"}:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        if body.get("status") not in (None, "active", "inactive", "archived"):
            raise invalid("status: Input should be 'active', 'inactive' or 'archived'")
        if key.id in self.archived:
            raise invalid("API key is archived")
        if body.get("status") == "archived":
            self.archived.add(key.id)
        if body.get("status"):
            key.active = body["status"] == "active"
        key.name = body.get("name") or key.name
        return Reply(200, self._shown(key))

    def _shown(self, key: ServerKey) -> dict[str, Any]:
        return {
            "type": "api_key",
            "id": key.id,
            "name": key.name,
            "status": "archived" if key.id in self.archived else "active" if key.active else "inactive",
            "created_at": moment(key.made),
            "created_by": {"id": "user_01WCz1FkmYMm4gnmykNKUu3Q", "type": "user"},
            "expires_at": None,
            "partial_key_hint": f"{key.value[:16]}...{key.value[-4:]}",
            "principal": None,
            "scope": {"type": "workspace", "workspace_id": self.workspaces.get(key.id, "wrkspc_default")},
        }

    def _list(self, request: Request) -> Reply:
        query = dict(query_of(request))
        if unknown := query.keys() - {"limit", "after_id", "before_id", "status", "workspace_id", "created_by_user_id"}:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        limit = int(query.get("limit", "20"))
        if not 1 <= limit <= 1000:
            raise invalid("limit: Input should be from 1 to 1000")
        every = [self._shown(key) for key in self.keys.values()]
        wanted = [
            key
            for key in every
            if query.get("workspace_id") in (None, key["scope"]["workspace_id"]) and query.get("status") in (None, key["status"])
        ]
        ids = [key["id"] for key in wanted]
        begin = ids.index(query["after_id"]) + 1 if "after_id" in query else 0
        page = wanted[begin : begin + limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return Reply(200, {"data": page, "has_more": begin + limit < len(wanted), "first_id": first, "last_id": last})

    def _report(self, request: Request) -> Reply:
        query = query_of(request)
        single = dict(query)
        if unknown := single.keys() - _FILTERS - {"starting_at", "ending_at", "bucket_width", "limit", "page"}:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        if {value for name, value in query if name == "group_by[]"} - _GROUPS:
            raise invalid("group_by: Input should be one of " + ", ".join(sorted(_GROUPS)))
        width = single.get("bucket_width", "1d")
        if width not in WIDTHS or "starting_at" not in single:
            raise invalid("bucket_width: Input should be '1d', '1m' or '1h'" if width not in WIDTHS else "starting_at: Field required")
        _, usual, most = WIDTHS[width]
        limit = int(single.get("limit", usual))
        if not 1 <= limit <= most:
            raise invalid(f"limit: Input should be at most {most}")
        start, end = since(single["starting_at"]), since(single["ending_at"]) if "ending_at" in single else self.now()
        every = list(buckets(start, end, width))
        offset = int(single["page"].removeprefix("page_")) if "page" in single else 0
        ids = {value for name, value in query if name == "api_key_ids[]"}
        grouped = ("group_by[]", "api_key_id") in query
        shown = [self._bucket(begin, close, ids, grouped) for begin, close in every[offset : offset + limit]]
        more = offset + limit < len(every)
        return Reply(200, {"data": shown, "has_more": more, "next_page": f"page_{offset + limit}" if more else None})

    def _bucket(self, begin: int, close: int, ids: set[str], grouped: bool) -> dict[str, Any]:
        used = Counter({key.id: sum(begin <= at < close for at in key.uses) for key in self.keys.values() if not ids or key.id in ids})
        counts = used if grouped else Counter({None: used.total()})
        results = [_result(id, count) for id, count in counts.items() if count]
        return {"starting_at": moment(begin), "ending_at": moment(close), "results": results}


def _result(id: str | None, count: int) -> dict[str, Any]:
    return {
        "api_key_id": id,
        "uncached_input_tokens": 12 * count,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "output_tokens": 3 * count,
        "server_tool_use": {"web_search_requests": 0},
        "workspace_id": None,
        "model": None,
        "service_tier": None,
        "context_window": None,
    }


def moment(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat().replace("+00:00", "Z")


def since(text: str) -> int:
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise invalid("starting_at: Input should be a valid datetime") from None
