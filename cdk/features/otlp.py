"""OTLP: the intake of OpenTelemetry's protocol behind `POST /v1/metrics`, `/v1/traces` and `/v1/logs`."""

from __future__ import annotations

from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, Runtime
from cdk.components.gateway import Gateway, Route
from cdk.data_stack import DataStack
from cdk.features.ingest import TIMEOUT

PATHS = ("/v1/metrics", "/v1/traces", "/v1/logs")


class Otlp(Construct):
    """The function that takes OTLP data, connected to its routes. Seal relies on its timeout as on ingest's."""

    def __init__(self, scope: Construct, *, runtime: Runtime, data: DataStack, gateway: Gateway) -> None:
        super().__init__(scope, "Otlp")
        raw = data.raw
        self.take = Function(
            self,
            "Take",
            runtime=runtime,
            handler="functions.otlp.handler.handler",
            description="Takes metrics, traces and logs in OpenTelemetry's protocol",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.table(data.batches, "GetItem", "PutItem"),
                grants.table(data.fleet, "GetItem"),
                *([grants.timestream(raw.table_arns, "WriteRecords", encryption_key=data.key)] if raw else []),
            ],
        )
        gateway.connect([Route(path=path, method="POST") for path in PATHS], self.take.function)
