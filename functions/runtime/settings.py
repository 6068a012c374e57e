"""Settings of the functions, each declared once: CDK writes them with `environment()`, functions read them with `from_env()`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from functions.domain.errors import ClawPulseError

PREFIX = "CLAWPULSE_"


class MissingSetting(ClawPulseError):
    """An environment variable that the functions need is absent or malformed; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field a variable: `batches_table` is read from `CLAWPULSE_BATCHES_TABLE`."""

    stage: str
    batches_table: str
    rollups_table: str
    fleet_table: str
    tokens_table: str
    alerts_table: str
    rollouts_table: str
    seal_queue_url: str
    evaluate_queue_url: str
    notify_queue_url: str
    report_queue_url: str
    reports_bucket: str
    rollout_machine_arn: str
    """The state machine that steps rollouts. Its name is fixed, so that functions and machine can name each other."""
    rotation_machine_arn: str
    """That which steps rotations."""
    workspaces: str
    """Comma-separated names of the workspaces that seal serves."""
    raw_database: str
    """Timestream database; empty when the stage keeps no raw history."""
    buckets: int
    """Partitions that a workspace's batches are spread over."""
    private_addresses: str
    """`yes`: what users name (webhooks, the dead man's switch) may be at addresses that are not public, and plain http. The local cloud
    says so, whatever the stage does."""

    @property
    def raw_history(self) -> bool:
        """Whether the stage keeps raw points, tasks and events in Timestream."""
        return bool(self.raw_database)

    @property
    def reaches_private(self) -> bool:
        """Whether requests may go to addresses that are not public."""
        return self.private_addresses == "yes"

    @property
    def workspace_names(self) -> tuple[str, ...]:
        """The workspaces."""
        return tuple(name for name in self.workspaces.split(",") if name)

    def usage_key(self, workspace: str) -> str:
        """The API key that the gateway counts a workspace's requests on: the authorizer's `usageIdentifierKey`.

        Clients never send it and it opens nothing (`apiKeySource: AUTHORIZER`): a label of the usage plan, no secret, and so the same in
        each deployment. It names the stage because such keys are unique in an account and region.
        """
        return f"clawpulse-{self.stage}-workspace-{workspace}"

    def environment(self) -> dict[str, str]:
        """The variables that carry these settings."""
        return {PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raises `MissingSetting` naming the variable."""
        env = os.environ if env is None else env
        return cls(**{f.name: _read(env, PREFIX + f.name.upper(), f.type) for f in fields(cls)})  # type: ignore[arg-type]


def _read(env: Mapping[str, str], name: str, kind: object) -> str | int:
    if name not in env:
        raise MissingSetting(f"{name} is not set")
    if kind != "int":
        return env[name]
    try:
        return int(env[name])
    except ValueError:
        raise MissingSetting(f"{name} must be a whole number, not {env[name]!r}") from None
