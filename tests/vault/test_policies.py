"""The shipped policies on a real OpenBao: what each may, and above all what it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hvac.exceptions
import pytest

from functions.adapters.key_vault import VaultKeys
from functions.domain.errors import VaultRefused
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import Alias, StoredKey
from tests.openbao import OpenBao, settled

pytestmark = pytest.mark.cloud

POLICIES = Path(__file__).parents[2] / "vault" / "policies"
KEY = StoredKey("sk-secret", fingerprint("sk-secret", "0a1b2c3d"), None, 0, 1_800_000_000_000)
ALIASES = tuple(Alias)


class Fleet:
    """Keys of two workspaces, of the first also in two shards, and tokens with one policy each."""

    def __init__(self, server: OpenBao, mine: str, theirs: str) -> None:
        self.server, self.mine, self.theirs = server, mine, theirs
        root = server.keys()
        for workspace, shard in ((mine, ""), (mine, "eu-1"), (mine, "eu-2"), (theirs, "")):
            for alias in ALIASES:
                assert root.write(workspace, "anthropic", alias, KEY, 0, shard)
        self.salt = root.salt(mine)
        root.salt(theirs)

    def token(self, template: str, shard: str = "") -> str:
        text = (POLICIES / f"{template}.hcl").read_text()
        for name, value in (("MOUNT", "secret"), ("WORKSPACE", self.mine), ("SHARD", shard)):
            text = text.replace(f"@{name}@", value)
        self.server.client().sys.create_or_update_policy(f"{self.mine}-{template}{shard}", text)
        return self.server.login(f"{self.mine}-{template}{shard}")

    def keys(self, template: str, shard: str = "") -> VaultKeys:
        return self.server.keys(self.token(template, shard))


@pytest.fixture(scope="module")
def fleet(openbao: OpenBao) -> Fleet:
    return Fleet(openbao, "policies-mine", "policies-theirs")


def refused(call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(VaultRefused, match="does not let us"):
        call(*arguments)


@pytest.mark.parametrize(("template", "own", "others"), [("agent", "", ("eu-1", "eu-2")), ("shard-agent", "eu-1", ("", "eu-2"))])
def test_an_agent_reads_its_own_keys_and_the_salt_and_nothing_else(fleet: Fleet, template: str, own: str, others: tuple[str, ...]) -> None:
    keys = fleet.keys(template, own)
    for alias in ALIASES:
        found = keys.read(fleet.mine, "anthropic", alias, own)
        assert found is not None
        assert found.key == "sk-secret"
        for other in others:
            refused(keys.read, fleet.mine, "anthropic", alias, other)
        refused(keys.read, fleet.theirs, "anthropic", alias, own)
    assert keys.salt(fleet.mine) == fleet.salt
    refused(keys.salt, fleet.theirs)
    refused(keys.take_incoming, fleet.mine, "k1")
    refused(keys.read_path, f"clawpulse/{fleet.mine}/slack", "token")


@pytest.mark.parametrize(("template", "own"), [("agent", ""), ("shard-agent", "eu-1"), ("reader", "")])
def test_who_reads_writes_no_key(fleet: Fleet, template: str, own: str) -> None:
    keys, store = fleet.keys(template, own), fleet.server.client(fleet.token(template, own)).secrets.kv.v2
    path = f"{fleet.mine}/{f'shards/{own}/' if own else ''}keys/anthropic/current"
    refused(keys.write, fleet.mine, "anthropic", Alias.CURRENT, KEY, 1, own)
    refused(keys.delete, fleet.mine, "anthropic", Alias.CURRENT, 1, own)
    refused(keys.writable, fleet.mine, own)
    for change in (
        lambda: store.create_or_update_secret(path=path, secret={"key": "x"}, cas=1, mount_point="secret"),
        lambda: store.delete_latest_version_of_secret(path=path, mount_point="secret"),
        lambda: store.destroy_secret_versions(path=path, versions=[1], mount_point="secret"),
        lambda: store.update_metadata(path=path, max_versions=5, mount_point="secret"),
        lambda: store.delete_metadata_and_all_versions(path=path, mount_point="secret"),
        lambda: store.list_secrets(path=fleet.mine, mount_point="secret"),
    ):
        with pytest.raises(hvac.exceptions.Forbidden):
            change()
    assert fleet.server.keys().read(fleet.mine, "anthropic", Alias.CURRENT, own) == KEY._replace(version=1)


def test_the_api_reads_keys_lets_new_ones_wait_and_makes_the_salt(fleet: Fleet) -> None:
    keys = fleet.keys("reader")
    for shard in ("", "eu-1"):
        assert keys.state(fleet.mine, "anthropic", shard).versions == (1, 1, 1)
    assert keys.put_incoming(fleet.mine, "k-api", KEY)
    assert not keys.put_incoming(fleet.mine, "k-api", KEY._replace(key="sk-other"))
    assert keys.salt(fleet.mine) == fleet.salt
    for path in (f"clawpulse/{fleet.mine}/new", f"{fleet.mine}/new"):
        assert keys.read_path(path, "key") is None
    for path in (f"clawpulse/{fleet.theirs}/new", f"{fleet.theirs}/new", "new"):
        refused(keys.read_path, path, "key")
    keys.drop_incoming(fleet.mine, "k-api")
    refused(keys.state, fleet.theirs, "anthropic")
    refused(keys.put_incoming, fleet.theirs, "k-api", KEY)


def test_the_controller_does_all_that_a_rotation_needs_in_its_workspace_alone(fleet: Fleet) -> None:
    keys = fleet.keys("controller")
    keys.put_incoming(fleet.mine, "k1", KEY)
    taken = keys.take_incoming(fleet.mine, "k1")
    assert taken is not None
    keys.drop_incoming(fleet.mine, "k1")
    for shard in ("", "eu-9"):
        keys.writable(fleet.mine, shard)
        assert keys.write(fleet.mine, "openai", Alias.NEXT, taken, 0, shard)
        assert keys.write(fleet.mine, "openai", Alias.CURRENT, taken, 0, shard)
        assert keys.delete(fleet.mine, "openai", Alias.NEXT, 1, shard)
        assert keys.state(fleet.mine, "openai", shard).versions == (1, 0, 0)
    for path in (f"clawpulse/{fleet.mine}/new", f"{fleet.mine}/new"):
        assert keys.read_path(path, "key") is None
    refused(keys.read_path, f"{fleet.theirs}/new", "key")
    refused(keys.write, fleet.theirs, "openai", Alias.NEXT, taken, 0)
    refused(keys.writable, fleet.theirs)
    refused(keys.put_incoming, fleet.theirs, "k1", KEY)


def test_the_controller_writes_keys_only(fleet: Fleet) -> None:
    store = fleet.server.client(fleet.token("controller")).secrets.kv.v2
    for path in (
        f"clawpulse/{fleet.mine}/slack",
        f"{fleet.mine}/other",
        f"{fleet.mine}/shards/eu-1/other",
        "other",
        f"{fleet.theirs}/salt",
    ):
        with pytest.raises(hvac.exceptions.Forbidden):
            store.create_or_update_secret(path=path, secret={"token": "x"}, mount_point="secret")
    client = fleet.server.client(fleet.token("controller"))
    for path in ("sys/policies/acl/x", "sys/auth/userpass", "auth/token/create", "sys/mounts/other"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.write_data(path, data={})


def test_a_namespace_has_its_own_keys_and_policies(openbao: OpenBao, workspace: str) -> None:
    openbao.client().write_data(f"sys/namespaces/{workspace}", data={})
    inside = openbao.client(namespace=workspace)
    inside.sys.enable_secrets_engine("kv", path="keys", options={"version": "2"})
    keys = VaultKeys(openbao.entries(mount="keys", namespace=workspace))
    salt = settled(lambda: keys.salt("default"))
    assert keys.salt("default") == salt
    assert inside.secrets.kv.v2.read_secret("default/salt", mount_point="keys", raise_on_deleted_version=True)["data"]["data"] == {
        "salt": salt
    }
    with pytest.raises(VaultRefused, match="'keys'"):
        VaultKeys(openbao.entries(mount="keys")).salt("default")
