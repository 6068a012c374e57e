"""DynamoDB and its streams by moto, one call at a time."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.http import Response
from localstack.services.moto import dispatch_to_moto
from localstack.services.plugins import Service, aws_provider

from clawpulse_localstack.dynamodb.tables import LOCK
from clawpulse_localstack.persistence.cloud import CLOUD


def _call(context: RequestContext, request: dict[str, Any]) -> Response:
    with LOCK:
        response = dispatch_to_moto(context)
        if response.status_code < 300:
            CLOUD.note(context.operation.name, request)
        return response


def _serve(service: str) -> Service:
    """Every operation of the service straight to moto, its raw answer handed back."""
    model = load_service(service)
    return Service(name=service, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, _call)))


@aws_provider(name="moto")  # type: ignore[untyped-decorator]  # LocalStack ships no types
def dynamodb() -> Service:
    """Entry point: `PROVIDER_OVERRIDE_DYNAMODB=moto`."""
    return _serve("dynamodb")


@aws_provider(name="moto")  # type: ignore[untyped-decorator]
def dynamodbstreams() -> Service:
    """Entry point: `PROVIDER_OVERRIDE_DYNAMODBSTREAMS=moto`."""
    return _serve("dynamodbstreams")
