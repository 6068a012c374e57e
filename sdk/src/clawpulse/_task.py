"""Tasks measured: `task` as a context manager and as a decorator sends what an agent would send by hand.

At the start `task.started`. At the end `task.latency_ms` and `task.completed`, or `task.errors` and `task.failed`; in both cases the tokens
and the cost that became known. Nothing here raises into the task, holds its exception back or touches its result.
"""

from __future__ import annotations

import os
from _thread import RLock
from collections.abc import Callable, Mapping
from math import isfinite
from time import monotonic
from time import time as _now
from typing import TYPE_CHECKING, Any, TypeVar, Union, overload

from clawpulse._current import enter, leave
from clawpulse._reports import log

if TYPE_CHECKING:
    from contextvars import Token
    from decimal import Decimal
    from types import TracebackType

    from clawpulse._calls import Calls, Totals
    from clawpulse._client import Client
    from clawpulse._usage import Reading, Usage

TagsOf = Union[Mapping[str, Any], Callable[..., Mapping[str, Any]], None]
TaskId = Union[str, int, None]
_F = TypeVar("_F", bound=Callable[..., Any])

_MAX_ERROR = 500
"""Characters of an error's text."""

_told: set[str] = set()


@overload
def task(task_id: _F) -> _F: ...
@overload
def task(task_id: TaskId = None, *, tags: TagsOf = None, client: Client | None = None) -> Task: ...
def task(task_id: Any = None, *, tags: TagsOf = None, client: Client | None = None) -> Any:
    """Measure a task, as a context manager or as a decorator.

    `with task("t-1", tags={...}) as t:`, likewise `async with`; `@task` or `@task(tags={...})`. Without an id each run gets a fresh one.
    `tags` may be a function: it gets the decorated function's arguments and returns the tags, and the id, if there is to be one, as
    `task_id`. `client`: who sends; the process's own client if left out.
    """
    if client is None:
        import clawpulse

        client = clawpulse._default
    return task_of(client, task_id, tags=tags)


@overload
def task_of(client: Client, task_id: _F) -> _F: ...
@overload
def task_of(client: Client, task_id: TaskId = None, *, tags: TagsOf = None) -> Task: ...
def task_of(client: Client, task_id: Any = None, *, tags: TagsOf = None) -> Any:
    """`task` with this client; the method `Client.task`."""
    if callable(task_id):
        return Task(client, None, tags)(task_id)
    return Task(client, task_id, tags)


