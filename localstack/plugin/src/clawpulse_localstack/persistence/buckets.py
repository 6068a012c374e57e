"""Buckets through S3's own API: what changed since the last look goes into the store, and back after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localstack.aws.connect import connect_to

from clawpulse_localstack.persistence.store import Store, StoredObject

_KEPT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentType", "Metadata")
_DEPLOYMENT = "cdk-"
"""Buckets whose content `clawpulse local up` uploads anew each time."""


def save(store: Store) -> None:
    """Store new and changed objects of all buckets, forget deleted ones. Of versioned buckets the newest version counts."""
    s3 = _client()
    for bucket in _buckets(s3):
        known, present = store.etags(bucket), dict(_listing(s3, bucket))
        changed = [_fetch(s3, bucket, key) for key, etag in present.items() if known.get(key) != etag]
        gone = known.keys() - present.keys()
        if changed or gone:
            store.put_objects(bucket, changed, gone)


def restore(store: Store) -> int:
    """Put stored objects back into the buckets that exist; returns how many."""
    s3, count = _client(), 0
    existing = set(_buckets(s3))
    for each in store.objects():
        if each.bucket in existing:
            s3.put_object(Bucket=each.bucket, Key=each.key, Body=each.body, **each.properties)
            count += 1
    return count


def _client() -> Any:
    return connect_to().s3


def _buckets(s3: Any) -> list[str]:
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if not bucket["Name"].startswith(_DEPLOYMENT)]


def _listing(s3: Any, bucket: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            yield item["Key"], item["ETag"]


def _fetch(s3: Any, bucket: str, key: str) -> StoredObject:
    found = s3.get_object(Bucket=bucket, Key=key)
    properties = {name: found[name] for name in _KEPT if found.get(name)}
    return StoredObject(bucket, key, found["ETag"], properties, found["Body"].read())
