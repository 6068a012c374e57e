"""What the models of requests and answers share: strict, closed, camel case outside; and the types of common fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from functions.domain.selector import MAX_TEXT


class Body(BaseModel):
    """JSON that a caller sends: no unknown fields, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, frozen=True, allow_inf_nan=False)


class Asked(BaseModel):
    """Parameters of path and query, which are texts by nature: no unknown ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Answer(BaseModel):
    """JSON that we send."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


def milliseconds(moment: datetime) -> int:
    """A moment inside: ms since 1970."""
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def rfc3339(ms: int) -> str:
    """A moment at the edge: UTC with ms, `2026-11-24T00:00:00.000Z`."""
    return (datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)).isoformat(timespec="milliseconds")[:-6] + "Z"


def whole(value: Any) -> Any:
    """A number of a body as JSON means it: 5.0 is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rfc3339(value: Any) -> Any:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("not a time such as 2026-11-24T08:00:00Z")
    return value


def _two_words(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
TAG_KEY_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
AGENT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$"
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_./-]*$"
_MATCHER = r" *[A-Za-z_][A-Za-z0-9_.\-]* *(=~|!~|!=|=)[^,\x00-\x1f\x7f]*"
SELECTOR_PATTERN = rf"^({_MATCHER}(,{_MATCHER})*)?$"

type Moment = Annotated[int, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment in an answer: ms inside, RFC 3339 in UTC outside."""

type Instant = Annotated[AwareDatetime, BeforeValidator(_rfc3339, json_schema_input_type=datetime)]
"""A moment in a request: RFC 3339, never a bare number."""

type SelectorText = Annotated[
    str,
    Field(max_length=MAX_TEXT, pattern=SELECTOR_PATTERN, description="Matchers that must all hold: `env=prod,tier!=batch,region=~eu-.*`."),
]
type AgentId = Annotated[str, Field(max_length=128, pattern=AGENT_PATTERN, description="An agent's id.")]
type TaskId = Annotated[str, Field(min_length=1, max_length=1024, description="A task's id, as agents tell it.")]
type MetricName = Annotated[str, Field(max_length=128, pattern=NAME_PATTERN, description="Name of a metric or event.")]
type TagKey = Annotated[str, Field(max_length=64, pattern=TAG_KEY_PATTERN)]
type TagValue = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^,=|!\x00-\x1f\x7f-\x9f]+$")]
type Tags = Annotated[dict[TagKey, TagValue], Field(max_length=20)]
type Cursor = Annotated[str, Field(max_length=2048, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the answer before.")]
Whole = Annotated[int, BeforeValidator(whole)]
"""A whole number of a body. Not by `type`: a field's bounds would be lost from its schema."""
type Flag = Annotated[bool, BeforeValidator(_two_words, json_schema_input_type=bool), Field(strict=True)]
"""`true` or `false`, as a parameter."""
