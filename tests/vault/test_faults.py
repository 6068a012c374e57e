"""What becomes of a real OpenBao, seen by the functions: sealed, killed, short of requests, with tokens and policies taken away."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hvac
import pytest
import requests
from requests.adapters import HTTPAdapter

from functions.adapters.key_vault import VaultKeys
from functions.adapters.vault_entries import Connect, Entries, Watch, connector
from functions.domain.errors import StoreError, VaultRefused, VaultUnavailable
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import Alias, StoredKey
from tests.openbao import OpenBao, settled

pytestmark = pytest.mark.cloud

POLICY = 'path "secret/*" { capabilities = ["create", "read", "update", "delete"] }'


def key(text: str) -> StoredKey:
    return StoredKey(text, fingerprint(text, "0a1b2c3d"), None, 0, 1_800_000_000_000)


ONE, TWO = key("sk-one-XYZZY"), key("sk-two-XYZZY")


class Role:
    """An AppRole: a controller logs in, again and again."""

    def __init__(self, server: OpenBao, name: str) -> None:
        self.server, self.name, self.tokens = server, name, list[str]()
        root = server.client()
        root.sys.create_or_update_policy(name, POLICY)
        if "approle/" not in root.sys.list_auth_methods()["data"]:
            root.sys.enable_auth_method("approle")
        root.auth.approle.create_or_update_approle(name, token_policies=[name], token_no_default_policy=True)
        env = {
            "VAULT_ROLE_ID": root.auth.approle.read_role_id(name)["data"]["role_id"],
            "VAULT_SECRET_ID": root.auth.approle.generate_secret_id(name)["data"]["secret_id"],
        }
        self.secret_id = env["VAULT_SECRET_ID"]
        self._log_in = connector(server.url, "", env)
        self.keys = VaultKeys(Entries(self._connect))

    def _connect(self, watch: Watch) -> Any:
        client = self._log_in(watch)
        self.tokens.append(client.token)
        return client

    def revoke(self) -> None:
        self.server.client().auth.token.revoke(self.tokens[-1])


@pytest.fixture
def role(openbao: OpenBao, workspace: str) -> Role:
    return Role(openbao, workspace)


@contextmanager
def quiet[E: StoreError](*secrets: str, of: type[E], match: str) -> Iterator[pytest.ExceptionInfo[E]]:
    """Raises the error, which has nothing secret in all that a log would show of it."""
    with pytest.raises(of, match=match) as raised:
        yield raised
    shown = "".join(traceback.format_exception(raised.value))
    assert not [secret for secret in ("XYZZY", *secrets) if secret in shown]


def test_a_seal_in_the_middle_is_waited_out(openbao: OpenBao, role: Role, workspace: str) -> None:
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, ONE, 0)
    openbao.client().sys.seal()
    try:
        for _ in range(2):
            with quiet(*role.tokens, of=VaultUnavailable, match=r"sealed.*503"):
                role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1)
    finally:
        openbao.unseal()
    assert settled(lambda: role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1))
    assert role.keys.read(workspace, "anthropic", Alias.NEXT) == TWO._replace(version=2)


def test_a_server_that_is_killed_comes_back_with_everything(openbao: OpenBao, role: Role, workspace: str) -> None:
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, ONE, 0)
    openbao.kill()
    try:
        with quiet(*role.tokens, of=VaultUnavailable, match="cannot be reached"):
            role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1)
    finally:
        openbao.start()
    assert settled(lambda: role.keys.state(workspace, "anthropic").versions) == (0, 1, 0)
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1)


def test_a_token_that_does_not_count_any_more_is_replaced_once(role: Role, workspace: str) -> None:
    role.keys.salt(workspace)
    role.revoke()
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, ONE, 0)
    assert len(set(role.tokens)) == len(role.tokens) == 2


def test_a_policy_that_is_taken_away_is_told_and_given_back_is_used(openbao: OpenBao, role: Role, workspace: str) -> None:
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, ONE, 0)
    openbao.client().sys.delete_policy(role.name)
    with quiet(*role.tokens, of=VaultRefused, match=r"does not let us .* \(403\).*policies"):
        role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1)
    assert len(role.tokens) == 2
    openbao.client().sys.create_or_update_policy(role.name, POLICY)
    assert role.keys.write(workspace, "anthropic", Alias.NEXT, TWO, 1)


def test_a_role_without_its_secret_id_does_not_get_in(openbao: OpenBao, role: Role, workspace: str) -> None:
    openbao.client().auth.approle.destroy_secret_id(role.name, role.secret_id)
    with quiet(role.secret_id, of=VaultRefused, match=r"does not let us log in.*secret ID"):
        role.keys.salt(workspace)


def test_a_quota_says_how_long_to_wait(openbao: OpenBao, role: Role, workspace: str) -> None:
    role.keys.salt(workspace)
    root = openbao.client()
    root.write_data("sys/quotas/config", data={"enable_rate_limit_response_headers": True})
    root.write_data("sys/quotas/rate-limit/few", data={"path": "secret", "rate": 1, "interval": "1h"})
    try:
        with quiet(*role.tokens, of=VaultUnavailable, match="429") as raised:
            role.keys.state(workspace, "anthropic")  # three requests, where there may be one
        assert raised.value.retry_after_s == 60  # an hour, cut to what a step may wait
    finally:
        root.delete("sys/quotas/rate-limit/few")
    assert role.keys.put_incoming(workspace, "k1", ONE)
    assert len(role.tokens) == 1


def test_a_mount_that_is_none_or_no_store_of_versions_is_refused_before_anything_is_written(openbao: OpenBao, workspace: str) -> None:
    root = openbao.client()
    with quiet(openbao.token, of=VaultRefused, match=r"mount 'nowhere'"):
        VaultKeys(openbao.entries(mount="nowhere")).put_incoming(workspace, "k1", ONE)
    root.sys.enable_secrets_engine("kv", path=f"{workspace}-1", options={"version": "1"})
    with quiet(openbao.token, of=VaultRefused, match="no key-value store of version 2"):
        VaultKeys(openbao.entries(mount=f"{workspace}-1")).put_incoming(workspace, "k1", ONE)
    assert root.list(f"{workspace}-1") is None


def test_a_mount_that_goes_in_the_middle_is_told(openbao: OpenBao, workspace: str) -> None:
    root = openbao.client()
    root.sys.enable_secrets_engine("kv", path=workspace, options={"version": "2"})
    keys = VaultKeys(openbao.entries(mount=workspace))
    assert settled(lambda: keys.put_incoming(workspace, "k1", ONE))
    root.sys.disable_secrets_engine(workspace)
    for call in (lambda: keys.state(workspace, "anthropic"), lambda: keys.put_incoming(workspace, "k2", ONE)):
        with quiet(openbao.token, of=VaultRefused, match=f"no mount '{workspace}'"):
            call()


class Flaky(HTTPAdapter):
    """Loses the connection at one request to the store, before it is sent or before its answer is read."""

    def __init__(self, at: int, *, sent: bool) -> None:
        super().__init__()
        self._left, self._sent = at, sent

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if "/v1/secret/" in str(request.url):
            self._left -= 1
            if self._left == 0:
                if self._sent:
                    super().send(request, *args, **options)
                raise requests.ConnectionError("gone", request=request)
        return super().send(request, *args, **options)


def flaky(server: OpenBao, at: int, *, sent: bool) -> VaultKeys:
    known = connector(server.url, "", {"VAULT_TOKEN": server.token})

    def connect(watch: Watch) -> Any:
        client = known(watch)
        client.session.mount("http://", adapter)
        return client

    adapter = Flaky(at, sent=sent)
    wanted: Connect = connect
    return VaultKeys(Entries(wanted))


CHANGES: dict[str, Callable[[VaultKeys, str], Any]] = {
    "write": lambda keys, workspace: keys.write(workspace, "anthropic", Alias.NEXT, TWO, 0),
    "replace": lambda keys, workspace: keys.write(workspace, "anthropic", Alias.CURRENT, TWO, 1),
    "delete": lambda keys, workspace: keys.delete(workspace, "anthropic", Alias.CURRENT, 1),
    "wait": lambda keys, workspace: keys.put_incoming(workspace, "k1", TWO),
    "drop": lambda keys, workspace: keys.drop_incoming(workspace, "k0"),
    "salt": lambda keys, workspace: keys.salt(workspace),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sent", [False, True])
def test_a_connection_lost_at_any_request_leaves_all_before_or_after(openbao: OpenBao, workspace: str, change: str, sent: bool) -> None:
    steady, lost = openbao.keys(), 0

    def everything(space: str) -> tuple[Any, ...]:
        found = [steady.read(space, "anthropic", alias) for alias in Alias]
        return (*(key and key.key for key in found), bool(steady.take_incoming(space, "k0")), bool(steady.take_incoming(space, "k1")))

    def prepared(space: str) -> tuple[Any, ...]:
        assert steady.write(space, "anthropic", Alias.CURRENT, ONE, 0)
        assert steady.put_incoming(space, "k0", ONE)
        return everything(space)

    before = prepared(f"{workspace}-done")
    CHANGES[change](steady, f"{workspace}-done")
    after = everything(f"{workspace}-done")
    for at in range(1, 6):
        space = f"{workspace}-{at}"
        prepared(space)
        try:
            CHANGES[change](flaky(openbao, at, sent=sent), space)
        except VaultUnavailable:
            lost += 1
        else:
            assert everything(space) == after
            break
        assert everything(space) in (before, after)
        CHANGES[change](steady, space)  # may have been done: then it says so, and changes nothing
        assert everything(space) == after
    assert 1 <= lost < 5
    assert steady.salt(f"{workspace}-done") == steady.salt(f"{workspace}-done")


def test_nothing_is_left_of_a_key_that_was_replaced_or_deleted(openbao: OpenBao, workspace: str) -> None:
    store, path = openbao.client().secrets.kv.v2, f"{workspace}/keys/anthropic/current"
    for text in ("sk-a", "sk-b", "sk-c"):  # by people, who keep versions
        store.create_or_update_secret(path=path, secret={"key": text}, mount_point="secret")
    keys = openbao.keys()
    assert keys.write(workspace, "anthropic", Alias.CURRENT, ONE, 3)
    assert _versions(store, path) == {"4"}
    assert keys.delete(workspace, "anthropic", Alias.CURRENT, 4)
    assert _versions(store, path) == {"5"}
    assert store.read_secret_version(path=path, mount_point="secret", raise_on_deleted_version=True)["data"]["data"] == {}
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set parameter required"):
        store.create_or_update_secret(path=path, secret={"key": "sk-d"}, mount_point="secret")


def _versions(store: Any, path: str) -> set[str]:
    return set(store.read_secret_metadata(path=path, mount_point="secret")["data"]["versions"])


def test_keys_that_people_put_there_are_understood_or_refused(openbao: OpenBao, workspace: str) -> None:
    store, keys = openbao.client().secrets.kv.v2, openbao.keys()

    def put(alias: str, data: dict[str, Any]) -> None:
        store.create_or_update_secret(path=f"{workspace}/keys/anthropic/{alias}", secret=data, mount_point="secret")

    put("current", {"key": "sk-by-hand", "created": "yesterday"})
    found = keys.read(workspace, "anthropic", Alias.CURRENT)
    assert found is not None
    assert (found.key, found.fingerprint, found.id) == ("sk-by-hand", fingerprint("sk-by-hand", keys.salt(workspace)), None)
    assert found.created > 1_700_000_000_000
    put("next", {"api_key": "sk-XYZZY"})
    with quiet(of=VaultRefused, match="no text in its field 'key'"):
        keys.state(workspace, "anthropic")
    put("next", {"key": "sk-XYZZY", "fingerprint": ONE.fingerprint})
    with quiet(of=VaultRefused, match="not that of its 'key'"):
        keys.state(workspace, "anthropic")
    store.delete_latest_version_of_secret(path=f"{workspace}/keys/anthropic/next", mount_point="secret")
    assert keys.state(workspace, "anthropic").versions == (1, 0, 0)
    assert keys.write(workspace, "anthropic", Alias.NEXT, ONE, 0)
    store.create_or_update_secret(path=f"{workspace}/salt", secret={"salt": "pepper"}, cas=1, mount_point="secret")
    with quiet(of=VaultRefused, match="8 hex digits"):
        keys.salt(workspace)


def test_a_key_elsewhere_is_read_by_path_and_field(openbao: OpenBao, workspace: str) -> None:
    store, keys = openbao.client().secrets.kv.v2, openbao.keys()
    store.create_or_update_secret(path=f"clawpulse/{workspace}/new", secret={"anthropic": "sk-new", "n": 1}, mount_point="secret")
    assert keys.read_path(f"clawpulse/{workspace}/new", "anthropic") == "sk-new"
    for path, field in ((f"clawpulse/{workspace}/new", "openai"), (f"clawpulse/{workspace}/new", "n"), (f"clawpulse/{workspace}/no", "n")):
        assert keys.read_path(path, field) is None
    for path in ("", "/x", "x/", "a//b", "a/../b", "a\nb"):
        with pytest.raises(VaultRefused, match="no path of an entry"):
            keys.read_path(path, "key")


@pytest.mark.parametrize("shard", ["eu/1", "..", "eu 1", "-x"])
def test_names_that_are_no_part_of_a_path_are_refused(openbao: OpenBao, workspace: str, shard: str) -> None:
    with pytest.raises(VaultRefused, match="cannot have keys in Vault"):
        openbao.keys().state(workspace, "anthropic", shard)


def test_no_log_has_a_key_or_a_token(openbao: OpenBao, role: Role, workspace: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for version, stored in enumerate((ONE, TWO, ONE)):
        assert role.keys.write(workspace, "anthropic", Alias.CURRENT, stored, version)
    role.keys.put_incoming(workspace, "k1", ONE)
    with pytest.raises(VaultRefused):
        openbao.keys("s.wrong-XYZZY").put_incoming(workspace, "k1", TWO)
    assert "/v1/secret/data/" in caplog.text  # requests does log its requests
    for log in (caplog.text, openbao.log):
        assert not [secret for secret in ("XYZZY", role.secret_id, *role.tokens, openbao.token) if secret in log]
