"""Revisions of the fleet repository in the rollouts table.

p                        s                d
{ws}|revision            number           Revision, JSON; `v` its version
{ws}|revision-files      digest|chunk     a part of the files: gzip over a JSON object of texts by path; `c` says how many parts

Revisions with the same files share them: what is stored under a digest is never written anew.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.adapters.parts import query
from functions.domain.errors import StoreUnavailable
from functions.domain.revision import Revision

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHUNK = 280_000
"""Bytes; DynamoDB takes 400 KB an item, and the local cloud counts bytes as their base64."""
_STORE = "rollouts table"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Revision)
_FILES = msgspec.json.Decoder(dict[str, str])


class Revisions:
    """`RevisionStore`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def latest(self, workspace: str) -> Revision | None:
        """The newest one."""
        return next(iter(self.recent(workspace, 1)), None)

    def read(self, workspace: str, number: int) -> Revision | None:
        """One of them."""
        with store_faults(_STORE):
            item: Any = self._client.get_item(TableName=self._table, Key=_key(workspace, number), ConsistentRead=True).get("Item")
        return _revision(item) if item else None

    def files(self, workspace: str, revision: Revision) -> dict[str, str]:
        """Texts by path. Raises `StoreUnavailable` when they are damaged."""
        found = self._files(workspace, revision.digest)
        if found is None:
            raise StoreUnavailable(f"{_STORE}: the files of revision {revision.number} are not complete")
        return found

    def put(self, workspace: str, revision: Revision, files: Mapping[str, str]) -> bool:
        """Put a revision under its number; files first, so that what can be read is whole."""
        if self._files(workspace, revision.digest) is None:
            self._put_files(workspace, revision.digest, files)
        return self._put(workspace, revision, ConditionExpression="attribute_not_exists(p)")

    def update(self, workspace: str, revision: Revision) -> bool:
        """Replace one, if its version is the one before; tells whether it was."""
        seen = {":v": {"N": str(revision.version - 1)}}
        return self._put(workspace, revision, ConditionExpression="v = :v", ExpressionAttributeValues=seen)

    def recent(self, workspace: str, limit: int) -> list[Revision]:
        """Newest first."""
        request: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": f"{workspace}|revision"}},
            "ScanIndexForward": False,
            "Limit": limit,
            "ConsistentRead": True,
        }
        return [_revision(item) for _, item in zip(range(limit), query(self._client, request, _STORE), strict=False)]

    def _put(self, workspace: str, revision: Revision, **condition: Any) -> bool:
        body: Any = {"d": {"S": _ENCODER.encode(revision).decode()}, "v": {"N": str(revision.version)}}
        with store_faults(_STORE):
            try:
                self._client.put_item(TableName=self._table, Item=_key(workspace, revision.number) | body, **condition)
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                return False
        return True

    def _put_files(self, workspace: str, digest: str, files: Mapping[str, str]) -> None:
        data = gzip.compress(_ENCODER.encode(dict(sorted(files.items()))), mtime=0)
        parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
        for index, part in enumerate(parts):
            item: Any = {
                "p": {"S": f"{workspace}|revision-files"},
                "s": {"S": f"{digest}|{index:03d}"},
                "d": {"B": part},
                "c": {"N": str(len(parts))},
            }
            with store_faults(_STORE):
                self._client.put_item(TableName=self._table, Item=item)

    def _files(self, workspace: str, digest: str) -> dict[str, str] | None:
        """None when they are not there, or not all of them: a writer may have died."""
        request: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p AND begins_with(s, :s)",
            "ExpressionAttributeValues": {":p": {"S": f"{workspace}|revision-files"}, ":s": {"S": f"{digest}|"}},
            "ConsistentRead": True,
        }
        items = list(query(self._client, request, _STORE))
        if not items:
            return None
        try:
            return _FILES.decode(gzip.decompress(b"".join(item["d"]["B"] for item in items[: int(items[0]["c"]["N"])])))
        except (OSError, EOFError, zlib.error, msgspec.DecodeError):
            return None


def _key(workspace: str, number: int) -> dict[str, Any]:
    return {"p": {"S": f"{workspace}|revision"}, "s": {"S": f"{number:08d}"}}


def _revision(item: Mapping[str, Any]) -> Revision:
    return _DECODER.decode(item["d"]["S"])
