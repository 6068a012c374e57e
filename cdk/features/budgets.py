"""Budgets: each minute what groups have used is counted, and budgets that say so start rollouts."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue
from cdk.components.stepper import machine_arn
from cdk.data_stack import DataStack

TIMEOUT = Duration.seconds(60)
"""Shorter than a claim lasts (`budget_acts.CLAIM_MS`): whoever made an older one is not at it any more."""


class Budgets(Construct):
    """The minute's rule and its function."""

    def __init__(self, scope: Construct, *, stage: str, runtime: Runtime, data: DataStack) -> None:
        super().__init__(scope, "Budgets")
        self.missed = dead_letter_queue(self, "MissedCounts")
        self.count = Function(
            self,
            "Count",
            runtime=runtime,
            handler="functions.budgets.handler.handler",
            description="Counts budgets, and does what they say",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.table(data.rollouts, *grants.ROLLOUTS),
                grants.table(data.fleet, "GetItem", "PutItem", "Query"),
                grants.table(data.rollups, "Query"),
                grants.start_execution(machine_arn(self, stage)),
            ],
            # The next minute makes good what this one did not do.
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=Duration.minutes(1)),
            traced=True,
        )
        events.Rule(
            self,
            "EachMinute",
            description="Counts budgets",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    self.count.function, dead_letter_queue=self.missed, retry_attempts=1, max_event_age=Duration.minutes(1)
                )
            ],
        )
