"""Sharing: links that show a view of the page and nothing more, and status badges. Both are tokens, listed and revoked among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.api.endpoint import Call, Noun
from functions.api.models import Body, Tags, whole
from functions.api.tokens import TokenCreated, issued
from functions.domain.badge import path_of
from functions.domain.errors import NotAllowed
from functions.domain.selector import parse_tags
from functions.domain.times import DAY_MS, SECOND_MS
from functions.domain.token import Scope, TokenRecord

noun = Noun("shares")

MAX_LINK_S = 30 * DAY_MS // SECOND_MS
MAX_BADGE_S = 366 * DAY_MS // SECOND_MS
type LinkSeconds = Annotated[int, Field(ge=60, le=MAX_LINK_S)]
type LinkLife = Annotated[LinkSeconds, BeforeValidator(whole, json_schema_input_type=LinkSeconds)]
type BadgeSeconds = Annotated[int, Field(ge=60, le=MAX_BADGE_S)]
type BadgeLife = Annotated[BadgeSeconds, BeforeValidator(whole, json_schema_input_type=BadgeSeconds)]
type Limits = Annotated[Tags, Field(description="What it is limited to, besides what the caller's own token is limited to.")]


class ShareWanted(Body):
    """A link to make."""

    view: str = Field(max_length=64, pattern=r"^[a-z0-9-]+$", description="The view's name, for the list of tokens.")
    tags: Limits = Field(default_factory=dict)
    expires_in: LinkLife = Field(7 * DAY_MS // SECOND_MS, description="Seconds, at most 30 days.")


class BadgeWanted(Body):
    """A badge to make."""

    tags: Limits = Field(default_factory=dict)
    expires_in: BadgeLife = Field(MAX_BADGE_S, description="Seconds, at most 366 days.")


class BadgeCreated(TokenCreated):
    """A new badge: this is the only time that its path is shown."""

    path: str = Field(description="Of the picture, below the API's address; whoever has it sees the badge.")


@noun.endpoint("POST", "/api/shares", scope=Scope.OPERATE, takes=ShareWanted, answers=TokenCreated, status=201)
def share(call: Call, body: ShareWanted) -> TokenCreated:
    """A token that reads, for a link to the page: `#share=<token>&view=/<view>`. It ends with the caller's own token at the latest."""
    return _issued(call, f"link to {body.view}", Scope.READ, body.tags, body.expires_in)


@noun.endpoint("POST", "/api/badges", scope=Scope.OPERATE, takes=BadgeWanted, answers=BadgeCreated, status=201)
def badge(call: Call, body: BadgeWanted) -> BadgeCreated:
    """A badge: a picture of how the agents stand, at an address that opens nothing else."""
    made = _issued(call, "badge", Scope.BADGE, body.tags, body.expires_in)
    return BadgeCreated(**dict(made), path=path_of(made.token))


def _issued(call: Call, what: str, scope: Scope, tags: Mapping[str, str], life_s: int) -> TokenCreated:
    document = call.services.tokens.get(call.caller.token_id)
    own = TokenRecord.from_document(document) if document else None
    limits = {**parse_tags(call.caller.scope_text), **tags}
    if own is not None and own.revoked is not None:
        # The gateway may take it for another minute; what is made now would outlive it.
        raise NotAllowed("the token is revoked")
    expires = call.now + life_s * SECOND_MS
    if own is not None and own.expires is not None:
        expires = min(expires, own.expires)
    return issued(
        call, name=f"{what} by {call.caller.token_id}", scopes=[scope], tags=limits, expires=expires, shared_by=call.caller.token_id
    )
