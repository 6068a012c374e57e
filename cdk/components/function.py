"""Builds every function alike: Python 3.13 on arm64, the shared layer, logs with retention, a role with what it is granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.assets import Assets
from cdk.components import grants
from cdk.components.nag import acknowledge

ONE_CPU_MB = 1769
"""Lambda gives processor time by memory; this much is one whole processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What all functions of a stage share."""

    code: lambda_.Code
    layer: lambda_.ILayerVersion
    environment: Mapping[str, str]
    log_retention: logs.RetentionDays

    @classmethod
    def of(cls, scope: Construct, *, assets: Assets, environment: Mapping[str, str], log_retention: logs.RetentionDays) -> Runtime:
        """The code and one layer from built assets."""
        layer = lambda_.LayerVersion(
            scope,
            "Layer",
            code=lambda_.Code.from_asset(str(assets.layer)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
            description="Libraries of the ClawPulse functions",
        )
        code = lambda_.Code.from_asset(str(assets.code))
        return cls(code=code, layer=layer, environment=environment, log_retention=log_retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    """What becomes of an asynchronous event that the function cannot handle."""

    queue: sqs.IQueue
    retries: int
    max_age: Duration


class Function(Construct):
    """One function with its log group and its role; `function` is the Lambda."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        runtime: Runtime,
        handler: str,
        description: str,
        memory_mb: int,
        timeout: Duration,
        can: Sequence[grants.Grant] = (),
        on_failure: OnFailure | None = None,
        traced: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`can`: all that it may do besides writing its log. `on_failure`: for one that is called asynchronously.

        `variables`: settings of its own, beside those that all functions share.
        """
        super().__init__(scope, name)
        log_group = logs.LogGroup(self, "Logs", retention=runtime.log_retention, removal_policy=RemovalPolicy.DESTROY)
        self.role = self._role(log_group, [*can, *([grants.tracing] if traced else [])])
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=runtime.code,
            layers=[runtime.layer],
            handler=handler,
            description=description,
            memory_size=memory_mb,
            timeout=timeout,
            environment={**runtime.environment, **(variables or {})},
            role=self.role.without_policy_updates(),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Lambda's own three lines a run would cost more than the run; what they tell is in its metrics.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.DISABLED,
        )
        acknowledge(self.function, {"AwsSolutions-L1": "Python 3.13 is what the tests, the layer's wheels and the local cloud run."})
        if on_failure:
            self._keep_failures(on_failure)

    def _role(self, log_group: logs.LogGroup, can: Sequence[grants.Grant]) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        # The managed policy for basic execution would allow writing to every log group.
        log_group.grant_write(role)
        for grant in can:
            grant(role)
        return role

    def _keep_failures(self, on_failure: OnFailure) -> None:
        grants.send(on_failure.queue)(self.role)
        self.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(on_failure.queue), retry_attempts=on_failure.retries, max_event_age=on_failure.max_age
        )
