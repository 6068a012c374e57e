"""The client: `metric` and `event` are one append to a list; everything else happens in the background.

The list is never replaced and callers append whole records in one step, so threads, signal handlers and garbage collection may
record at any moment without a lock. `_limit` is the one test on the way: below zero nothing is running yet (or no more).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from time import time as _now
from typing import TYPE_CHECKING, Any, Union

from clawpulse import _lifecycle
from clawpulse._payload import NOTHING, snapshot
from clawpulse._reports import Reports, log, shown
from clawpulse._task import task_of

if TYPE_CHECKING:
    from datetime import datetime

    from clawpulse._background import Background
    from clawpulse._sender import ThreadSender
    from clawpulse._settings import Settings
    from clawpulse._worker import Worker

Tags = Union[Mapping[str, Any], None]
Time = Union[float, "datetime", None]

_FIELDS = 4
_SOFT = 20_000 * _FIELDS
"""Records that wake the background early."""
_HARD = 50_000 * _FIELDS
"""Records beyond which new ones are dropped and counted: the background cannot keep up."""


class Client:
    """Records metrics and events of one agent and delivers them in the background.

    Never blocks; nothing but wrong settings raises (`InvalidSettings`, here). Settings are `url token agent tags info name model
    versions attributes flush_seconds heartbeat_seconds timeout_seconds exit_seconds buffer_bytes spool spool_bytes aggregate`;
    sdk/README.md tells what they mean.
    All but `info` can come from the environment instead, as `CLAWPULSE_<NAME>`. Without a URL nothing is recorded.
    """

    _inbox: list[Any]
    _limit: int
    _settings: Settings | None
    _background: Background | None
    _off: bool
    _closed: bool

    def __init__(
        self,
        *,
        url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        info: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self._inbox, self._settings = [], None
        self._refresh()
        self.configure(url=url, token=token, agent=agent, tags=tags, info=info, **settings)

    @classmethod
    def from_environment(cls) -> Client:
        """A client that reads its settings and starts at the first record; wrong settings are logged and turn it off."""
        client = cls.__new__(cls)
        client._inbox, client._settings = [], None
        client._refresh()
        return client

    def metric(self, name: str, value: float | None, *, tags: Tags = None, time: Time = None) -> None:
        """Record a value. `time`: seconds since 1970 or an aware datetime, now if left out. None is no value: nothing is recorded."""
        inbox = self._inbox
        if len(inbox) > self._limit and not self._admit(name, value, tags, time):
            return
        try:
            inbox += (name, value, _now() if time is None else time, tags.copy() if tags else None)  # type: ignore[attr-defined]
        except Exception:
            self._record_odd(name, value, tags, time)

    def event(self, name: str, *, tags: Tags = None, payload: Any = None, time: Time = None) -> None:
        """Record that something happened, with a payload that JSON can hold."""
        try:
            value = snapshot(payload)
        except Exception as error:
            self._reports.invalid("payload", f"{shown(name)}: payload left out, it is not for JSON ({type(error).__name__})")
            value = NOTHING
        self.metric(name, value, tags=tags, time=time)  # type: ignore[arg-type]

    def bind(self, name: str, *, tags: Tags = None) -> Callable[[float], None]:
        """A faster `metric` of one series: call the result with the values."""
        fixed = self._plain(name, tags)
        inbox, extend, admit = self._inbox, self._inbox.extend, self._admit

        def record(value: float) -> None:
            if len(inbox) > self._limit and not admit(name, value, fixed, None):
                return
            extend((name, value, _now(), fixed))

        return record

    task = task_of

    def flush(self, timeout: float = 5.0) -> bool:
        """Have all recorded so far delivered, waiting at most so many seconds; tells whether it is (or there is no URL)."""
        background = self._background
        if background is None:
            return not self._inbox
        return background.ask_flush().wait(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Flush, then end the background; the client records nothing from then on. Tells whether all was delivered."""
        return _lifecycle.close([self], timeout)

    def configure(self, **settings: Any) -> None:
        """Start anew with other settings, after delivering what was recorded with the old ones. Raises `InvalidSettings`."""
        from clawpulse._settings import resolve

        resolved = resolve(**settings)
        if self._background is not None:
            self.close()
        self._settings, self._closed, self._off = resolved, False, False
        if resolved is not None and resolved.open_token:
            log("warning", f"the token travels unencrypted to {resolved.url}: use https")
        if _lifecycle.tap() is None:
            self._start(greet=True)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refresh(self) -> None:
        """The state of a client that has not begun, in this process. The inbox stays the same list: others hold it."""
        del self._inbox[:]
        self._limit = -1
        self._off = self._closed = False
        self._background = None
        self._reports = Reports()
        self._starting = _lifecycle.new_lock()
        _lifecycle.adopt(self)

    def _admit(self, name: Any, value: Any, tags: Any, time: Any) -> bool:
        """Whether a record may go into the inbox, when that is not plain."""
        tap = _lifecycle.tap()
        if tap is not None:
            tap.record(name, value, _now() if time is None else time, tags)
            return False
        if self._closed:
            self._reports.once("closed", "warning", f"{shown(name)} not recorded, nor what follows: the client is closed")
        if self._off or self._closed:
            return False
        if self._background is None:
            return self._start(greet=False)
        if len(self._inbox) <= _SOFT:
            return True
        self._background.wake()
        if len(self._inbox) <= _HARD:
            return True
        self._reports.dropped(1, "more is recorded than the background can take in", kind="overflow")
        return False

    def _record_odd(self, name: Any, value: Any, tags: Any, time: Any) -> None:
        """Record with tags that are no plain dict."""
        self._inbox.extend((name, value, _now() if time is None else time, self._plain(name, tags)))

    def _plain(self, name: Any, tags: Any) -> dict[Any, Any] | None:
        """Tags as a dict of our own; none, told, if they can be none."""
        try:
            return dict(tags) if tags else None
        except Exception:
            self._reports.invalid("tags", f"{shown(name)}: tags left out, they are a {type(tags).__name__} and not a mapping")
            return None

    def _start(self, *, greet: bool) -> bool:
        """Start the background unless there is no URL; tells whether records may come."""
        if not self._starting.acquire(False):
            return True
        try:
            if self._background is not None:
                return True
            if self._settings is None and not os.environ.get("CLAWPULSE_URL"):
                self._off = True
                log("info", "CLAWPULSE_URL is not set: nothing is recorded")
                return False
            return self._start_background(greet)
        finally:
            self._starting.release()

    def _start_background(self, greet: bool) -> bool:
        # Not in the thread: logging registers what it does at forks, which must not happen during one.
        import logging  # noqa: F401

        from clawpulse._background import Background

        self._background = Background(lambda sender: self._make_worker(greet, sender))
        self._limit = -1 if _lifecycle.tap() else _SOFT
        try:
            self._background.start()
        except RuntimeError as error:
            self._background, self._limit, self._off = None, -1, True
            log("warning", f"nothing is recorded any more: {error}")
            return False
        _lifecycle.watch_process()
        return True

    def _make_worker(self, greet: bool, sender: ThreadSender) -> Worker | None:
        """Build the worker, in its thread; None, logged, if that fails, as it does when the environment's settings are wrong."""
        try:
            from clawpulse._assembly import make_worker

            return make_worker(self._settings, self._inbox, self._reports, greet=greet, sender=sender)
        except Exception as error:
            self._off, self._limit = True, -1
            del self._inbox[:]
            log("error", f"nothing is recorded: {error}")
            return None
