"""Ops: alarms on the system's own health, sent to one topic.

What agents do is for alert rules inside ClawPulse; these tell when ClawPulse itself cannot.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from cdk.components.function import Function
from cdk.components.gateway import Gateway
from cdk.data_stack import DataStack
from cdk.features.alerts import Alerts, EvaluateQueue
from cdk.features.budgets import Budgets
from cdk.features.notify import NotifyQueue
from cdk.features.reports import ReportQueue, Reports
from cdk.features.rollouts import Rollouts
from cdk.features.rotations import Rotations
from cdk.features.scaling import Scaling
from cdk.features.seal import Seal, SealQueue
from cdk.settings import StageSettings
from functions.alerts.handler import LAG
from functions.runtime.metrics import NAMESPACE

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Ops(Construct):
    """The topic and the alarms."""

    def __init__(self, scope: Construct, *, settings: StageSettings, data: DataStack) -> None:
        """Watches the stores; functions, queues and the gateway are added by `watch_…`."""
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
        tables = {
            "Batches": data.batches,
            "Rollups": data.rollups,
            "Fleet": data.fleet,
            "Tokens": data.tokens,
            "Alerts": data.alerts,
            "Rollouts": data.rollouts,
        }
        for name, table in tables.items():
            self._table(name, table)
        if data.raw:
            self._raw()
        CfnOutput(self, "OpsTopic", value=self.topic.topic_arn).override_logical_id("OpsTopicArn")

    def watch_functions(self, functions: Mapping[str, Function]) -> None:
        """Errors and throttling of functions, by the name that people know them by."""
        for name, function in functions.items():
            self._function(name, function.function)

    def watch_seal(self, seal: Seal, ticks: SealQueue) -> None:
        """That seal runs, in time, and gives up on nothing."""
        self._alive("Seal", "rollups and health stand still", seal.seal.function)
        self._queue("Ticks", "seal", ticks.queue)
        self._dead_letters({"Seal": ticks.dead_letters, "Tick": seal.missed})

    def watch_alerts(self, alerts: Alerts, runs: EvaluateQueue, deliveries: NotifyQueue) -> None:
        """That rules are evaluated, on fresh data, and people are told."""
        self._alive("Evaluate", "no alert rule is evaluated", alerts.evaluate.function)
        lag = cloudwatch.Metric(namespace=NAMESPACE, metric_name=LAG, statistic="Minimum", period=MINUTE)
        self._alarm("EvaluationLag", "Alert rules see data that are more than 3 minutes old", lag, at_least=180, of=3)
        self._queue("Deliveries", "notify", deliveries.queue)
        self._dead_letters({"Evaluate": runs.dead_letters, "Notify": deliveries.dead_letters})

    def watch_rollouts(self, rollouts: Rollouts) -> None:
        """That executions end well, and those that do not are noticed."""
        self._executions("Rollouts", "rollout", rollouts.machine)
        self._alive("RolloutSweep", "rollouts whose execution died stand still", rollouts.sweep.function)
        self._dead_letters({"RolloutSweep": rollouts.missed})

    def watch_rotations(self, rotations: Rotations) -> None:
        """Likewise of rotations."""
        self._executions("Rotations", "rotation", rotations.machine)
        self._alive("RotationSweep", "rotations whose execution died stand still, and none begins by itself", rotations.sweep.function)
        self._dead_letters({"RotationSweep": rotations.missed})

    def watch_budgets(self, budgets: Budgets) -> None:
        """That budgets are counted: one that is used up must not go unnoticed."""
        self._alive("Budgets", "budgets are not counted, and none acts", budgets.count.function)
        self._dead_letters({"Budgets": budgets.missed})

    def watch_scaling(self, scaling: Scaling) -> None:
        """That groups are decided upon: what is not is answered with 503 after some minutes."""
        self._alive("Scaling", "no group of agents is scaled", scaling.decide.function)
        self._dead_letters({"Scaling": scaling.missed})

    def watch_reports(self, reports: Reports, wanted: ReportQueue) -> None:
        """That reports are made, by the clock too."""
        self._dead_letters({"Report": wanted.dead_letters, "ReportTick": reports.missed})

    def watch_gateway(self, gateway: Gateway) -> None:
        """Errors and slowness of the API as a whole."""
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

    def _alive(self, name: str, consequence: str, function: lambda_.Function) -> None:
        """A dead man's switch: no data is the worst news of all."""
        self._alarm(
            f"{name}Silent",
            f"{name} has not run for 5 minutes: {consequence}",
            function.metric_invocations(period=MINUTE),
            below=1,
            of=5,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _executions(self, name: str, thing: str, machine: sfn.StateMachine) -> None:
        failed, hung = machine.metric_failed(period=FIVE_MINUTES), machine.metric_timed_out(period=FIVE_MINUTES)
        self._alarm(f"{name}Failed", f"The step of a {thing} failed for more than an hour", failed, at_least=1)
        self._alarm(f"{name}TimedOut", f"An execution that steps a {thing} hung", hung, at_least=1)

    def _queue(self, name: str, worker: str, queue: sqs.Queue) -> None:
        age = queue.metric_approximate_age_of_oldest_message(period=MINUTE)
        self._alarm(f"{name}Late", f"{name} wait longer than 2 minutes for {worker}", age, at_least=120, of=3)

    def _dead_letters(self, queues: Mapping[str, sqs.Queue]) -> None:
        for name, queue in queues.items():
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
