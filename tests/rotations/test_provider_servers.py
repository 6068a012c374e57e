"""The servers that play providers take what the providers' own libraries send, and are as strict as their documents."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from tests.rotations.providers.anthropic import AnthropicServer
from tests.rotations.providers.base import ProviderServer, running
from tests.rotations.providers.generic import GenericServer
from tests.rotations.providers.openai import PROJECT, OpenAIServer

SAYS = [{"role": "user", "content": "hi"}]


@pytest.fixture
def claude() -> Iterator[AnthropicServer]:
    with running(AnthropicServer()) as server:
        yield server


@pytest.fixture
def gpt() -> Iterator[OpenAIServer]:
    with running(OpenAIServer()) as server:
        yield server


def call(server: ProviderServer, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        found = response.read()
        return response.status, json.loads(found) if found else None
    finally:
        connection.close()


def test_anthropics_library(claude: AnthropicServer) -> None:
    made = claude.add()
    with anthropic.Anthropic(api_key=made.value, base_url=claude.url, max_retries=0) as client:
        assert next(iter(client.models.list())).id == "claude-sonnet-4-5"
        message = client.messages.create(model="claude-haiku-4-5", max_tokens=8, messages=SAYS)  # type: ignore[arg-type]
        assert (message.usage.input_tokens, claude.uses(made.id)) == (12, 1)
        claude.revoke(made.id)
        with pytest.raises(anthropic.AuthenticationError, match="Invalid bearer token"):
            client.messages.create(model="claude-haiku-4-5", max_tokens=8, messages=SAYS)  # type: ignore[arg-type]


def test_anthropics_admin_library(claude: AnthropicServer) -> None:
    made = [claude.add() for _ in range(3)][1]
    with anthropic.Anthropic(api_key=claude.admin, base_url=claude.url, max_retries=0) as client:
        admin = client.organization.api_keys
        assert [key.id for key in admin.list(limit=2)] == [key.id for key in claude.keys.values()]
        found = admin.update(made.id, status="inactive")
        assert (found.id, found.status, made.active) == (made.id, "inactive", False)
        assert (admin.retrieve(made.id).partial_key_hint or "").startswith("sk-ant-api03-")
    other = claude.add()
    with (
        anthropic.Anthropic(api_key=other.value, base_url=claude.url, max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.organization.api_keys.retrieve(made.id)


def test_openais_library(gpt: OpenAIServer) -> None:
    made = gpt.add()
    with openai.OpenAI(api_key=made.value, base_url=f"{gpt.url}/v1", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["gpt-5", "gpt-5-mini"]
        client.chat.completions.create(model="gpt-5", messages=SAYS)  # type: ignore[arg-type,call-overload]
        assert gpt.uses(made.id) == 1
        gpt.revoke(made.id)
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided"):
            client.models.list()


def test_openais_admin_library(gpt: OpenAIServer) -> None:
    with openai.OpenAI(admin_api_key=gpt.admin, api_key="none", base_url=f"{gpt.url}/v1", max_retries=0) as client:
        admin = client.admin.organization
        account = admin.projects.service_accounts.create(project_id=PROJECT, name="agents")
        assert account.api_key is not None
        second = admin.projects.service_accounts.api_keys.create(account.id, project_id=PROJECT, name="k2")
        listed = admin.projects.api_keys.list(PROJECT, limit=1, owner_project_access="any")
        assert [key.id for key in listed] == [account.api_key.id, second.id]
        assert admin.projects.api_keys.delete(second.id, project_id=PROJECT).deleted
        with pytest.raises(openai.NotFoundError):
            admin.projects.api_keys.retrieve(second.id, project_id=PROJECT)
        gpt.used(gpt.by_id(account.api_key.id))
        start = gpt.now() // 1000 - 120
        page = admin.usage.completions(start_time=start, bucket_width="1m", api_key_ids=[account.api_key.id], group_by=["api_key_id"])
        assert [result.api_key_id for bucket in page.data for result in bucket.results] == [account.api_key.id]  # type: ignore[union-attr]


def test_a_page_of_the_report_follows_another(claude: AnthropicServer) -> None:
    made = claude.add()
    claude.used(made)
    headers = {"x-api-key": claude.admin, "anthropic-version": "2023-06-01"}
    path = "/v1/organizations/usage_report/messages?starting_at=2020-01-01T00%3A00%3A00Z&ending_at=2020-01-05T00%3A00%3A00Z&limit=3"
    status, first = call(claude, "GET", path, headers)
    assert (status, len(first["data"]), first["has_more"]) == (200, 3, True)
    _, second = call(claude, "GET", f"{path}&page={first['next_page']}", headers)
    assert (len(second["data"]), second["has_more"], second["next_page"]) == (1, False, None)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/models", {"x-api-key": "KEY"}),
        ("/v1/models", {"anthropic-version": "2023-06-01"}),
        ("/v1/models", {"anthropic-version": "2023-06-01", "Authorization": "KEY"}),
        ("/v1/models", {"anthropic-version": "2023-06-01", "x-api-key": "ADMIN"}),
        ("/v1/models?size=3", {"anthropic-version": "2023-06-01", "x-api-key": "KEY"}),
        ("/v1/organizations/api_keys", {"anthropic-version": "2023-06-01", "x-api-key": "KEY"}),
        ("/v1/organizations/api_keys?limit=0", {"anthropic-version": "2023-06-01", "x-api-key": "ADMIN"}),
        ("/v1/organizations/usage_report/messages", {"anthropic-version": "2023-06-01", "x-api-key": "ADMIN"}),
        (
            "/v1/organizations/usage_report/messages?starting_at=2026-01-01T00:00:00Z&bucket_width=1d&limit=32",
            {"anthropic-version": "2023-06-01", "x-api-key": "ADMIN"},
        ),
    ],
)
def test_anthropic_refuses_what_its_documents_do(claude: AnthropicServer, path: str, headers: dict[str, str]) -> None:
    known = {"KEY": claude.add().value, "ADMIN": claude.admin}
    sent = {
        name: next((value.replace(word, key) for word, key in known.items() if word in value), value) for name, value in headers.items()
    }
    status, body = call(claude, "GET", path, sent)
    assert status in (400, 401)
    assert body["type"] == "error"


@pytest.mark.parametrize(
    ("method", "path", "who", "body"),
    [
        ("GET", "/v1/models?limit=1", "KEY", None),
        ("GET", "/v1/organization/usage/completions?start_time=1&limit=32", "ADMIN", None),
        ("GET", f"/v1/organization/projects/{PROJECT}/api_keys?limit=101", "ADMIN", None),
        ("GET", f"/v1/organization/projects/{PROJECT}/api_keys", "KEY", None),
        ("POST", f"/v1/organization/projects/{PROJECT}/service_accounts", "ADMIN", {}),
        ("POST", f"/v1/organization/projects/{PROJECT}/service_accounts", "ADMIN", {"name": "a", "role": "owner"}),
        ("POST", f"/v1/organization/projects/{PROJECT}/api_keys", "ADMIN", {"name": "a"}),
        ("POST", "/v1/chat/completions", "KEY", {"model": "gpt-5"}),
        ("POST", "/v1/chat/completions", "KEY", {"model": "gpt-5", "messages": SAYS, "mood": "good"}),
    ],
)
def test_openai_refuses_what_its_documents_do(gpt: OpenAIServer, method: str, path: str, who: str, body: Any) -> None:
    key = gpt.add().value if who == "KEY" else gpt.admin
    status, said = call(gpt, method, path, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, body)
    assert 400 <= status < 405
    assert said["error"]["message"]


def test_many_agents_at_once() -> None:
    with running(GenericServer()) as server:
        made, revoked = server.add(), server.add()
        server.revoke(revoked.id)

        def ask(number: int) -> int:
            key = (made if number % 2 else revoked).value
            return call(server, "POST", "/v2/complete", {"X-Acme-Key": key, "Content-Type": "application/json"}, {"prompt": "hi"})[0]

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(ask, range(400)))
        assert (answers.count(200), answers.count(401)) == (200, 200)
        assert (server.uses(made.id), server.uses(revoked.id), server.served, server.rejected) == (200, 0, 200, 200)
