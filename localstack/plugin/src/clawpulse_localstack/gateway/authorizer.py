"""Lambda authorizers of type TOKEN: asked before each method that names one, answers kept for their time to live."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localstack.aws.connect import connect_to
from localstack.services.apigateway.next_gen.execute_api.api import RestApiGatewayHandlerChain
from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    AccessDeniedError,
    AuthorizerConfigurationError,
    AuthorizerFailureError,
    UnauthorizedError,
)
from localstack.services.apigateway.next_gen.execute_api.helpers import get_lambda_function_arn_from_invocation_uri
from localstack.utils.aws.arns import extract_region_from_arn
from rolo import Response

from clawpulse_localstack.gateway import policy
from clawpulse_localstack.gateway.policy import InvalidAnswer, Verdict

MAX_REMEMBERED = 10_000
_HEADER = "method.request.header."
_DENIED = {
    Verdict.EXPLICIT_DENY: "User is not authorized to access this resource with an explicit deny",
    Verdict.NOT_ALLOWED: "User is not authorized to access this resource",
}


class FunctionFailed(Exception):
    """The authorizer's function raised; the text is its error message."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    answer: Mapping[str, Any]
    until: float


class AnswerCache:
    """Answers by authorizer, stage and token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], _Remembered] = {}

    def get(self, key: tuple[str, ...]) -> Mapping[str, Any] | None:
        """Return the answer, unless its time is up."""
        found = self._answers.get(key)
        return found.answer if found and found.until > self._clock() else None

    def put(self, key: tuple[str, ...], answer: Mapping[str, Any], seconds: int) -> None:
        """Keep the answer for its time to live; 0 keeps nothing."""
        if not seconds:
            return
        with self._lock:
            if len(self._answers) >= MAX_REMEMBERED:
                now = self._clock()
                self._answers = {old: kept for old, kept in self._answers.items() if kept.until > now}
            self._answers[key] = _Remembered(answer, self._clock() + seconds)


class TokenAuthorizerHandler:
    """A handler of the gateway's `preprocess_request`, the place that LocalStack has for it."""

    def __init__(self, cache: AnswerCache | None = None) -> None:
        self._cache = cache or AnswerCache()

    def __call__(self, chain: RestApiGatewayHandlerChain, context: RestApiInvocationContext, response: Response) -> None:
        """Let the request pass with the authorizer's context, or raise what becomes a gateway response."""
        if context.resource_method.get("authorizationType") != "CUSTOM":
            return
        authorizer = context.deployment.rest_api.authorizers.get(context.resource_method.get("authorizerId"))
        if authorizer is None or authorizer.get("type") != "TOKEN":
            raise AuthorizerConfigurationError
        token = _token(context, authorizer)
        method_arn = _method_arn(context)
        started = time.perf_counter()
        answer = self._answer(context, authorizer, token, method_arn)
        verdict = policy.decide(answer["policyDocument"], method_arn)
        if verdict is not Verdict.ALLOW:
            raise AccessDeniedError(_DENIED[verdict])
        _pass_on(context, answer, (time.perf_counter() - started) * 1000)

    def _answer(self, context: RestApiInvocationContext, authorizer: Mapping[str, Any], token: str, method_arn: str) -> Mapping[str, Any]:
        key = (context.api_id, context.stage, authorizer["id"], token)
        if known := self._cache.get(key):
            return known
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": method_arn}
        try:
            answer = policy.validate(_invoke(authorizer, event))
        except FunctionFailed as failure:
            if str(failure) == "Unauthorized":  # the word by which a function says 401
                raise UnauthorizedError("Unauthorized") from None
            raise AuthorizerFailureError from None
        except InvalidAnswer:
            raise AuthorizerConfigurationError from None
        self._cache.put(key, answer, int(authorizer.get("authorizerResultTtlInSeconds", 300)))
        return answer


def _token(context: RestApiInvocationContext, authorizer: Mapping[str, Any]) -> str:
    source = authorizer.get("identitySource") or f"{_HEADER}Authorization"
    token = context.invocation_request["headers"].get(source.removeprefix(_HEADER), "")
    expression = authorizer.get("identityValidationExpression")
    if not token or (expression and not re.match(expression, token)):
        raise UnauthorizedError("Unauthorized")
    return str(token)


def _method_arn(context: RestApiInvocationContext) -> str:
    request = context.invocation_request
    prefix = f"arn:aws:execute-api:{context.region}:{context.account_id}:{context.api_id}"
    return f"{prefix}/{context.stage}/{request['http_method']}/{request['path'].lstrip('/')}"


def _invoke(authorizer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    function = get_lambda_function_arn_from_invocation_uri(authorizer["authorizerUri"])
    client = connect_to(region_name=extract_region_from_arn(function)).lambda_.request_metadata(service_principal="apigateway")
    result = client.invoke(FunctionName=function, Payload=json.dumps(event))
    payload = json.loads(result["Payload"].read() or b"null")
    if result.get("FunctionError"):
        raise FunctionFailed(str((payload or {}).get("errorMessage", "")))
    return payload


def _pass_on(context: RestApiInvocationContext, answer: Mapping[str, Any], milliseconds: float) -> None:
    context.context_variables["authorizer"] = {
        **policy.context_of(answer),
        "principalId": answer["principalId"],
        "integrationLatency": round(milliseconds),
    }
    if key := answer.get("usageIdentifierKey"):
        context.context_variables["identity"]["apiKey"] = key
