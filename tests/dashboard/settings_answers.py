"""Answers of the API about tokens and settings, made by its own models, so that they cannot differ from what it gives."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from functions.api.channels import Tested
from functions.api.me import Me
from functions.api.retention import Kept, Retention
from functions.api.shares import BadgeCreated
from functions.api.tokens import TokenAnswer, TokenCreated, TokenList
from functions.domain.badge import path_of
from functions.domain.delivery import DeliveryState
from functions.domain.times import DAY_MS
from tests.cli.shapes import NOW

SECRET = "cp_0123456789abc_" + "s" * 43
WEEK = NOW + 7 * DAY_MS
_MADE: dict[str, Any] = {
    "id": "0123456789abc",
    "name": "made",
    "tags": {},
    "state": "active",
    "created": NOW,
    "revoked": None,
    "shared_by": None,
}


def body(model: BaseModel) -> Any:
    """An answer as JSON gives it."""
    return json.loads(model.model_dump_json(by_alias=True))


def token(
    id: str, name: str, *scopes: str, state: str = "active", tags: dict[str, str] | None = None, shared_by: str | None = None
) -> TokenAnswer:
    return TokenAnswer(
        id=id,
        name=name,
        scopes=list(scopes),
        tags=tags or {},
        state=state,
        created=NOW,
        expires=WEEK,
        revoked=NOW if state == "revoked" else None,
        shared_by=shared_by,
    )


def tokens(*found: TokenAnswer) -> Any:
    return body(TokenList(tokens=list(found)))


def created(scope: str) -> tuple[int, Any]:
    return 201, body(TokenCreated(**_MADE, scopes=[scope], expires=WEEK, token=SECRET))


def badge() -> tuple[int, Any]:
    return 201, body(BadgeCreated(**_MADE, scopes=["badge"], expires=WEEK, token=SECRET, path=path_of(SECRET)))


def me(*scopes: str, tags: str = "") -> Any:
    return body(Me(id="ABC", name="on call", workspace="team", scopes=list(scopes), tags=tags, expires=WEEK))


def tested(state: DeliveryState, text: str) -> Any:
    return body(Tested(channel="oncall", delivery="d1", state=state, text=text, reference=""))


def retention() -> Any:
    return body(Retention(kept=[Kept(what="Raw history", days=None, note="tasks"), Kept(what="Usage and cost", days=400, note="by hour")]))
