"""A small API gateway in this process: HTTP requests become REST-proxy events of the Chalice app, and its answers HTTP again.

It does what the real gateway does for the app: finds the resource of a path, asks who the token is, and refuses unknown tokens and routes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from chalice.app import Chalice
from werkzeug.wrappers import Request, Response

from functions.runtime.problems import Problem

type Authorize = Callable[[str], Mapping[str, str] | None]
"""From the Authorization header to the authorizer's context; None for a token that is unknown."""

STAGE = "live"


@dataclass(frozen=True)
class Gateway:
    """A WSGI application."""

    app: Chalice
    authorize: Authorize
    public: frozenset[str]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        found = self._resource(request.path)
        if found is None:
            return _refusal(404, "no such route")
        resource, path = found
        context: dict[str, Any] = {
            "resourcePath": resource,
            "httpMethod": request.method,
            "path": f"/{STAGE}{request.path}",
            "apiId": "a1b2c3",
            "domainName": request.host,
            "identity": {"sourceIp": "127.0.0.1"},
        }
        if resource not in self.public and request.method in self.app.routes[resource]:
            caller = self._caller(request)
            if caller is None:
                return _refusal(401, "unknown token")
            context["authorizer"] = caller
        answer = self.app(event(request, resource, path, context), None)
        body = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"]
        return Response(body, status=answer["statusCode"], headers=answer["headers"])

    def _resource(self, path: str) -> tuple[str, dict[str, str]] | None:
        for resource in self.app.routes:
            found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(resource)), path)
            if found:
                return resource, {name: quote(value) for name, value in found.groupdict().items()}
        return None

    def _caller(self, request: Request) -> Mapping[str, str] | None:
        return self.authorize(request.headers.get("Authorization", ""))


def event(request: Request, resource: str, path: dict[str, str], context: dict[str, Any]) -> dict[str, Any]:
    """The REST-proxy event of a request."""
    query = parse_qs(request.query_string.decode("latin-1"), keep_blank_values=True)
    data = request.get_data()
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": path or None,
        "stageVariables": None,
        "requestContext": context,
        "body": base64.b64encode(data).decode() if data else None,
        "isBase64Encoded": bool(data),
    }


def _refusal(status: int, detail: str) -> Response:
    problem = Problem(status=status, detail=detail)
    return Response(json.dumps(problem.document()), status=status, headers=problem.headers())
