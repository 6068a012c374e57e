"""Secrets in Vault (or OpenBao): the KV store, version 2, through hvac, which is imported on first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from functions.adapters.secrets_manager import field_of
from functions.domain.channels import SecretReference
from functions.domain.notification import DeliveryFailed

TIMEOUT_S = 5
MOUNT = "secret"
_NOT_SET = "Vault is not set up for this stage: CLAWPULSE_VAULT_ADDRESS is empty"


class Vault:
    """`SecretReader`."""

    def __init__(self, connect: Callable[[], Any], mount: str = MOUNT) -> None:
        """`connect` makes a logged-in hvac client; it may raise whatever hvac does."""
        self._connect = connect
        self._mount = mount
        self._client: Any = None

    def read(self, reference: SecretReference) -> str:
        """The field that the reference names, of the newest version."""
        try:
            import hvac.exceptions as faults
            import requests
        except ImportError:
            raise DeliveryFailed("this deployment has no client for Vault: the package hvac is missing", retryable=False) from None
        try:
            try:
                found = self._fetch(reference.path)
            except (faults.Forbidden, faults.Unauthorized):
                # Our token may have run out: log in anew, once.
                self._client = None
                found = self._fetch(reference.path)
        except faults.InvalidPath:
            raise DeliveryFailed(f"the secret {reference} does not exist", retryable=False) from None
        except (faults.Forbidden, faults.Unauthorized):
            raise DeliveryFailed(f"Vault does not let us read the secret {reference}", retryable=False) from None
        except (faults.VaultError, requests.RequestException) as error:
            self._client = None
            raise DeliveryFailed(f"Vault did not give the secret {reference}: {type(error).__name__}", retryable=True) from None
        return field_of(found["data"]["data"], reference)

    def _fetch(self, path: str) -> Any:
        self._client = self._client or self._connect()
        return self._client.secrets.kv.v2.read_secret_version(path=path, mount_point=self._mount, raise_on_deleted_version=True)


def connector(address: str, role: str, env: Mapping[str, str] = os.environ) -> Callable[[], Any]:
    """How to log in: with `VAULT_TOKEN` where there is one (the local cloud), else as the function's AWS role."""

    def connect() -> Any:
        if not address:
            raise DeliveryFailed(_NOT_SET, retryable=False)
        import hvac

        client = hvac.Client(url=address, token=env.get("VAULT_TOKEN"), timeout=TIMEOUT_S)
        if not client.token:
            client.auth.aws.iam_login(
                env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", ""), env.get("AWS_SESSION_TOKEN"), role=role
            )
        return client

    return connect
