"""Answers of the whole API, made from its models: what the page is given for views whose data does not matter.

`Answers` takes each request to its endpoint and builds what that endpoint's model allows, so no view needs answers of its own here, and
none can drift. Three kinds: `rich` has plausible values, `sparse` leaves out whatever may be missing, `hostile` has markup and script
addresses in every text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from functions.api.app import ENDPOINTS
from functions.api.openapi import describe
from tests.cli import shapes
from tests.dashboard.site import Request, stamp

HOSTILE = "javascript:window.hacked=1//'\"><img src=x onerror=window.hacked=1><b data-hostile>"
"""Becomes an element in HTML, and runs as an address."""

Schema = Mapping[str, Any]
Text = Callable[[str, int], str]
_DEEPEST = 9
_ITEMS = 3
_POINTS = 24
_STEP_MS = 300_000
_TIERS = ("fast", "smart", "batch")
_TAGS = {"env": ("prod",), "tier": _TIERS, "shard": ("acme", "globex"), "team": ("support", "search", "legal")}
_TEXTS: tuple[tuple[str, str], ...] = (
    (r"^(id|agents?|members?|leader)$", "fast-00{n}"),
    (r"^tier$", "fast"),
    (r"^(tags|selector|group|match)$", "tier=fast"),
    (r"^model$", "claude-sonnet-4-5"),
    (r"^host$", "host-{n}.example"),
    (r"^metric$", "task.latency_ms"),
    (r"^(reason|why|detail|text|message|summary|note|notes|comment|limits|warnings)$", "p95 812 ms > 500 ms for 3 of 3 minutes"),
    (r"^(error|errors|fault|faults)$", "TimeoutError: no answer within 30 s"),
    (r"^(hash|desired|written|applied|fingerprint|digest|revision|etag|version)$", "9f3c2a7{n}"),
    (r"^path$", "rules[{n}].when.above"),
    (r"^(url|link|href)$", "https://example.com/{n}"),
    (r"^by$", "jo"),
    (r"^currency$", "USD"),
)
_STATUS = ("red", "yellow", "green", "grey")
_SHARES = re.compile(
    r"share|rate|ratio|fraction|saturation|utili|cpu|memory|chance|level|percent|value|used|objective|budget", re.IGNORECASE
)

_TO_COME = re.compile(r"^(expires|until|end|ends|due|passed|next\w+)$")


class Answers:
    """What answers any `Request`; give it to `Site.otherwise`."""

    def __init__(self, kind: str) -> None:
        self._make = _Maker(sparse=kind == "sparse", text=_hostile if kind == "hostile" else _plausible)
        self._made: dict[tuple[str, str], tuple[int, Any]] = {}

    def __call__(self, request: Request) -> tuple[int, Any]:
        """The same each time: nothing changes."""
        key = request.method, request.path
        if key not in self._made:
            self._made[key] = self._answer(request)
        return self._made[key]

    def _answer(self, request: Request) -> tuple[int, Any]:
        for pattern, operation, names in _operations(request.method):
            if found := pattern.fullmatch(request.path):
                status, schema = _good(operation)
                body = None if schema is None else self._make(schema)
                # What was asked for by its name has that name.
                for name, value in zip(names, found.groups(), strict=True):
                    for key in (name, "id"):
                        if isinstance(body, dict) and isinstance(body.get(key), str):
                            body[key] = value
                            break
                return status, body
        return shapes.problem(404, f"the API has no {request.method} {request.path}")


@cache
def _document() -> dict[str, Any]:
    return describe(ENDPOINTS)


@cache
def _operations(method: str) -> list[tuple[re.Pattern[str], Schema, list[str]]]:
    """Paths as patterns, the plainest first, and the names of their parts that vary."""
    found = [(path, verbs[method.lower()]) for path, verbs in _document()["paths"].items() if method.lower() in verbs]
    return [
        (re.compile(re.sub(r"\{\w+\}", "([^/]+)", path.replace(".", r"\."))), operation, re.findall(r"\{(\w+)\}", path))
        for path, operation in sorted(found, key=lambda pair: pair[0].count("{"))
    ]


def _good(operation: Schema) -> tuple[int, Schema | None]:
    status = min(operation["responses"])
    content = operation["responses"][status].get("content", {})
    return int(status), next((found["schema"] for found in content.values()), None)


class _Maker:
    """Values for a JSON schema. `n` counts the places in a list, so that its items differ."""

    def __init__(self, *, sparse: bool, text: Text) -> None:
        self._sparse, self._text = sparse, text

    def __call__(self, schema: Schema, name: str = "", n: int = 0, depth: int = 0) -> Any:
        if "$ref" in schema:
            return self(_document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], name, n, depth)
        if found := schema.get("enum", [schema["const"]] if "const" in schema else None):
            return found[n % len(found)]
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._one_of(choices, schema.get("description", ""), name, n, depth)
        kinds: dict[str, Callable[..., Any]] = {"object": self._object, "array": self._array}
        return kinds.get(schema.get("type", ""), self._plain)(schema, name, n, depth)

    def _plain(self, schema: Schema, name: str, n: int, depth: int) -> Any:
        match schema.get("type"):
            case "boolean":
                return n % 2 == 0
            case "integer":
                return round(_number(schema, name, n))
            case "number":
                return _number(schema, name, n)
            case "null":
                return None
            case _:
                return _moment(schema, name, n) or self._text(_words(schema) or name, n)

    def _one_of(self, choices: list[Schema], about: str, name: str, n: int, depth: int) -> Any:
        nullable = any(choice.get("type") == "null" for choice in choices)
        # `next` would ask for pages without end.
        if nullable and (self._sparse or name == "next" or depth > _DEEPEST):
            return None
        others = [choice for choice in choices if choice.get("type") != "null"]
        return self({"description": about, **others[n % len(others)]}, name, n, depth)

    def _object(self, schema: Schema, name: str, n: int, depth: int) -> dict[str, Any]:
        if "properties" in schema:
            return {key: self(one, key, n, depth + 1) for key, one in schema["properties"].items()}
        if self._sparse or depth > _DEEPEST:
            return {}
        values = schema.get("additionalProperties")
        if not isinstance(values, Mapping):
            return {self._text("key", n): self._text("value", n)}
        if name.lower().endswith("tags"):
            return {key: self._text(f"tag:{key}", n) for key in _TAGS}
        return {self._text(f"{name} key", k): self(values, name, k, depth + 1) for k in range(_ITEMS)}

    def _array(self, schema: Schema, name: str, n: int, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self(one, name, n, depth + 1) if k else _first(one, n) for k, one in enumerate(schema["prefixItems"])]
        items = schema.get("items", {})
        if self._sparse or depth > _DEEPEST:
            return []
        return [self(items, name, k, depth + 1) for k in range(_POINTS if "prefixItems" in items else _ITEMS)]


def _first(schema: Schema, n: int) -> Any:
    """Of a point: when."""
    latest = round(time.time() * 1000) // _STEP_MS * _STEP_MS
    return latest - (_POINTS - n) * _STEP_MS if schema.get("type") == "integer" else _number(schema, "", n)


def _number(schema: Schema, name: str, n: int) -> float:
    wanted = 0.12 + 0.3 * (n % _ITEMS) if _SHARES.search(name) and schema["type"] == "number" else 12.5 * (n + 1)
    if name.endswith(("Ms", "Usd")) or name in ("p50", "p95", "p99"):
        wanted = 640.0 * (n + 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum", wanted))
    return float(min(max(wanted, low), schema.get("maximum", wanted)))


def _moment(schema: Schema, name: str, n: int) -> str | None:
    match schema.get("format"):
        case "date-time":
            return stamp(-86_400 * (n + 1) if _TO_COME.search(name) else 5 + 300 * n)
        case "date":
            return stamp(86_400 * n)[:10]
    return None


def _words(schema: Schema) -> str:
    """Those that a description says it is one of: `active, expired or revoked.`"""
    found = re.search(r"((?:\w+, )*\w+) or (\w+)\.", schema.get("description", ""))
    return f"one of:{found[1]}, {found[2]}" if found else ""


def _plausible(name: str, n: int) -> str:
    if name.startswith("one of:"):
        words = name.removeprefix("one of:").split(", ")
        return words[n % len(words)]
    if name.startswith("tag:"):
        values = _TAGS[name.removeprefix("tag:")]
        return values[n % len(values)]
    if name == "status":
        return _STATUS[n % len(_STATUS)]
    return next((text.format(n=n + 1) for pattern, text in _TEXTS if re.match(pattern, name)), f"{name or 'text'} {n + 1}")


def _hostile(name: str, n: int) -> str:
    return f"{n}{HOSTILE}" if n else HOSTILE
