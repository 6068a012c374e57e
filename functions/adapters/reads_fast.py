"""Tokens, settings documents and hashes of desired configurations one by one, without boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.adapters.desired_table import head_request
from functions.adapters.fast_client import ATTEMPTS, FastClient, ServiceError
from functions.adapters.key_table import keys_in
from functions.adapters.key_table import request as key_request
from functions.adapters.token_table import attributes, record_of
from functions.domain.errors import StoreUnavailable


class FastTokens:
    """Token records by id."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, token_id: str) -> dict[str, Any] | None:
        """One record."""
        item = _get(self._client, {"TableName": self._table, "Key": {"p": {"S": token_id}}})
        return record_of(item) if item else None

    def put(self, record: Mapping[str, Any]) -> None:
        """Create or replace the record under its `id`."""
        try:
            self._client.call("PutItem", {"TableName": self._table, "Item": attributes(record)})
        except ServiceError as error:
            raise StoreUnavailable(f"{self._table}: {error}") from error


class FastSettings:
    """Settings documents of the fleet table."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
        """One document."""
        key = {"p": {"S": f"{workspace}|settings"}, "s": {"S": name}}
        item = _get(self._client, {"TableName": self._table, "Key": key})
        if not item:
            return None
        document: dict[str, Any] = msgspec.json.decode(item["d"]["S"])
        return document


class FastDesired:
    """`DesiredReader` on the fleet table, eventually consistent: who asks, asks again soon."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def hash_of(self, workspace: str, agent: str) -> str | None:
        """Hash of one, None without one. Tried once: the batch that asks is written, and its sender waits."""
        item = _get(self._client, head_request(self._table, workspace, agent), attempts=1)
        return str(item["h"]["S"]) if item else None


class FastKeys:
    """`KeyReader` on the fleet table, eventually consistent like the other."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def keys_of(self, workspace: str, agent: str) -> dict[str, str]:
        """Those of one agent. Tried once."""
        return keys_in(_get(self._client, key_request(self._table, workspace, agent), attempts=1))


def _get(client: FastClient, request: dict[str, Any], attempts: int = ATTEMPTS) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.call("GetItem", request, attempts)
    except ServiceError as error:
        raise StoreUnavailable(f"{request['TableName']}: {error}") from error
    return found.get("Item")
