"""A provider with an API of its own, as the kind `http` is for; docs/rotation-providers.md describes how it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request
from tests.rotations.providers.base import ProviderServer, ServerKey, object_of, path_of, query_of


def error(status: int, message: str) -> Refused:
    return Refused(Reply(status, {"message": message}))


def invalid(message: str) -> Refused:
    return error(422, message)


class GenericServer(ProviderServer):
    prefix = "acme-"

    def check(self, request: Request) -> Reply:
        with self._keys_lock:
            path = path_of(request)
            if path.startswith("/admin/"):
                return self._administered(request, path)
            key = self._key(request)
            if request.method == "GET" and path == "/v2/me":
                return Reply(200, {"name": key.name})
            if request.method == "POST" and path == "/v2/complete":
                if unknown := object_of(request, invalid).keys() - {"prompt"}:
                    raise invalid(f"{min(unknown)} is not known")
                self.used(key)
                return Reply(200, {"text": "done", "tokens": {"in": 12, "out": 3}})
            raise error(404, "no such resource")

    def _key(self, request: Request) -> ServerKey:
        key = self.keys.get(request.headers.get("x-acme-key", ""))
        if key is None or not key.active:
            self.rejected += 1
            # Some providers quote what they were sent.
            raise error(401, f"the token {request.headers.get('x-acme-key')} is not valid")
        return key

    def _administered(self, request: Request, path: str) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.admin}":
            raise error(403, f"{request.headers.get('authorization')} may not administer")
        found = re.fullmatch(r"/admin/tokens(?:/([^/]+))?", path)
        if not found or query_of(request):
            raise error(404, "no such resource")
        if request.method == "POST" and not found[1]:
            body = object_of(request, invalid)
            if body.keys() != {"label"} or not isinstance(body["label"], str):
                raise invalid("label is all that there is")
            made = self.add(body["label"])
            return Reply(201, {"token": {"secret": made.value, "id": made.id}})
        key = next((key for key in self.keys.values() if key.id == found[1]), None)
        if key is None:
            raise error(404, "no such token")
        return self._one(request, key)

    def _one(self, request: Request, key: ServerKey) -> Reply:
        if request.method == "DELETE":
            key.active = False
            return Reply(204)
        if request.method == "GET":
            return Reply(200, {"tokens": [{"id": key.id, "last_used_at": max(key.uses) // 1000 if key.uses else None}]})
        raise error(405, "GET or DELETE")


def settings(url: str, admin: Mapping[str, Any]) -> dict[str, Any]:
    """Its entry in `key-settings`."""
    bearer = {"Authorization": "Bearer {admin}"}
    return {
        "kind": "http",
        "admin": admin,
        "test": {"url": f"{url}/v2/me", "headers": {"X-Acme-Key": "{key}"}, "accepted": [200], "refused": [401, 403]},
        "create": {
            "url": f"{url}/admin/tokens",
            "headers": bearer,
            "body": {"label": "{name}"},
            "key": "/token/secret",
            "id": "/token/id",
            "accepted": [201],
        },
        "revoke": {"method": "DELETE", "url": f"{url}/admin/tokens/{{id}}", "headers": bearer, "accepted": [204]},
        "usage": {"url": f"{url}/admin/tokens/{{id}}", "headers": bearer, "last_used": "/tokens/0/last_used_at"},
    }
