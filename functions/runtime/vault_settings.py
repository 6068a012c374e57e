"""Settings of the functions that use Vault, beside those that all functions share: CDK writes and their handlers read them here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from functions.runtime.settings import PREFIX

if TYPE_CHECKING:
    from functions.adapters.vault_entries import Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """One field a variable: `vault_address` is read from `CLAWPULSE_VAULT_ADDRESS`. The local cloud says where its own Vault is."""

    vault_address: str = ""
    """URL of Vault; empty when the stage has none."""
    vault_role: str = ""
    """Role of Vault's AWS auth method that the function logs in as."""
    vault_mount: str = "secret"
    """Where its key-value store, version 2, is mounted."""
    vault_namespace: str = ""
    """Namespace with the mount and the role; empty for the root one."""

    def environment(self) -> dict[str, str]:
        """The variables that carry these settings."""
        return {PREFIX + field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> VaultSettings:
        """Read the settings; what is absent has its default."""
        env = os.environ if env is None else env
        names = [field.name for field in fields(cls)]
        return cls(**{name: env[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in env})

    def entries(self) -> Entries:
        """The entries of that Vault; nothing is asked before it is needed."""
        from functions.adapters.vault_entries import Entries, connector

        return Entries(connector(self.vault_address, self.vault_role, namespace=self.vault_namespace), self.vault_mount)
