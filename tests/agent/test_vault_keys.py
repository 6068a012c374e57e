"""Keys from a real Vault (OpenBao), by an AppRole login of the agent's own with the shipped policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.adapters.key_vault import VaultKeys
from functions.domain.rotation import Alias, StoredKey
from tests.agent.conftest import Agent
from tests.agent.server import SALT, Server
from tests.agent.test_keys import NEW, OLD, QUICK, commands, hook, in_force, left_behind, prints, report
from tests.openbao import OpenBao, settled

pytestmark = pytest.mark.cloud

POLICIES = Path(__file__).parents[2] / "vault" / "policies"


def stored(key: str) -> StoredKey:
    return StoredKey(key, prints(key), None, 0, 1_800_000_000_000)


class Login:
    """An AppRole with one of the shipped policies, and where an agent's keys lie."""

    def __init__(self, server: OpenBao, folder: Path, workspace: str, shard: str = "", namespace: str = "") -> None:
        self.server, self.workspace, self.shard, self.namespace = server, workspace, shard, namespace
        self.keys = VaultKeys(server.entries(namespace=namespace), new_salt=lambda: SALT)
        self.secret_file = folder / f"secret-id{shard}"
        self.role = f"{workspace}{shard}"
        self._client = server.client(namespace=namespace or None)
        if "approle/" not in self._client.sys.list_auth_methods()["data"]:
            self._client.sys.enable_auth_method("approle")
        self.settle(ttl="20m")
        self.role_id: str = self._client.auth.approle.read_role_id(self.role)["data"]["role_id"]
        self.new_secret()

    def settle(self, ttl: str) -> None:
        text = (POLICIES / ("shard-agent.hcl" if self.shard else "agent.hcl")).read_text()
        for name, value in (("MOUNT", "secret"), ("WORKSPACE", self.workspace), ("SHARD", self.shard)):
            text = text.replace(f"@{name}@", value)
        self._client.sys.create_or_update_policy(self.role, text)
        self._client.auth.approle.create_or_update_approle(
            self.role, token_policies=[self.role], token_no_default_policy=True, token_ttl=ttl, token_max_ttl="1h"
        )

    def new_secret(self) -> None:
        secret = self._client.auth.approle.generate_secret_id(self.role)["data"]["secret_id"]
        self.secret_file.touch(mode=0o600)
        self.secret_file.write_text(f"{secret}\n")

    def forbid(self) -> None:
        self._client.sys.create_or_update_policy(self.role, 'path "none" { capabilities = ["read"] }')

    @property
    def settings(self) -> dict[str, str]:
        return {
            **QUICK,
            "KEY_SOURCE": "vault",
            "VAULT_ADDRESS": self.server.url,
            "VAULT_ROLE_ID": self.role_id,
            "VAULT_SECRET_ID_FILE": str(self.secret_file),
            "VAULT_WORKSPACE": self.workspace,
            "VAULT_SHARD": self.shard,
            "VAULT_NAMESPACE": self.namespace,
        }


@pytest.fixture
def login(openbao: OpenBao, tmp_path: Path, workspace: str) -> Login:
    return Login(openbao, tmp_path, workspace)


def test_the_alias_with_the_fingerprint_is_taken_wherever_it_is(login: Login, server: Server, new_agent: Callable[..., Agent]) -> None:
    for alias, key in ((Alias.CURRENT, OLD), (Alias.NEXT, NEW), (Alias.OLD, "sk-oldest")):
        assert login.keys.write(login.workspace, "anthropic", alias, stored(key), 0)
    agent = new_agent(server.url, **login.settings)
    seen: list[str] = []
    hook(agent, "10-slow", f"cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>{agent.home.parent}/seen 2>/dev/null; sleep 0.1")
    agent.run()
    for key in (OLD, NEW, "sk-oldest"):
        server.keys = {"anthropic": key}
        server.wait(lambda key=key: bool(server.batches) and report(server).get("fingerprint") == prints(key))  # type: ignore[misc]
        seen += commands()
    assert server.keys_asked == []
    secret = login.secret_file.read_text().strip()
    shown = (agent.home.parent / "seen").read_text(errors="replace") + "".join(seen)
    assert str(agent.home) in shown
    assert all(word not in shown for word in (secret, login.role_id, OLD, NEW))
    assert left_behind(agent, secret, login.role_id, OLD, NEW) == set()


