"""Tasks measured: the same points as by hand, in every form that code has, and nothing changed for the code itself."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

import clawpulse.testing
from clawpulse import Client, Task, current_task, task
from clawpulse.testing import Sent
from tests.docs.blocks import ROOT, blocks
from tests.sdk.agent import openclaw_invoke, run_agent_task
from tests.sdk.server import Server
from tests.sdk.test_processes import PYTHONS, run
from tests.sdk.test_usage import CHAT, MESSAGE, RESPONSE, message_events

TAGS = {"tier": "fast", "shard": "acme"}
ENDS = {"task.completed", "task.failed"}


@pytest.fixture
def sent() -> Iterator[Sent]:
    with clawpulse.testing.capture() as sent:
        yield sent


def response(model: str = "claude-sonnet-4-5", **counts: int) -> dict[str, Any]:
    return {"model": model, "usage": {"input_tokens": 100, "output_tokens": 10, **counts}}


def values(sent: Sent, name: str) -> list[float]:
    return sent.values(f"task.{name}")


# What it sends


def run_measured(task_id: str, tier: str, shard: str) -> Any:
    """The snippet that users write by hand, without the hand."""
    with task(task_id, tags={"tier": tier, "shard": shard}) as t:
        result = openclaw_invoke(task_id)
        t.usage(result)
        t.cost(result.cost_usd)
        return result


def told(sent: Sent) -> list[Any]:
    """What was sent, in order, but for times, and the source of the cost, which only we tell."""
    metrics = [
        (m.name, {k: v for k, v in m.tags.items() if k != "cost_source"}, m.value if m.name != "task.latency_ms" else 0)
        for m in sent.metrics
    ]
    return [metrics, [(e.name, e.tags, e.payload) for e in sent.events]]


def test_it_sends_what_the_snippet_sends_by_hand() -> None:
    sents = []
    for function in (run_agent_task, run_measured):
        with clawpulse.testing.capture() as sent:
            function("t1", "fast", "acme")
            with pytest.raises(TimeoutError):
                function("bad", "fast", "acme")
        sents.append(told(sent))
    assert sents[0] == sents[1]
    assert sents[1][1][-1] == ("task.failed", {**TAGS, "task_id": "bad"}, {"err": "no answer"})


def test_latency_is_that_of_the_given_clock(sent: Sent) -> None:
    times = iter([10.0, 10.25])
    with Task(Client(), "t1", TAGS, lambda: next(times)):
        pass
    assert values(sent, "latency_ms") == [250.0]


def test_a_failure_tells_its_type_and_the_beginning_of_its_text(sent: Sent) -> None:
    with pytest.raises(KeyError), task("t1"):
        raise KeyError("x" * 1_000)
    (errors,) = sent.metrics
    assert (errors.name, errors.value, errors.tags) == ("task.errors", 1.0, {"task_id": "t1", "error": "KeyError"})
    assert sent.events[-1].payload == {"err": ("'" + "x" * 1_000)[:500]}


def test_what_a_failed_task_spent_is_told(sent: Sent) -> None:
    with pytest.raises(OSError, match="late"), task("t1") as t:  # noqa: PT012  the task spends, then fails
        t.usage(response())
        raise OSError("late")
    assert [m.name for m in sent.metrics] == ["task.tokens_in", "task.tokens_out", "task.cost_usd", "task.errors"]
    assert {m.tags["model"] for m in sent.metrics} == {"claude-sonnet-4-5"}


def test_calls_add_up_and_are_priced_one_by_one(sent: Sent) -> None:
    with task("t1", tags=TAGS) as t:
        t.usage(MESSAGE)
        for _ in range(3):
            t.usage(response(input_tokens=150_000, cache_read_input_tokens=1_000))
    assert values(sent, "tokens_in") == [450_100.0]
    assert values(sent, "tokens_out") == [80.0]
    assert values(sent, "tokens_cache_read") == [3_400.0]
    assert values(sent, "tokens_cache_write") == [30.0]
    (cost,) = [m for m in sent.metrics if m.name == "task.cost_usd"]
    # Three requests of 150,000 tokens do not reach the price beyond 200,000, though together they would.
    each = 150_000 * 3e-6 + 10 * 15e-6 + 1_000 * 0.3e-6
    batch = 100 * 1.5e-6 + 50 * 7.5e-6 + 400 * 0.15e-6 + 10 * 1.875e-6 + 20 * 3e-6 + 2 * 0.01
    assert cost.value == pytest.approx(3 * each + batch)
    assert cost.tags == {**TAGS, "task_id": "t1", "model": "mixed", "cost_source": clawpulse.price("gpt-5", clawpulse.Usage(1, 1)).source}  # type: ignore[union-attr]


def test_events_of_a_stream_are_one_call(sent: Sent) -> None:
    with task("t1") as t:
        for event in message_events():
            t.usage(event)
        t.usage(RESPONSE)
    assert values(sent, "tokens_out") == [95.0]
    assert {m.tags["model"] for m in sent.metrics} == {"mixed"}


def test_cache_tokens_are_sent_only_if_reported(sent: Sent) -> None:
    with task("t1") as t:
        t.usage(response())
    with task("t2") as t:
        t.usage(CHAT)
    assert {m.tags["task_id"] for m in sent.metrics if m.name.startswith("task.tokens_cache")} == {"t2"}
    assert sent.values("task.tokens_in", task_id="t2") == [300.0]


def test_missing_is_not_zero(sent: Sent) -> None:
    with task("t1"):
        pass
    assert [m.name for m in sent.metrics] == ["task.latency_ms"]


def test_a_call_without_a_price_leaves_the_task_without(sent: Sent) -> None:
    with task("t1") as t:
        t.usage(response())
        t.usage(response("our-own-model"))
    assert values(sent, "cost_usd") == []
    assert values(sent, "tokens_in") == [200.0]
    with task("t2") as t:
        t.usage(response("our-own-model"))
        t.cost(0.5)
        t.cost(Decimal("0.25"))
    (cost,) = [m for m in sent.metrics if m.name == "task.cost_usd"]
    assert (cost.value, cost.tags["cost_source"], cost.tags["model"]) == (0.75, "reported", "our-own-model")


def test_a_reported_cost_goes_before_a_computed_one(sent: Sent) -> None:
    with task("t1") as t:
        t.cost(0)
        t.usage(response())
    assert values(sent, "cost_usd") == [0.0]


def test_tokens_and_model_by_hand(sent: Sent) -> None:
    with task("t1") as t:
        t.tokens(input=1_000, output=100, cache_read=50, cache_write=0)
        t.model("gpt-5", provider="azure")
    with task("t2", tags={"model": "gpt-5"}) as t:
        t.tokens(input=1_000, output=100, cache_read=50, cache_write=0)
    for name in ("t1", "t2"):
        found = {m.name: m for m in sent.metrics if m.tags["task_id"] == name}
        assert found["task.cost_usd"].value == pytest.approx(1_000 * 1.25e-6 + 50 * 0.125e-6 + 100 * 10e-6)
        assert found["task.tokens_cache_write"].value == 0.0
        assert found["task.latency_ms"].tags["model"] == "gpt-5"


def test_models_of_providers_without_a_mark_of_their_own(sent: Sent) -> None:
    llama = response("llama-3.3-70b-versatile")
    with task("none") as t:
        t.usage(llama)
    with task("of the task") as t:
        t.model(provider="groq")
        t.usage(llama)
    with task("of the call") as t:
        t.usage(llama, provider="groq")
    assert [m.tags["task_id"] for m in sent.metrics if m.name == "task.cost_usd"] == ["of the task", "of the call"]


def test_tags_and_events_of_a_running_task(sent: Sent) -> None:
    with task("t1", tags=TAGS) as t:
        t.tag(team="search")
        t.tag({"tier": "smart", "a.b": 1})
        t.event("tool.called", payload={"tool": "grep"}, tags={"tool": "grep"})
    tags = {"tier": "smart", "shard": "acme", "team": "search", "a.b": "1", "task_id": "t1"}
    assert [(e.name, e.tags) for e in sent.events] == [
        ("task.started", {**TAGS, "task_id": "t1"}),
        ("tool.called", {**tags, "tool": "grep"}),
        ("task.completed", tags),
    ]
    assert sent.events[1].payload == {"tool": "grep"}


def test_usage_says_what_it_found(sent: Sent) -> None:
    with task() as t:
        assert t.usage(MESSAGE) == clawpulse.usage_of(MESSAGE)
        assert t.usage("no response") is None
    assert sent.invalid == []


# Ids


def test_ids(sent: Sent) -> None:
    with task() as first, task(42) as second, task(tags={"task_id": "mine"}) as third, task("given", tags={"task_id": "no"}) as fourth:
        names = [t.task_id for t in (first, second, third, fourth)]
    assert names[1:] == ["42", "mine", "given"]
    assert len({started(sent, i) for i in range(4)}) == 4
    for _ in range(500):
        with task():
            pass
    assert len({event.tags["task_id"] for event in sent.events}) == 504


def started(sent: Sent, position: int) -> str:
    return [event.tags["task_id"] for event in sent.events if event.name == "task.started"][position]


def test_a_decorated_function_takes_its_tags_from_its_arguments(sent: Sent) -> None:
    @task(tags=lambda task_id, tier, **_: {"task_id": task_id, "tier": tier})
    def work(task_id: str, tier: str, question: str = "") -> str:
        assert current_task() is not None
        return f"{current_task().task_id}{question}"  # type: ignore[union-attr]

    assert work("t1", tier="fast", question="?") == "t1?"
    assert work("t2", "smart") == "t2"
    assert [(e.tags["task_id"], e.tags["tier"]) for e in sent.events[::2]] == [("t1", "fast"), ("t2", "smart")]


def test_one_id_for_every_run_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="one task id for every run"):
        task("nightly")(lambda: None)
    with pytest.raises(TypeError, match="task decorates functions, not a classmethod"):
        task()(classmethod(lambda cls: None))  # type: ignore[arg-type]


# Every form of code


class Worker:
    @task
    def method(self, value: Any) -> Any:
        return value

    @classmethod
    @task
    def of_class(cls, value: Any) -> Any:
        return value

    @staticmethod
    @task(tags=TAGS)
    def static(value: Any) -> Any:
        return value

    def __call__(self, value: Any) -> Any:
        return value


@task
def plain(value: Any) -> Any:
    """Documented."""
    return value


@task
async def coroutine(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


class Asynchronous:
    async def __call__(self, value: Any) -> Any:
        await asyncio.sleep(0)
        return value


class Inherits(Asynchronous): ...


def twice(value: Any, other: Any) -> Any:
    assert other
    return value


FORMS: list[Callable[[Any], Any]] = [
    plain,
    Worker().method,
    Worker.of_class,
    Worker.static,
    task(Worker()),
    task(functools.partial(twice, other=1)),
    task(lambda value: value),
    lambda value: asyncio.run(coroutine(value)),
    lambda value: asyncio.run(task(functools.partial(coroutine))(value)),
    lambda value: asyncio.run(task(Inherits())(value)),
]


@pytest.mark.parametrize("form", FORMS)
def test_functions_give_what_they_gave(form: Callable[[Any], Any], sent: Sent) -> None:
    value = object()
    assert form(value) is value
    assert set(sent.event_names()) == {"task.started", "task.completed"}


def test_a_function_that_only_prepares_a_coroutine(sent: Sent) -> None:
    async def waits(error: BaseException | None) -> Any:
        await asyncio.sleep(0.01)
        assert current_task() is not None
        if error:
            raise error
        return current_task()

    @task
    @functools.wraps(waits)
    def wrapped(*arguments: Any) -> Any:
        assert current_task() is not None
        return waits(*arguments)

    async def main() -> None:
        assert isinstance(await wrapped(None), Task)
        prepared = wrapped(OSError("late"))
        assert current_task() is None
        assert sent.event_names() == ["task.started", "task.completed", "task.started"]
        with pytest.raises(OSError, match="late"):
            await prepared

    asyncio.run(main())
    assert sent.event_names()[2:] == ["task.started", "task.failed"]
    assert values(sent, "latency_ms")[0] > 1


def test_functions_stay_what_they_are() -> None:
    @task
    def generator() -> Iterator[int]:
        yield 1

    @task
    async def generator_async() -> AsyncIterator[int]:
        yield 1

    assert (plain.__name__, plain.__doc__, inspect.signature(plain)) == ("plain", "Documented.", inspect.signature(plain.__wrapped__))  # type: ignore[attr-defined]
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(generator_async)


def test_a_generators_task_lasts_as_long_as_it_does(sent: Sent) -> None:
    @task(tags=lambda task_id: {"task_id": task_id})
    def echo(task_id: str) -> Iterator[Any]:
        given = None
        while given != "stop":
            assert current_task() is not None
            assert current_task().task_id == task_id  # type: ignore[union-attr]
            try:
                given = yield given
            except LookupError as error:
                given = error
        return "done"

    first, second = echo("a"), echo("b")
    assert sent.events == []
    assert next(first) is next(second) is None
    assert first.send(1) == 1
    assert current_task() is None
    assert second.send(2) == 2
    thrown = LookupError("x")
    assert first.throw(thrown) is thrown
    with pytest.raises(StopIteration) as stopped:
        first.send("stop")
    assert stopped.value.value == "done"
    second.close()
    assert [(e.name, e.tags["task_id"]) for e in sent.events] == [
        ("task.started", "a"),
        ("task.started", "b"),
        ("task.completed", "a"),
        ("task.completed", "b"),
    ]


def test_a_generator_that_fails(sent: Sent) -> None:
    cleaned = []

    @task
    def fails() -> Iterator[int]:
        try:
            yield 1
            raise ValueError("in between")
        finally:
            cleaned.append(current_task())

    with pytest.raises(ValueError, match="in between"):
        list(fails())
    with pytest.raises(OSError, match="from outside"):  # noqa: PT012  the generator has to have begun
        running = fails()
        next(running)
        running.throw(OSError("from outside"))
    assert sent.event_names() == ["task.started", "task.failed"] * 2
    assert all(isinstance(running, Task) for running in cleaned)
    unstarted = fails()
    unstarted.close()
    assert len(sent.events) == 4


def test_asynchronous_generators(sent: Sent) -> None:
    @task
    async def numbers(stop: int) -> AsyncIterator[int]:
        for number in range(stop):
            assert current_task() is not None
            await asyncio.sleep(0)
            yield number
        if stop == 0:
            raise ValueError("nothing")

    async def main() -> None:
        assert [number async for number in numbers(3)] == [0, 1, 2]
        early = numbers(3)
        assert await early.__anext__() == 0
        assert current_task() is None
        await early.aclose()  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="nothing"):
            await numbers(0).__anext__()

    asyncio.run(main())
    assert sent.event_names() == ["task.started", "task.completed", "task.started", "task.completed", "task.started", "task.failed"]


def test_a_forgotten_asynchronous_generator_is_closed_by_the_event_loop(sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    @task
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert sent.event_names() == ["task.started", "task.completed"]
    assert caplog.records == []


def test_async_with(sent: Sent) -> None:
    async def main() -> None:
        async with task("t1", tags=TAGS) as t:
            assert current_task() is t
            t.usage(response())

    asyncio.run(main())
    assert sent.event_names() == ["task.started", "task.completed"]
    assert values(sent, "tokens_in") == [100.0]


# Exceptions


def raise_it(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ValueError("x"), "task.failed"),
        (StopIteration(), "task.failed"),
        (KeyboardInterrupt(), "task.failed"),
        (asyncio.CancelledError(), "task.failed"),
        (SystemExit(1), "task.failed"),
        (SystemExit("no"), "task.failed"),
        (SystemExit(0), "task.completed"),
        (SystemExit(), "task.completed"),
        (GeneratorExit(), "task.completed"),
        (ExceptionGroup("several", [ValueError("x")]), "task.failed"),
    ],
    ids=repr,
)
def test_exceptions_pass_unchanged(error: BaseException, end: str, sent: Sent) -> None:
    for function in (lambda: with_block(error), lambda: task(raise_it)(error)):
        error.__traceback__ = None
        with pytest.raises(type(error)) as raised:
            function()
        assert raised.value is error
        assert (error.__cause__, error.__context__) == (None, None)
        assert traceback.extract_tb(error.__traceback__)[-1].name == "raise_it"
    assert sent.event_names() == ["task.started", end] * 2
    assert values(sent, "errors") == ([1.0, 1.0] if end == "task.failed" else [])
    assert len(values(sent, "latency_ms")) == (0 if end == "task.failed" else 2)


def with_block(error: BaseException) -> None:
    with task("t1"):
        raise_it(error)


def test_a_cancelled_coroutine(sent: Sent) -> None:
    @task
    async def waits() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        running = asyncio.create_task(waits())
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waits(), 0.01)

    asyncio.run(main())
    assert sent.event_names() == ["task.started", "task.failed"] * 2
    assert {m.tags["error"] for m in sent.metrics} == {"CancelledError"}


def test_an_exception_without_a_text(sent: Sent) -> None:
    with pytest.raises(Mute), task("t1"):
        raise Mute
    assert sent.events[-1].payload == {"err": ""}


# Mistakes of the caller


class Hostile:
    def __iter__(self) -> Any:
        raise OSError("no")

    def __bool__(self) -> bool:
        raise OSError("no")

    def __str__(self) -> str:
        raise OSError("no")

    def __float__(self) -> float:
        raise OSError("no")

    def __repr__(self) -> str:
        raise OSError("no")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


MISTAKES: list[Callable[[Task], Any]] = [
    lambda t: t.tokens(input=-1),
    lambda t: t.tokens(output="12"),  # type: ignore[arg-type]
    lambda t: t.tokens(cache_read=1.5),  # type: ignore[arg-type]
    lambda t: t.cost(-0.1),
    lambda t: t.cost(float("nan")),
    lambda t: t.cost("0.1"),  # type: ignore[arg-type]
    lambda t: t.cost(True),
    lambda t: t.tokens(input=Hostile()),  # type: ignore[arg-type]
    lambda t: t.cost(Hostile()),  # type: ignore[arg-type]
    lambda t: t.tag(["x"]),  # type: ignore[arg-type]
    lambda t: t.tag(Hostile()),  # type: ignore[arg-type]
    lambda t: t.event("tool.called", tags=3),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_are_counted_and_do_no_harm(mistake: Callable[[Task], Any], sent: Sent) -> None:
    with task("t1", tags=TAGS) as t:
        mistake(t)
        t.tokens(input=5)
        t.cost(1)
    assert sent.values("clawpulse.invalid") == [1.0]
    assert values(sent, "tokens_in") == [5.0]
    assert values(sent, "cost_usd") == [1.0]
    assert sent.events[-1].name == "task.completed"


@pytest.mark.parametrize("harmless", [lambda t: t.cost(None), lambda t: t.tokens(), lambda t: t.model(), lambda t: t.tag()])
def test_nothing_told_is_no_mistake(harmless: Callable[[Task], Any], sent: Sent) -> None:
    with task("t1") as t:
        harmless(t)
    assert [m.name for m in sent.metrics] == ["task.latency_ms"]


@pytest.mark.parametrize("tags", [5, ["x"], Hostile(), lambda: 1 / 0, lambda: raise_it(Mute()), lambda: 5, lambda wrong: {}])
def test_tags_that_are_none(tags: Any, sent: Sent) -> None:
    with task("t1", tags=tags):
        pass
    assert sent.event_names() == ["task.started", "task.completed"]
    assert sent.values("clawpulse.invalid") == [1.0]


@pytest.mark.parametrize("strange", [Hostile(), 5, object(), "x" * 1_000])
def test_strange_models_and_ids(strange: Any, sent: Sent) -> None:
    with task(strange) as t:
        t.model(strange, provider=strange)
        t.usage(response(), model=strange, provider=strange)
        t.tag(tier=strange)
    assert sent.event_names() == ["task.started", "task.completed"]
    assert values(sent, "tokens_in") == [100.0]
    assert values(sent, "cost_usd") in ([], [0.00045])


def test_what_comes_after_the_end_is_told(sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with task("t1") as t:
        pass
    t.usage(response())
    t.cost(1)
    t.tag(a="b")
    t.model("m")
    assert sent.values("clawpulse.invalid") == [1.0] * 4
    assert values(sent, "cost_usd") == []
    unstarted = task("t2")
    unstarted.tokens(input=5)
    unstarted.event("tool.called")
    assert len(sent.values("clawpulse.invalid")) == 5


def test_a_kind_of_mistake_is_logged_once() -> None:
    code = """
