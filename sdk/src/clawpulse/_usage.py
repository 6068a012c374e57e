"""How many tokens a response of a model says it took: Anthropic Messages, OpenAI Chat Completions and Responses, events of streams.

Reads objects of the providers' own packages and the same as plain dicts, by the names of their fields, so none of the packages is needed.
The providers count differently: Anthropic's `input_tokens` leaves out what was read from or written to a cache, OpenAI's `prompt_tokens`
and `input_tokens` include it. `Usage` counts every token once.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

Terms = tuple[tuple[str, str], ...]


class Usage(NamedTuple):
    """Tokens of one request. None: not reported, which is not the same as 0. All input is `input + cache_read + cache_write`."""

    input: int | None = None
    """Without what was read from or written to a cache."""
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    """The part of `cache_write` that is kept for an hour, which has a price of its own."""
    reasoning: int | None = None
    """The part of `output` that the model thought."""
    input_audio: int | None = None
    """The part of all input that is audio; likewise the following."""
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    searches: int | None = None
    """Web searches that the provider made and bills."""
    model: str | None = None
    """The model that answered, as it calls itself."""
    terms: Terms = ()
    """What else decides on the price: `("processing", "batch")`, `("service_tier", "priority")`, `("speed", "fast")`."""


class Reading(NamedTuple):
    """What one object says."""

    usage: Usage
    response: str | None
    """The id of the response; None if it does not tell, as in some events of a stream."""
    streamed: bool
    """Whether this is one event of a stream: a later one says the same anew, more completely."""


def usage_of(response: Any) -> Usage | None:
    """The tokens that a response, a stream's event or a bare usage object reports; None if it reports none, whatever it is."""
    reading = read(response)
    return None if reading is None else reading.usage


def read(response: Any) -> Reading | None:
    """The usage of a response or a stream's event, and which response it belongs to."""
    try:
        body, streamed = _body(response)
        usage = _usage(body)
        name = _get(body, "id")
    except Exception:  # a property of a strange object may do anything
        return None
    return None if usage is None else Reading(usage, name if isinstance(name, str) else None, streamed)


def merge(before: Usage, after: Usage) -> Usage:
    """The usage of a stream whose events report cumulative counts, each maybe not all of them."""
    told = {name: value for name, value in after._asdict().items() if value is not None and value != ()}
    return before._replace(**told)


def count(value: Any) -> int | None:
    """A number of tokens; None for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        return None
    return int(value)


def _body(response: Any) -> tuple[Any, bool]:
    """What has id, model and usage: the response itself, or what an event of a stream carries."""
    kind = _get(response, "type")
    if kind in ("message_start", "message_stop"):
        return _get(response, "message"), True
    if kind == "chunk":
        return _get(response, "chunk"), True
    if isinstance(kind, str) and kind.startswith("response."):
        return _get(response, "response"), True
    return response, kind == "message_delta" or _get(response, "object") == "chat.completion.chunk"


def _usage(body: Any) -> Usage | None:
    found = _get(body, "usage")
    counted = body if found is None else found
    tokens = _chat(counted) or _messages(counted)
    if tokens is None:
        return None
    model = _get(body, "model")
    searches = _first(tokens.searches, _count(_get(_get(body, "tool_usage"), "web_search"), "num_requests"))
    return tokens._replace(model=model if isinstance(model, str) and model else None, searches=searches, terms=_terms(body, counted))


def _chat(counted: Any) -> Usage | None:
    """OpenAI Chat Completions, embeddings, and the many that speak like them."""
    sent, given = _count(counted, "prompt_tokens"), _count(counted, "completion_tokens")
    if sent is None and given is None:
        return None
    return _inclusive(sent, given, _get(counted, "prompt_tokens_details"), _get(counted, "completion_tokens_details"))


def _messages(counted: Any) -> Usage | None:
    """Anthropic Messages and OpenAI Responses: the same names, but the latter's input includes the cached tokens."""
    sent, given = _count(counted, "input_tokens"), _count(counted, "output_tokens")
    if sent is None and given is None:
        return None
    details = _first(_get(counted, "input_tokens_details"), _get(counted, "input_token_details"))
    further = _first(_get(counted, "output_tokens_details"), _get(counted, "output_token_details"))
    if details is not None:
        return _inclusive(sent, given, details, further)
    written = _get(counted, "cache_creation")
    short, long = _count(written, "ephemeral_5m_input_tokens"), _count(written, "ephemeral_1h_input_tokens")
    return Usage(
        input=sent,
        output=given,
        cache_read=_count(counted, "cache_read_input_tokens"),
        cache_write=_first(_count(counted, "cache_creation_input_tokens"), _sum(short, long)),
        cache_write_1h=long,
        reasoning=_first(_count(further, "thinking_tokens"), _count(further, "reasoning_tokens")),
        searches=_count(_get(counted, "server_tool_use"), "web_search_requests"),
    )


def _inclusive(sent: int | None, given: int | None, details: Any, further: Any) -> Usage:
    """Counts whose input includes what was read from and written to a cache."""
    read_, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    return Usage(
        input=None if sent is None else max(0, sent - (read_ or 0) - (written or 0)),
        output=given,
        cache_read=read_,
        cache_write=written,
        reasoning=_count(further, "reasoning_tokens"),
        input_audio=_count(details, "audio_tokens"),
        output_audio=_count(further, "audio_tokens"),
        input_image=_count(details, "image_tokens"),
        output_image=_count(further, "image_tokens"),
    )


def _terms(body: Any, counted: Any) -> Terms:
    tier = _first(_get(body, "service_tier"), _get(counted, "service_tier"))
    terms = {"processing" if tier == "batch" else "service_tier": tier, "speed": _get(counted, "speed")}
    return tuple((key, text) for key, text in terms.items() if isinstance(text, str))


def _get(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def _count(source: Any, name: str) -> int | None:
    return count(_get(source, name))


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _sum(*values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
