"""Notify: each message of its queue is one delivery to one channel."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from cdk.components import grants
from cdk.components.function import Function, Runtime
from cdk.components.queue import dead_letter_queue, work_queue
from cdk.data_stack import DataStack
from cdk.settings import StageSettings

TIMEOUT = Duration.seconds(60)
VISIBILITY = Duration.seconds(6 * 60)
"""AWS's advice for queues that Lambda reads: six times the timeout."""
ATTEMPTS = 5
"""Of a message whose run failed as a whole; a channel's refusals are counted by the delivery."""
KEPT = Duration.hours(12)
"""Twice as long as a delivery is tried."""
CONCURRENCY = 10
SECRETS, TOPICS = "clawpulse/", "clawpulse_"
"""What the secrets and topics of channels are called (`domain.channels`)."""


class NotifyQueue(Construct):
    """Deliveries on their way; apart from `Notify` because every function's settings name its URL."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "NotifyQueue")
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = work_queue(
            self, "Deliveries", visibility=VISIBILITY, retention=KEPT, attempts=ATTEMPTS, dead_letters=self.dead_letters
        )


class Notify(Construct):
    """The function that sends."""

    def __init__(self, scope: Construct, *, settings: StageSettings, runtime: Runtime, data: DataStack, deliveries: NotifyQueue) -> None:
        super().__init__(scope, "Notify")
        self.send = Function(
            self,
            "Send",
            runtime=runtime,
            handler="functions.notify.handler.handler",
            description="Sends notifications to channels",
            memory_mb=512,
            timeout=TIMEOUT,
            variables=settings.vault.environment(),
            can=[
                grants.consume(deliveries.queue),
                grants.send(deliveries.queue),
                grants.table(data.alerts, "ConditionCheckItem", "GetItem", "PutItem"),
                grants.table(data.fleet, "GetItem"),
                grants.secrets(SECRETS),
                grants.publish(TOPICS),
                grants.email,
            ],
            traced=True,
        )
        source = sources.SqsEventSource(deliveries.queue, batch_size=2, report_batch_item_failures=True, max_concurrency=CONCURRENCY)
        self.send.function.add_event_source(source)
