"""Entries of Vault's (or OpenBao's) key-value store, version 2, through hvac, which is imported on first use.

Faults are `VaultUnavailable` (retry) or `VaultRefused` (something has to be changed, and the text says what). Their texts are our own:
requests and answers, which hold keys and tokens, are in no error and in no representation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.adapters.vault_faults import meaning, no_vault, retry_after
from functions.domain.errors import VaultRefused

TIMEOUT_S = 5
MOUNT = "secret"
_NOT_SET = "Vault is not set up for this stage: CLAWPULSE_VAULT_ADDRESS is empty"
_NO_CLIENT = "this deployment has no client for Vault: the package hvac is missing"

type Watch = Callable[..., None]
"""Is told each answer (a hook of requests): hvac's errors have neither status nor headers."""
type Connect = Callable[[Watch], Any]
"""Makes a logged-in hvac client; may raise whatever hvac does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest version of an entry."""

    data: dict[str, Any] | None = field(repr=False)
    """None when there is none, or it is deleted."""
    version: int
    """Counts on over deletions, and is what the next write is conditioned on; 0: nothing was ever there."""
    created: int
    """ms."""


def connector(address: str, role: str, env: Mapping[str, str] = os.environ, namespace: str = "") -> Connect:
    """How to log in: by `VAULT_TOKEN` (the local cloud), by AppRole (`VAULT_ROLE_ID`, `VAULT_SECRET_ID`), else by its AWS role."""

    def connect(watch: Watch) -> Any:
        if not address:
            raise VaultRefused(_NOT_SET)
        import hvac

        # Without a token of ours hvac would look for one in the user's home.
        client = hvac.Client(url=address, token=env.get("VAULT_TOKEN", ""), namespace=namespace or None, timeout=TIMEOUT_S)
        client.session.hooks["response"].append(watch)
        if client.token:
            return client
        if "VAULT_ROLE_ID" in env:
            client.auth.approle.login(role_id=env["VAULT_ROLE_ID"], secret_id=env.get("VAULT_SECRET_ID"))
        else:
            client.auth.aws.iam_login(
                env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", ""), env.get("AWS_SESSION_TOKEN"), role=role
            )
        return client

    return connect


class Entries:
    """The entries of one mount. Logs in when it has to: at first, and once more when its token does not count any more."""

    def __init__(self, connect: Connect, mount: str = MOUNT) -> None:
        self._connect = connect
        self._mount = mount
        self._store: Any = None
        self._status = 0
        self._retry_after_s: int | None = None

    def read(self, path: str) -> Entry:
        """The newest version."""
        answer = self._ask(f"read {path}", lambda store: _newest(store, path, self._mount))
        if "data" not in answer:
            return Entry(None, 0, 0)
        told = answer["data"]["metadata"]
        return Entry(answer["data"]["data"], told["version"], _ms(told["created_time"]))

    def write(self, path: str, data: Mapping[str, Any], seen: int) -> bool:
        """Write a version after the one seen; tells whether that was the newest."""

        def write(store: Any) -> Any:
            import hvac.exceptions as faults

            try:
                return store.create_or_update_secret(path=path, secret=dict(data), cas=seen, mount_point=self._mount)
            except faults.InvalidRequest as error:
                if any("did not match the current version" in text for text in error.errors or ()):
                    return None
                raise

        answer = self._ask(f"write {path}", write)
        if answer is None:
            return False
        if not isinstance(answer, dict):
            raise no_vault()
        return True

    def keep_newest(self, path: str) -> None:
        """Have Vault keep no version but the newest (from the next write on), and refuse writes that are not conditioned on one."""
        self._ask(
            f"set up {path}", lambda store: store.update_metadata(path=path, max_versions=1, cas_required=True, mount_point=self._mount)
        )

    def destroy(self, path: str) -> None:
        """Destroy an entry with all its versions, whatever they are; harmless when there is none."""
        self._ask(f"delete {path}", lambda store: store.delete_metadata_and_all_versions(path=path, mount_point=self._mount))

    def _ask(self, what: str, do: Callable[[Any], Any]) -> Any:
        """What Vault answers to a call of hvac's KV store. `what` is for people."""
        try:
            import hvac.exceptions as faults
        except ImportError:
            raise VaultRefused(_NO_CLIENT) from None
        known = self._store is not None
        store = self._ready()
        with self._translated(what):
            try:
                return do(store)
            except (faults.Forbidden, faults.Unauthorized):
                # Also what a token gets that has run out or was revoked. Nothing was done yet, so trying again is safe.
                self._store = None
                if not known:
                    raise
        store = self._ready()
        with self._translated(what):
            return do(store)

    def _ready(self) -> Any:
        if self._store is None:
            with self._translated("log in"):
                client = self._log_in()
            with self._translated(f"use the mount {self._mount!r}"):
                _require_version_2(client.read(f"sys/internal/ui/mounts/{self._mount}"), self._mount)
            self._store = client.secrets.kv.v2
        return self._store

    def _log_in(self) -> Any:
        try:
            return self._connect(self._watch)
        except (KeyError, TypeError):
            # What hvac does with an answer that has no token.
            raise no_vault() from None

    def _watch(self, answer: Any, *_args: Any, **_options: Any) -> None:
        self._status, self._retry_after_s = answer.status_code, retry_after(answer.headers)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        import hvac.exceptions as faults
        import requests

        self._status = 0
        try:
            yield
        except (faults.VaultError, requests.RequestException) as error:
            # `from None`: the cause holds the request with its key and its token.
            raise meaning(error, self._status, what, self._mount, self._retry_after_s) from None


def _newest(store: Any, path: str, mount: str) -> dict[str, Any]:
    """The answer to a read; one without `data` when nothing was ever there."""
    import hvac.exceptions as faults

    try:
        answer = store.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
    except faults.InvalidPath as none:
        if none.errors or not isinstance(none.json, dict):
            raise
        answer = none.json
    if not isinstance(answer, dict):
        raise no_vault()
    return answer


def _require_version_2(told: Any, mount: str) -> None:
    """On another engine writes would not be conditional, or go elsewhere, without any error."""
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, dict):
        raise no_vault()
    if data.get("type") != "kv" or (data.get("options") or {}).get("version") != "2":
        raise VaultRefused(
            f"the mount {mount!r} of Vault is no key-value store of version 2: name another one (vaultMount), "
            f"or upgrade it (vault kv enable-versioning {mount})"
        )


def _ms(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
