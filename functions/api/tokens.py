"""Tokens: created, listed, revoked. A secret is shown once, at creation; nothing else ever holds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from functions.api.agents import Label
from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Asked, Body, Moment, Tags, whole
from functions.domain.errors import NotFound
from functions.domain.times import DAY_MS, SECOND_MS
from functions.domain.token import RANDOM_BYTES, Scope, TokenRecord, TokenState, create, tags_text

noun = Noun("tokens")

MAX_LIFE_S = 10 * 365 * DAY_MS // SECOND_MS
type Seconds = Annotated[int, Field(ge=60, le=MAX_LIFE_S)]
type Life = Annotated[Seconds, BeforeValidator(whole, json_schema_input_type=Seconds)]


class TokenWanted(Body):
    """A token to create."""

    name: Label
    scopes: Annotated[list[Literal["ingest", "keys", "read", "operate", "admin"]], Field(min_length=1, max_length=5)]
    tags: Tags = Field(default_factory=dict, description="Tag scope: forced on what the token writes, ANDed to what it reads.")
    expires_in: Life | None = Field(None, description="Seconds; without it the token does not expire.")


class TokenAnswer(Answer):
    """A token without its secret."""

    id: str
    name: str
    scopes: list[str]
    tags: dict[str, str]
    state: str = Field(description="active, expired or revoked.")
    created: Moment
    expires: Moment | None
    revoked: Moment | None
    shared_by: str | None = Field(description="Of a link or a badge: id of the token that made it.")


class TokenCreated(TokenAnswer):
    """A new token, with its text: this is the only time that it is shown."""

    token: str


class TokenList(Answer):
    """All tokens of the workspace that the caller may see, oldest first."""

    tokens: list[TokenAnswer]


class TokenAsked(Asked):
    """Which token."""

    token: str = Field(pattern=r"^[0-9A-Za-z]{1,64}$", description="A token's id: the part between the underscores.")


class RevokeAsked(TokenAsked):
    """Which token, and what becomes of what it shared."""

    shares: Literal["revoke", "keep"] = Field("revoke", description="Whether links and badges that it made are revoked with it, or go on.")


class Revoked(Answer):
    """What is revoked now."""

    id: str
    shares: list[str] = Field(description="Ids of the links and badges that were revoked with it, this time.")


@noun.endpoint("GET", "/api/tokens", scope=Scope.ADMIN, answers=TokenList)
def listing(call: Call) -> TokenList:
    """The workspace's tokens, without their secrets; a token with a tag scope sees those within it."""
    records = [TokenRecord.from_document(document) for document in call.services.tokens.list(call.caller.workspace)]
    return TokenList(tokens=[TokenAnswer(**_shown(record, call.now)) for record in records if _within(call, record)])


@noun.endpoint("POST", "/api/tokens", scope=Scope.ADMIN, takes=TokenWanted, answers=TokenCreated, status=201)
def issue(call: Call, body: TokenWanted) -> TokenCreated:
    """Create a token. A token with a tag scope creates none that reaches further than itself."""
    expires = None if body.expires_in is None else call.now + body.expires_in * SECOND_MS
    return issued(call, name=body.name, scopes=body.scopes, tags=body.tags, expires=expires)


@noun.endpoint("DELETE", "/api/tokens/{token}", scope=Scope.ADMIN, asks=RevokeAsked, answers=Revoked)
def revoke(call: Call, asked: RevokeAsked) -> Revoked:
    """Revoke a token, and links and badges that it made. The gateway remembers tokens for a minute: they may be taken that much longer.

    Once more does no harm: it revokes the rest, if something was in between.
    """
    document = call.services.tokens.get(asked.token)
    record = TokenRecord.from_document(document) if document else None
    if record is None or record.workspace != call.caller.workspace or not _within(call, record):
        raise NotFound(f"no token {asked.token}")
    # First the token itself: from then on it makes no more of them.
    _revoke(call, record)
    shared = _shared_by(call, record.id) if asked.shares == "revoke" else []
    for one in shared:
        _revoke(call, one)
    return Revoked(id=record.id, shares=[one.id for one in shared])


def issued(
    call: Call, *, name: str, scopes: Collection[str], tags: Mapping[str, str], expires: int | None, shared_by: str | None = None
) -> TokenCreated:
    """A token that was made and stored now; `expires` is ms. Raises `NotAllowed` for tags outside of the caller's."""
    call.caller.need_inside(tags, "the token")
    record, text = create(
        workspace=call.caller.workspace,
        name=name,
        scopes=scopes,
        tags=tags_text(tags),
        now=call.now,
        expires=expires,
        shared_by=shared_by,
        random=call.services.random(RANDOM_BYTES),
    )
    call.services.tokens.put(record.document())
    return TokenCreated(**_shown(record, call.now), token=text)


def _revoke(call: Call, record: TokenRecord) -> None:
    if record.revoked is None:
        call.services.tokens.put(record.document() | {"revoked": call.now})


def _shared_by(call: Call, token: str) -> list[TokenRecord]:
    """Links and badges of a token that still work."""
    records = map(TokenRecord.from_document, call.services.tokens.list(call.caller.workspace))
    return [one for one in records if one.shared_by == token and one.state(call.now) is TokenState.ACTIVE]


def _within(call: Call, record: TokenRecord) -> bool:
    return call.caller.tags.matches(record.tags)


def _shown(record: TokenRecord, now: int) -> dict[str, object]:
    return {key: value for key, value in record.redacted(now).items() if key in TokenAnswer.model_fields}
