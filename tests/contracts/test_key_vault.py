"""Every Vault keeps these promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import Alias, StoredKey, VaultState
from functions.ports import KeyVault
from tests.fakes.key_vault import MemoryVault

CONTROLLERS, ROUNDS = 4, 5


def key(text: str, version: int = 0, id: str | None = "key_1") -> StoredKey:
    return StoredKey(text, fingerprint(text, "0a1b2c3d"), id, version, 1_800_000_000_000)


ONE, TWO = key("sk-one"), key("sk-two", id=None)


def memory(_request: Any) -> Callable[[], KeyVault]:
    vault = MemoryVault()
    return lambda: vault


def real(request: Any) -> Callable[[], KeyVault]:
    server = request.getfixturevalue("openbao")
    return lambda: server.keys()  # type: ignore[no-any-return]


@pytest.fixture(params=[memory, pytest.param(real, marks=pytest.mark.cloud)])
def connect(request: pytest.FixtureRequest) -> Callable[[], KeyVault]:
    """One controller more on the same Vault."""
    make: Callable[[Any], Callable[[], KeyVault]] = request.param
    return make(request)


@pytest.fixture
def vault(connect: Callable[[], KeyVault]) -> KeyVault:
    return connect()


def test_there_is_nothing_at_first(vault: KeyVault, workspace: str) -> None:
    assert vault.state(workspace, "anthropic") == VaultState(None, None, None, (0, 0, 0))
    assert vault.read(workspace, "anthropic", Alias.CURRENT) is None
    assert not vault.write(workspace, "anthropic", Alias.CURRENT, ONE, 3)
    assert not vault.delete(workspace, "anthropic", Alias.CURRENT, 3)
    assert vault.delete(workspace, "anthropic", Alias.CURRENT, 0)


def test_what_is_written_is_read(vault: KeyVault, workspace: str) -> None:
    for alias, stored in ((Alias.CURRENT, ONE), (Alias.NEXT, TWO)):
        assert vault.write(workspace, "anthropic", alias, stored, 0)
        found = vault.read(workspace, "anthropic", alias)
        assert found == stored._replace(version=1)
    assert vault.state(workspace, "anthropic") == VaultState(ONE.fingerprint, TWO.fingerprint, None, (1, 1, 0))


def test_only_the_version_seen_is_replaced(vault: KeyVault, workspace: str) -> None:
    assert vault.write(workspace, "anthropic", Alias.CURRENT, ONE, 0)
    assert not vault.write(workspace, "anthropic", Alias.CURRENT, TWO, 0)
    assert not vault.write(workspace, "anthropic", Alias.CURRENT, TWO, 2)
    assert vault.read(workspace, "anthropic", Alias.CURRENT) == ONE._replace(version=1)
    assert vault.write(workspace, "anthropic", Alias.CURRENT, TWO, 1)
    assert vault.read(workspace, "anthropic", Alias.CURRENT) == TWO._replace(version=2)
    assert not vault.delete(workspace, "anthropic", Alias.CURRENT, 1)
    assert not vault.delete(workspace, "anthropic", Alias.CURRENT, 0)
    assert vault.read(workspace, "anthropic", Alias.CURRENT) == TWO._replace(version=2)


def test_a_deleted_entry_is_as_good_as_none_but_its_versions_count_on(vault: KeyVault, workspace: str) -> None:
    assert vault.write(workspace, "anthropic", Alias.OLD, ONE, 0)
    assert vault.delete(workspace, "anthropic", Alias.OLD, 1)
    assert vault.state(workspace, "anthropic") == VaultState(None, None, None, (0, 0, 0))
    assert vault.read(workspace, "anthropic", Alias.OLD) is None
    assert vault.delete(workspace, "anthropic", Alias.OLD, 0)
    assert not vault.delete(workspace, "anthropic", Alias.OLD, 1)
    assert not vault.write(workspace, "anthropic", Alias.OLD, TWO, 1)  # from before it was deleted
    assert vault.write(workspace, "anthropic", Alias.OLD, TWO, 0)
    found = vault.read(workspace, "anthropic", Alias.OLD)
    assert found is not None
    assert found.version > 2


def test_workspaces_shards_providers_and_aliases_are_apart(vault: KeyVault, workspace: str) -> None:
    assert vault.write(workspace, "anthropic", Alias.CURRENT, ONE, 0, "eu-1")
    for other in (
        (workspace, "anthropic", ""),
        (workspace, "anthropic", "eu-2"),
        (workspace, "openai", "eu-1"),
        ("other", "anthropic", "eu-1"),
    ):
        assert vault.state(*other) == VaultState(None, None, None, (0, 0, 0))
    assert vault.state(workspace, "anthropic", "eu-1") == VaultState(ONE.fingerprint, None, None, (1, 0, 0))


def test_a_key_waits_for_its_rotation_until_it_is_dropped(vault: KeyVault, workspace: str) -> None:
    assert vault.take_incoming(workspace, "k1") is None
    assert vault.put_incoming(workspace, "k1", ONE)
    assert vault.put_incoming(workspace, "k1", ONE._replace(created=5))
    assert not vault.put_incoming(workspace, "k1", TWO)
    for _twice in range(2):
        assert vault.take_incoming(workspace, "k1") == ONE._replace(version=1)
    assert vault.take_incoming(workspace, "k2") is None
    for _twice in range(2):
        vault.drop_incoming(workspace, "k1")
        assert vault.take_incoming(workspace, "k1") is None


def test_the_salt_is_made_once(connect: Callable[[], KeyVault], workspace: str) -> None:
    vaults = [connect() for _ in range(CONTROLLERS)]
    with ThreadPoolExecutor(CONTROLLERS) as pool:
        salts = set(pool.map(lambda vault: vault.salt(workspace), vaults))
    assert len(salts) == 1
    assert len(bytes.fromhex(salts.pop())) == 4


def test_of_controllers_at_once_one_wins_each_write(connect: Callable[[], KeyVault], workspace: str) -> None:
    vaults = [connect() for _ in range(CONTROLLERS)]

    def write(number: int, seen: int, delete: bool) -> bool:
        vault = vaults[number]
        if delete and number == 0:
            return vault.delete(workspace, "anthropic", Alias.NEXT, seen)
        return vault.write(workspace, "anthropic", Alias.NEXT, key(f"sk-{number}-{seen}"), seen)

    with ThreadPoolExecutor(CONTROLLERS) as pool:
        for turn in range(ROUNDS):
            seen = vaults[0].state(workspace, "anthropic").versions[1]
            won = list(pool.map(write, range(CONTROLLERS), [seen] * CONTROLLERS, [turn % 2 == 1] * CONTROLLERS))
            assert won.count(True) == 1, won
            found = vaults[0].read(workspace, "anthropic", Alias.NEXT)
            winner = won.index(True)
            assert (found.key if found else None) == (None if turn % 2 and winner == 0 else f"sk-{winner}-{seen}")


def test_writing_can_be_tried_at_any_time(vault: KeyVault, workspace: str) -> None:
    for shard in ("", "eu-1", ""):
        vault.writable(workspace, shard)
    assert vault.state(workspace, "anthropic") == VaultState(None, None, None, (0, 0, 0))


def test_nothing_printed_of_a_key_is_the_key(vault: KeyVault, workspace: str) -> None:
    vault.write(workspace, "anthropic", Alias.CURRENT, ONE, 0)
    assert "sk-one" not in repr(vault.read(workspace, "anthropic", Alias.CURRENT))
