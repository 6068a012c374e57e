"""Ops: alarms on the system's own health, sent to one topic.

What agents do is for alert rules inside ClawPulse; these tell when ClawPulse itself cannot.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components.gateway import Gateway
from cdk.data_stack import DataStack
from cdk.features.api import Api
from cdk.features.authorizer import Authorizer
from cdk.features.ingest import Ingest
from cdk.features.otlp import Otlp
from cdk.features.seal import Seal, SealQueue
from cdk.settings import StageSettings

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Ops(Construct):
    """The topic and the alarms."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: StageSettings,
        data: DataStack,
        ingest: Ingest,
        otlp: Otlp,
        seal: Seal,
        ticks: SealQueue,
        api: Api,
        gateway: Gateway,
        tokens: Authorizer,
    ) -> None:
        super().__init__(scope, "Ops")
        self._stage = settings.name
        self.topic = sns.Topic(self, "Topic", display_name=f"ClawPulse {settings.name}", master_key=data.key, enforce_ssl=True)
        # A topic with a policy has no other: without this, alarms would change their colour and tell nobody.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        if settings.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        self._gateway(gateway)
        self._function("Ingest", ingest.batches.function)
        self._function("Otlp", otlp.take.function)
        self._function("Authorizer", tokens.authorize.function)
        self._function("Api", api.read.function)
        self._function("Seal", seal.seal.function)
        self._alive(seal.seal.function)
        self._queues(ticks.queue, {"Seal": ticks.dead_letters, "Tick": seal.missed})
        for name, table in {"Batches": data.batches, "Rollups": data.rollups, "Fleet": data.fleet, "Tokens": data.tokens}.items():
            self._table(name, table)
        if data.raw:
            self._raw()
        CfnOutput(self, "OpsTopic", value=self.topic.topic_arn).override_logical_id("OpsTopicArn")

    def _gateway(self, gateway: Gateway) -> None:
        stage = gateway.rest_api.deployment_stage
        self._alarm(
            "GatewayErrors", "The API answers with 5xx", stage.metric_server_error(period=FIVE_MINUTES, statistic="Sum"), at_least=5
        )
        self._alarm(
            "GatewaySlow",
            "One of a hundred requests takes more than 3 s",
            stage.metric_latency(period=FIVE_MINUTES, statistic="p99"),
            at_least=3000,
            of=3,
        )

    def _function(self, name: str, function: lambda_.Function) -> None:
        self._alarm(f"{name}Errors", f"{name} fails", function.metric_errors(period=FIVE_MINUTES), at_least=3)
        self._alarm(
            f"{name}Throttles",
            f"{name} is held back by the account's limit of concurrent functions",
            function.metric_throttles(period=FIVE_MINUTES),
            at_least=1,
        )

    def _alive(self, seal: lambda_.Function) -> None:
        """A dead man's switch: no data is the worst news of all."""
        self._alarm(
            "SealSilent",
            "Seal has not run for 5 minutes: rollups and health stand still",
            seal.metric_invocations(period=MINUTE),
            below=1,
            of=5,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _queues(self, ticks: sqs.Queue, dead_letters: dict[str, sqs.Queue]) -> None:
        age = ticks.metric_approximate_age_of_oldest_message(period=MINUTE)
        self._alarm("TicksLate", "Ticks wait longer than 2 minutes for seal", age, at_least=120, of=3)
        for name, queue in dead_letters.items():
            visible = queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES)
            self._alarm(
                f"{name}DeadLetters", f"{name} gave up on messages; they are kept 14 days in {queue.node.path}", visible, at_least=1
            )

    def _table(self, name: str, table: dynamodb.Table) -> None:
        throttles = cloudwatch.MathExpression(
            expression="FILL(reads, 0) + FILL(writes, 0)",
            using_metrics={
                "reads": table.metric("ReadThrottleEvents", statistic="Sum"),
                "writes": table.metric("WriteThrottleEvents", statistic="Sum"),
            },
            period=FIVE_MINUTES,
            label=f"throttled requests of {name}",
        )
        self._alarm(f"{name}Throttled", f"DynamoDB holds back requests to {name}", throttles, at_least=10)

    def _raw(self) -> None:
        for operation in ("WriteRecords", "Query"):
            # Timestream counts its errors by operation only, over all databases of the account.
            errors = cloudwatch.Metric(
                namespace="AWS/Timestream",
                metric_name="SystemErrors",
                dimensions_map={"Operation": operation},
                statistic="Sum",
                period=FIVE_MINUTES,
            )
            self._alarm(f"Raw{operation}Errors", f"Timestream fails on {operation}", errors, at_least=5)

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        at_least: float | None = None,
        below: float | None = None,
        of: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        threshold, comparison = (at_least, _AT_LEAST) if at_least is not None else (below, _BELOW)
        assert threshold is not None, "an alarm needs a bound"  # noqa: S101
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"ClawPulse {self._stage}: {description}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=of,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
