"""Reports: a queue of those that are wanted, the function that makes them, and the clock that wants some by itself."""

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
from functions.reports.handler import ATTEMPTS

TIMEOUT = Duration.minutes(5)
"""Shorter than a run's lease lasts (`report_record.LEASE_MS`), and than its message stays hidden."""
VISIBILITY = Duration.minutes(6)
KEPT = Duration.hours(6)
EVERY = Duration.minutes(15)
"""Time zones are whole quarters of an hour apart."""


class ReportQueue(Construct):
    """Reports that are wanted; apart from `Reports` because every function's settings name its URL."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "ReportQueue")
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = work_queue(self, "Wanted", visibility=VISIBILITY, retention=KEPT, attempts=ATTEMPTS, dead_letters=self.dead_letters)


class Reports(Construct):
    """The function that makes reports, and the tick."""

    def __init__(self, scope: Construct, *, runtime: Runtime, data: DataStack, wanted: ReportQueue, deliveries: sqs.IQueue) -> None:
        super().__init__(scope, "Reports")
        self.make = Function(
            self,
            "Make",
            runtime=runtime,
            handler="functions.reports.handler.handler",
            description="Makes reports, and has channels told of them",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.consume(wanted.queue),
                grants.send(deliveries),
                grants.table(data.rollups, "Query"),
                grants.table(data.fleet, "GetItem", "Query"),
                grants.table(data.alerts, "GetItem", "PutItem", "Query"),
                grants.table(data.rollouts, "BatchGetItem", "GetItem", "Query"),
                grants.objects(data.reports, "GetObject", "PutObject"),
                *([grants.timestream(data.raw.table_arns, "DescribeTable", "Select", encryption_key=data.key)] if data.raw else []),
            ],
            traced=True,
        )
        source = sources.SqsEventSource(wanted.queue, batch_size=1, max_concurrency=2)
        self.make.function.add_event_source(source)
        self.missed = dead_letter_queue(self, "MissedTicks")
        self.tick = Function(
            self,
            "Tick",
            runtime=runtime,
            handler="functions.reports.handler.tick",
            description="Queues reports that are due",
            memory_mb=512,
            timeout=Duration.minutes(1),
            can=[
                grants.send(wanted.queue),
                grants.table(data.fleet, "GetItem"),
                grants.objects(data.reports, "GetObject", "PutObject"),
            ],
            # The next tick makes good what this one did not do.
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=EVERY),
            traced=True,
        )
        events.Rule(
            self,
            "EachQuarter",
            description="Queues reports that are due",
            schedule=events.Schedule.rate(EVERY),
            targets=[targets.LambdaFunction(self.tick.function, dead_letter_queue=self.missed, retry_attempts=1, max_event_age=EVERY)],
        )
