"""The token authorizer: from a header to a policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.authorizer.handler import Unauthorized, handle
from functions.authorizer.service import CACHE_MS, Authorizer
from functions.domain.errors import StoreUnavailable
from functions.domain.token import TokenRecord, create
from tests.fakes.tokens import MemoryTokens

NOW = 1_795_478_400_000
ARN = "arn:aws:execute-api:eu-west-1:123456789012:api7/prod/POST/v1/batches"


class World:
    """An authorizer with one token."""

    def __init__(self) -> None:
        self.tokens = MemoryTokens()
        self.authorizer = Authorizer(self.tokens)
        self.record, self.text = create(
            workspace="ws", name="n", scopes=["read", "ingest"], tags="tier=fast,shard=acme", now=NOW, expires=NOW + 1000, random=b"r" * 41
        )
        self.tokens.put(self.record.document())

    def ask(self, header: str | None = None, now: int = NOW) -> dict[str, Any]:
        event = {"type": "TOKEN", "authorizationToken": f"Bearer {self.text}" if header is None else header, "methodArn": ARN}
        return handle(event, self.authorizer, lambda workspace: f"key of {workspace}", now)


def test_a_good_token_may_call_the_api_and_is_described() -> None:
    world = World()
    assert world.ask() == {
        "principalId": world.record.id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": "arn:aws:execute-api:eu-west-1:123456789012:api7/prod/*",
                }
            ],
        },
        "context": {
            "workspace": "ws",
            "tokenId": world.record.id,
            "scopes": "ingest read",
            "tags": "shard=acme,tier=fast",
            "state": "active",
        },
        "usageIdentifierKey": "key of ws",
    }


def test_expired_and_revoked_tokens_get_through_with_their_state() -> None:
    world = World()
    assert world.ask(now=NOW + 1000)["context"]["state"] == "expired"
    world.tokens.put(TokenRecord.from_document({**world.record.document(), "revoked": NOW}).document())
    assert world.ask(now=NOW + 2 * CACHE_MS)["context"]["state"] == "revoked"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic cp_a_b", "cp_a_b", f"Bearer cp_{'a' * 13}_{'b' * 43}"])
def test_what_is_no_token_of_ours_is_unauthorized(header: str) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        World().ask(header)


def test_the_right_id_with_a_wrong_secret_is_unauthorized() -> None:
    world = World()
    with pytest.raises(Unauthorized):
        world.ask(f"Bearer cp_{world.record.id}_{'b' * 43}")


def test_the_scheme_is_read_in_any_case() -> None:
    world = World()
    assert world.ask(f"bearer  {world.text}")["principalId"] == world.record.id


def test_records_are_remembered_for_a_while() -> None:
    world = World()
    for later in (0, CACHE_MS - 1, CACHE_MS):
        world.ask(now=NOW + later)
    assert world.tokens.reads == 2


def test_a_new_token_works_at_once() -> None:
    world = World()
    document = world.tokens.records.pop(world.record.id)
    with pytest.raises(Unauthorized):
        world.ask()
    world.tokens.put(document)
    assert world.ask()["context"]["state"] == "active"


def test_a_store_that_is_away_is_no_verdict_on_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    class Away(MemoryTokens):
        def get(self, token_id: str) -> dict[str, Any] | None:
            raise StoreUnavailable("dynamodb: away")

    world = World()
    world.authorizer = Authorizer(Away())
    with pytest.raises(StoreUnavailable):
        world.ask()
    out = capsys.readouterr().out
    assert json.loads(out)["message"] == "tokens cannot be read"
    assert world.text.split("_")[2] not in out
