"""Settings of the function that scales, beside those of all functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from functions.runtime.settings import PREFIX, MissingSetting

TOPIC = f"{PREFIX}SCALING_TOPIC_ARN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingSettings:
    """As CDK declares them and the function reads them."""

    scaling_topic_arn: str
    """Topic of SNS that is told of changed decisions."""

    def environment(self) -> dict[str, str]:
        """The variables that carry these settings."""
        return {TOPIC: self.scaling_topic_arn}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> ScalingSettings:
        """Read the settings; raises `MissingSetting` naming the variable."""
        env = os.environ if env is None else env
        if TOPIC not in env:
            raise MissingSetting(f"{TOPIC} is not set")
        return cls(scaling_topic_arn=env[TOPIC])
