"""The OpenAPI 3.1 document, made from the endpoints and their models: what is not declared is neither served nor described."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.api.endpoint import Endpoint, Noun, Reply, Visit
from functions.runtime.problems import CONTENT_TYPE

noun = Noun("openapi")

VERSION = "0.1.0"
_PAGES = {404: "No such link.", 409: "The state does not allow it (any more).", 410: "The link expired, or was used."}
_REF = "#/components/schemas/{model}"
_HEADERS = {"ETag": {"schema": {"type": "string"}, "description": "Send it back as If-None-Match: 304 when nothing changed."}}


class FaultDocument(BaseModel):
    """One thing that is wrong with a document."""

    path: str = Field(description="`rules[0].when.above`; empty for the document as a whole.")
    reason: str


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="The parameter, or the place in the body, that is at fault.")
    faults: list[FaultDocument] | None = Field(None, description="All that is wrong with a document that was sent.")


@noun.endpoint("GET", "/api/openapi.json", scope=None)
def document(visit: Visit) -> Reply:
    """This document."""
    return Reply(body=_text(tuple(visit.endpoints)), headers={"Cache-Control": "public, no-cache"})


@cache
def _text(endpoints: tuple[Endpoint, ...]) -> str:
    return json.dumps(describe(endpoints), ensure_ascii=False)


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document as a dict."""
    schemas = _Schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ClawPulse",
            "version": VERSION,
            "description": "Agents post to `POST /v1/batches`; this describes what people and programs ask and set.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".."}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.noun for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "`cp_…`, see `POST /api/tokens`."}},
        },
    }


class _Schemas:
    """JSON schemas of all models, by model and by which way it goes."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        used: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ProblemDocument, "serialization")]
        for endpoint in endpoints:
            used += [(model, "validation") for model in (endpoint.asks, endpoint.heeds, endpoint.takes) if model]
            used += [(endpoint.answers, "serialization")] if endpoint.answers else []
        self._refs, found = models_json_schema(list(dict.fromkeys(used)), ref_template=_REF)
        self.components: dict[str, Any] = found["$defs"]

    def ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
        return self._refs[model, mode]

    def take(self, model: type[BaseModel]) -> dict[str, Any]:
        """The schema itself, of a model whose fields are described one by one."""
        found: dict[str, Any] = self.components[self.ref(model, "validation")["$ref"].rsplit("/", 1)[-1]]
        return found


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "tags": [endpoint.noun],
        "summary": (endpoint.handler.__doc__ or "").strip(),
        "parameters": _parameters(endpoint, schemas),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.scope is None:
        operation["security"] = []
    else:
        operation["description"] = f"Needs the scope `{endpoint.scope}`."
    if endpoint.takes:
        content = {"application/json": {"schema": schemas.ref(endpoint.takes, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(endpoint: Endpoint, schemas: _Schemas) -> list[dict[str, Any]]:
    asked = schemas.take(endpoint.asks) if endpoint.asks else {}
    heeded = schemas.take(endpoint.heeds) if endpoint.heeds else {}
    places = {name: "path" if name in endpoint.path_names else "query" for name in asked.get("properties", ())}
    return _described(asked, places) + _described(heeded, dict.fromkeys(heeded.get("properties", ()), "header"))


def _described(schema: dict[str, Any], places: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parameters of a model, each in its place."""
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": place,
            "required": name in required,
            "schema": _sendable(field),
            **({"description": field["description"]} if "description" in field else {}),
        }
        for name, place in places.items()
        for field in [schema["properties"][name]]
    ]


def _sendable(field: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without null, which a parameter cannot be: it is left out instead."""
    kept = {key: value for key, value in field.items() if key not in ("title", "description")}
    if kept.get("default", "") is None:
        del kept["default"]
    choices = [choice for choice in kept.pop("anyOf", []) if choice.get("type") != "null"]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _responses(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if endpoint.answers:
        good["content"] = {endpoint.content_type: {"schema": schemas.ref(endpoint.answers, "serialization")}}
    elif endpoint.status != 204:
        good["content"] = {endpoint.content_type: {"schema": {"type": "object"} if "json" in endpoint.content_type else {"type": "string"}}}
    if endpoint.also_as:
        good["content"] = {**good["content"], endpoint.also_as: {"schema": {"type": "string"}}}
    has_etag = endpoint.method == "GET" and not endpoint.secret
    if has_etag:
        good["headers"] = _HEADERS
    responses = {str(status): good for status in (endpoint.status, endpoint.also) if status}
    if has_etag:
        responses["304"] = {"description": "Nothing changed since the ETag that was sent."}
    problem = {CONTENT_TYPE: {"schema": schemas.ref(ProblemDocument, "serialization")}}
    responses |= {str(status): {"description": text, "content": problem} for status, text in _faults(endpoint)}
    if endpoint.by_link:
        page = {endpoint.content_type: {"schema": {"type": "string"}}}
        responses |= {str(status): {"description": text, "content": page} for status, text in _PAGES.items()}
    return responses


def _faults(endpoint: Endpoint) -> list[tuple[int, str]]:
    faults = [(400, "The request does not fit this description."), (500, "A fault of ours.")]
    faults.append((503, "A store is unavailable; try again later."))
    if endpoint.scope is not None:
        faults += [(401, "No token, or one that is expired or revoked."), (403, "The token lacks a scope.")]
        faults += [(422, "The request fits this description, but cannot be done as asked."), (429, "Too many requests.")]
    if endpoint.path_names or endpoint.raw_history or endpoint.may_miss:
        faults.append((404, "No such thing."))
    if endpoint.heeds:
        faults.append((412, "What the conditional headers name is not there."))
    if endpoint.takes or endpoint.heeds:
        faults.append((409, "The state does not allow it."))
    if endpoint.takes:
        faults += [(413, "The body is too large."), (415, "The body is not JSON.")]
    return sorted(faults)
