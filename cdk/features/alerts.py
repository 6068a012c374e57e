"""Alerts: rules are evaluated after each tick of seal, which queues a run; edges are claimed, incidents planned, deliveries queued."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, Runtime
from cdk.components.queue import dead_letter_queue, work_queue
from cdk.data_stack import DataStack

TIMEOUT = Duration.seconds(55)
VISIBILITY = Duration.seconds(60)
"""Just over the timeout: a run that died must not keep the next ones waiting. One that comes twice does no harm."""
ATTEMPTS = 2
KEPT = Duration.minutes(5)
"""A run older than a minute is skipped: the next one has done its work."""


class EvaluateQueue(Construct):
    """Runs on their way; apart from `Alerts` because every function's settings name its URL."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "EvaluateQueue")
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = work_queue(self, "Runs", visibility=VISIBILITY, retention=KEPT, attempts=ATTEMPTS, dead_letters=self.dead_letters)


class Alerts(Construct):
    """The function that evaluates."""

    def __init__(self, scope: Construct, *, runtime: Runtime, data: DataStack, runs: EvaluateQueue, deliveries: sqs.IQueue) -> None:
        super().__init__(scope, "Alerts")
        self.evaluate = Function(
            self,
            "Evaluate",
            runtime=runtime,
            handler="functions.alerts.handler.handler",
            description="Evaluates alert rules and plans who is told",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.consume(runs.queue),
                grants.send(deliveries),
                grants.table(data.rollups, "Query"),
                grants.table(data.fleet, "GetItem", "Query"),
                grants.table(data.alerts, "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query"),
            ],
            traced=True,
        )
        # One message a run; two at once would only take edges from each other.
        self.evaluate.function.add_event_source(sources.SqsEventSource(runs.queue, batch_size=1, max_concurrency=2))
