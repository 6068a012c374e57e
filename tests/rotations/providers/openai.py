"""OpenAI's API and Admin API, after "Models", "Chat", "Project service accounts", "Project API keys", "Usage: completions", "Errors"."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request
from tests.rotations.providers.base import WIDTHS, ProviderServer, ServerKey, buckets, now_ms, object_of, path_of, query_of

MODELS = ("gpt-5", "gpt-5-mini")
PROJECT = "proj_4f0c1b2a"
_CHAT = {
    "model", "messages", "max_completion_tokens", "max_tokens", "temperature", "top_p", "n", "stop", "stream", "stream_options",
    "tools", "tool_choice", "response_format", "reasoning_effort", "seed", "user", "metadata", "store",
}  # fmt: skip
_GROUPS = {"project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source"}
_FILTERS = {"api_key_ids[]", "project_ids[]", "user_ids[]", "models[]", "group_by[]"}
_HELP = "You can find your API key at https://platform.openai.com/account/api-keys."


def error(status: int, message: str, code: str | None = None) -> Refused:
    return Refused(Reply(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}))


def invalid(message: str) -> Refused:
    return error(400, message)


class OpenAIServer(ProviderServer):
    prefix = "sk-proj-"

    def __init__(self, now: Callable[[], int] = now_ms) -> None:
        super().__init__(now)
        self.admin = f"sk-admin-{secrets.token_urlsafe(24)}"
        self.project = PROJECT
        self.accounts: dict[str, str] = {}
        """Names of service accounts, by id."""
        self.owners: dict[str, str] = {}
        """Service account of keys that have one, by the key's id."""
        self.deleted: set[str] = set()

    def add_account(self, name: str = "agents") -> str:
        id = f"svc_acct_{secrets.token_hex(6)}"
        self.accounts[id] = name
        return id

    def busy(self, status: int) -> Reply:
        words = "Rate limit reached for requests" if status == 429 else "The engine is currently overloaded, please try again later"
        return Reply(status, {"error": {"message": words, "type": "requests", "param": None, "code": None}}, {"retry-after": "7"})

    def check(self, request: Request) -> Reply:
        with self._keys_lock:
            path = path_of(request)
            if path.startswith("/v1/organization/"):
                return self._administered(request, path)
            key = self._key(request)
            if request.method == "POST" and path == "/v1/chat/completions":
                return self._chat(request, key)
            if request.method == "GET" and path.startswith("/v1/models"):
                return self._models(request, path)
            raise error(404, f"Invalid URL ({request.method} {path})")

    def _key(self, request: Request) -> ServerKey:
        given = request.headers.get("authorization", "")
        key = self.keys.get(given.removeprefix("Bearer ")) if given.startswith("Bearer ") else None
        if key is None or not key.active:
            self.rejected += 1
            if not given.startswith("Bearer "):
                raise error(
                    401, "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth"
                )
            raise error(401, f"Incorrect API key provided: {masked(given.removeprefix('Bearer '))}. {_HELP}", "invalid_api_key")
        return key

    def _models(self, request: Request, path: str) -> Reply:
        if query_of(request):
            raise invalid("Unknown query parameter")
        found = [{"id": id, "object": "model", "created": 1_750_000_000, "owned_by": "system"} for id in MODELS]
        if path == "/v1/models":
            return Reply(200, {"object": "list", "data": found})
        name = path.removeprefix("/v1/models/")
        one = next((model for model in found if model["id"] == name), None)
        if one is None:
            raise error(404, f"The model '{name}' does not exist or you do not have access to it.", "model_not_found")
        return Reply(200, one)

    def _chat(self, request: Request, key: ServerKey) -> Reply:
        body = object_of(request, invalid)
        if unknown := body.keys() - _CHAT:
            raise error(400, f"Unknown parameter: '{min(unknown)}'.", "unknown_parameter")
        if body.get("model") not in MODELS:
            raise error(404, f"The model `{body.get('model')}` does not exist or you do not have access to it.", "model_not_found")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise error(400, "Missing required parameter: 'messages'.", "missing_required_parameter")
        self.used(key)
        message = {"role": "assistant", "content": "done", "refusal": None}
        return Reply(
            200,
            {
                "id": f"chatcmpl-{secrets.token_hex(8)}",
                "object": "chat.completion",
                "created": self.now() // 1000,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
            },
        )

    def _administered(self, request: Request, path: str) -> Reply:
        given = request.headers.get("authorization", "")
        if given != f"Bearer {self.admin}":
            if self.keys.get(given.removeprefix("Bearer ")):
                raise error(403, "You have insufficient permissions for this operation. Missing scopes: api.management.read.")
            raise error(401, f"Incorrect API key provided: {masked(given.removeprefix('Bearer '))}. {_HELP}", "invalid_api_key")
        if request.method == "GET" and path == "/v1/organization/usage/completions":
            return self._report(request)
        found = re.fullmatch(r"/v1/organization/projects/([^/]+)/(service_accounts|api_keys)(/[^/]+)?(/api_keys)?", path)
        if not found:
            raise error(404, f"Invalid URL ({request.method} {path})")
        if found[1] != self.project:
            raise error(404, f"Project with id '{found[1]}' not found.")
        id = (found[3] or "").removeprefix("/")
        if found[2] == "service_accounts":
            return self._make(request, id, nested=bool(found[4]))
        return self._one(request, id) if id and not found[4] else self._list(request)

    def _make(self, request: Request, account: str, *, nested: bool) -> Reply:
        if request.method != "POST" or bool(account) != nested:
            raise error(404, "Invalid URL")
        body = object_of(request, invalid)
        if unknown := body.keys() - {"name", "expires_in_seconds", "scopes" if nested else "create_service_account_only"}:
            raise error(400, f"Unknown parameter: '{min(unknown)}'.", "unknown_parameter")
        if not nested and not isinstance(body.get("name"), str):
            raise error(400, "Missing required parameter: 'name'.", "missing_required_parameter")
        if nested and account not in self.accounts:
            raise error(404, f"Service account '{account}' not found.")
        account = account or self.add_account(body["name"])
        key = self.add(body.get("name") or "Secret Key")
        self.owners[key.id] = account
        made = {
            "object": "organization.project.service_account.api_key",
            "id": key.id,
            "name": key.name,
            "value": key.value,
            "created_at": key.made // 1000,
            "expires_at": None,
        }
        if nested:
            return Reply(200, made)
        return Reply(
            200,
            {
                "object": "organization.project.service_account",
                "id": account,
                "name": body["name"],
                "role": "member",
                "created_at": key.made // 1000,
                "api_key": made,
            },
        )

    def _one(self, request: Request, id: str) -> Reply:
        key = next((key for key in self.keys.values() if key.id == id and id not in self.deleted), None)
        if key is None or request.method not in ("GET", "DELETE"):
            raise error(404, f"API key '{id}' not found in project.")
        if request.method == "DELETE":
            if request.body:
                raise invalid("A DELETE has no body")
            self.deleted.add(id)
            key.active = False
            return Reply(200, {"object": "organization.project.api_key.deleted", "id": id, "deleted": True})
        return Reply(200, self._shown(key))

    def _shown(self, key: ServerKey) -> dict[str, Any]:
        account = self.owners.get(key.id)
        owner: dict[str, Any] = {
            "type": "user",
            "user": {"id": "user_abc", "name": "A", "email": "a@example.com", "role": "owner", "created_at": 1},
        }
        if account:
            service = {"id": account, "name": self.accounts[account], "role": "member", "created_at": key.made // 1000}
            owner = {"type": "service_account", "service_account": service}
        return {
            "object": "organization.project.api_key",
            "id": key.id,
            "name": key.name,
            "redacted_value": masked(key.value),
            "created_at": key.made // 1000,
            "last_used_at": max(key.uses) // 1000 if key.uses else None,
            "expires_at": None,
            "owner": owner,
            "owner_project_access": "active",
        }

    def _list(self, request: Request) -> Reply:
        query = dict(query_of(request))
        if unknown := query.keys() - {"limit", "after", "owner_project_access"}:
            raise error(400, f"Unknown query parameter: '{min(unknown)}'.", "unknown_parameter")
        limit = int(query.get("limit", "20"))
        if (
            request.method != "GET"
            or not 1 <= limit <= 100
            or query.get("owner_project_access", "any") not in ("active", "inactive", "any")
        ):
            raise invalid("limit must be from 1 to 100")
        every = [self._shown(key) for key in self.keys.values() if key.id not in self.deleted]
        ids = [key["id"] for key in every]
        begin = ids.index(query["after"]) + 1 if "after" in query else 0
        page = every[begin : begin + limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return Reply(200, {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": begin + limit < len(every)})

    def _report(self, request: Request) -> Reply:
        query = query_of(request)
        single = dict(query)
        if unknown := single.keys() - _FILTERS - {"start_time", "end_time", "bucket_width", "limit", "page", "batch"}:
            raise error(400, f"Unknown query parameter: '{min(unknown)}'.", "unknown_parameter")
        if {value for name, value in query if name == "group_by[]"} - _GROUPS:
            raise invalid("Invalid group_by")
        width = single.get("bucket_width", "1d")
        if width not in WIDTHS or not single.get("start_time", "").isdigit():
            raise invalid("Invalid bucket_width or start_time")
        _, usual, most = WIDTHS[width]
        limit = int(single.get("limit", usual))
        if not 1 <= limit <= most:
            raise invalid(f"limit must be at most {most}")
        end = int(single["end_time"]) * 1000 if "end_time" in single else self.now()
        every = list(buckets(int(single["start_time"]) * 1000, end, width))
        offset = int(single.get("page", "0"))
        ids = {value for name, value in query if name == "api_key_ids[]"}
        grouped = ("group_by[]", "api_key_id") in query
        shown = [self._bucket(begin, close, ids, grouped) for begin, close in every[offset : offset + limit]]
        more = offset + limit < len(every)
        return Reply(200, {"object": "page", "data": shown, "has_more": more, "next_page": str(offset + limit) if more else None})

    def _bucket(self, begin: int, close: int, ids: set[str], grouped: bool) -> dict[str, Any]:
        used = Counter({key.id: sum(begin <= at < close for at in key.uses) for key in self.keys.values() if not ids or key.id in ids})
        counts = used if grouped else Counter({None: used.total()})
        results = [_result(id, count) for id, count in counts.items() if count]
        return {"object": "bucket", "start_time": begin // 1000, "end_time": close // 1000, "results": results}


def _result(id: str | None, count: int) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 12 * count,
        "output_tokens": 3 * count,
        "input_cached_tokens": 0,
        "num_model_requests": count,
        "project_id": None,
        "user_id": None,
        "api_key_id": id,
        "model": None,
        "batch": None,
        "service_tier": None,
    }


def masked(value: str) -> str:
    """As its errors and lists show a key."""
    return value[:8] + "*" * max(len(value) - 12, 0) + value[-4:] if len(value) > 12 else value
