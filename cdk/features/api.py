"""The API for people and programs, and the page: one function behind every route of the Chalice app."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components import grants
from cdk.components.function import Function, Runtime
from cdk.components.gateway import Gateway, Route
from cdk.components.stepper import ROTATIONS, machine_arn
from cdk.data_stack import TOKENS_BY_WORKSPACE, DataStack
from cdk.features.notify import SECRETS
from cdk.settings import StageSettings
from functions.api.app import ENDPOINTS


class Api(Construct):
    """The function, connected to its routes."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: StageSettings,
        runtime: Runtime,
        data: DataStack,
        gateway: Gateway,
        deliveries: sqs.IQueue,
        reports: sqs.IQueue,
    ) -> None:
        super().__init__(scope, "Api")
        raw = data.raw
        self.read = Function(
            self,
            "Read",
            runtime=runtime,
            handler="functions.api.app.app",
            description="The API for people and programs, and the page",
            memory_mb=1024,
            # As long as the gateway waits.
            timeout=Duration.seconds(29),
            variables=settings.vault.environment(),
            can=[
                # Repricing writes usage; single items only.
                grants.table(data.rollups, "PutItem", "Query"),
                grants.table(data.fleet, "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
                grants.table(data.tokens, "GetItem", "PutItem"),
                grants.index(data.tokens, TOKENS_BY_WORKSPACE),
                grants.table(data.alerts, "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query"),
                grants.table(data.rollouts, *grants.ROLLOUTS),
                grants.start_execution(machine_arn(self, settings.name)),
                grants.start_execution(machine_arn(self, settings.name, ROTATIONS)),
                # Providers' admin keys, to make new keys with.
                grants.secrets(SECRETS),
                grants.send(deliveries),
                grants.send(reports),
                grants.objects(data.reports, "GetObject", "PutObject"),
                *([grants.timestream(raw.table_arns, "DescribeTable", "Select", encryption_key=data.key)] if raw else []),
            ],
            traced=True,
        )
        gateway.connect(routes(), self.read.function)


def routes() -> list[Route]:
    """Those that the app declares. Chalice finds a view by the gateway's resource path, so each needs a resource of its own."""
    return sorted(Route(path=endpoint.path, method=endpoint.method, public=endpoint.scope is None) for endpoint in ENDPOINTS)