def test_a_key_that_people_put_there_without_a_fingerprint(login: Login, server: Server, new_agent: Callable[..., Agent]) -> None:
    login.server.client().secrets.kv.v2.create_or_update_secret(
        path=f"{login.workspace}/keys/anthropic/current", secret={"a": {"key": "x"}, "key": 'sk-"a\\<&>b'}, mount_point="secret"
    )
    server.keys = {"anthropic": 'sk-"a\\<&>b'}
    agent = new_agent(server.url, **login.settings)
    agent.run()
    server.wait(lambda: bool(server.batches) and report(server).get("fingerprint") == prints('sk-"a\\<&>b'))
    assert in_force(agent) == 'sk-"a\\<&>b'


def test_a_shard_has_its_own_keys_and_no_others(
    openbao: OpenBao, tmp_path: Path, workspace: str, server: Server, new_agent: Callable[..., Agent]
) -> None:
    login = Login(openbao, tmp_path, workspace, "eu-1")
    assert login.keys.write(workspace, "anthropic", Alias.CURRENT, stored(OLD), 0, "eu-1")
    assert login.keys.write(workspace, "anthropic", Alias.CURRENT, stored(NEW), 0)
    server.keys = {"anthropic": OLD}
    agent = new_agent(server.url, **login.settings)
    agent.run()
    server.wait(lambda: bool(server.batches) and report(server).get("fingerprint") == prints(OLD))
    agent.stop()
    server.keys = {"anthropic": NEW}
    agent.configure(VAULT_SHARD="")
    agent.run()
    server.wait(lambda: "error" in report(server))
    assert report(server)["error"].startswith(f"{prints(NEW)}: Vault does not let this agent read keys (status 403: ")
    assert report(server)["fingerprint"] == prints(OLD)


def test_a_namespace(openbao: OpenBao, tmp_path: Path, workspace: str, server: Server, new_agent: Callable[..., Agent]) -> None:
    openbao.client().write_data(f"sys/namespaces/{workspace}", data={})
    openbao.client(namespace=workspace).sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    login = Login(openbao, tmp_path, workspace, namespace=workspace)
    assert settled(lambda: login.keys.write(workspace, "anthropic", Alias.CURRENT, stored(OLD), 0))
    server.keys = {"anthropic": OLD}
    new_agent(server.url, **login.settings).run()
    server.wait(lambda: bool(server.batches) and report(server).get("fingerprint") == prints(OLD))


def test_what_vault_refuses_is_told_and_comes_right_again(login: Login, server: Server, new_agent: Callable[..., Agent]) -> None:
    assert login.keys.write(login.workspace, "anthropic", Alias.NEXT, stored(NEW), 0)
    agent = new_agent(server.url, **login.settings | {"RETRY_SECONDS": "0.5"})
    good = login.secret_file.read_text()
    login.secret_file.write_text("00000000-0000-0000-0000-000000000000\n")
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "log in" in report(server).get("error", ""))
    assert report(server)["error"] == f"{prints(NEW)}: Vault does not let this agent log in (status 400: invalid role or secret ID)"
    login.secret_file.write_text(good)
    login.forbid()
    server.wait(lambda: "read keys" in report(server).get("error", ""))
    login.settle(ttl="1s")
    server.wait(lambda: report(server) == {"fingerprint": prints(NEW)})


@pytest.fixture
def sealing(openbao: OpenBao) -> Iterator[OpenBao]:
    yield openbao
    openbao.unseal()


def test_a_sealed_vault_and_a_key_that_is_not_there_are_waited_for(
    login: Login, sealing: OpenBao, server: Server, new_agent: Callable[..., Agent]
) -> None:
    agent = new_agent(server.url, **login.settings | {"RETRY_SECONDS": "0.3"})
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "Vault has no key with this fingerprint" in report(server).get("error", ""))
    assert report(server)["error"].endswith(" s)")
    sealing.client().sys.seal()
    server.wait(lambda: "Vault cannot be asked now (status 503" in report(server).get("error", ""))
    sealing.unseal()
    assert settled(lambda: login.keys.write(login.workspace, "anthropic", Alias.NEXT, stored(NEW), 0))
    server.wait(lambda: report(server) == {"fingerprint": prints(NEW)})
