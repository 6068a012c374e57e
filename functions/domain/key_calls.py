"""Calls of a provider that users describe (`kind: http`): templates of requests, what statuses mean, where in an answer something is.

    revoke: {method: DELETE, url: "https://api.acme.example/keys/{id}", headers: {Authorization: "Bearer {admin}"}, accepted: [204]}

Placeholders are filled in when the call is made. `{key}` and `{admin}` are secrets: headers and bodies take them, URLs, which end in
others' logs, do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from functions.domain.alert_faults import Node
from functions.domain.channel_fields import HINT, looks_secret, url_fault

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_URL = 1024
MAX_HEADERS = 10
MAX_HEADER = 512
MAX_BODY_DEPTH = 6
MAX_STATUSES = 20
SECRETS = frozenset({"key", "admin"})
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]*")
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a call is made of."""

    values: frozenset[str]
    """Placeholders that it knows."""
    method: str
    """If it names none."""
    accepted: frozenset[int]
    refused: frozenset[int] = frozenset()
    """Empty: this call has no such list."""
    pointers: Mapping[str, bool] = field(default_factory=dict)
    """What is read from the answer, and whether that must be said."""


SHAPES: Mapping[str, Shape] = {
    "test": Shape(frozenset({"key"}), "GET", frozenset({200}), frozenset({401, 403})),
    "create": Shape(frozenset({"admin", "name"}), "POST", frozenset({200, 201}), pointers={"key": True, "id": False}),
    "revoke": Shape(frozenset({"admin", "key", "id"}), "DELETE", frozenset({200, 202, 204})),
    "usage": Shape(frozenset({"admin", "id", "since"}), "GET", frozenset({200}), pointers={"last_used": True}),
}


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One checked call; texts are templates."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    """JSON; None for none."""
    accepted: frozenset[int]
    refused: frozenset[int]
    pointers: Mapping[str, str]

    @property
    def placeholders(self) -> frozenset[str]:
        """Those that occur in it."""
        return frozenset(name for text in (self.url, *self.headers.values(), *_texts(self.body)) for name in _PLACEHOLDER.findall(text))


def parse_call(node: Node, shape: Shape) -> HttpCall:
    """Read a call, noting its faults; a wrong part is read as if it were not there. No fault quotes a value."""
    lists = ("accepted", "refused") if shape.refused else ("accepted",)
    node.keys(
        ("method", "url", "headers", "body", *lists, *shape.pointers), ("url", *(name for name, must in shape.pointers.items() if must))
    )
    call = HttpCall(
        _method(node, shape.method),
        _url(node, shape.values),
        _headers(node, shape.values),
        _body(node, shape.values),
        _statuses(node, "accepted", shape.accepted),
        _statuses(node, "refused", shape.refused) if shape.refused else frozenset(),
        {name: pointer for name in shape.pointers if (pointer := _pointer(node, name))},
    )
    if both := call.accepted & call.refused:
        node.fault("refused", f"{min(both)} is accepted, too")
    if call.body is not None and call.method == "GET":
        node.fault("body", "a GET has none")
    return call


def filled(template: Any, values: Mapping[str, str], *, url: bool = False) -> Any:
    """A text, or JSON with texts, with values in place of the placeholders; in a URL they are percent-encoded."""
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe="") if url else values[found[1]], template)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    return [filled(value, values) for value in template] if isinstance(template, list) else template


def at(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points at. Raises `LookupError` where there is nothing, which is not null."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isascii() and name.isdigit() and len(name) <= 6 and int(name) < len(document):
            document = document[int(name)]
        else:
            raise LookupError(f"nothing at {pointer}")
    return document


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _method(node: Node, default: str) -> str:
    value = node.raw("method")
    if value is None or value in METHODS:
        return value or default
    node.fault("method", f"must be one of {', '.join(METHODS)}")
    return default


def _url(node: Node, values: frozenset[str]) -> str:
    value = node.raw("url")
    if value is None:
        return ""
    text = value if isinstance(value, str) and len(value) <= MAX_URL else ""
    names = _PLACEHOLDER.findall(text)
    reason = url_fault(_PLACEHOLDER.sub("x", text)) or _fault(text, values)
    if not reason and (SECRETS & set(names)):
        reason = "a URL ends in others' logs: put {key} and {admin} into a header or the body"
    if not reason and _PLACEHOLDER.search(urlsplit(text).netloc):
        reason = "its host must not be made of placeholders"
    if reason:
        node.fault("url", reason)
        return ""
    return text


def _headers(node: Node, values: frozenset[str]) -> dict[str, str]:
    given = node.node("headers")
    if given is None:
        return {}
    names = sorted(given.given())
    if len(names) > MAX_HEADERS:
        node.fault("headers", f"are at most {MAX_HEADERS}")
        return {}
    found: dict[str, str] = {}
    for name in names:
        text = given.raw(name)
        if not _HEADER_NAME.fullmatch(name):
            node.fault("headers", "names of headers have letters, digits and hyphens")
        elif not isinstance(text, str) or len(text) > MAX_HEADER or not _HEADER_TEXT.fullmatch(text):
            given.fault(name, f"must be a text of at most {MAX_HEADER} printable ASCII characters")
        elif reason := _fault(text, values):
            given.fault(name, reason)
        else:
            found[name] = text
    return found


def _body(node: Node, values: frozenset[str]) -> Any:
    body = node.raw("body")
    if body is None:
        return None
    if not isinstance(body, Mapping) or _depth(body) > MAX_BODY_DEPTH:
        node.fault("body", f"must be a mapping, sent as JSON, at most {MAX_BODY_DEPTH} deep")
        return None
    if reason := next((reason for text in _texts(body) if (reason := _fault(text, values))), None):
        node.fault("body", reason)
        return None
    return body


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _fault(text: str, values: frozenset[str]) -> str | None:
    """Why a template is none."""
    if unknown := set(_PLACEHOLDER.findall(text)) - values:
        known = ", ".join(f"{{{name}}}" for name in sorted(values))
        return f"{{{min(unknown)[:40]}}} is no placeholder of this call; it has {known}"
    return HINT.replace("`secret`", "`admin`") if looks_secret(_PLACEHOLDER.sub("", text)) else None


def _statuses(node: Node, key: str, default: frozenset[int]) -> frozenset[int]:
    value = node.raw(key)
    if value is None:
        return default
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_STATUSES or not all(_is_status(status) for status in value):
        node.fault(key, f"must be a list of 1 to {MAX_STATUSES} HTTP statuses, 200 to 499")
        return default
    return frozenset(value)


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 499


def _pointer(node: Node, key: str) -> str:
    value = node.raw(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 256 or not _POINTER.fullmatch(value):
        node.fault(key, "must be a JSON pointer such as /data/0/key")
        return ""
    return value
