"""Rollouts: a state machine that steps each of them until it is over."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from constructs import Construct


def machine_name(stage: str) -> str:
    """The name of a stage's state machine, fixed: its functions start executions of it, and it invokes them."""
    return f"clawpulse-{stage}-rollouts"


def machine_arn(scope: Construct, stage: str) -> str:
    """The ARN of a stage's state machine."""
    return Stack.of(scope).format_arn(
        service="states", resource="stateMachine", resource_name=machine_name(stage), arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
