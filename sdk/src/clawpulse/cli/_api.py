"""A small client of ClawPulse's API over urllib: JSON in and out, every problem one clear line.

CommandError
├── ApiError      the API said no; carries the HTTP status
├── Unreachable   nobody answered: not running, wrong address, no network
└── NotConfigured no address or no token to go by
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode, urlsplit

FAILURE, USAGE, NOT_RUNNING = 1, 2, 3
"""Exit codes beside 0."""

MAX_PAGES = 1_000
"""A cursor that never ends is a fault; stop there."""


class CommandError(Exception):
    """What a command tells its user before it ends; `exit_code` is the process's."""

    exit_code = FAILURE


class Fault(NamedTuple):
    """One thing that is wrong with a document."""

    path: str
    """`rules[0].when.above`; empty for the document as a whole."""
    reason: str


class ApiError(CommandError):
    """The API refused; the text is its reason."""

    def __init__(self, status: int, text: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.faults = tuple(faults)
        """All that is wrong with a document that was sent."""


class Unreachable(CommandError):
    """Nobody answered."""

    exit_code = NOT_RUNNING


class NotConfigured(CommandError):
    """No address or token is known; the text says how to give one."""

    exit_code = USAGE


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token must not follow a redirect to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Api:
    """One API: its base URL with the stage, and the token to show it (None: routes without one only)."""

    url: str
    token: str | None
    timeout_s: float = 30.0

    def get(self, path: str, **query: Any) -> Any:
        """GET; parameters that are None are left out."""
        given = {key: value for key, value in query.items() if value is not None}
        return self.send("GET", path + ("?" + urlencode(given) if given else ""))

    def tagged(self, path: str) -> tuple[Any, str | None]:
        """GET; the answer and its ETag, which a change may name as what it is to replace."""
        data, headers = self._exchange("GET", path)
        return _decode(data, self.url), headers.get("ETag")

    def text(self, path: str) -> str:
        """GET of what is no JSON."""
        return self._exchange("GET", path)[0].decode("utf-8", "replace")

    def collect(self, path: str, key: str, limit: int | None = None, page: int | None = None, **query: Any) -> dict[str, Any]:
        """The first page's answer with the rows of all pages under `key`, at most `limit`; `page` is the route's own limit."""
        answer: dict[str, Any] = self.get(path, limit=_least(limit, page), **query)
        rows, cursor = list(answer[key]), answer["next"]
        for _ in range(MAX_PAGES):
            if not cursor or (limit is not None and len(rows) >= limit):
                return {**answer, key: rows[:limit], "next": cursor}
            more = self.get(path, limit=_least(limit and limit - len(rows), page), cursor=cursor, **query)
            rows, cursor = rows + more[key], more["next"]
        raise CommandError(f"{path} gave more than {MAX_PAGES} pages; narrow the request")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send one request; returns the decoded answer, None when it is empty. Raises `CommandError`."""
        return _decode(self._exchange(method, path, body, headers)[0], self.url)

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, Message]:
        try:
            with _opener(self.url).open(self._request(method, path, body, headers or {}), timeout=self.timeout_s) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                _refused(error.code, error.read(), self.url)
        except urllib.error.URLError as error:
            raise Unreachable(f"cannot reach {self.url}: {_cause(error.reason)}") from None
        except (OSError, HTTPException) as error:
            raise Unreachable(f"cannot reach {self.url}: {_cause(error)}") from None

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None, more: Mapping[str, str]) -> urllib.request.Request:
        headers = {"Accept": "application/json", "User-Agent": "clawpulse-cli", **more}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)  # noqa: S310  the scheme is checked by `checked_url`


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def checked_url(url: str) -> str:
    """The URL without a slash at its end; raises `NotConfigured` unless it is one of http or https with a host."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise NotConfigured(f"{url!r} is not a URL of the form https://host/stage")
    return url.rstrip("/")


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")


def _opener(url: str) -> urllib.request.OpenerDirector:
    """No redirects, and no proxy for this machine itself."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _decode(data: bytes, url: str) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise CommandError(f"{url} did not answer in JSON: is it the URL of ClawPulse's API, with the stage?") from None


def _refused(status: int, data: bytes, url: str) -> NoReturn:
    problem = _problem(data)
    detail = str(problem.get("detail") or problem.get("title") or problem.get("message") or "").strip()
    field = problem.get("field")
    text = detail or f"{url} answered with status {status}"
    if field and not text.startswith(str(field)):
        text = f"{field}: {text}"
    if status == 401:
        text = f"the token was not accepted: {text}"
    raise ApiError(status, text, [Fault(str(fault["path"]), str(fault["reason"])) for fault in problem.get("faults") or []])


def _problem(data: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(data)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _cause(reason: object) -> str:
    """What went wrong, without errno and class names."""
    if isinstance(reason, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return (reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)) or type(reason).__name__
