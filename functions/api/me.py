"""Who calls: what the caller's own token is and may do, for a page that tells so."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Moment
from functions.domain.token import Scope, TokenRecord, grants

noun = Noun("me")


class Me(Answer):
    """The caller's token."""

    id: str
    name: str | None = Field(description="Null for one that is forgotten meanwhile.")
    workspace: str
    scopes: list[str] = Field(description="All that it grants: `operate` brings `read`.")
    tags: str = Field(description="What it is limited to, a selector; empty for the whole workspace.")
    expires: Moment | None = Field(description="Null for one that does not.")


@noun.endpoint("GET", "/api/me", scope=Scope.READ, answers=Me)
def read(call: Call) -> Me:
    """The token that this is asked with."""
    caller = call.caller
    document = call.services.tokens.get(caller.token_id)
    record = TokenRecord.from_document(document) if document else None
    return Me(
        id=caller.token_id,
        name=record.name if record else None,
        workspace=caller.workspace,
        scopes=[scope.value for scope in Scope if grants(caller.scopes, scope)],
        tags=caller.scope_text,
        expires=record.expires if record else None,
    )
