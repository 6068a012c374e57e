"""Where the plugin keeps its things: set by `clawpulse_local`, which starts LocalStack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VAULT = {"CLAWPULSE_PLUGIN_VAULT_ADDRESS": "CLAWPULSE_VAULT_ADDRESS", "CLAWPULSE_PLUGIN_VAULT_TOKEN": "VAULT_TOKEN"}
"""What LocalStack is told, and what functions call it."""


class MissingVariable(RuntimeError):
    """LocalStack was started without a variable that the plugin needs; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginConfig:
    """The plugin's settings."""

    state: Path
    """Data that outlive a restart."""
    cache: Path
    """What can be made again: unpacked function code."""
    logs: Path
    """One file a function."""
    runtime: Path
    """What AWS's Python runtime brings by itself: awslambdaric and boto3."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> PluginConfig:
        """Read the settings; raises `MissingVariable`."""
        return cls(**{name: _folder(env, f"CLAWPULSE_PLUGIN_{name.upper()}") for name in ("state", "cache", "logs", "runtime")})


def function_variables(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What functions are told here beside what the template says: the webhooks and the Vault of a local cloud are on this machine."""
    return {"CLAWPULSE_PRIVATE_ADDRESSES": "yes", **{theirs: env[ours] for ours, theirs in _VAULT.items() if env.get(ours)}}


def _folder(env: Mapping[str, str], name: str) -> Path:
    if not env.get(name):
        raise MissingVariable(f"{name} is not set: start LocalStack with `clawpulse local up`")
    return Path(env[name])