import clawpulse, clawpulse.testing, logging
with clawpulse.testing.capture():
    for _ in range(3):
        with clawpulse.task("t") as t:
            t.cost("x"); t.tokens(input="x")
"""
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cost('x') left out: a cost is a finite number of dollars from 0 on") == 1
    assert done.stderr.count("tokens(input='x') left out") == 1


# Where the current task is


def test_nested_tasks(sent: Sent) -> None:
    assert current_task() is None
    with task("outer") as outer:
        outer.tokens(input=1)
        with task("inner") as inner:
            assert current_task() is inner
            current_task().tokens(input=2)  # type: ignore[union-attr]
        assert current_task() is outer
    assert current_task() is None
    assert [(m.tags["task_id"], m.value) for m in sent.metrics if m.name == "task.tokens_in"] == [("inner", 2.0), ("outer", 1.0)]


def test_one_task_object_entered_again(sent: Sent) -> None:
    again = task()
    with again, again as t:
        t.tokens(input=1)
    with again:
        pass
    assert sent.event_names() == ["task.started", "task.completed"] * 2
    assert len({event.tags["task_id"] for event in sent.events}) == 2
    assert values(sent, "tokens_in") == [1.0]


def test_threads_have_the_task_that_they_are_given(sent: Sent) -> None:
    with task("t1") as t:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current_task).result() is None
            assert pool.submit(contextvars.copy_context().run, current_task).result() is t
        assert asyncio.run(asyncio.to_thread(current_task)) is t
    assert sent.invalid == []


def test_many_threads_tell_one_task(sent: Sent) -> None:
    with task("t1") as t:
        threads = [threading.Thread(target=lambda: [t.usage(response()) for _ in range(200)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert values(sent, "tokens_in") == [160_000.0]
    assert values(sent, "cost_usd") == [pytest.approx(1_600 * 0.00045)]


def test_asyncio_tasks_each_have_their_own(sent: Sent) -> None:
    @task(tags=lambda number: {"task_id": f"t{number}"})
    async def work(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
            current_task().tokens(input=1)  # type: ignore[union-attr]

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(1, 20)))

    asyncio.run(main())
    assert {m.tags["task_id"]: m.value for m in sent.metrics if m.name == "task.tokens_in"} == {f"t{n}": float(n) for n in range(1, 20)}


# Clients, processes, Pythons


def test_a_client_of_its_own(server: Server, new_client: Callable[..., Client]) -> None:
    client = new_client(tags={"env": "prod"})

    @client.task
    def decorated() -> None: ...

    with client.task("t1", tags=TAGS) as t:
        t.usage(response())
    with task("t2", client=client):
        decorated()
    assert client.flush()
    assert server.event_count("task.completed") == 3
    rows = {
        row["name"]: row for batch in server.full_batches for row in batch["series"] if row.get("attributes", {}).get("task_id") == ["t1"]
    }
    source = rows["task.cost_usd"]["tags"]["cost_source"]
    assert rows["task.cost_usd"]["tags"] == {**TAGS, "model": "claude-sonnet-4-5", "cost_source": source}
    assert source.startswith("genai-prices ")
    assert "cost_source" not in rows["task.tokens_in"]["tags"]


def test_a_task_that_tells_nothing_loads_nothing() -> None:
    code = """
