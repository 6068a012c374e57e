"""Where the local cloud lives and listens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clawpulse_local.errors import LocalCloudError

REPOSITORY = Path(__file__).resolve().parents[3]
REGION = "us-east-1"
ACCOUNT = "000000000000"
DEFAULT_PORT = 4566
DEFAULT_VAULT_PORT = 8200


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """Folders and ports of one local cloud. Several can run beside each other: give each its own."""

    state: Path
    """Data, logs, pid files; private to the user."""
    port: int = DEFAULT_PORT
    vault_port: int = DEFAULT_VAULT_PORT
    repository: Path = REPOSITORY

    @classmethod
    def from_env(
        cls, env: Mapping[str, str] = os.environ, *, state: Path | None = None, port: int | None = None, vault_port: int | None = None
    ) -> LocalSettings:
        """Take what is given, then the environment, then the defaults; raises `LocalCloudError` for a port that is none."""
        return cls(
            state=(state or Path(env.get("CLAWPULSE_LOCAL_STATE") or REPOSITORY / ".clawpulse")).absolute(),
            port=port or _port(env, "CLAWPULSE_LOCAL_PORT", DEFAULT_PORT),
            vault_port=vault_port or _port(env, "CLAWPULSE_LOCAL_VAULT_PORT", DEFAULT_VAULT_PORT),
        )

    @property
    def tools(self) -> Path:
        """The environments that LocalStack, its functions and OpenBao run in; shared by all local clouds of this repository."""
        return self.repository / ".cloud"

    @property
    def logs(self) -> Path:
        """LocalStack's, OpenBao's and the functions' logs."""
        return self.state / "logs"

    @property
    def endpoint(self) -> str:
        """URL of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def vault_url(self) -> str:
        """URL of OpenBao."""
        return f"http://127.0.0.1:{self.vault_port}"


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise LocalCloudError(f"{name} must be a port between 1 and 65535, not {text!r}")
    return int(text)
