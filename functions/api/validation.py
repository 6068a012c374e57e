"""Checks of what callers send against the models; a fault names its field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError

from functions.domain.errors import InvalidInput, TooLarge

MAX_BODY = 65_536


class BadRequest(InvalidInput):
    """A request that does not fit its schema (400); what fits, but cannot be done as asked, is an `InvalidInput` (422)."""


class WrongMediaType(InvalidInput):
    """A body that is not JSON (415)."""


def parameters[M: BaseModel](model: type[M], path: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> M:
    """The checked parameters of path and query."""
    for key, values in query.items():
        if len(values) > 1:
            raise BadRequest("given more than once", key)
    # The gateway hands path parameters over as they were sent.
    given = {key: values[0] for key, values in query.items()} | {key: unquote(value) for key, value in path.items()}
    return _checked(lambda: model.model_validate(given))


def no_parameters(query: Mapping[str, Sequence[str]]) -> None:
    """Refuse parameters where none are known."""
    for key in query:
        raise BadRequest("is not known here", key)


def headers[M: BaseModel](model: type[M], given: Mapping[str, str]) -> M:
    """The checked headers that a model names by its aliases; others are not looked at."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    return _checked(lambda: model.model_validate({name: given[name.lower()] for name in names if name.lower() in given}))


def body[M: BaseModel](model: type[M], content_type: str | None, data: bytes | str, at_most: int = MAX_BODY) -> M:
    """The checked JSON body of at most so many bytes. A key that stands twice in an object is refused: one value would be lost."""
    if content_type is not None and content_type.split(";")[0].strip().lower() != "application/json":
        raise WrongMediaType("the body must be application/json", "Content-Type")
    if len(data) > at_most:
        raise TooLarge(f"at most {at_most} bytes", "body")
    if not data:
        raise BadRequest("a JSON body is needed", "body")
    checked = _checked(lambda: model.model_validate_json(data))
    json.loads(data, object_pairs_hook=_unique)
    return checked


def _unique(pairs: Sequence[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadRequest("stands there twice", key)
        seen.add(key)


def _checked[M](validate: Callable[[], M]) -> M:
    try:
        return validate()
    except ValidationError as error:
        faults = [(_place(fault["loc"]), _reason(dict(fault))) for fault in error.errors(include_url=False, include_context=True)]
        first, reason = faults[0]
        others = "".join(f"; {place}: {why}" for place, why in faults[1:5])
        raise BadRequest(reason + others, first) from None


def _place(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) or "body"


def _reason(fault: dict[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not known here"
    if fault["type"] == "missing":
        return "is missing"
    return str(fault["msg"])
