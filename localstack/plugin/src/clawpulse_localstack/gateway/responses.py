"""Gateway responses as the template sets them: status, headers and body of what the gateway answers by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import BaseGatewayException, get_gateway_response_or_default
from rolo import Response

_HEADER = "gatewayresponse.header."
_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")
_JSON = "application/json"
_DEFAULT = '{"message":$context.error.messageString}'
"""What AWS shows for every kind's template; the answer to a denied request has a capital M all the same."""


def render(template: str, variables: Mapping[str, Any]) -> str:
    """Replace each `$context.…`; API Gateway knows no logic here. Unknown ones become empty."""
    return _VARIABLE.sub(lambda match: _lookup(match[1], variables), template)


def respond(exception: BaseGatewayException, context: RestApiInvocationContext) -> Response:
    """The answer to a request that the gateway does not pass on."""
    settings = get_gateway_response_or_default(exception.type, context.deployment.rest_api.gateway_responses)
    status = settings.get("statusCode") or exception.status_code or 500
    template = (settings.get("responseTemplates") or {}).get(_JSON)
    body = _default_body(exception) if template in (None, _DEFAULT) else render(str(template), context.context_variables)
    headers = {"Content-Type": _JSON, "x-amzn-ErrorType": exception.code, **_headers(settings.get("responseParameters") or {})}
    return Response(body, status=int(status), headers=headers)


def _headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Fixed values stand in single quotes; mappings from the request are not supported by the local cloud."""
    return {
        name.removeprefix(_HEADER): value[1:-1]
        for name, value in parameters.items()
        if name.startswith(_HEADER) and len(value) > 1 and value[0] == value[-1] == "'"
    }


def _default_body(exception: BaseGatewayException) -> str:
    key = "Message" if type(exception).__name__ == "AccessDeniedError" else "message"
    return json.dumps({key: exception.message})


def _lookup(path: str, variables: Mapping[str, Any]) -> str:
    if path == "error.messageString":
        return json.dumps(_lookup("error.message", variables))
    # A template's sentence may end in a dot that is no part of the name.
    name, stop = path.rstrip("."), path[len(path.rstrip(".")) :]
    value: Any = variables
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return ("" if value is None else str(value)) + stop
