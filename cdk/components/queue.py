"""Queues alike: encrypted, over TLS only, and dead letters kept long enough to be looked at after a holiday."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components.nag import acknowledge


def dead_letter_queue(scope: Construct, name: str) -> sqs.Queue:
    """A queue for what could not be handled, kept 14 days, SQS's longest."""
    queue = _queue(scope, name, retention_period=Duration.days(14))
    acknowledge(queue, {"AwsSolutions-SQS3": "It holds dead letters; those of functions and rules are invisible to the check."})
    return queue


def work_queue(
    scope: Construct, name: str, *, visibility: Duration, retention: Duration, attempts: int, dead_letters: sqs.IQueue
) -> sqs.Queue:
    """A queue that functions work off; after `attempts` a message goes to the dead letters."""
    return _queue(
        scope,
        name,
        retention_period=retention,
        visibility_timeout=visibility,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=attempts),
    )


def _queue(scope: Construct, name: str, **options: object) -> sqs.Queue:
    return sqs.Queue(scope, name, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, **options)  # type: ignore[arg-type]
