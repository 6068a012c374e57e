"""Desired configurations: the document that operators want an agent to have, known by its hash.

An agent tells the hashes of what it has written and applied (`wire.Config`), hears the desired one with the answer to its batch, and
fetches the document when they differ. What the document means is between its writer and the agent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from functions.domain.errors import InvalidInput, TooLarge

MAX_BYTES = 262_144
"""Of a document's text."""
HASH_LENGTH = 32
_TAG = r'(W/)?"[!#-~]*"'
_TAGS = re.compile(rf"\*|{_TAG}( *, *{_TAG})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One agent's desired configuration."""

    text: str
    """Canonical JSON of an object."""
    hash: str
    time: int
    """When it was set, ms."""
    by: str
    """Id of the token that set it."""


def desired(document: Mapping[str, Any], *, time: int, by: str) -> Desired:
    """A document as it is stored; raises `InvalidInput` for what is no JSON, `TooLarge`."""
    text = canonical(document)
    return Desired(text=text, hash=hash_of(text), time=time, by=by)


def canonical(document: Mapping[str, Any]) -> str:
    """The one text of a document: keys sorted, nothing between the tokens, no escapes but those that JSON needs."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        size = len(text.encode())
    except ValueError as error:
        raise InvalidInput(f"cannot be written as JSON: {error}", "body") from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", "body") from None
    if size > MAX_BYTES:
        raise TooLarge(f"a configuration has at most {MAX_BYTES} bytes; this one has {size}", "body")
    return text


def hash_of(text: str) -> str:
    """The first 32 hex digits of the SHA-256 of the text."""
    return sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def meets(current: str | None, if_match: str | None) -> bool:
    """Whether the hash that is there (None: nothing is) is one that a writer means to change, by his If-Match header (RFC 9110).

    Raises `InvalidInput` for what is no list of entity tags.
    """
    if if_match is None:
        return True
    if not _TAGS.fullmatch(if_match.strip()):
        raise InvalidInput('must be a list of entity tags such as "0123", or *', "If-Match")
    # A gateway that compresses makes a tag weak; ours name contents, so a weak one is as good.
    return current is not None and (if_match.strip() == "*" or f'"{current}"' in if_match)
