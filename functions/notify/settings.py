"""Settings of the notify function alone, beside those that all functions share: CDK writes and the handler reads them here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from functions.runtime.settings import PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """One field a variable: `vault_address` is read from `CLAWPULSE_VAULT_ADDRESS`."""

    vault_address: str = ""
    """URL of Vault; empty when the stage has none."""
    vault_role: str = ""
    """Role of Vault's AWS auth method that the function logs in as."""
    vault_mount: str = "secret"

    def environment(self) -> dict[str, str]:
        """The variables that carry these settings."""
        return {PREFIX + field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> NotifySettings:
        """Read the settings; what is absent has its default."""
        env = os.environ if env is None else env
        names = [field.name for field in fields(cls)]
        return cls(**{name: env[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in env})
