"""Scaling: each minute groups of agents are decided upon; changed decisions go to the default event bus and to a topic."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue
from cdk.data_stack import DataStack
from functions.runtime.scaling_settings import ScalingSettings

TIMEOUT = Duration.seconds(55)
"""Shorter than a minute: the next run finds this one done."""


class Scaling(Construct):
    """The minute's rule, its function, and the topic."""

    def __init__(self, scope: Construct, *, stage: str, asgs: Sequence[str], runtime: Runtime, data: DataStack) -> None:
        """`asgs`: names of the Auto Scaling groups of EC2 whose desired capacity policies may set."""
        super().__init__(scope, "Scaling")
        self.topic = sns.Topic(self, "Decisions", display_name=f"ClawPulse {stage} scaling", master_key=data.key, enforce_ssl=True)
        self.missed = dead_letter_queue(self, "MissedDecisions")
        self.decide = Function(
            self,
            "Decide",
            runtime=runtime,
            handler="functions.scaling.handler.handler",
            description="Decides how many agents groups should have",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            variables=ScalingSettings(scaling_topic_arn=self.topic.topic_arn).environment(),
            can=[
                grants.table(data.rollups, "Query"),
                grants.table(data.fleet, "GetItem", "Query"),
                grants.table(data.alerts, "DeleteItem", "GetItem", "PutItem", "Query"),
                grants.put_events,
                grants.topic(self.topic),
                *([grants.auto_scaling(asgs)] if asgs else []),
            ],
            # The next minute makes good what this one did not do.
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=Duration.minutes(1)),
            traced=True,
        )
        events.Rule(
            self,
            "EachMinute",
            description="Decides how many agents groups should have",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    self.decide.function, dead_letter_queue=self.missed, retry_attempts=1, max_event_age=Duration.minutes(1)
                )
            ],
        )
        CfnOutput(self, "ScalingTopic", value=self.topic.topic_arn).override_logical_id("ScalingTopicArn")
