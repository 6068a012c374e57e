"""Cursors: opaque texts that say where a page ended and which question it answered.

They are not signed: whatever one says is checked like any other input, and the token's limits apply to each page anew, so a
forged one reaches nothing that its sender could not ask for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Any

import msgspec

from functions.domain.errors import InvalidCursor

type Ms = Annotated[int, msgspec.Meta(ge=0, le=2**43)]
"""A moment, up to the year 2248."""
type Ns = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def fingerprint(*question: Any) -> str:
    """Short name of a question, to tell cursors of another one."""
    return hashlib.sha256(repr(question).encode()).hexdigest()[:12]


def write(question: str, place: msgspec.Struct) -> str:
    """The cursor of a place in the answer to a question."""
    return base64.urlsafe_b64encode(msgspec.json.encode([question, place])).decode().rstrip("=")


def read[T: msgspec.Struct](cursor: str, question: str, kind: type[T]) -> T:
    """The place that a cursor names; raises `InvalidCursor` for one that is not ours, or of another question."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        asked, place = msgspec.json.decode(data, type=tuple[str, kind])  # type: ignore[valid-type]
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise InvalidCursor("not a cursor of this service", "cursor") from None
    if asked != question:
        raise InvalidCursor("the cursor belongs to another question: keep all other parameters as they were", "cursor")
    return place
