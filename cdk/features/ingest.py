"""Ingest: the hot path behind `POST /v1/batches`."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from cdk.components import grants
from cdk.components.function import Function, Runtime
from cdk.components.gateway import Gateway, Route
from cdk.data_stack import DataStack

TIMEOUT = Duration.seconds(10)
"""Seal relies on it: a minute is finished only when no ingest can still be writing to it."""
PATH = "/v1/batches"


class Ingest(Construct):
    """The function that takes batches, connected to its route."""

    def __init__(self, scope: Construct, *, runtime: Runtime, data: DataStack, gateway: Gateway) -> None:
        super().__init__(scope, "Ingest")
        raw = data.raw
        self.batches = Function(
            self,
            "Batches",
            runtime=runtime,
            handler="functions.ingest.handler.handler",
            description="Takes batches of points and events",
            memory_mb=1024,
            timeout=TIMEOUT,
            can=[
                grants.table(data.batches, "GetItem", "PutItem"),
                grants.table(data.fleet, "GetItem"),
                *([grants.timestream(raw.table_arns, "WriteRecords", encryption_key=data.key)] if raw else []),
            ],
        )
        gateway.connect([Route(path=PATH, method="POST")], self.batches.function)
