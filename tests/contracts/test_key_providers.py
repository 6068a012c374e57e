"""Every provider of keys keeps these promises: the adapters against strict servers made from the providers' documents, and the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.http_poster import WebPoster
from functions.adapters.key_providers import key_provider
from functions.domain.channels import SecretReference
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.key_settings import parse_key_settings
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from functions.ports import KeyProvider
from tests.fakes.key_provider import MemoryKeyProvider
from tests.rotations.providers import generic
from tests.rotations.providers.anthropic import AnthropicServer
from tests.rotations.providers.base import ProviderServer, running
from tests.rotations.providers.generic import GenericServer
from tests.rotations.providers.openai import PROJECT, OpenAIServer

NOW = 1_795_478_437_000
ADMIN = {"secretsmanager": "clawpulse/default/provider"}


class HeldSecrets:
    """A `SecretCache` with one secret, which may be replaced."""

    def __init__(self, remembered: str) -> None:
        self.remembered = self.stored = remembered

    def read(self, reference: SecretReference, *, fresh: bool = False) -> str:
        if fresh:
            self.remembered = self.stored
        return self.remembered


@dataclass
class World:
    """A provider, and what a test does at its other side."""

    provider: KeyProvider
    add: Callable[[], tuple[str, str]]
    """Make a key by hand; the key and its id."""
    use: Callable[[str, int], None]
    """Use a key (by its id) at a time."""
    away: Callable[[bool], None]
    creates: bool = True
    identifies: bool = True
    server: ProviderServer | None = None
    secrets: HeldSecrets | None = None


@contextmanager
def memory() -> Iterator[World]:
    fake = MemoryKeyProvider()

    def add() -> tuple[str, str]:
        key = f"sk-{len(fake.ids)}"
        return key, fake.add(key)

    yield World(fake, add, fake.used.__setitem__, lambda away: setattr(fake, "away", away))


@contextmanager
def over_http(server: ProviderServer, entry: Callable[[str], dict[str, Any]], **can: bool) -> Iterator[World]:
    with running(server):
        settings = parse_key_settings({"acme": entry(server.url)}, "default")["acme"]
        secrets = HeldSecrets(server.admin)
        provider = key_provider(settings, WebPoster(private=True), secrets, server.now)

        def add() -> tuple[str, str]:
            made = server.add()
            return made.value, made.id

        def use(id: str, at: int) -> None:
            server.by_id(id).uses.append(at)

        yield World(provider, add, use, lambda away: setattr(server, "away", away), server=server, secrets=secrets, **can)


@contextmanager
def anthropic() -> Iterator[World]:
    def entry(url: str) -> dict[str, Any]:
        return {"kind": "anthropic", "base_url": url, "admin": ADMIN}

    with over_http(AnthropicServer(lambda: NOW), entry, creates=False) as world:
        yield world


@contextmanager
def openai() -> Iterator[World]:
    def entry(url: str) -> dict[str, Any]:
        return {"kind": "openai", "base_url": url, "admin": ADMIN, "project_id": PROJECT}

    with over_http(OpenAIServer(lambda: NOW), entry) as world:
        yield world


@contextmanager
def openai_account() -> Iterator[World]:
    server = OpenAIServer(lambda: NOW)
    account = server.add_account()

    def entry(url: str) -> dict[str, Any]:
        return {"kind": "openai", "base_url": url, "admin": ADMIN, "project_id": PROJECT, "service_account_id": account}

    with over_http(server, entry) as world:
        yield world
    assert list(server.accounts) == [account]


@contextmanager
def http() -> Iterator[World]:
    with over_http(GenericServer(lambda: NOW), lambda url: generic.settings(url, ADMIN), identifies=False) as world:
        yield world


@pytest.fixture(params=[memory, anthropic, openai, openai_account, http])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with request.param() as made:
        yield made
    assert not made.server or not [said for said in made.server.refusals if "Extra" in said or "Unknown" in said or "Invalid URL" in said]


def test_a_key_is_accepted_until_it_is_revoked(world: World) -> None:
    (key, id), (other, _) = world.add(), world.add()
    assert world.provider.test(key).accepted
    assert world.provider.revoke(key, id)
    answer = world.provider.test(key)
    assert (answer.accepted, answer.retry) == (False, False)
    assert world.provider.test(other).accepted


def test_a_key_that_nobody_made_is_refused_with_the_providers_words(world: World) -> None:
    answer = world.provider.test("sk-ant-api03-nobody-made-this-0123456789")
    assert (answer.accepted, answer.retry) == (False, False)
    assert "refuses the key" in answer.detail


def test_revoking_once_more_is_fine(world: World) -> None:
    key, id = world.add()
    assert [world.provider.revoke(key, id) for _ in range(3)] == [True, True, True]


def test_a_made_key_works_and_can_be_revoked(world: World) -> None:
    if not world.creates:
        with pytest.raises(ProviderRefused, match="Console only"):
            world.provider.create("k01")
        return
    made, second = world.provider.create("k01"), world.provider.create("k02")
    assert made.key != second.key
    assert made.id
    assert world.provider.test(made.key).accepted
    assert world.provider.revoke(made.key, made.id)
    assert not world.provider.test(made.key).accepted
    assert world.provider.test(second.key).accepted


def test_keys_made_elsewhere_are_identified(world: World) -> None:
    keys = [world.add() for _ in range(130)]
    for key, id in (keys[0], keys[77], keys[129]):
        assert world.provider.identify(key) == (id if world.identifies else None)
    assert world.provider.identify("sk-ant-api03-nobody-made-this-0123456789") is None


def test_use_is_told_from_a_time_on(world: World) -> None:
    (_, id), (_, other) = world.add(), world.add()
    provider = world.provider
    assert provider.usage(id, NOW - 10 * MINUTE_MS) == (True, None)
    world.use(other, NOW - MINUTE_MS)
    assert provider.usage(id, NOW - 10 * MINUTE_MS) == (True, None)
    world.use(id, NOW - 5 * MINUTE_MS)
    assert provider.usage(id, NOW - 2 * MINUTE_MS) == (True, None)
    for since in (6 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS, 29 * DAY_MS):
        known, last = provider.usage(id, NOW - since)
        assert known
        assert last is not None
        # A report in minutes tells a use as late as the end of its minute.
        assert NOW - 5 * MINUTE_MS <= last <= NOW - 4 * MINUTE_MS


def test_a_use_just_now_is_no_use_in_the_future(world: World) -> None:
    _, id = world.add()
    world.use(id, NOW)
    last = world.provider.usage(id, NOW - MINUTE_MS).last_used
    assert last is not None
    assert NOW - 1000 <= last <= NOW


def test_a_use_shortly_before_is_none(world: World) -> None:
    """Though it is in the same hour of a report."""
    _, id = world.add()
    since = NOW - 3 * HOUR_MS + 30 * MINUTE_MS
    world.use(id, since - 5 * MINUTE_MS)
    assert world.provider.usage(id, since) == (True, None)
    world.use(id, since + 5 * MINUTE_MS)
    last = world.provider.usage(id, since).last_used
    assert last is not None
    assert 5 * MINUTE_MS - 1000 <= last - since <= 6 * MINUTE_MS


def test_an_old_use_is_found_to_the_minute(world: World) -> None:
    _, id = world.add()
    at = NOW - 3 * DAY_MS - 7 * HOUR_MS - 11 * MINUTE_MS
    world.use(id, at)
    last = world.provider.usage(id, NOW - 20 * DAY_MS).last_used
    assert last is not None
    assert at - 1000 <= last <= at + MINUTE_MS


def test_of_a_key_without_an_id_nobody_knows_the_use(world: World) -> None:
    assert world.provider.usage(None, NOW - HOUR_MS) == (False, None)


def test_an_outage_asks_for_a_retry_and_changes_nothing(world: World) -> None:
    key, id = world.add()
    world.away(True)
    answer = world.provider.test(key)
    assert (answer.accepted, answer.retry) == (False, True)
    for call in (lambda: world.provider.revoke(key, id), lambda: world.provider.usage(id, NOW - HOUR_MS)):
        with pytest.raises(ProviderUnavailable):
            call()
    world.away(False)
    assert world.provider.test(key).accepted
    assert world.provider.revoke(key, id)