import sys, clawpulse
early = set(sys.modules)
import clawpulse.testing
with clawpulse.testing.capture():
    with clawpulse.task(): pass
print(*(name for name in ("clawpulse._usage", "clawpulse._pricing", "clawpulse._calls", "decimal") if name in sys.modules))
print(*(name for name in ("clawpulse._usage", "clawpulse._decorator", "json", "inspect", "re", "decimal") if name in early))
print(clawpulse.price("gpt-5", clawpulse.Usage(1, 1)).provider, clawpulse.usage_of(None))
"""
    assert run("-c", code).stdout == "\n\nopenai None\n"


EVERYTHING = """
import asyncio, clawpulse.testing
from clawpulse import Usage, current_task, price, task, usage_of

@task
def plain(): current_task().tokens(input=1)

@task(tags=lambda name: {"task_id": name})
async def coroutine(name): current_task().usage({"model": "gpt-5", "usage": {"prompt_tokens": 10, "completion_tokens": 2}})

@task
def generator():
    received = yield 1
    return received

@task
async def asynchronous():
    yield 1

async def main():
    await coroutine("t1")
    assert [n async for n in asynchronous()] == [1]
    async with task("t2"): pass

with clawpulse.testing.capture() as sent:
    plain(); asyncio.run(main()); list(generator())
    try:
        with task("t3", tags={"tier": "fast"}): 1 / 0
    except ZeroDivisionError: pass
assert [e.name for e in sent.events] == ["task.started", "task.completed"] * 5 + ["task.started", "task.failed"], sent.events
assert sent.values("task.cost_usd", task_id="t1") == [0.0000325]
assert sent.invalid == [] == sent.values("clawpulse.invalid")
assert usage_of({"usage": {"input_tokens": 1}}) == Usage(input=1)
print(price("claude-sonnet-4-5", Usage(input=1000, output=0), at=1795694400).usd)
"""


@pytest.mark.parametrize("python", PYTHONS or [None], ids=[path.parts[-3] for path in PYTHONS] or ["none"])
def test_on_every_python_it_promises(python: Any) -> None:
    if python is None:
        pytest.skip("no other Python found in ~/.pyenv/versions")
    done = run("-W", "error", "-c", EVERYTHING, python=str(python))
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.003\n", "")


def test_the_readmes_examples_run() -> None:
    section = (ROOT / "sdk/README.md").read_text().split("\n## Tasks\n")[1].split("\n## ")[0]
    examples = [code for code in blocks(ROOT / "sdk/README.md", "python") if code in section]
    assert len(examples) == 3
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLAWPULSE_")}
    for code in examples:
        done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
