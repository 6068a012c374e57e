"""Tokens: made once, checked without their secret being kept."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import InvalidInput
from functions.domain.token import RANDOM_BYTES, Scope, TokenRecord, TokenState, create, grants, parse, tags_text

NOW = 1_795_478_400_000


def made(**change: Any) -> tuple[TokenRecord, str]:
    return create(
        **{"workspace": "ws", "name": "n", "scopes": ["ingest"], "now": NOW, "random": secrets.token_bytes(RANDOM_BYTES)} | change
    )


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_a_token_s_text_leads_to_its_record_and_proves_itself(random: bytes) -> None:
    record, text = made(random=random)
    parsed = parse(text)
    assert parsed is not None
    assert parsed[0] == record.id
    assert record.verify(parsed[1])


def test_the_secret_is_nowhere_in_the_record() -> None:
    record, text = made()
    secret = text.split("_")[2]
    assert len(secret) == 43
    assert secret not in repr(record)
    assert secret not in str(record.document())


def test_another_secret_does_not_prove_it() -> None:
    record, text = made()
    secret = text.split("_")[2]
    assert not record.verify(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    assert not record.verify("")


@pytest.mark.parametrize(
    "text", ["", "cp_", "cp_a_b", "Bearer x", "cp_" + "a" * 13 + "_" + "b" * 42, "cp_" + "a" * 13 + "_" + "b" * 43 + "\n"]
)
def test_what_is_no_token(text: str) -> None:
    assert parse(text) is None


def test_tokens_with_the_same_name_differ() -> None:
    assert made()[1] != made()[1]


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ({"ingest"}, {"ingest"}),
        ({"read"}, {"read"}),
        ({"operate"}, {"operate", "read"}),
        ({"admin"}, {"ingest", "keys", "read", "operate", "admin"}),
        ({"ingest", "read"}, {"ingest", "read"}),
        ({"root"}, set()),
        (set(), set()),
    ],
)
def test_scopes(scopes: set[str], granted: set[str]) -> None:
    assert {scope.value for scope in Scope if grants(scopes, scope)} == granted


def test_states() -> None:
    record, _ = made(expires=NOW + 10)
    assert record.state(NOW + 9) is TokenState.ACTIVE
    assert record.state(NOW + 10) is TokenState.EXPIRED
    revoked = TokenRecord.from_document({**record.document(), "revoked": NOW})
    assert revoked.state(NOW + 10) is TokenState.REVOKED
    assert made()[0].state(NOW * 2) is TokenState.ACTIVE


def test_the_redacted_view_has_all_but_the_hash() -> None:
    record, _ = made(tags="shard=acme", expires=NOW + 10)
    assert record.redacted(NOW) == {
        "id": record.id,
        "workspace": "ws",
        "name": "n",
        "scopes": ["ingest"],
        "tags": {"shard": "acme"},
        "created": NOW,
        "expires": NOW + 10,
        "revoked": None,
        "shared_by": None,
        "state": "active",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"workspace": "A|b"}, "workspace"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["write"]}, "scopes"),
        ({"tags": "shard!=a"}, "tags"),
        ({"expires": NOW}, "expires"),
    ],
)
def test_bad_input_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(**change)
    assert caught.value.field == field


def test_tag_scopes_are_read_back() -> None:
    record, _ = made(tags="tier=fast,shard=acme")
    assert tags_text(record.tags) == "shard=acme,tier=fast"


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="41 random bytes, not 8"):
        made(random=b"12345678")
