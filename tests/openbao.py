"""A real OpenBao for tests: one a run, on a port and in a folder of its own, ended with the run. Tests have workspaces of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import hvac
import pytest

from clawpulse_local import environments, processes
from clawpulse_local import vault as bao
from clawpulse_local.ports import free_ports
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import LocalSettings
from functions.adapters.key_vault import VaultKeys
from functions.adapters.vault_entries import MOUNT, Entries, connector
from functions.domain.errors import VaultUnavailable


class OpenBao:
    """The server, its root token, and what can become of a server."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._daemon: Daemon | None = None
        self.token = ""

    @property
    def url(self) -> str:
        return self._settings.vault_url

    @property
    def log(self) -> str:
        return (self._settings.logs / "vault.log").read_text(errors="replace")

    def start(self) -> None:
        """Start and unseal it, with the data of the last time."""
        self._daemon = bao.start(self._settings, tie=True)
        self.unseal()

    def unseal(self) -> None:
        assert self._daemon is not None
        self.token = bao.open_up(self._settings, self._daemon, lambda _text: None).root_token

    def kill(self) -> None:
        """As a power cut would."""
        assert self._daemon is not None
        processes.kill(self._daemon)

    def stop(self) -> None:
        if self._daemon:
            processes.stop(self._daemon, patience=bao.STOP_SECONDS)

    def client(self, token: str | None = None, namespace: str | None = None) -> Any:
        """hvac's, as root unless there is a token."""
        return hvac.Client(url=self.url, token=token or self.token, namespace=namespace)

    def login(self, *policies: str) -> str:
        """A token with these policies alone."""
        made = self.client().auth.token.create(policies=list(policies), no_default_policy=True)
        return str(made["auth"]["client_token"])

    def entries(self, token: str | None = None, mount: str = MOUNT, namespace: str = "") -> Entries:
        return Entries(connector(self.url, "", {"VAULT_TOKEN": token or self.token}, namespace), mount)

    def keys(self, token: str | None = None) -> VaultKeys:
        """The adapter that is tested."""
        return VaultKeys(self.entries(token))


def settled[T](call: Callable[[], T]) -> T:
    """What a call gives once Vault is up to it: right after mounting, unsealing and starting it is not for a moment."""
    deadline = time.monotonic() + bao.START_SECONDS
    while True:
        try:
            return call()
        except VaultUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    port, vault_port = free_ports(2)
    settings = LocalSettings(state=tmp_path_factory.mktemp("openbao"), port=port, vault_port=vault_port)
    environments.ensure(settings, lambda _text: None)
    server = OpenBao(settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def workspace() -> str:
    """One that nobody has used."""
    return f"ws-{uuid.uuid4().hex[:12]}"
