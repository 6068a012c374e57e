"""What the gateway answers by itself, in the shape of our own errors (`application/problem+json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import aws_apigateway as apigateway

RETRY_AFTER = "5"
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One answer: the gateway's own name for the case, and what we say."""

    kind: str
    status: int
    title: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> str:
        """The document. The gateway fills in `$context…`, and nothing else: these are no templates with logic."""
        problem: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps({**problem, "requestId": "$context.requestId"})


_HOW_TO = (
    "Send 'Authorization: Bearer cp_<id>_<secret>'. An admin makes a token with 'clawpulse token create'; "
    "the first one comes from the bootstrap function of the deployment."
)
_RETRY = {"Retry-After": RETRY_AFTER}

PROBLEMS = (
    Problem(
        kind="UNAUTHORIZED",
        status=401,
        title="Unauthorized",
        detail=f"The token is missing, malformed or unknown. {_HOW_TO}",
        headers={"WWW-Authenticate": "Bearer"},
    ),
    Problem(kind="ACCESS_DENIED", status=403, title="Forbidden", detail="The token does not allow this request."),
    Problem(
        kind="INVALID_API_KEY",
        status=403,
        title="Forbidden",
        detail="The token's workspace is not part of this deployment; its stage settings list the workspaces.",
    ),
    Problem(
        kind="MISSING_AUTHENTICATION_TOKEN",
        status=404,
        title="Not Found",
        detail="There is no such route, or not with this method. See /api/openapi.json.",
    ),
    Problem(kind="RESOURCE_NOT_FOUND", status=404, title="Not Found", detail="There is no such route. See /api/openapi.json."),
    Problem(
        kind="REQUEST_TOO_LARGE",
        status=413,
        title="Content Too Large",
        detail="The body is larger than the gateway takes; a batch may have 1 MB, unpacked.",
    ),
    Problem(
        kind="THROTTLED",
        status=429,
        title="Too Many Requests",
        detail="The workspace asks faster than its usage plan allows. Wait as Retry-After says.",
        headers=_RETRY,
    ),
    Problem(
        kind="QUOTA_EXCEEDED",
        status=429,
        title="Too Many Requests",
        detail="The workspace's daily quota is used up; it starts anew at midnight UTC. The stage settings can raise it.",
        headers={"Retry-After": "3600"},
    ),
    Problem(
        kind="AUTHORIZER_FAILURE",
        status=503,
        title="Service Unavailable",
        detail="The token could not be checked. Try again.",
        headers=_RETRY,
    ),
    Problem(
        kind="INTEGRATION_FAILURE",
        status=502,
        title="Bad Gateway",
        detail="The function behind this route failed. Try again.",
        headers=_RETRY,
    ),
    Problem(
        kind="INTEGRATION_TIMEOUT",
        status=504,
        title="Gateway Timeout",
        detail="The function behind this route took too long. Try again.",
        headers=_RETRY,
    ),
    Problem(kind="DEFAULT_4XX", status=400, title="Bad Request", detail="The gateway cannot take this request."),
    Problem(
        kind="DEFAULT_5XX", status=500, title="Internal Server Error", detail="Something failed on our side. Try again.", headers=_RETRY
    ),
)


def add_gateway_responses(gateway: apigateway.RestApi) -> None:
    """Replace the gateway's own answers."""
    for problem in PROBLEMS:
        headers = {"Content-Type": "application/problem+json", **problem.headers}
        gateway.add_gateway_response(
            problem.kind.title().replace("_", ""),
            type=apigateway.ResponseType.of(problem.kind),
            # The default kinds stand for many cases, each with a status of its own.
            status_code=None if problem.kind.startswith("DEFAULT") else str(problem.status),
            response_headers={name: f"'{value}'" for name, value in headers.items()},
            templates={"application/json": problem.body()},
        )
