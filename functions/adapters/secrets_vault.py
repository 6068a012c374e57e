"""Secrets in Vault (or OpenBao): fields of entries of its key-value store."""

from __future__ import annotations

from functions.adapters.secrets_manager import field_of
from functions.adapters.vault_entries import Entries
from functions.domain.channels import SecretReference
from functions.domain.errors import VaultRefused, VaultUnavailable
from functions.domain.notification import DeliveryFailed


class Vault:
    """`SecretReader`."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def read(self, reference: SecretReference) -> str:
        """The field that the reference names, of the newest version."""
        try:
            found = self._entries.read(reference.path).data
        except (VaultRefused, VaultUnavailable) as error:
            retryable = isinstance(error, VaultUnavailable)
            raise DeliveryFailed(f"the secret {reference} was not read: {error}", retryable=retryable) from None
        if found is None:
            raise DeliveryFailed(f"the secret {reference} does not exist", retryable=False)
        return field_of(found, reference)