class Task:
    """One task, while it runs: tells what it used. May be used from several threads. Made by `task(...)`."""

    task_id: str
    """Its id; empty before it starts."""

    def __init__(self, client: Client, task_id: Any, tags: TagsOf, clock: Callable[[], float] = monotonic) -> None:
        self._client, self._given_id, self._given_tags, self._clock = client, task_id, tags, clock
        self._arguments: tuple[tuple[Any, ...], Mapping[str, Any]] = ((), {})
        # A signal handler may come in between, and must not wait for itself.
        self._lock = RLock()
        self._entered: list[Token[Task | None]] = []
        self._forget()

    def _forget(self) -> None:
        """The state of a task that has not started."""
        self.task_id, self._running, self._since = "", False, 0.0
        self._tags: dict[str, Any] = {}
        self._calls: Calls | None = None
        self._cost: float | None = None
        self._model, self._provider = "", ""

    # What a task tells

    def usage(self, response: Any, *, model: str | None = None, provider: str | None = None) -> Usage | None:
        """Count the tokens that a response, or an event of its stream, reports; returns them, None if it reports none.

        Call it for each response. `model` and `provider` go before what the response says of itself, for prices.
        """
        from clawpulse import _usage

        reading = _usage.read(response)
        if reading is None:
            return None
        self._add(reading, model, provider)
        return reading.usage

    def tokens(
        self, *, input: int | None = None, output: int | None = None, cache_read: int | None = None, cache_write: int | None = None
    ) -> None:
        """Count the tokens of one request. `input` is without what was read from or written to a cache."""
        from clawpulse import _usage

        given = {"input": input, "output": output, "cache_read": cache_read, "cache_write": cache_write}
        counts = {name: _usage.count(value) for name, value in given.items()}
        for name, value in given.items():
            if value is not None and counts[name] is None:
                self._complain("tokens", f"tokens({name}={_shown(value)}) left out: a count is a whole number from 0 on")
        if any(number is not None for number in counts.values()):
            usage = _usage.Usage(counts["input"], counts["output"], counts["cache_read"], counts["cache_write"])
            self._add(_usage.Reading(usage, None, streamed=False), None, None)

    def cost(self, usd: float | Decimal | None) -> None:
        """Say what the task cost; several add up. It then has no other price."""
        if usd is None:
            return
        amount = _amount(usd)
        if amount is None:
            self._complain("cost", f"cost({_shown(usd)}) left out: a cost is a finite number of dollars from 0 on")
        elif self._may("cost"):
            with self._lock:
                self._cost = amount + (self._cost or 0.0)

    def model(self, name: str | None = None, *, provider: str | None = None) -> None:
        """Name the task's model and whose it is: the tag `model`, and the price of calls that name no model or provider themselves."""
        if self._may("model"):
            self._model, self._provider = _text(name) or self._model, _text(provider) or self._provider

    def tag(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add tags to what the task sends from now on."""
        if self._may("tag"):
            with self._lock:
                self._tags = {**self._tags, **self._read_tags(tags), **more}

    def event(self, name: str, *, tags: Mapping[str, Any] | None = None, payload: Any = None) -> None:
        """Record an event with the task's tags and id."""
        self._client.event(name, tags={**self._all_tags(), **self._read_tags(tags)}, payload=payload)

    # Its life

    def __enter__(self) -> Task:
        if not self._entered:
            self.begin()
        self._entered.append(enter(self))
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        leave(self._entered.pop())
        if not self._entered:
            self.end(error)

    async def __aenter__(self) -> Task:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate a function, a coroutine function or a generator function: each run is a task of its own. Raises `TypeError`."""
        from clawpulse._decorator import decorate

        if self._given_id is not None:
            raise TypeError("one task id for every run: leave it out, or give tags=lambda ...: {'task_id': ...}")
        return decorate(function, self)

    def again(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Task:
        """The task of one run of a decorated function."""
        run = Task(self._client, None, self._given_tags, self._clock)
        run._arguments = (arguments, named)
        return run

    def begin(self) -> None:
        """Start, without becoming the current task."""
        self._forget()
        self._running = True
        self._tags = self._read_tags(self._first_tags())
        named = self._tags.pop("task_id", None)
        self.task_id = _text(self._given_id) or _text(named) or os.urandom(8).hex()
        self._client.event("task.started", tags=self._all_tags())
        self._since = self._clock()

    def end(self, error: BaseException | None) -> None:
        """Finish, with the exception that ended the task if there was one, and send what there is."""
        milliseconds = (self._clock() - self._since) * 1000
        with self._lock:
            self._running = False
        totals = self._totals()
        tags = self._all_tags()
        if totals is not None and totals.model:
            tags = {"model": totals.model, **tags}
        failed = is_failure(error)
        if not failed:
            self._client.metric("task.latency_ms", milliseconds, tags=tags)
        if totals is not None:
            self._send_totals(totals, tags)
        if failed:
            self._client.metric("task.errors", 1, tags={**tags, "error": type(error).__name__})
            self._client.event("task.failed", tags=tags, payload={"err": _message(error)})
        else:
            self._client.event("task.completed", tags=tags)

    def _send_totals(self, totals: Totals, tags: dict[str, Any]) -> None:
        tokens = totals.tokens
        for name, number in (
            ("task.tokens_in", tokens.input),
            ("task.tokens_out", tokens.output),
            ("task.tokens_cache_read", tokens.cache_read),
            ("task.tokens_cache_write", tokens.cache_write),
        ):
            if number is not None:
                self._client.metric(name, number, tags=tags)
        if totals.usd is not None:
            self._client.metric("task.cost_usd", totals.usd, tags={**tags, "cost_source": totals.source})

    def _totals(self) -> Totals | None:
        """What the calls come to; None for a task that told nothing, which then loads nothing."""
        if self._calls is None and self._cost is None and not self._model:
            return None
        try:
            from clawpulse._calls import total
            from clawpulse._pricing import price

            made = self._calls.made if self._calls is not None else []
            return total(made, self._model or _text(self._tags.get("model")), self._provider, self._cost, price)
        except Exception as fault:  # whatever was told: the task's end is to be known
            self._complain("totals", f"a task's tokens and cost left out: {type(fault).__name__}: {_message(fault)}")
            return None

    def _add(self, reading: Reading, model: Any, provider: Any) -> None:
        from clawpulse._calls import Calls

        if self._may("usage"):
            with self._lock:
                self._calls = self._calls or Calls()
                self._calls.add(reading, _now(), _text(model), _text(provider))

    def _first_tags(self) -> Any:
        if not callable(self._given_tags):
            return self._given_tags
        arguments, named = self._arguments
        try:
            return self._given_tags(*arguments, **named)
        except Exception as error:
            self._complain("tags of", f"a task's tags left out: the function for them raised {type(error).__name__}: {_message(error)}")
            return None

    def _read_tags(self, tags: Any) -> dict[str, Any]:
        try:
            return dict(tags) if tags else {}
        except Exception:
            self._complain("tags", f"a task's tags left out: they are a {type(tags).__name__} and not a mapping")
            return {}

    def _all_tags(self) -> dict[str, Any]:
        return {**self._tags, "task_id": self.task_id}

    def _may(self, what: str) -> bool:
        if not self._running:
            self._complain("ended", f"{what}(...) left out: the task does not run")
        return self._running

    def _complain(self, kind: str, text: str) -> None:
        """A mistake of the caller: counted, the first of its kind logged."""
        self._client.metric("clawpulse.invalid", 1)
        if kind not in _told:
            _told.add(kind)
            log("warning", f"{text}. Further cases of this kind are only counted, in clawpulse.invalid")


def is_failure(error: BaseException | None) -> bool:
    """Whether a task that ended with this failed: not if its consumer had enough of a generator, or the process ends in order."""
    if isinstance(error, SystemExit):
        return error.code not in (None, 0)
    return error is not None and not isinstance(error, GeneratorExit)


def _message(error: BaseException | None) -> str:
    try:
        return str(error)[:_MAX_ERROR]
    except Exception:
        return ""


def _text(value: Any) -> str:
    """A value as text; empty for none, and for what has no text."""
    try:
        return "" if value is None else str(value)
    except Exception:
        return ""


def _shown(value: Any) -> str:
    try:
        return repr(value)[:80]
    except Exception:
        return f"a {type(value).__name__}"


def _amount(usd: Any) -> float | None:
    try:
        amount = float(usd) if not isinstance(usd, (str, bytes, bytearray, bool)) else None
    except Exception:
        return None
    return amount if amount is not None and isfinite(amount) and amount >= 0 else None
