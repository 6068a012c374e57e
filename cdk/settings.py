"""Settings of a stage, read from the context of `cdk.json` (`stages`) and validated before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from functions.runtime.vault_settings import VaultSettings

LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653)
"""Those that CloudWatch Logs takes and anyone needs."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""A small letter, then letters, digits and hyphens: goes into names of stacks."""
Workspace = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""As tokens name workspaces."""
AutoScalingGroup = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")]
"""Name of a group; without characters that mean something in an ARN."""


MAX_RATE, MAX_BURST = 10_000, 5_000
"""What API Gateway gives an account in a region, unless AWS has raised it."""


class SettingsError(Exception):
    """The settings of a stage are missing or wrong; the text names each fault."""


def _known_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(f"logs can be kept for {', '.join(map(str, LOG_RETENTION_DAYS))} days")
    return days


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Limits(_Model):
    """How much one workspace may ask of the API; everything that its tokens do counts."""

    rate: int = Field(200, ge=1, le=MAX_RATE)
    """Requests a second, on average."""
    burst: int = Field(400, ge=1, le=MAX_BURST)
    """Requests at once."""
    quota_per_day: int = Field(10_000_000, ge=1)

    @model_validator(mode="after")
    def _burst_at_least_rate(self) -> Limits:
        if self.burst < min(self.rate, MAX_BURST):
            raise ValueError(f"burst ({self.burst}) must not be below rate ({self.rate})")
        return self


class StageSettings(_Model):
    """One stage: one pair of stacks, `clawpulse-<name>-data` and `clawpulse-<name>-app`."""

    name: Name
    raw_history: bool = True
    """Keep raw points, tasks and events in Timestream. Needs an account with access to Timestream for LiveAnalytics."""
    workspaces: dict[Workspace, Limits] = Field(default_factory=lambda: {"default": Limits()}, min_length=1)
    buckets: int = Field(4, ge=1, le=64)
    """Partitions that a workspace's batches are spread over; one takes about 1,000 batches a second. Never lower it in use."""
    log_retention_days: Annotated[int, AfterValidator(_known_retention)] = 30
    alarm_email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = None
    """Subscribed to the topic of the system's own alarms; the owner has to confirm once."""
    private_addresses: bool = False
    """Webhooks and the dead man's switch may be at addresses that are not public, and plain http: for a network of one's own."""
    vault_address: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/@?#]+)?$")] = ""
    """URL of Vault or OpenBao, for keys that are rotated, and channels whose secrets are there."""
    vault_role: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,128}$")] = ""
    """Role of Vault's AWS auth method that the functions log in as."""
    vault_mount: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/.-]{1,128}$")] = "secret"
    """Where its KV engine (version 2) is mounted."""
    vault_namespace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/.-]{0,256}$")] = ""
    """Its namespace; empty for the root one."""
    scaling_targets: tuple[AutoScalingGroup, ...] = ()
    """Auto Scaling groups of EC2 whose desired capacity scaling policies may set."""
    cloud_front: bool = False
    """Serve the page from S3 by CloudFront, with the API under the same name. The API serves the page in any case."""
    removal: Literal["retain", "destroy"] = "retain"
    """What becomes of data when its stack is deleted."""
    gateway_log_role: bool = True
    """Set the account's role for API Gateway's logs. Only false where the account has one already."""

    @property
    def vault(self) -> VaultSettings:
        """As the functions that use Vault have it."""
        return VaultSettings(
            vault_address=self.vault_address,
            vault_role=self.vault_role,
            vault_mount=self.vault_mount,
            vault_namespace=self.vault_namespace,
        )

    @property
    def retained(self) -> bool:
        """Whether data outlives its stack."""
        return self.removal == "retain"


def load(context: Mapping[str, Any], stage: str) -> StageSettings:
    """The settings of one stage; raises `SettingsError` naming what is wrong."""
    stages = context.get("stages")
    if not isinstance(stages, Mapping) or not stages:
        raise SettingsError("cdk.json: context.stages must name at least one stage")
    if stage not in stages:
        raise SettingsError(f"there is no stage {stage!r}; cdk.json has {', '.join(sorted(stages))} (context.stages)")
    if not isinstance(stages[stage], Mapping):
        raise SettingsError(f"cdk.json: context.stages.{stage} must be an object")
    try:
        return StageSettings.model_validate({**stages[stage], "name": stage})
    except ValidationError as error:
        raise SettingsError(_explain(stage, error)) from None


def _explain(stage: str, error: ValidationError) -> str:
    lines = [f"the settings of stage {stage!r} (cdk.json, context.stages.{stage}) are wrong:"]
    for fault in error.errors(include_url=False, include_context=False):
        field = ".".join(str(part) for part in fault["loc"]) or "stage"
        lines.append(f"- {field}: {fault['msg']} (given: {fault['input']!r})")
    return "\n".join(lines)


CONTEXT_FILE = Path(__file__).resolve().parent.parent / "cdk.json"
