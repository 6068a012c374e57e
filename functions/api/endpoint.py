"""Endpoints: declared once, with their models, from which come the routes, the checks and the OpenAPI document.

A handler gets the call and its checked parameters (headers, body), and gives back a model or a `Reply`. All else is done by `serve`: token,
scope, validation, ETag, problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalice.app import Blueprint
from pydantic import BaseModel

from functions.api.caller import Caller
from functions.api.validation import MAX_BODY
from functions.domain.token import Scope
from functions.runtime.wiring import Services


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as a handler cares."""

    services: Services
    caller: Caller
    now: int
    """ms; the same throughout the request."""
    address: str | None = None
    """The API's address as the caller wrote it (`api.address`); None for one that is not plain."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to an endpoint that is open to everybody: it gets no services, so it can tell of no workspace."""

    path: str
    """As the gateway got it, with the stage."""
    endpoints: Sequence[Endpoint]
    """All of the app."""
    headers: Mapping[str, str]
    """Found by their names in small letters; not to be trusted."""
    context: Mapping[str, Any]
    """The gateway's account of the request."""
    bundle: Path
    """Folder of the agent's files."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One request of somebody without a token, to an endpoint whose path carries a secret of its own: the handler checks that first."""

    services: Services
    now: int
    """ms; the same throughout the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that is not just a model with the endpoint's usual status."""

    body: str | BaseModel | None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    """With path parameters in braces: `/api/agents/{agent}`."""
    noun: str
    handler: Callable[..., Any]
    asks: type[BaseModel] | None
    """Parameters of path and query together."""
    heeds: type[BaseModel] | None
    """Headers that change what it does, by their names as aliases."""
    takes: type[BaseModel] | None
    """The JSON body."""
    answers: type[BaseModel] | None
    status: int
    also: int | None
    """Another status of success."""
    scope: Scope | None
    """None: open to everybody."""
    by_link: bool = False
    """Open to who has a link, which is in the path: the handler gets a `Guest`, and answers with pages, faults too."""
    content_type: str = "application/json"
    also_as: str | None = None
    """Another content type, of text, that it answers in when asked to."""
    raw_history: bool = False
    """Reads what a stage may not keep."""
    may_miss: bool = False
    """Answers 404 for more than an unknown path parameter."""
    max_body: int = MAX_BODY
    """Bytes of the body that it takes."""
    secret: bool = False
    """Answers with a secret: nothing may keep it, and no ETag tells its hash."""

    @property
    def path_names(self) -> tuple[str, ...]:
        """Names of the path parameters."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def operation(self) -> str:
        """Its name in the OpenAPI document."""
        return f"{self.noun}_{self.handler.__name__}"


class Noun:
    """The endpoints of one noun; each becomes a route of a Chalice blueprint."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.endpoints: list[Endpoint] = []

    def endpoint[**P, A](
        self,
        method: str,
        path: str,
        *,
        scope: Scope | None,
        asks: type[BaseModel] | None = None,
        heeds: type[BaseModel] | None = None,
        takes: type[BaseModel] | None = None,
        answers: type[BaseModel] | None = None,
        status: int = 200,
        also: int | None = None,
        by_link: bool = False,
        content_type: str = "application/json",
        also_as: str | None = None,
        raw_history: bool = False,
        may_miss: bool = False,
        max_body: int = MAX_BODY,
        secret: bool = False,
    ) -> Callable[[Callable[P, A]], Callable[P, A]]:
        """Declare a handler's endpoint; the handler gets (call[, asked][, heeded][, body]) for what is declared here."""

        def declare(handler: Callable[P, A]) -> Callable[P, A]:
            declared = Endpoint(
                method=method,
                path=path,
                noun=self.name,
                handler=handler,
                asks=asks,
                heeds=heeds,
                takes=takes,
                answers=answers,
                status=status,
                also=also,
                scope=scope,
                by_link=by_link,
                content_type=content_type,
                also_as=also_as,
                raw_history=raw_history,
                may_miss=may_miss,
                max_body=max_body,
                secret=secret,
            )
            self.endpoints.append(declared)
            return handler

        return declare

    def blueprint(self, view_of: Callable[[Endpoint, Blueprint], Callable[..., Any]]) -> Blueprint:
        """The routes, each with the view that `view_of` makes of an endpoint."""
        blueprint = Blueprint(__name__)
        for endpoint in self.endpoints:
            # Chalice's own check of content types answers in another format than ours.
            route = blueprint.route(endpoint.path, methods=[endpoint.method], name=endpoint.operation, content_types=[])
            route(view_of(endpoint, blueprint))
        return blueprint
