"""Result sets between pages: spooled to disk, bounded in number and time; and the tokens that lead through them.

AWS's rules: a token is good for five calls or one hour and for its own query string; the same token gives the same rows; using a
newer token ends the older one.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from clawpulse_localstack.timestream.clock import HOUR_NS, Clock
from clawpulse_localstack.timestream.errors import TimestreamError, conflict, invalid
from clawpulse_localstack.timestream.types import columns, data

PAGE_ROWS = 1000
PAGE_BYTES = 1_000_000
MAX_RESULTS = 100
MAX_RESULT_BYTES = 1 << 30
TOKEN_USES = 5
TOKEN_LIFE_NS = HOUR_NS
UNNAMED = "_col?"


@dataclass(slots=True)
class Token:
    """Where a page begins."""

    text: str
    offset: int
    uses: int = 0


@dataclass(slots=True, kw_only=True)
class Result:
    """What a query found."""

    query_id: str
    sql: str
    expires: int
    columns: list[dict[str, Any]]
    batches: list[pa.RecordBatch]
    """In memory when small, else mapped from `path`."""
    path: Path | None = None
    cancelled: bool = False
    tokens: list[Token] = field(default_factory=list)

    def page(self, offset: int, limit: int) -> tuple[list[dict[str, Any]], int | None, int]:
        """Rows from an offset, the offset of the next page if there is one, and the size in bytes."""
        rows: list[dict[str, Any]] = []
        size, start = 0, 0
        for batch in self.batches:
            if start + len(batch) > offset + len(rows):
                part = batch.slice(offset + len(rows) - start, limit - len(rows))
                for row in zip(*(data(column) for column in part.columns), strict=True):
                    length = len(json.dumps(row))
                    if rows and size + length > PAGE_BYTES:
                        return rows, offset + len(rows), size
                    rows.append({"Data": list(row)})
                    size += length
            start += len(batch)
            if len(rows) == limit:
                break
        total = sum(len(batch) for batch in self.batches)
        return rows, offset + len(rows) if offset + len(rows) < total else None, size


class Results:
    """The results that clients may still page through; the caller serialises access."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._results: OrderedDict[str, Result] = OrderedDict()
        shutil.rmtree(folder, ignore_errors=True)

    def spool(self, query_id: str, sql: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Result:
        """Take a result in; more than one batch goes to disk. Not registered yet: see `keep`."""
        names = [f"_col{place}" if name.startswith(UNNAMED) else name for place, name in enumerate(schema.names)]
        schema = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
        found = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches if len(batch))
        first, second = next(found, None), next(found, None)
        head = [batch for batch in (first, second) if batch is not None]
        result = Result(query_id=query_id, sql=sql, expires=0, columns=columns(schema, first), batches=head)
        if second is not None:
            result.path = self._write(query_id, schema, head, found)
            with pa.memory_map(str(result.path)) as source:
                reader = ipc.open_file(source)
                result.batches = [reader.get_batch(place) for place in range(reader.num_record_batches)]
        return result

    def _write(self, query_id: str, schema: pa.Schema, head: list[pa.RecordBatch], rest: Iterable[pa.RecordBatch]) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path, size = self._folder / query_id, 0
        try:
            with ipc.new_file(str(path), schema) as writer:
                for source in (head, rest):
                    for batch in source:
                        size += batch.nbytes
                        if size > MAX_RESULT_BYTES:
                            raise TimestreamError(
                                "QueryExecutionException", "The result of the query is larger than the local engine allows."
                            )
                        writer.write_batch(batch)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def keep(self, result: Result) -> None:
        """Remember a result until its tokens expire or newer results push it out."""
        result.expires = self._clock() + TOKEN_LIFE_NS
        self._results[result.query_id] = result
        while len(self._results) > MAX_RESULTS:
            self._drop(next(iter(self._results)))
        for query_id in [query_id for query_id, known in self._results.items() if known.expires <= self._clock()]:
            self._drop(query_id)

    def discard(self, result: Result) -> None:
        """Let go of a result that needs no second page."""
        if result.path:
            result.path.unlink(missing_ok=True)

    def token(self, result: Result, offset: int) -> str:
        """The token of the page at an offset."""
        known = next((token for token in result.tokens if token.offset == offset), None)
        if known is None:
            known = Token(secrets.token_urlsafe(32), offset)
            result.tokens.append(known)
            result.expires = self._clock() + TOKEN_LIFE_NS
        return f"{result.query_id}.{known.text}"

    def find(self, token: str, sql: str) -> tuple[Result, int]:
        """The result and offset that a token stands for."""
        query_id, _, secret = token.partition(".")
        result = self._results.get(query_id)
        if result is None or result.expires <= self._clock() or result.sql != sql:
            raise invalid("Invalid pagination token.")
        if result.cancelled:
            raise conflict("Unable to poll results for a cancelled query.")
        known = next((known for known in result.tokens if secrets.compare_digest(known.text.encode(), secret.encode())), None)
        if known is None or known.uses >= TOKEN_USES:
            raise invalid("Invalid pagination token.")
        known.uses += 1
        result.tokens = [other for other in result.tokens if other.offset >= known.offset]
        self._results.move_to_end(query_id)
        return result, known.offset

    def cancel(self, query_id: str) -> bool | None:
        """Cancel a result: True now, False already, None unknown."""
        result = self._results.get(query_id)
        if result is None:
            return None
        if result.cancelled:
            return False
        result.cancelled, result.batches = True, []
        self.discard(result)
        return True

    def close(self) -> None:
        """Remove everything."""
        self._results.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self, query_id: str) -> None:
        self.discard(self._results.pop(query_id))
