"""Who sends OTLP data: the agent, its tags and what it says of itself, from headers and resource attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from functions.domain.errors import InvalidInput
from functions.domain.otlp_attributes import dimension, tag_value, texts
from functions.domain.otlp_samples import Envelope
from functions.domain.rollup import TagPairs
from functions.domain.selector import parse_tags
from functions.domain.wire import MAX_TAGS, MAX_TEXT

if TYPE_CHECKING:
    from opentelemetry.proto.resource.v1 import resource_pb2 as pb

AGENT_HEADER: Final = "x-clawpulse-agent"
TAGS_HEADER: Final = "x-clawpulse-tags"
PREFIX_HEADER: Final = "x-clawpulse-metric-prefix"
COUNT_HEADER: Final = "x-clawpulse-count"
IDENTITY: Final = ("clawpulse.agent", "service.instance.id", "host.name", "service.name")
"""Resource attributes that name the agent, the first one that does. Ids made up at each start (UUIDs), as SDKs do unasked, name nobody."""
_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
_NOT_AGENT = re.compile(r"[^A-Za-z0-9._:@-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
NOBODY: Final = (
    f"no agent is named: send the header {AGENT_HEADER} (OTEL_EXPORTER_OTLP_HEADERS={AGENT_HEADER}=…), or set one of the resource"
    f" attributes {', '.join(IDENTITY)} (OTEL_RESOURCE_ATTRIBUTES=service.instance.id=…; a UUID is not taken for a name)"
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of a request say."""

    agent: str | None = None
    tags: Mapping[str, str] = {}
    prefix: str = ""
    """OpenClaw's `metricNamePrefix`."""
    from_traces: bool = False
    """Whether rollups take everything from spans, because no metrics are sent."""


def options(headers: Mapping[str, str]) -> Options:
    """Read the headers, their names in lower case; raises `InvalidInput` naming the one at fault."""
    agent = headers.get(AGENT_HEADER, "").strip() or None
    if agent is not None and not _AGENT.fullmatch(agent):
        raise InvalidInput("has characters that are not possible there, or more than 128", AGENT_HEADER)
    tags = parse_tags(headers.get(TAGS_HEADER, ""), TAGS_HEADER)
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"has more than {MAX_TAGS} tags", TAGS_HEADER)
    count = headers.get(COUNT_HEADER, "").strip() or "metrics"
    if count not in ("metrics", "traces"):
        raise InvalidInput(f"must be metrics or traces, not {count[:MAX_TEXT]!r}", COUNT_HEADER)
    return Options(agent=agent, tags=tags, prefix=headers.get(PREFIX_HEADER, "").strip()[:MAX_TEXT], from_traces=count == "traces")


def envelope(resource: pb.Resource, given: Options, dimensions: frozenset[str]) -> Envelope | None:
    """The head of this resource's batches; None when nothing names its agent."""
    said = texts(resource.attributes)
    agent = given.agent or _agent(said)
    if agent is None:
        return None
    tags = {name: tag_value(value) for key, value in said.items() if value and (name := dimension(key, dimensions))}
    return Envelope(agent, dict(list({**tags, **given.tags}.items())[-MAX_TAGS:]), _info(said))


def exporter_id(resource: pb.Resource, scope: TagPairs) -> str:
    """What tells an exporter from others of the same agent: everything that its resource says, and its token's tag scope."""
    parts = sorted(each.SerializeToString(deterministic=True) for each in resource.attributes)
    return sha256(b"\0".join([*parts, repr(scope).encode()])).hexdigest()[:24]


def mark_id(scope: TagPairs) -> str:
    """Where it is remembered that OpenClaw speaks for an agent, apart by the token's tag scope like the exporters."""
    return f"openclaw-{sha256(repr(scope).encode()).hexdigest()[:8]}"


def _agent(said: Mapping[str, str]) -> str | None:
    for key in IDENTITY:
        value = said.get(key, "").strip()
        if value and not (_UUID.fullmatch(value) and key != IDENTITY[0]) and not value.startswith("unknown_service"):
            name = _NOT_AGENT.sub("-", value).lstrip("._:@-")[:128]
            if name:
                return name
    return None


def _info(said: Mapping[str, str]) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if host := _line(said.get("host.name", "")):
        info["host"] = host
    if version := _line(said.get("service.version", "")):
        info["versions"] = {"openclaw" if said.get("service.name", "").startswith("openclaw") else "service": version}
    return info


def _line(text: str) -> str:
    return _CONTROL.sub(" ", text)[:MAX_TEXT].strip()
