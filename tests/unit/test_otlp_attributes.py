"""Attributes of OTLP data, without what nobody should read."""

from __future__ import annotations

import pytest

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.otlp_attributes import MAX_VALUE, labels

DIMENSIONS = frozenset(DEFAULT_DIMENSIONS)


@pytest.mark.parametrize(
    "key",
    [
        "access_token",
        "session.token",
        "auth-token",
        "http.request.header.authorization",
        "http.request.header.x-api-key",
        "db.password",
        "client_secret",
        "django.secret_key",
        "gen_ai.input.messages",
        "process.command_args",
    ],
)
def test_what_is_named_like_a_secret_or_a_text_is_not_kept(key: str) -> None:
    assert labels({key: "hunter2"}, DIMENSIONS) == ({}, {})


@pytest.mark.parametrize("key", ["openclaw.token", "gen_ai.token.type", "gen_ai.usage.input_tokens", "url.path", "openclaw.channel"])
def test_other_attributes_are_kept(key: str) -> None:
    assert labels({key: "input"}, DIMENSIONS) == ({}, {key: "input"})


def test_secrets_in_values_are_taken_out_before_these_are_cut() -> None:
    url = f"https://me:{'p' * MAX_VALUE}@host/path"
    assert labels({"url.full": url, "note": "Bearer abcdefghijk"}, DIMENSIONS)[1] == {
        "url.full": "https://me:[redacted]@host/path",
        "note": "Bearer [redacted]",
    }
