"""Seal: every 15 seconds, batches become rollups and the fleet's snapshot.

EventBridge rules know whole minutes only. So the rule runs `tick` each minute, which queues four messages, delayed by
0, 15, 30 and 45 seconds, and each runs `seal` once.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue, work_queue
from cdk.data_stack import DataStack

TIMEOUT = Duration.seconds(55)
VISIBILITY = Duration.seconds(6 * 55)
"""AWS's advice for queues that Lambda reads: six times the timeout, so that a message that Lambda was too busy to take is not taken
twice meanwhile. Waiting so long costs nothing: the next tick does what a failed one left."""
ATTEMPTS = 3
KEPT = Duration.hours(1)
"""A tick older than this has been made good by two hundred others."""


class SealQueue(Construct):
    """The ticks on their way; apart from `Seal` because every function's settings name its URL."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "SealQueue")
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = work_queue(self, "Ticks", visibility=VISIBILITY, retention=KEPT, attempts=ATTEMPTS, dead_letters=self.dead_letters)


class Seal(Construct):
    """The minute's rule, `tick`, and `seal`."""

    def __init__(self, scope: Construct, *, runtime: Runtime, data: DataStack, ticks: SealQueue, evaluations: sqs.IQueue) -> None:
        super().__init__(scope, "Seal")
        self.missed = dead_letter_queue(self, "MissedTicks")
        self.tick = Function(
            self,
            "Tick",
            runtime=runtime,
            handler="functions.seal.tick.handler",
            description="Queues a minute's four runs of seal",
            memory_mb=256,
            timeout=Duration.seconds(10),
            can=[grants.send(ticks.queue)],
            on_failure=OnFailure(queue=self.missed, retries=1, max_age=Duration.minutes(1)),
        )
        events.Rule(
            self,
            "EachMinute",
            description="Runs tick",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    self.tick.function, dead_letter_queue=self.missed, retry_attempts=1, max_event_age=Duration.minutes(1)
                )
            ],
        )
        self.seal = Function(
            self,
            "Seal",
            runtime=runtime,
            handler="functions.seal.handler.handler",
            description="Merges batches into rollups and the fleet's snapshot",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.consume(ticks.queue),
                grants.send(evaluations),
                grants.table(data.batches, "DeleteItem", "Query"),
                grants.table(data.rollups, "BatchWriteItem", "PutItem", "Query"),
                grants.table(data.fleet, "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
            ],
            traced=True,
        )
        # One message a run: a tick is a whole piece of work, and one that fails must not bring others back with it.
        self.seal.function.add_event_source(sources.SqsEventSource(ticks.queue, batch_size=1))
