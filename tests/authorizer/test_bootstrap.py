"""The first admin token of a workspace."""

from __future__ import annotations

import base64
import json
from dataclasses import fields

import pytest

from functions.authorizer.bootstrap import handler
from functions.domain.errors import InvalidInput
from functions.domain.token import TokenRecord, parse
from functions.runtime.settings import PREFIX, Settings
from tests.adapters.aws_server import OK, Server, serving

SETTINGS = {field.name: "x" for field in fields(Settings)} | {
    "stage": "local",
    "tokens_table": "tokens",
    "private_addresses": "no",
    "workspaces": "default,other",
    "raw_database": "",
    "buckets": "8",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(PREFIX + name.upper(), value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return monkeypatch


def stored(server: Server) -> TokenRecord:
    (request,) = server.requests
    item = json.loads(request.partition(b"\r\n\r\n")[2])["Item"]
    return TokenRecord.from_document(json.loads(item["d"]["S"]))


def test_it_makes_and_stores_an_admin_token(environment: pytest.MonkeyPatch) -> None:
    with serving(OK) as server:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        text = handler({"workspace": "default", "name": "first"}, None)["token"]
        record = stored(server)
        request = server.requests[0]
    parsed = parse(text)
    assert parsed is not None
    assert record.verify(parsed[1])
    assert (record.workspace, record.name, record.scopes, record.tags) == ("default", "first", ("admin",), {})
    assert parsed[1].encode() not in request
    assert base64.b64encode(parsed[1].encode()) not in request


def test_tokens_differ(environment: pytest.MonkeyPatch) -> None:
    with serving(OK) as server:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        assert len({handler({"workspace": "other"}, None)["token"] for _ in range(3)}) == 3


@pytest.mark.parametrize("event", [{}, {"workspace": "nobody"}, {"workspace": None}])
def test_a_workspace_of_another_stage_is_refused(environment: pytest.MonkeyPatch, event: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="is none of this stage's: default, other"):
        handler(event, None)
