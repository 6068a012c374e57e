"""Tokens: `cp_<id>_<secret>`. Only the secret's SHA-256 is stored; the text is shown once, at creation.

The secret has 256 bits of entropy, so a slow hash would buy nothing and cost every request.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from functions.domain.errors import InvalidInput
from functions.domain.selector import parse_tags

ID_BYTES = 9
SECRET_BYTES = 32
RANDOM_BYTES = ID_BYTES + SECRET_BYTES
"""How much randomness `create` wants."""

MAX_NAME = 128
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 13
_SECRET_LENGTH = 43
_TEXT = re.compile(rf"cp_([0-9A-Za-z]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})")
_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Scope(StrEnum):
    """What a token may do."""

    INGEST = "ingest"
    KEYS = "keys"
    """Fetch the API keys of agents: nothing else that is secret can be read with any token."""
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"
    BADGE = "badge"
    """Look at one badge: its text stands in pages that anybody reads, so it opens nothing else, and no other scope contains it."""


_CONTAINED = {Scope.OPERATE: {Scope.READ}, Scope.ADMIN: set(Scope) - {Scope.BADGE}}


def grants(scopes: Collection[str], wanted: Scope) -> bool:
    """Whether scopes include one: `admin` contains all but `badge`, `operate` contains `read`."""
    return wanted in scopes or any(wanted in contained and scope in scopes for scope, contained in _CONTAINED.items())


class TokenState(StrEnum):
    """Whether a token is good, or why not."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What is stored of a token. Times are ms."""

    id: str
    hash: str
    """Hex SHA-256 of the secret."""
    workspace: str
    name: str
    scopes: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tag scope: forced on what the token writes, ANDed to what it reads."""
    created: int
    expires: int | None = None
    revoked: int | None = None
    shared_by: str | None = None
    """Of a link or a badge: id of the token that made it."""

    def state(self, now: int) -> TokenState:
        """Whether it is good at a moment."""
        if self.revoked is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires is not None and now >= self.expires else TokenState.ACTIVE

    def verify(self, secret: str) -> bool:
        """Whether the secret is this token's, in constant time."""
        return hmac.compare_digest(self.hash, _hash(secret))

    def document(self) -> dict[str, Any]:
        """The record as a plain dict, for `TokenStore`."""
        return asdict(self) | {"scopes": list(self.scopes), "tags": dict(self.tags)}

    def redacted(self, now: int) -> dict[str, Any]:
        """What people may see of it: all but the hash, and its state."""
        return {key: value for key, value in self.document().items() if key != "hash"} | {"state": str(self.state(now))}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TokenRecord:
        """The record of `document()`."""
        return cls(**{**document, "scopes": tuple(document["scopes"])})


def create(
    *,
    workspace: str,
    name: str,
    scopes: Collection[str],
    tags: str = "",
    now: int,
    expires: int | None = None,
    shared_by: str | None = None,
    random: bytes,
) -> tuple[TokenRecord, str]:
    """A new token's record, and its text. `tags` is `k=v,k=v`. Raises `InvalidInput` naming the field."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a token takes {RANDOM_BYTES} random bytes, not {len(random)}")
    token_id, secret = _base62(random[:ID_BYTES], _ID_LENGTH), _base62(random[ID_BYTES:], _SECRET_LENGTH)
    record = TokenRecord(
        id=token_id,
        hash=_hash(secret),
        workspace=_workspace(workspace),
        name=_name(name),
        scopes=_scopes(scopes),
        tags=parse_tags(tags),
        created=now,
        expires=_expiry(expires, now),
        shared_by=shared_by,
    )
    return record, f"cp_{token_id}_{secret}"


def parse(text: str) -> tuple[str, str] | None:
    """Id and secret of a token's text; None for what is no token."""
    found = _TEXT.fullmatch(text)
    return (found[1], found[2]) if found else None


def tags_text(tags: Mapping[str, str]) -> str:
    """A tag scope as the text that `parse_tags` reads."""
    return ",".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _base62(data: bytes, length: int) -> str:
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits.rjust(length, "0")


def _workspace(workspace: str) -> str:
    if not _WORKSPACE.fullmatch(workspace):
        raise InvalidInput("is made of lower case letters, digits and hyphens, at most 63", "workspace")
    return workspace


def _name(name: str) -> str:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"must have 1 to {MAX_NAME} printable characters", "name")
    return name.strip()


def _scopes(scopes: Collection[str]) -> tuple[str, ...]:
    known = [scope.value for scope in Scope]
    unknown = [scope for scope in scopes if scope not in known]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is no scope; scopes are {', '.join(known)}", "scopes")
    if not scopes:
        raise InvalidInput(f"name at least one of {', '.join(known)}", "scopes")
    return tuple(scope for scope in known if scope in scopes)


def _expiry(expires: int | None, now: int) -> int | None:
    if expires is not None and expires <= now:
        raise InvalidInput("must lie in the future", "expires")
    return expires
