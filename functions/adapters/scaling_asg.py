"""Auto Scaling groups of EC2 as targets of scaling decisions."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.adapters.faults import code_of
from functions.domain.errors import StoreUnavailable, TargetRefused

_MAY_HELP = frozenset({"ScalingActivityInProgress", "ResourceContention", "Throttling", "ThrottlingException", "RequestLimitExceeded"})
_SERVER_FAULT = 500


class AutoScalingGroups:
    """`ScalingTarget`."""

    def __init__(self, client: Any) -> None:
        """`client` is boto3's of `autoscaling`."""
        self._client = client

    def capacity(self, name: str) -> int:
        """The group's desired capacity."""
        try:
            found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        except (ClientError, BotoCoreError) as error:
            raise _fault(name, error) from error
        if not found:
            raise TargetRefused(f"there is no Auto Scaling group {name}")
        return int(found[0]["DesiredCapacity"])

    def set_capacity(self, name: str, capacity: int) -> None:
        """Set it; the group's own cooldown does not hold it up, for decisions have theirs."""
        try:
            self._client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=capacity, HonorCooldown=False)
        except (ClientError, BotoCoreError) as error:
            raise _fault(name, error) from error


def _fault(name: str, error: ClientError | BotoCoreError) -> StoreUnavailable | TargetRefused:
    text = f"Auto Scaling group {name}: {error}"
    if isinstance(error, ClientError):
        code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code not in _MAY_HELP and status < _SERVER_FAULT:
            return TargetRefused(text)
    return StoreUnavailable(text)
