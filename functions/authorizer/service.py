"""Who calls: from a token to a workspace, scopes and tags, for everything behind the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.times import SECOND_MS
from functions.domain.token import TokenRecord, TokenState, parse, tags_text
from functions.ports import TokenReader

CACHE_MS = 15 * SECOND_MS
"""How long a revoked token may go on here; the gateway's own cache comes on top."""
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the functions are told of the caller."""

    workspace: str
    token_id: str
    scopes: str
    """Space-separated."""
    tags: str
    """Tag scope as `k=v,k=v`; empty for the whole workspace."""
    state: TokenState

    def context(self) -> dict[str, str]:
        """The authorizer's context."""
        return {
            "workspace": self.workspace,
            "tokenId": self.token_id,
            "scopes": self.scopes,
            "tags": self.tags,
            "state": str(self.state),
        }


class Authorizer:
    """Knows tokens."""

    def __init__(self, tokens: TokenReader) -> None:
        self._tokens = tokens
        self._known: dict[str, tuple[int, TokenRecord]] = {}

    def identify(self, authorization: str, now: int) -> Identity | None:
        """The caller of an `Authorization` header, or None for what is no token of ours. `now` is ms.

        Expired and revoked tokens have an identity too: its state says why they are no good. Raises `StoreUnavailable`.
        """
        scheme, _, text = authorization.strip().partition(" ")
        parsed = parse(text.strip()) if scheme.lower() == "bearer" else None
        record = self._record(parsed[0], now) if parsed else None
        if record is None or parsed is None or not record.verify(parsed[1]):
            return None
        return Identity(
            workspace=record.workspace,
            token_id=record.id,
            scopes=" ".join(record.scopes),
            tags=tags_text(record.tags),
            state=record.state(now),
        )

    def _record(self, token_id: str, now: int) -> TokenRecord | None:
        """The record; unknown ids are asked for each time, so that a new token works at once."""
        known = self._known.get(token_id)
        if known and now - known[0] < CACHE_MS:
            return known[1]
        document = self._tokens.get(token_id)
        if document is None:
            self._known.pop(token_id, None)
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        record = TokenRecord.from_document(document)
        self._known[token_id] = (now, record)
        return record
