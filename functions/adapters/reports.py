"""Reports in S3: records that are replaced on condition, files, and signed links to these.

    <workspace>/records/<id, newest first>.json      <workspace>/files/<id>/report.html

One store and no table: whatever is left of a report, its record and its files go on the same day, by the bucket's lifecycle.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.domain.report_record import ReportRecord
from functions.ports import KeptReport

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_STORE = "reports bucket"
_DIGITS = "0123456789abcdefghijklmnopqrstuvw"
_INVERTED = str.maketrans(_DIGITS, _DIGITS[::-1])
"""S3 lists keys in their order: of inverted ids the newest comes first."""
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_ABSENT = frozenset({"NoSuchKey", "404"})
_READERS = 16
_PAGE = 1000


class Reports:
    """`ReportStore`. The client has to sign with version 4."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def create(self, workspace: str, record: ReportRecord) -> bool:
        """Put a new record; False when its id is known."""
        return self._put_record(workspace, record, IfNoneMatch="*") is not None

    def read(self, workspace: str, report: str) -> KeptReport | None:
        """One record, strongly consistent."""
        return self._get(_record_key(workspace, report))

    def save(self, workspace: str, record: ReportRecord, seen: str) -> KeptReport | None:
        """Replace the record that was seen; None when another one is there by now."""
        return self._put_record(workspace, record, IfMatch=seen)

    def reports(self, workspace: str, limit: int, before: str | None = None) -> list[ReportRecord]:
        """Newest first; those before an id."""
        after: Any = {"StartAfter": _record_key(workspace, before)} if before else {}
        with store_faults(_STORE):
            listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=_record_key(workspace), MaxKeys=min(limit, _PAGE), **after)
        keys: Iterable[str] = [entry["Key"] for entry in listed.get("Contents", ())]
        with ThreadPoolExecutor(_READERS) as pool:
            return [kept.record for kept in pool.map(self._get, keys) if kept]

    def put_file(self, workspace: str, report: str, name: str, text: str, content_type: str) -> None:
        """Put or replace a file of a report."""
        with store_faults(_STORE):
            self._client.put_object(
                Bucket=self._bucket, Key=_file_key(workspace, report, name), Body=text.encode(), ContentType=content_type
            )

    def link(self, workspace: str, report: str, name: str, seconds: int) -> str:
        """A URL that opens a file for so long, for whoever has it. No request is made."""
        wanted = {
            "Bucket": self._bucket,
            "Key": _file_key(workspace, report, name),
            "ResponseContentDisposition": f'inline; filename="{report}-{name}"',
            "ResponseCacheControl": "private, no-store",
        }
        with store_faults(_STORE):
            return self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)

    def _get(self, key: str) -> KeptReport | None:
        with store_faults(_STORE):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
            data = found["Body"].read()
        return KeptReport(msgspec.json.decode(data, type=ReportRecord), found["ETag"])

    def _put_record(self, workspace: str, record: ReportRecord, **condition: Any) -> KeptReport | None:
        with store_faults(_STORE):
            try:
                put = self._client.put_object(
                    Bucket=self._bucket,
                    Key=_record_key(workspace, record.id),
                    Body=msgspec.json.encode(record),
                    ContentType="application/json",
                    **condition,
                )
            except ClientError as error:
                if code_of(error) in _LOST | _ABSENT:
                    return None
                raise
        return KeptReport(record, put["ETag"])


def _record_key(workspace: str, report: str = "") -> str:
    return f"{workspace}/records/" + (f"{report.translate(_INVERTED)}.json" if report else "")


def _file_key(workspace: str, report: str, name: str) -> str:
    return f"{workspace}/files/{report}/{name}"
