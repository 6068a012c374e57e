"""Puts our parts into LocalStack's gateway, once, when it starts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from localstack.aws.handlers.codec import ContentDecoder
from localstack.services.apigateway.next_gen.execute_api import handlers
from localstack.services.apigateway.next_gen.execute_api.handlers import parse
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import GatewayExceptionHandler
from localstack.services.apigateway.next_gen.execute_api.integrations import aws as lambda_proxy
from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import ApiGatewayRestApiProvider
from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceRequest
from localstack.utils.patch import patch
from rolo import Response

from clawpulse_localstack.gateway.authorizer import TokenAuthorizerHandler
from clawpulse_localstack.gateway.responses import respond

EVERYTHING = "*/*"
API_PATH = "/_aws/execute-api/"


def install() -> None:
    """Add the authorizer, replace gateway responses, and correct what LocalStack does otherwise than AWS."""
    handlers.preprocess_request.append(TokenAuthorizerHandler())
    patch(GatewayExceptionHandler.create_exception_response)(_gateway_response)
    patch(ContentDecoder.__call__)(_keep_body)
    parse.restore_payload = _raw_body
    patch(lambda_proxy.RestApiAwsProxyIntegration.create_lambda_input_event)(_binary_request)
    lambda_proxy.mime_type_matches_binary_media_types = _binary_response(lambda_proxy.mime_type_matches_binary_media_types)
    patch(ApiGatewayRestApiProvider.create)(_api_key_source)


def _keep_body(fn: Callable[..., None], self: Any, chain: Any, context: Any, response: Response) -> None:
    """AWS's gateway hands a body on as it was sent: gzip stays gzip, a form is not parsed and written anew."""
    if context.request.path.startswith(API_PATH):
        context.request.get_data(cache=True, parse_form_data=False)
    else:
        fn(self, chain, context, response)


def _raw_body(request: Any) -> bytes:
    data: bytes = request.get_data(cache=True, parse_form_data=False)
    return data


def _gateway_response(fn: Any, self: Any, exception: Any, context: Any) -> Response:
    return respond(exception, context)


def _binary_request(fn: Callable[..., dict[str, Any]], self: Any, context: Any) -> dict[str, Any]:
    """AWS hands every body of a binary media type over in base64, also when it happens to be text."""
    event, body = fn(self, context), context.integration_request["body"]
    if body and EVERYTHING in context.deployment.rest_api.rest_api.get("binaryMediaTypes", []):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def _binary_response(matches: Callable[..., bool]) -> Callable[..., bool]:
    def accepts(mime_type: str | None, binary_media_types: list[str]) -> bool:
        return EVERYTHING in binary_media_types or matches(mime_type, binary_media_types)

    return accepts


def _api_key_source(fn: Callable[..., ProgressEvent], self: Any, request: ResourceRequest) -> ProgressEvent:
    """LocalStack's CloudFormation overlooks `ApiKeySourceType`."""
    source = request.desired_state.get("ApiKeySourceType")
    event = fn(self, request)
    if source:
        operation = {"op": "replace", "path": "/apiKeySource", "value": source}
        request.aws_client_factory.apigateway.update_rest_api(restApiId=event.resource_model["RestApiId"], patchOperations=[operation])
    return event
