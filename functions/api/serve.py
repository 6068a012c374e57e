"""From a request to an answer: parameters, token, scope, handler, ETag; every fault as a problem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from functions.api import validation
from functions.api.address import public_url
from functions.api.caller import caller_of
from functions.api.endpoint import Call, Endpoint, Guest, Reply, Visit
from functions.runtime.observability import logger
from functions.runtime.problems import Problem, is_planned, problem_of
from functions.runtime.wiring import Services

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization", "X-Content-Type-Options": "nosniff"}
_UNKEPT = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all views of an app share."""

    services: Callable[[], Services]
    """Made when first needed: the open endpoints, and the import, do without."""
    endpoints: Sequence[Endpoint]
    bundle: Path
    """Folder of the agent's files."""


def view_of(endpoint: Endpoint, blueprint: Blueprint, surroundings: Surroundings) -> Callable[..., Response]:
    """The function that Chalice calls for an endpoint."""

    def view(**path: str) -> Response:
        return guarded(lambda: _serve(endpoint, blueprint.current_request, path, surroundings))

    return view


def guarded(answer: Callable[[], Response]) -> Response:
    """The answer, or the problem that came of it; what nobody planned for is logged."""
    try:
        return answer()
    except Exception as error:
        problem = _problem(error)
        if not is_planned(error):
            logger("api").exception("unplanned error")
        elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger("api").warning("store fault", extra={"reason": str(error)})
        return problem_response(problem)


def problem_response(problem: Problem) -> Response:
    """A problem as Chalice sends it."""
    return _sent(problem.body(), problem.headers() | {"X-Content-Type-Options": "nosniff"}, problem.status)


def _sent(text: str, headers: Mapping[str, str], status: int) -> Response:
    return Response(text, headers=dict(headers), status_code=status)


def _problem(error: Exception) -> Problem:
    if isinstance(error, validation.WrongMediaType):
        return Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail=error.reason, field=error.field, kind="media-type")
    if isinstance(error, validation.BadRequest):
        return problem_of(error)
    return problem_of(error, invalid=HTTPStatus.UNPROCESSABLE_ENTITY)


def _serve(endpoint: Endpoint, request: Request, path: dict[str, str], surroundings: Surroundings) -> Response:
    first: Visit | Call | Guest
    if endpoint.by_link:
        arguments = _arguments(endpoint, request, path)
        services = surroundings.services()
        first = Guest(services, services.now())
    elif endpoint.scope is None:
        arguments = _arguments(endpoint, request, path)
        first = Visit(
            path=request.context.get("path") or "/",
            endpoints=surroundings.endpoints,
            headers=request.headers,
            context=request.context,
            bundle=surroundings.bundle,
        )
    else:
        # Who may not call at all learns nothing of what a right request would look like.
        caller = caller_of(request.context)
        caller.need(endpoint.scope)
        arguments = _arguments(endpoint, request, path)
        services = surroundings.services()
        first = Call(services, caller, services.now(), _address(endpoint, request))
    return _response(endpoint, request, endpoint.handler(first, *arguments))


def _address(endpoint: Endpoint, request: Request) -> str | None:
    try:
        return public_url(request.context, request.headers, endpoint.path)
    except validation.BadRequest:
        return None


def _arguments(endpoint: Endpoint, request: Request, path: dict[str, str]) -> list[Any]:
    given = request.query_params
    query = {key: given.getlist(key) for key in given} if given else {}
    arguments: list[Any] = []
    if endpoint.asks is not None:
        arguments.append(validation.parameters(endpoint.asks, path, query))
    else:
        validation.no_parameters(query)
    if endpoint.heeds is not None:
        arguments.append(validation.headers(endpoint.heeds, request.headers))
    if endpoint.takes is not None:
        arguments.append(validation.body(endpoint.takes, request.headers.get("content-type"), request.raw_body, endpoint.max_body))
    return arguments


def _response(endpoint: Endpoint, request: Request, answer: Reply | BaseModel) -> Response:
    reply = answer if isinstance(answer, Reply) else Reply(body=answer, status=endpoint.status)
    text = reply.body.model_dump_json(by_alias=True) if isinstance(reply.body, BaseModel) else reply.body or ""
    headers = {"Content-Type": endpoint.content_type, **HEADERS, **(_UNKEPT if endpoint.secret else {}), **reply.headers}
    if reply.status == HTTPStatus.NO_CONTENT:
        del headers["Content-Type"]
    if endpoint.method == "GET" and reply.status == HTTPStatus.OK and not endpoint.secret:
        headers.setdefault("ETag", etag(text))
        if known(request.headers.get("if-none-match"), headers["ETag"]):
            del headers["Content-Type"]
            return _sent("", headers, HTTPStatus.NOT_MODIFIED)
    return _sent(text, headers, reply.status)


def etag(text: str) -> str:
    """The entity tag of a body."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def known(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has this body already. Gateways that compress make a tag weak; the comparison is the weak one (RFC 9110)."""
    tags = [candidate.strip().removeprefix("W/") for candidate in (if_none_match or "").split(",")]
    return tag in tags or "*" in tags
