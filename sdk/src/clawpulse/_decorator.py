"""`@task` on functions, coroutine functions and both kinds of generator functions: each stays what it is.

A generator's task lasts from its first step to its end and is the current one only while the generator itself runs, not in the
code that consumes it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from clawpulse._current import enter, leave

if TYPE_CHECKING:
    from clawpulse._task import Task

_F = TypeVar("_F", bound=Callable[..., Any])

# Of a code object's co_flags; `inspect` has them too, but is slow to import.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


def decorate(function: _F, template: Task) -> _F:
    """The function, each run of it a task made by `template.again`. Raises `TypeError` for what is no function."""
    if not callable(function):
        raise TypeError(f"task decorates functions, not a {type(function).__name__}; it stands below @classmethod and @staticmethod")
    flags = _flags(function)
    if flags & _COROUTINE:
        wrapper: Any = _coroutine(function, template)
    elif flags & _GENERATOR:
        wrapper = _generator(function, template)
    elif flags & _ASYNC_GENERATOR:
        wrapper = _async_generator(function, template)
    else:
        wrapper = _plain(function, template)
    return wraps(function)(wrapper)  # type: ignore[return-value]


def _flags(function: Any) -> int:
    """What kind of function this is, below partial applications and objects that can be called."""
    while isinstance(function, partial):
        function = function.func
    for found in (function, getattr(function, "__func__", None), type(function).__call__):
        code = getattr(found, "__code__", None)
        if code is not None:
            return int(code.co_flags)
    return 0


def _plain(function: Callable[..., Any], template: Task) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        running = template.again(arguments, named)
        running.begin()
        try:
            with _current(running):
                result = function(*arguments, **named)
        except BaseException as error:
            running.end(error)
            raise
        if isinstance(result, CoroutineType):
            return _rest(running, result)
        running.end(None)
        return result

    return run


async def _rest(running: Task, coroutine: CoroutineType[Any, Any, Any]) -> Any:
    """What a plain function has only prepared, as those do that wrap a coroutine function."""
    with _ending(running), _current(running):
        return await coroutine


def _coroutine(function: Callable[..., Any], template: Task) -> Callable[..., Any]:
    async def run(*arguments: Any, **named: Any) -> Any:
        with template.again(arguments, named):
            return await function(*arguments, **named)

    return run


def _generator(function: Callable[..., Any], template: Task) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Generator[Any, Any, Any]:
        generator = function(*arguments, **named)
        step = partial(generator.send, None)
        running = template.again(arguments, named)
        running.begin()
        with _ending(running):
            while True:
                try:
                    with _current(running):
                        value = step()
                except StopIteration as done:
                    return done.value
                try:
                    step = partial(generator.send, (yield value))
                except GeneratorExit:
                    with _current(running):
                        generator.close()
                    raise
                except BaseException as error:
                    step = partial(generator.throw, error)

    return run


def _async_generator(function: Callable[..., Any], template: Task) -> Callable[..., Any]:
    async def run(*arguments: Any, **named: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*arguments, **named)
        step = partial(generator.asend, None)
        running = template.again(arguments, named)
        running.begin()
        with _ending(running):
            while True:
                try:
                    with _current(running):
                        value = await step()
                except StopAsyncIteration:
                    return
                try:
                    step = partial(generator.asend, (yield value))
                except GeneratorExit:
                    with _current(running):
                        await generator.aclose()
                    raise
                except BaseException as error:
                    step = partial(generator.athrow, error)

    return run


class _current:  # noqa: N801  read as what they do; as @contextmanager they would be slow, and choke on a StopIteration
    """Makes a task the current one."""

    def __init__(self, running: Task) -> None:
        self._running = running

    def __enter__(self) -> None:
        self._token = enter(self._running)

    def __exit__(self, *_: object) -> None:
        leave(self._token)


class _ending:  # noqa: N801
    """Ends a task, well or with the exception that passes."""

    def __init__(self, running: Task) -> None:
        self._running = running

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._running.end(error)
