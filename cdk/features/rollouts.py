"""Rollouts: a state machine that steps each of them until it is over, and a sweep that makes good what no execution does."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue
from cdk.components.stepper import ROLLOUTS, TIMEOUT, Stepper, Words
from cdk.data_stack import DataStack
from functions.domain.rollout import Phase
from functions.stepping import Next

WORDS = Words(
    waits={
        Phase.WAITING: "Waiting",
        Phase.APPLYING: "Applying",
        Phase.BAKING: "Baking",
        Phase.HELD: "Holding",
        Phase.REVERTING: "Reverting",
    },
    ends={
        (Next.DONE, Phase.SUCCEEDED): "Succeeded",
        (Next.DONE, Phase.REVERTED): "Reverted",
        (Next.DONE, Phase.STOPPED): "Stopped",
        (Next.HELD, Phase.PAUSED): "Paused",
        (Next.HELD, Phase.WAITING): "AwaitingApproval",
    },
)


class Rollouts(Stepper):
    """The state machine with its task, and the sweep."""

    def __init__(self, scope: Construct, *, stage: str, runtime: Runtime, data: DataStack, deliveries: sqs.IQueue) -> None:
        super().__init__(scope, "Rollouts", stage=stage, noun=ROLLOUTS)
        start = grants.start_execution(self.arn)
        self.step = Function(
            self,
            "Step",
            runtime=runtime,
            handler="functions.rollouts.handler.handler",
            description="Steps a rollout",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.table(data.rollouts, *grants.ROLLOUTS),
                # Updates are of keys that agents are to use.
                grants.table(data.fleet, "GetItem", "PutItem", "Query", "UpdateItem"),
                grants.table(data.rollups, "Query"),
                grants.table(data.batches, "Query"),
                grants.table(data.alerts, "GetItem", "PutItem"),
                grants.send(deliveries),
                start,
            ],
            traced=True,
        )
        self.missed = dead_letter_queue(self, "MissedSweeps")
        self.sweep = Function(
            self,
            "Sweep",
            runtime=runtime,
            handler="functions.rollouts.handler.sweep",
            description="Restarts rollouts that were left alone, and configures agents that are new",
            memory_mb=1024,
            timeout=TIMEOUT,
            can=[
                grants.table(data.rollouts, "GetItem", "PutItem", "Query"),
                grants.table(data.fleet, "GetItem", "PutItem", "Query"),
                start,
            ],
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=Duration.minutes(1)),
            traced=True,
        )
        self.sweep_with(self.sweep, self.missed, description="Sweeps rollouts")
        self.machine = self.step_with(self.step, WORDS, comment="Steps one rollout until it is over", runtime=runtime)
