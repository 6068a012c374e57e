"""Settings documents that are replaced as a whole: shown as they are stored, checked with every fault, written over nothing unseen.

A document that nobody has stored yet is the empty one. Its ETag is that of what a GET shows, which may be more than what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import RootModel

from functions.api.desired import IfMatch
from functions.api.endpoint import Call, Reply
from functions.api.serve import etag
from functions.domain.alert_faults import Fault, InvalidDocument
from functions.domain.desired import MAX_BYTES as MAX_BYTES
from functions.domain.desired import canonical, meets
from functions.domain.errors import Conflict, InvalidInput, PreconditionFailed
from functions.runtime.observability import logger

type Stored = Mapping[str, Any]


class Document(RootModel[dict[str, Any]]):
    """A JSON object."""


def as_stored(_call: Call, document: Stored) -> str:
    """What a GET shows of most documents."""
    return json.dumps(document, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the workspace's documents."""

    name: str
    """In `FleetStore.settings`."""
    title: str
    """For people: `the routes`."""
    check: Callable[[Call, Stored], object]
    """Raises `InvalidInput`, or `InvalidDocument` with every fault."""
    shown: Callable[[Call, Stored], str] = as_stored


def read(call: Call, kind: Kind) -> Reply:
    """The answer of its GET. It may name everybody's agents and addresses, so that it is for tokens of the whole workspace."""
    call.caller.need_whole_workspace(kind.title)
    return _reply(kind.shown(call, _stored(call, kind) or {}))


def replace(call: Call, kind: Kind, heeded: IfMatch, body: Document) -> Reply:
    """The answer of its PUT: what a GET shows from now on. Refused as a whole when anything is wrong with it."""
    call.caller.need_whole_workspace(kind.title)
    wanted = checked(call, kind, body)
    before = _stored(call, kind)
    put(call, kind.name, kind.title, wanted, over=before, shown=kind.shown(call, before or {}), heeded=heeded)
    return _reply(kind.shown(call, wanted))


def put(call: Call, name: str, title: str, wanted: Stored, *, over: Stored | None, shown: str, heeded: IfMatch) -> None:
    """Store a checked document over the one that was read, of which a GET shows `shown`, and nothing else.

    Raises `PreconditionFailed` and, where the caller named no condition, `Conflict`.
    """
    if not meets(etag(shown).strip('"'), heeded.if_match):
        raise PreconditionFailed(f"what is there is not what the condition names: look at {title} and try again")
    if not call.services.fleet.replace_settings(call.caller.workspace, name, wanted, over):
        reason = f"somebody else changed {title} in this moment; look at it and try again"
        raise PreconditionFailed(reason) if heeded.if_match else Conflict(reason)
    logger("api").info(f"replaced: {title}", extra={"workspace": call.caller.workspace, "by": call.caller.token_id})


def checked(call: Call, kind: Kind, body: Document) -> Stored:
    """The document as it can be stored; raises `InvalidDocument` with every fault, `TooLarge`."""
    # What has no canonical form cannot be stored.
    canonical(body.root)
    try:
        kind.check(call, body.root)
    except InvalidDocument:
        raise
    except InvalidInput as error:
        raise InvalidDocument([Fault(error.field or "", error.reason)]) from None
    return body.root


def _stored(call: Call, kind: Kind) -> Stored | None:
    return call.services.fleet.settings(call.caller.workspace, kind.name)


def _reply(text: str) -> Reply:
    return Reply(body=text, headers={"ETag": etag(text)})
