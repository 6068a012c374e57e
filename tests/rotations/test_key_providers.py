"""What is special about single providers, what they may answer on bad days, and that no key is told to anybody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import yaml

from functions.adapters.http_poster import WebPoster
from functions.adapters.key_providers import key_provider
from functions.adapters.key_providers.asking import fits
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.key_settings import ProviderSettings, parse_key_settings, provider_settings
from functions.domain.notification import DeliveryFailed
from functions.domain.rotation import KeyAnswer, NewKey, StoredKey
from functions.ports import KeyProvider
from tests.contracts.test_key_providers import ADMIN, NOW, HeldSecrets, World, anthropic, http, openai, openai_account
from tests.docs.blocks import ROOT, blocks
from tests.notify.vendors.base import Reply
from tests.rotations.providers import generic
from tests.rotations.providers.anthropic import AnthropicServer
from tests.rotations.providers.base import ProviderServer, running
from tests.rotations.providers.generic import GenericServer
from tests.rotations.providers.openai import PROJECT, OpenAIServer

NOBODYS = "sk-nobody-made-this-0123456789abcdef"
ALL = pytest.mark.parametrize("world_of", [anthropic, openai, openai_account, http])


def provider_of(server: ProviderServer, total_s: float = 8.0, admin: str | None = None, **entry: Any) -> KeyProvider:
    kind = "anthropic" if isinstance(server, AnthropicServer) else "openai"
    document = {"p": {"kind": kind, "base_url": server.url, "admin": ADMIN, **entry}}
    settings = parse_key_settings(document, "default")["p"]
    return key_provider(settings, WebPoster(private=True, total_s=total_s), HeldSecrets(admin or server.admin), server.now)


def without_admin(server: ProviderServer) -> KeyProvider:
    kind = "anthropic" if isinstance(server, AnthropicServer) else "openai"
    settings = parse_key_settings({"p": {"kind": kind, "base_url": server.url}}, "default")["p"]
    return key_provider(settings, WebPoster(private=True), HeldSecrets(""), server.now)


def server_of(world: World) -> ProviderServer:
    assert world.server is not None
    return world.server


@ALL
def test_nothing_that_is_told_has_a_key(world_of: Any) -> None:
    """The generic server even quotes what it is sent."""
    with world_of() as world:
        server = server_of(world)
        key, id = world.add()
        told = [str(world.provider.test(NOBODYS)), repr(world.provider), str(world.provider.test(key))]
        world.secrets.stored = world.secrets.remembered = "wrong-admin-key-0123456789"
        for call in (lambda: world.provider.revoke(key, id), lambda: world.provider.usage(id, 0), lambda: world.provider.create("k1")):
            with pytest.raises(ProviderRefused) as failed:
                call()
            told.append(str(failed.value))
        server.faults = [Reply(418, {"message": f"I got {sent}"}) for sent in (key, NOBODYS)]
        told += [str(world.provider.test(key)), str(world.provider.test(NOBODYS))]
        assert all("418" in said and "[redacted]" in said for said in told[-2:])
        for secret in (NOBODYS, key, server.admin, "wrong-admin-key-0123456789"):
            assert not any(secret in said for said in told)
            assert not any(secret[-4:] in said for said in told), "not even the end that some providers quote"


def test_keys_are_not_in_what_is_printed_of_them() -> None:
    made, stored = NewKey(NOBODYS, "id-1"), StoredKey(NOBODYS, "0a1b2c3d-0123456789abcdef", "id-1", 3, 5)
    for shown in (repr(made), str(made), f"{stored}", repr([stored])):
        assert "id-1" in shown
        assert NOBODYS not in shown


@ALL
def test_an_admin_key_that_was_replaced_is_read_anew(world_of: Any) -> None:
    with world_of() as world:
        world.secrets.remembered = "sk-replaced-yesterday-0123456789"
        key, id = world.add()
        if isinstance(server_of(world), GenericServer):
            # It answers 403, which says that the key is known and may not do it.
            with pytest.raises(ProviderRefused, match="403 Forbidden"):
                world.provider.usage(id, 0)
            return
        assert world.provider.usage(id, NOW - 1000) == (True, None)
        assert world.provider.revoke(key, id)


@ALL
@pytest.mark.parametrize("key", ["", "with blank", "two\nlines", "sk-ünïcode", "x" * 4097, "tab\t"])
def test_what_is_no_key_is_not_sent(world_of: Any, key: str) -> None:
    with world_of() as world:
        answer = world.provider.test(key)
        assert (answer.accepted, answer.retry, server_of(world).requests) == (False, False, [])
        assert "no key has this form" in answer.detail


@ALL
def test_rate_limits_are_waited_for(world_of: Any) -> None:
    with world_of() as world:
        key, id = world.add()
        server_of(world).limited = True
        answer = world.provider.test(key)
        assert (answer.accepted, answer.retry) == (False, True)
        assert "429" in answer.detail
        with pytest.raises(ProviderUnavailable) as failed:
            world.provider.usage(id, NOW - 1000)
        assert failed.value.retry_after_s == 7


@ALL
def test_a_provider_that_revokes_and_goes_on_taking_the_key_is_asked_again(world_of: Any) -> None:
    with world_of() as world:
        key, id = world.add()
        server = server_of(world)
        server.faults = [Reply(204 if isinstance(server, GenericServer) else 200, {})]
        with pytest.raises(ProviderUnavailable, match="still takes the key"):
            world.provider.revoke(key, id)
        assert world.provider.revoke(key, id)


@ALL
def test_an_id_that_the_provider_does_not_know(world_of: Any) -> None:
    with world_of() as world:
        key, _ = world.add()
        with pytest.raises(ProviderRefused, match="still takes it: answered 404"):
            world.provider.revoke(key, "key_unknown")
        assert world.provider.revoke(NOBODYS, "key_unknown"), "a key that is refused is revoked, whoever did it"


@ALL
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"data": 3}', b'{"data": [3]}', b'{"data": [{"results": [{}]}]}', b"\xff"])
def test_answers_of_another_form(world_of: Any, body: bytes) -> None:
    with world_of() as world:
        _, id = world.add()
        server_of(world).faults = [Reply(200, body)]
        with pytest.raises(ProviderRefused, match="answered"):
            world.provider.usage(id, NOW - 1000)


def test_a_key_that_is_forbidden_something_is_refused_and_not_proven_dead() -> None:
    """A limit by address or country says nothing about the key elsewhere."""
    with anthropic() as world:
        key, id = world.add()
        forbidden = Reply(403, {"type": "error", "error": {"type": "permission_error", "message": "not from here"}})
        server_of(world).faults = [forbidden, Reply(404, {}), forbidden]
        answer = world.provider.test(key)
        assert (answer.accepted, answer.retry) == (False, False)
        assert "refuses the key: answered 403 Forbidden: permission_error: not from here" in answer.detail
        with pytest.raises(ProviderUnavailable, match="does not tell whether"):
            world.provider.revoke(key, id)


@pytest.mark.parametrize("status", [301, 400, 404])
def test_statuses_that_say_nothing_about_the_key(status: int) -> None:
    with openai() as world:
        key, _ = world.add()
        server_of(world).faults = [Reply(status, {"error": {"message": "hm"}}, {"Location": "http://127.0.0.1:1/"})] * 2
        answer = world.provider.test(key)
        assert (answer.accepted, answer.retry) == (False, False)
        assert f"answered {status}" in answer.detail
        assert "refuses" not in answer.detail
        # Deleted, but that it is refused was not seen.
        server_of(world).faults = [Reply(200, {}), Reply(status, {})]
        with pytest.raises(ProviderUnavailable, match="does not tell whether"):
            world.provider.revoke(key, "key_1")


def test_nobody_listens() -> None:
    server = OpenAIServer()
    with running(server):
        provider = provider_of(server, project_id=PROJECT)
    answer = provider.test(NOBODYS)
    assert (answer.accepted, answer.retry) == (False, True)
    with pytest.raises(ProviderUnavailable, match="no connection"):
        provider.create("k1")


def test_a_slow_provider() -> None:
    server = AnthropicServer()
    with running(server):
        provider = provider_of(server, total_s=0.3)
        server.slow = 2.0
        assert provider.test(server.add().value) == (False, "p cannot be asked: no answer from 127.0.0.1: nothing within 0 s", True)


def test_a_provider_that_hangs_up() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        peer, _ = listener.accept()
        peer.close()

    closing = Thread(target=hang_up)
    closing.start()
    settings = ProviderSettings(name="p", kind="anthropic", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    answer = key_provider(settings, WebPoster(private=True), HeldSecrets(""), lambda: NOW).test(NOBODYS)
    closing.join()
    listener.close()
    assert (answer.accepted, answer.retry) == (False, True)


def test_addresses_that_are_not_public_are_refused() -> None:
    settings = ProviderSettings(name="p", kind="openai", base_url="https://metadata.example")
    poster = WebPoster(resolve=lambda _host, _port: ["169.254.169.254"])
    answer = key_provider(settings, poster, HeldSecrets(""), lambda: NOW).test(NOBODYS)
    assert (answer.accepted, answer.retry) == (False, False)
    assert "public addresses only" in answer.detail


class NoSecrets:
    def __init__(self, *, retryable: bool) -> None:
        self.retryable = retryable

    def read(self, reference: Any, *, fresh: bool = False) -> str:
        raise DeliveryFailed(f"no {reference}", retryable=self.retryable)


@pytest.mark.parametrize(("retryable", "fault"), [(True, ProviderUnavailable), (False, ProviderRefused)])
def test_an_admin_key_that_cannot_be_read(retryable: bool, fault: type[Exception]) -> None:
    with running(AnthropicServer()) as server:
        settings = parse_key_settings({"p": {"kind": "anthropic", "base_url": server.url, "admin": ADMIN}}, "default")["p"]
        provider = key_provider(settings, WebPoster(private=True), NoSecrets(retryable=retryable), server.now)
        made = server.add()
        assert provider.test(made.value).accepted
        with pytest.raises(fault, match="clawpulse/default/provider"):
            provider.usage(made.id, 0)


@pytest.mark.parametrize("server", [AnthropicServer(), OpenAIServer()], ids=["anthropic", "openai"])
def test_without_an_admin_key_keys_are_tried_and_no_more(server: ProviderServer) -> None:
    with running(server):
        provider, made = without_admin(server), server.add()
        assert provider.test(made.value).accepted
        assert (provider.identify(made.value), provider.usage(made.id, 0)) == (None, (False, None))
        assert provider.revoke(made.value, made.id) is False
        server.away = True
        with pytest.raises(ProviderUnavailable, match="does not tell whether"):
            provider.revoke(made.value, made.id)
        server.away = False
        server.revoke(made.id)
        assert provider.revoke(made.value, made.id) is True
        with pytest.raises(ProviderRefused):
            provider.create("k1")


def test_anthropic_and_openai_are_known_without_being_named() -> None:
    settings = provider_settings(None, "default", "anthropic")
    assert settings is not None
    assert settings.base_url == "https://api.anthropic.com"


@pytest.mark.parametrize(
    ("server", "known"), [(AnthropicServer(), "claude-haiku-4-5"), (OpenAIServer(), "gpt-5")], ids=["anthropic", "openai"]
)
def test_a_key_without_the_model_that_is_needed(server: ProviderServer, known: str) -> None:
    with running(server):
        made = server.add()
        assert provider_of(server, model=known).test(made.value).accepted
        answer = provider_of(server, model="dreamt-of").test(made.value)
        assert (answer.accepted, answer.retry) == (False, False)
        assert "answered 404 Not Found: " in answer.detail
        assert not provider_of(server, model=known).test(NOBODYS).accepted


def test_anthropic_archives_where_the_settings_say_so() -> None:
    with running(AnthropicServer()) as server:
        made, other = server.add(), server.add()
        assert provider_of(server, revoked_as="archived").revoke(made.value, made.id)
        assert provider_of(server).revoke(other.value, None), "its id is found by its hint"
        assert server.archived == {made.id}
        assert provider_of(server).revoke(made.value, made.id), "archived: cannot be updated, and is refused"


def test_anthropic_keys_of_the_workspace_only() -> None:
    with running(AnthropicServer()) as server:
        made, other = server.add(), server.add()
        server.workspaces[made.id] = "wrkspc_a"
        provider = provider_of(server, workspace_id="wrkspc_a")
        assert (provider.identify(made.value), provider.identify(other.value)) == (made.id, None)


def test_two_keys_with_the_same_hint_are_not_told_apart() -> None:
    with running(AnthropicServer()) as server:
        first = server.add(value="sk-ant-api03-R2D-first-igAA")
        server.add(value="sk-ant-api03-R2D-second-igAA")
        assert provider_of(server).identify(first.value) is None


def test_openai_without_a_project() -> None:
    with running(OpenAIServer()) as server:
        provider, made = provider_of(server), server.add()
        with pytest.raises(ProviderRefused, match="project_id"):
            provider.create("k1")
        made.uses.append(server.now())
        assert provider.usage(made.id, server.now() - 60_000).last_used is not None
        assert provider.revoke(made.value, made.id) is False


def test_openai_a_key_that_was_used_elsewhere_than_for_completions() -> None:
    """`last_used_at` tells of all endpoints, the report of completions only; a deleted key is in the report still."""
    with running(OpenAIServer(lambda: NOW)) as server:
        provider, made = provider_of(server, project_id=PROJECT), server.add()
        made.uses.append(NOW - 90_000)
        shown = {"object": "organization.project.api_key", "id": made.id, "last_used_at": NOW // 1000 - 5}
        empty: dict[str, Any] = {"object": "page", "data": [], "has_more": False, "next_page": None}
        server.faults = [Reply(200, empty), Reply(200, shown)]
        assert provider.usage(made.id, NOW - 600_000) == (True, (NOW // 1000 - 5) * 1000)
        assert provider.revoke(made.value, made.id)
        assert provider.usage(made.id, NOW - 600_000).last_used is not None


def test_a_report_that_knows_an_hour_and_not_its_minutes() -> None:
    """What is told in hours counts: a key must not look unused."""
    with running(AnthropicServer(lambda: NOW)) as server:
        made = server.add()
        hour = {"starting_at": "2026-11-23T20:00:00Z", "ending_at": "2026-11-23T21:00:00Z", "results": [{"api_key_id": made.id}]}
        server.faults = [Reply(200, {"data": [hour]}), Reply(200, {"data": []})]
        assert provider_of(server).usage(made.id, NOW - 5 * 3_600_000) == (True, 1_795_467_600_000)


def test_a_wrong_project() -> None:
    with running(OpenAIServer()) as server, pytest.raises(ProviderRefused, match="Project with id 'proj_none' not found"):
        provider_of(server, project_id="proj_none").create("k1")


def test_a_project_key_is_no_admin_key() -> None:
    with running(OpenAIServer()) as server:
        made = server.add()
        with pytest.raises(ProviderRefused, match="Missing scopes"):
            provider_of(server, admin=made.value, project_id=PROJECT).usage(made.id, 0)


@contextmanager
def generic_with(**calls: Any) -> Iterator[tuple[GenericServer, KeyProvider]]:
    """A provider with other calls; None takes one away."""
    with running(GenericServer(lambda: NOW)) as server:
        entry = {name: call for name, call in {**generic.settings(server.url, ADMIN), **calls}.items() if call is not None}
        filled = json.loads(json.dumps(entry).replace("@URL@", server.url))
        settings = parse_key_settings({"acme": filled}, "default")["acme"]
        yield server, key_provider(settings, WebPoster(private=True), HeldSecrets(server.admin), server.now)


def test_http_without_the_calls_that_may_be_left_out() -> None:
    with generic_with(create=None, revoke=None, usage=None, admin=None) as (server, provider):
        made = server.add()
        assert provider.test(made.value).accepted
        assert provider.usage(made.id, 0) == (False, None)
        assert provider.revoke(made.value, made.id) is False
        with pytest.raises(ProviderRefused, match="no call `create`"):
            provider.create("k1")


def test_http_statuses_are_what_the_settings_say() -> None:
    headers = {"X-Acme-Key": "{key}"}
    with generic_with(test={"url": "@URL@/v2/none", "headers": headers, "accepted": [404], "refused": [401]}) as (server, provider):
        made = server.add()
        assert provider.test(made.value).accepted
        assert provider.revoke(made.value, made.id)
    with generic_with(
        revoke={"method": "DELETE", "url": "@URL@/admin/tokens/{id}", "headers": {"Authorization": "Bearer {admin}"}, "accepted": [202]}
    ) as (
        server,
        provider,
    ):
        made = server.add()
        with pytest.raises(ProviderRefused, match="answered 204 No Content, which is not among the statuses accepted"):
            provider.revoke(made.value, made.id)


def test_http_without_an_id() -> None:
    with generic_with() as (server, provider):
        made = server.add()
        assert provider.revoke(made.value, None) is False
        assert provider.usage(None, 0) == (False, None)


def test_http_a_made_key_is_not_lost_for_its_id() -> None:
    bearer = {"Authorization": "Bearer {admin}"}
    create = {
        "url": "@URL@/admin/tokens",
        "headers": bearer,
        "body": {"label": "{name}"},
        "key": "/token/secret",
        "id": "/id",
        "accepted": [201],
    }
    with generic_with(create=create) as (_, provider):
        made = provider.create("k1")
        assert made.id is None
        assert provider.test(made.key).accepted


def test_http_create_without_a_key_in_the_answer() -> None:
    bearer = {"Authorization": "Bearer {admin}"}
    create = {"url": "@URL@/admin/tokens", "headers": bearer, "body": {"label": "{name}"}, "key": "/token/none", "accepted": [201]}
    with generic_with(create=create) as (_, provider), pytest.raises(ProviderRefused, match="nothing at /token/none"):
        provider.create("k1")


@pytest.mark.parametrize("told", [NOW // 1000, NOW // 1000 * 1000, "2026-11-24T00:00:37Z", "2026-11-24T01:00:37+01:00"])
def test_http_times_of_all_sorts(told: object) -> None:
    with generic_with() as (server, provider):
        server.faults = [Reply(200, {"tokens": [{"last_used_at": told}]})] * 2
        assert provider.usage("id", NOW - 1000) == (True, NOW // 1000 * 1000)
        assert provider.usage("id", NOW + 1000) == (True, None)


@pytest.mark.parametrize("body", ['"soon"', "true", "[]", "1e999", '"2026-11-24T00:00:37"', "NaN"])
def test_http_what_is_no_time_is_not_taken_for_never(body: str) -> None:
    with generic_with() as (server, provider):
        server.faults = [Reply(200, f'{{"tokens": [{{"last_used_at": {body}}}]}}')]
        with pytest.raises(ProviderRefused, match="in a form that its documents do not have"):
            provider.usage("id", NOW - 1000)


@ALL
@pytest.mark.parametrize("id", [".", ".."])
def test_an_id_that_would_lead_elsewhere_is_not_sent(world_of: Any, id: str) -> None:
    with world_of() as world:
        key, _ = world.add()
        with pytest.raises(ProviderRefused, match="would lead elsewhere"):
            world.provider.revoke(key, id)
        assert server_of(world).requests == []


def test_http_an_id_that_is_no_header() -> None:
    usage = {"url": "@URL@/admin/tokens", "headers": {"X-Id": "{id}"}, "last_used": "/a"}
    with generic_with(usage=usage) as (server, provider):
        for id in ("two\r\nlines", "ünïcode"):
            with pytest.raises(ProviderRefused, match="printable ASCII"):
                provider.usage(id, 0)
        assert server.requests == []


def test_an_answer_that_is_nested_without_end() -> None:
    with anthropic() as world:
        _, id = world.add()
        server_of(world).faults = [Reply(200, b"[" * 60_000), Reply(400, b"[" * 60_000)]
        with pytest.raises(ProviderRefused, match="no JSON object"):
            world.provider.usage(id, NOW - 1000)
        assert not world.provider.test(NOBODYS).accepted


def test_the_documents_examples() -> None:
    """They are sound, and the one of kind http drives a real server."""
    first, second = (yaml.safe_load(block) for block in blocks(ROOT / "docs/rotation-providers.md", "yaml"))
    assert parse_key_settings(first, "default").keys() == {"anthropic", "openai"}
    with running(GenericServer()) as server:
        settings = parse_key_settings(json.loads(json.dumps(second).replace("https://api.acme.example", server.url)), "default")["acme"]
        provider = key_provider(settings, WebPoster(private=True), HeldSecrets(server.admin), server.now)
        made = provider.create("k01")
        assert provider.test(made.key).accepted
        assert provider.usage(made.id, 0) == (True, None)
        assert provider.revoke(made.key, made.id)


@pytest.mark.parametrize(
    ("hint", "key", "same"),
    [
        ("sk-ant-api03-R2D...igAA", "sk-ant-api03-R2D-xyz-igAA", True),
        ("sk-ant-api03-R2D...igAA", "sk-ant-api03-R2D-xyz-igAB", False),
        ("sk-proj-********MxYA", "sk-proj-abcdefghMxYA", True),
        ("sk-abc…xyz", "sk-abc-1-xyz", True),
        ("sk...z", "sk-abc-z", False),
        ("sk-ant-api03-R2D...", "sk-ant-api03-R2D-x", False),
        ("", "sk-x", False),
        ("...", "sk-x", False),
    ],
)
def test_hints(hint: str, key: str, same: bool) -> None:
    assert fits(hint, key) is same


def test_what_an_answer_says_of_the_provider() -> None:
    with running(OpenAIServer()) as server:
        assert provider_of(server).test(server.add().value) == KeyAnswer(True, "p accepts the key")
