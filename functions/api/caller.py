"""Who calls, and what they may: read from what the gateway's authorizer found out about the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.domain.errors import NotAllowed, NotAuthenticated
from functions.domain.selector import Selector
from functions.domain.token import Scope, grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The token behind a request."""

    workspace: str
    token_id: str
    scopes: frozenset[str]
    scope_text: str
    """The token's tag scope as a selector's text; empty for the whole workspace."""

    @property
    def tags(self) -> Selector:
        """What the caller may see; everything without a tag scope."""
        return Selector.parse(self.scope_text)

    def need(self, scope: Scope) -> None:
        """Raise `NotAllowed`, naming the scope, unless the token grants it."""
        if not grants(self.scopes, scope):
            raise NotAllowed(f"this needs the scope {scope!s}; the token has {', '.join(sorted(self.scopes)) or 'none'}")

    def need_whole_workspace(self, what: str) -> None:
        """Raise `NotAllowed` for a token with a tag scope."""
        if self.scope_text:
            raise NotAllowed(f"this takes a token for the whole workspace ({what}); the token is limited to {self.scope_text}")

    def need_inside(self, tags: Mapping[str, str], what: str) -> None:
        """Raise `NotAllowed` when tags lie outside of the token's tag scope."""
        if not self.tags.matches(tags):
            raise NotAllowed(f"{what} would lie outside of what the token is limited to: {self.scope_text}")


def caller_of(context: Mapping[str, Any]) -> Caller:
    """The caller of a request's context; raises `NotAuthenticated` with the reason."""
    found = context.get("authorizer") or {}
    if not found.get("workspace") or not found.get("tokenId"):
        raise NotAuthenticated("no token: send Authorization: Bearer cp_…")
    if found.get("state") != "active":
        raise NotAuthenticated(f"the token is {found.get('state') or 'of no known state'}")
    return Caller(
        workspace=found["workspace"],
        token_id=found["tokenId"],
        scopes=frozenset((found.get("scopes") or "").split()),
        scope_text=found.get("tags") or "",
    )
