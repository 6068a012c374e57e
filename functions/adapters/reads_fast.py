"""Tokens and settings documents one by one, without boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.adapters.fast_client import FastClient, ServiceError
from functions.adapters.token_table import attributes, record_of
from functions.domain.errors import StoreUnavailable


class FastTokens:
    """Token records by id."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, token_id: str) -> dict[str, Any] | None:
        """One record."""
        item = _get(self._client, self._table, {"p": {"S": token_id}})
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
        item = _get(self._client, self._table, {"p": {"S": f"{workspace}|settings"}, "s": {"S": name}})
        if not item:
            return None
        document: dict[str, Any] = msgspec.json.decode(item["d"]["S"])
        return document


def _get(client: FastClient, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.call("GetItem", {"TableName": table, "Key": key})
    except ServiceError as error:
        raise StoreUnavailable(f"{table}: {error}") from error
    return found.get("Item")
