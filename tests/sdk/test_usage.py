"""Usage is read from what the providers' own packages return, and from the same as plain dicts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import Message, MessageDeltaUsage
from anthropic.types.beta import BetaMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import Completion, CreateEmbeddingResponse, ImagesResponse
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from clawpulse import Usage, usage_of
from clawpulse._calls import Calls
from clawpulse._usage import count, read

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "cache_read_input_tokens": 400,
        "output_tokens_details": {"thinking_tokens": 12},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "batch",
        "speed": "fast",
    },
}
MESSAGE_USAGE = Usage(
    input=100,
    output=50,
    cache_read=400,
    cache_write=30,
    cache_write_1h=20,
    reasoning=12,
    searches=2,
    model="claude-sonnet-4-5-20250929",
    terms=(("processing", "batch"), ("speed", "fast")),
)
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_795_478_400,
    "model": "gpt-5-2025-08-07",
    "service_tier": "priority",
    "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", "content": "Hello"}}],
    "usage": {
        "prompt_tokens": 1_000,
        "completion_tokens": 200,
        "total_tokens": 1_200,
        "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0, "cache_write_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 150, "audio_tokens": 0},
    },
}
CHAT_USAGE = Usage(
    input=300,
    output=200,
    cache_read=600,
    cache_write=100,
    reasoning=150,
    input_audio=0,
    output_audio=0,
    model="gpt-5-2025-08-07",
    terms=(("service_tier", "priority"),),
)
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_795_478_400,
    "model": "gpt-5-2025-08-07",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 1_000,
        "input_tokens_details": {"cached_tokens": 250, "cache_write_tokens": 0},
        "output_tokens": 80,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 1_080,
    },
    "tool_usage": {
        "image_gen": {
            "input_tokens": 0,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
            "output_tokens": 0,
            "total_tokens": 0,
        },
        "web_search": {"num_requests": 3},
    },
}
RESPONSE_USAGE = Usage(input=750, output=80, cache_read=250, cache_write=0, reasoning=64, searches=3, model="gpt-5-2025-08-07")

EXAMPLES: list[tuple[Any, dict[str, Any], Usage | None]] = [
    (Message, MESSAGE, MESSAGE_USAGE),
    (BetaMessage, MESSAGE, MESSAGE_USAGE),
    (Message, {**MESSAGE, "usage": {"input_tokens": 3, "output_tokens": 0}}, Usage(input=3, output=0, model=MESSAGE_USAGE.model)),
    (
        Message,
        {
            **MESSAGE,
            "usage": {
                "input_tokens": 3,
                "output_tokens": 1,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2},
            },
        },
        Usage(input=3, output=1, cache_write=7, cache_write_1h=2, model=MESSAGE_USAGE.model),
    ),
    (ChatCompletion, CHAT, CHAT_USAGE),
    (
        ChatCompletion,
        {**CHAT, "service_tier": None, "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}},
        Usage(input=9, output=4, model=CHAT_USAGE.model),
    ),
    (ChatCompletion, {**CHAT, "usage": None}, None),
    (
        Completion,
        {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [], "usage": CHAT["usage"]},
        CHAT_USAGE._replace(model="m", terms=()),
    ),
    (Response, RESPONSE, RESPONSE_USAGE),
    (Response, {**RESPONSE, "status": "in_progress", "usage": None, "tool_usage": None}, None),
    (
        CreateEmbeddingResponse,
        {"object": "list", "data": [], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}},
        Usage(input=8, model="text-embedding-3-small"),
    ),
    (
        Transcription,
        {
            "text": "Hello",
            "usage": {
                "type": "tokens",
                "input_tokens": 14,
                "output_tokens": 45,
                "total_tokens": 59,
                "input_token_details": {"audio_tokens": 14, "text_tokens": 0},
            },
        },
        Usage(input=14, output=45, input_audio=14),
    ),
    (Transcription, {"text": "Hello", "usage": {"type": "duration", "seconds": 7}}, None),
    (
        ImagesResponse,
        {
            "created": 1,
            "usage": {
                "input_tokens": 50,
                "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
                "output_tokens": 1_000,
                "output_tokens_details": {"image_tokens": 1_000, "text_tokens": 0},
                "total_tokens": 1_050,
            },
        },
        Usage(input=50, output=1_000, input_image=40, output_image=1_000),
    ),
]


@pytest.mark.parametrize(("kind", "data", "usage"), EXAMPLES, ids=[kind.__name__ for kind, _, _ in EXAMPLES])
def test_objects_and_dicts_say_the_same(kind: Any, data: dict[str, Any], usage: Usage | None) -> None:
    found = kind.model_validate(data)
    assert usage_of(found) == usage
    assert usage_of(data) == usage
    assert usage_of(found.model_dump()) == usage
    assert usage_of(json.loads(found.model_dump_json(exclude_unset=True))) == usage


def test_a_bare_usage_object_is_enough() -> None:
    assert usage_of(Message.model_validate(MESSAGE).usage) == MESSAGE_USAGE._replace(model=None)
    assert usage_of(ChatCompletion.model_validate(CHAT).usage) == CHAT_USAGE._replace(model=None, terms=())
    assert usage_of(MessageDeltaUsage(output_tokens=7)) == Usage(output=7)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_token_counts_twice(fresh: int, cached: int, written: int) -> None:
    inclusive = {"input_tokens": fresh + cached + written, "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written}}
    exclusive = {"input_tokens": fresh, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written}
    chat = {
        "prompt_tokens": fresh + cached + written,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }
    for counts in (inclusive, exclusive, chat):
        assert usage_of({"usage": counts}) == Usage(input=fresh, cache_read=cached, cache_write=written)


class Hostile:
    @property
    def usage(self) -> Any:
        raise OSError("no")


STRANGE = [
    None,
    1,
    "text",
    b"bytes",
    [],
    [1],
    {},
    object(),
    Hostile(),
    MagicMock(),
    lambda: None,
    {"usage": None},
    {"usage": 3},
    {"usage": []},
    {"usage": {"input_tokens": "12"}},
    {"usage": {"input_tokens": -1, "output_tokens": True}},
    {"usage": {"prompt_tokens": float("nan"), "completion_tokens": 1.5}},
    {"type": "message_start"},
    {"type": "response.completed", "response": None},
    {"type": "chunk", "chunk": "x"},
    {"type": ["message_start"]},
    SimpleNamespace(usage=SimpleNamespace(input_tokens=None, output_tokens=None)),
]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda value: type(value).__name__)
def test_what_reports_nothing_is_none(strange: Any) -> None:
    assert usage_of(strange) is None


NAMES = st.sampled_from(
    ["usage", "type", "id", "model", "message", "input_tokens", "output_tokens", "prompt_tokens", "input_tokens_details"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["message_start", "message_delta", "chunk"])


@settings(max_examples=50, deadline=None)
@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_nothing_raises(found: Any) -> None:
    usage = usage_of(found)
    assert usage is None or all(number is None or number >= 0 for number in usage[:-2])


def test_numbers() -> None:
    assert [count(value) for value in (0, 5, 5.0, 10**30)] == [0, 5, 5, 10**30]
    assert [count(value) for value in (-1, 5.5, True, "5", None, float("inf"), object())] == [None] * 7


# Streams, as the real clients read them.


def served(events: Iterable[dict[str, Any]], *, named: bool) -> httpx2.Client:
    """A transport that answers each request with these server-sent events."""
    text = "".join((f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events)
    body = text if named else text + "data: [DONE]\n\n"

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def counted(events: Iterable[Any]) -> list[Usage]:
    """The calls that a task would count."""
    calls = Calls()
    for event in events:
        if reading := read(event):
            calls.add(reading, at=0.0)
    return [call.usage for call in calls.made]


START_USAGE = {"input_tokens": 25, "output_tokens": 1, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 0}


def message_events(name: str = "msg_1") -> list[dict[str, Any]]:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": {**MESSAGE, "id": name, "content": [], "stop_reason": None, "usage": START_USAGE}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": None, "stop_sequence": None}, "usage": {"output_tokens": 9}},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 15, "input_tokens": 30}},
        {"type": "message_stop"},
    ]


STREAMED = Usage(input=30, output=15, cache_read=7, cache_write=0, model=MESSAGE_USAGE.model)
ASK: dict[str, Any] = {"model": "some-model", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}


def anthropic_client() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="none", http_client=served(message_events(), named=True))


def test_anthropic_events() -> None:
    events = list(anthropic_client().messages.create(**ASK, stream=True))
    assert counted(events) == [STREAMED]
    assert counted(event.model_dump() for event in events) == [STREAMED]
    assert counted([*events, *events]) == [STREAMED]  # the same response: its id says so


def test_anthropic_stream_helper_and_its_final_message() -> None:
    with anthropic_client().messages.stream(**ASK) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert counted([final]) == [STREAMED]
    assert counted(events) == [STREAMED]
    assert counted([*events, final]) == [STREAMED]


def chunk(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "object": "chat.completion.chunk", "created": 1, "model": CHAT["model"], "choices": [], "usage": None, **fields}


CHUNKS = [
    chunk("c1", choices=[{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}]),
    chunk("c1", choices=[{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]),
    chunk("c1", usage=CHAT["usage"]),
]
CHUNKED = CHAT_USAGE._replace(terms=())


def openai_client(events: list[dict[str, Any]], *, named: bool) -> openai.OpenAI:
    return openai.OpenAI(api_key="none", http_client=served(events, named=named))


def test_openai_chunks() -> None:
    asked: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}], "stream_options": {"include_usage": True}}
    chunks = list(openai_client(CHUNKS, named=False).chat.completions.create(**asked, stream=True))
    assert counted(chunks) == [CHUNKED]
    assert counted(part.model_dump() for part in chunks) == [CHUNKED]
    with openai_client(CHUNKS, named=False).chat.completions.stream(**asked) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    assert counted(events) == [CHUNKED]
    assert counted([*events, final]) == [CHUNKED]


def test_servers_that_repeat_the_usage_so_far_in_each_chunk() -> None:
    def so_far(name: str, tokens: int) -> dict[str, Any]:
        return chunk(name, usage={"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens})

    counts = counted([so_far("c1", 1), so_far("c1", 2), so_far("c1", 3), so_far("c2", 1)])
    assert [usage.output for usage in counts] == [3, 1]


def test_openai_responses_events() -> None:
    events = [
        {
            "type": "response.created",
            "sequence_number": 0,
            "response": {**RESPONSE, "status": "in_progress", "usage": None, "tool_usage": None},
        },
        {
            "type": "response.output_text.delta",
            "sequence_number": 1,
            "item_id": "i",
            "output_index": 0,
            "content_index": 0,
            "delta": "Hi",
            "logprobs": [],
        },
        {"type": "response.completed", "sequence_number": 2, "response": RESPONSE},
    ]
    received = list(openai_client(events, named=True).responses.create(model="gpt-5", input="Hi", stream=True))
    assert len(received) == 3
    assert counted(received) == [RESPONSE_USAGE]
    assert counted([*received, Response.model_validate(RESPONSE)]) == [RESPONSE_USAGE]


@pytest.mark.parametrize(
    ("events", "outputs"),
    [
        ([*message_events("msg_1"), *message_events("msg_2")], [15, 15]),
        ([MESSAGE, MESSAGE], [50, 50]),
        ([CHAT, *CHUNKS, CHAT], [200, 200, 200]),
        ([{"type": "message_delta", "usage": {"output_tokens": 3}}, {"type": "message_delta", "usage": {"output_tokens": 8}}], [8]),
        ([*message_events()[:2], CHAT, {"usage": {"output_tokens": 4}}, *message_events()[2:]], [15, 200, 4]),
        ([MESSAGE, {"type": "message_delta", "usage": {"output_tokens": 3}}], [50, 3]),
        ([{"usage": {"output_tokens": 3}}, {"usage": {"output_tokens": 3}}], [3, 3]),
    ],
    ids=[
        "two streams",
        "two whole responses",
        "wholes and a stream",
        "a stream's end alone",
        "others during a stream",
        "a stream after a whole",
        "bare usage",
    ],
)
def test_what_is_one_call(events: list[dict[str, Any]], outputs: list[int]) -> None:
    assert [usage.output for usage in counted(events)] == outputs
