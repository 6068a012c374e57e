"""Requests to a provider of keys, and what its answers mean, as far as it is the same for all kinds.

Whatever a provider or the network says is told without the secrets that were sent: words are redacted here, once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from functions.adapters.channels.answers import retry_after
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.notification import DeliveryFailed
from functions.domain.notification_text import REDACTED, fit, without
from functions.domain.redaction import redact_text
from functions.domain.rotation import KeyAnswer
from functions.ports import Answer, HttpPoster

UNAUTHORIZED = frozenset({401, 403})
MAX_WAIT_S = 600
_WORDS = 240
_LATER = frozenset({408, 409, 425, 429})
_SENDABLE = re.compile(r"[\x21-\x7e]{1,4096}")
_MASKED = re.compile(r"[A-Za-z0-9_-]*\*{3,}[A-Za-z0-9_-]*")
"""A key as some providers quote it: its beginning and its end."""
_HINT = re.compile(r"(.+?)(?:\.{3,}|…+|\*{2,})([^.…*]+)")
_LEAST_HINT = 6
"""Characters that must be shown for a hint to tell a key."""

type AdminKey = Callable[[bool], str]
"""The admin key; True asks its store anew. Raises `ProviderUnavailable` or `ProviderRefused`."""
type Request = Callable[[str], tuple[str, str, Mapping[str, str], Any]]
"""Method, URL, headers and body (JSON; None for none), given the admin key."""


class Tried(NamedTuple):
    """What became of trying a key."""

    answer: KeyAnswer
    dead: bool = False
    """The provider does not know this key (any more): more than not having accepted it."""


class Asker:
    """One provider's server."""

    def __init__(self, name: str, http: HttpPoster, now: Callable[[], int], admin: AdminKey | None = None) -> None:
        """`now` gives ms; without `admin` only keys can be tried."""
        self.name = name
        self.now = now
        self.has_admin = admin is not None
        self._http = http
        self._admin = admin

    def tried(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        key: str,
        *,
        body: Any = None,
        accepted: Collection[int] = (200,),
        refused: Collection[int] = UNAUTHORIZED,
        dead: Collection[int] = (HTTPStatus.UNAUTHORIZED,),
    ) -> Tried:
        """Make the call that tries a key. A key that is forbidden something (403) is refused, and not dead."""
        if not _SENDABLE.fullmatch(key):
            return Tried(KeyAnswer(False, "no key has this form: 1 to 4096 ASCII characters without blanks"), True)
        try:
            answer = self._send(method, url, headers, body, (key,))
        except ProviderUnavailable as fault:
            return Tried(KeyAnswer(False, str(fault), retry=True))
        except ProviderRefused as fault:
            return Tried(KeyAnswer(False, str(fault)))
        words = self._answered(answer, (key,))
        if answer.status in accepted:
            return Tried(KeyAnswer(True, f"{self.name} accepts the key"))
        if answer.status in refused:
            return Tried(KeyAnswer(False, f"{self.name} refuses the key: {words}"), answer.status in dead)
        return Tried(KeyAnswer(False, f"{self.name} {words}", retry=_helps(answer)))

    def administer(
        self,
        request: Request,
        *,
        hidden: Collection[str] = (),
        passed: Collection[int] = (),
        plain: bool = False,
    ) -> tuple[Answer, str]:
        """A call with the admin key; the answer, and what it says, for people.

        Statuses of 300 and above are raised, but for those in `passed`. `plain`: the call does without the admin key.
        """
        if plain:
            answer = self._send(*request(""), hidden)
            return self._settled(answer, self._answered(answer, hidden), passed)
        answer, words = self._administered(request, hidden, fresh=False)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # The admin key may have been replaced since it was remembered.
            answer, words = self._administered(request, hidden, fresh=True)
        return self._settled(answer, words, passed)

    def _settled(self, answer: Answer, words: str, passed: Collection[int]) -> tuple[Answer, str]:
        if answer.status < 300 or answer.status in passed:
            return answer, words
        if _helps(answer):
            raise ProviderUnavailable(f"{self.name} {words}", _wait_s(answer, self.now()))
        who = "does not let us do it" if answer.status in UNAUTHORIZED else "does not do it"
        raise ProviderRefused(f"{self.name} {who}: {words}")

    def _administered(self, request: Request, hidden: Collection[str], *, fresh: bool) -> tuple[Answer, str]:
        if self._admin is None:
            raise ProviderRefused(f"{self.name} has no admin key: name one as `admin` in key-settings")
        admin = self._admin(fresh).strip()
        if not _SENDABLE.fullmatch(admin):
            raise ProviderRefused(f"the admin key of {self.name} has no form that a key has: 1 to 4096 ASCII characters without blanks")
        answer = self._send(*request(admin), (admin, *hidden))
        return answer, self._answered(answer, (admin, *hidden))

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any, hidden: Collection[str]) -> Answer:
        if {".", ".."} & set(urlsplit(url).path.split("/")):
            raise ProviderRefused(f"{self.name} is not asked: a dot in place of an id would lead elsewhere")
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ProviderRefused(f"{self.name} is not asked: a header's value is more than printable ASCII")
        sent = {**headers, "Content-Type": "application/json"} if body is not None else headers
        try:
            return self._http.send(method, url, sent, b"" if body is None else json.dumps(body).encode())
        except DeliveryFailed as fault:
            reason = f"{self.name} cannot be asked: {_told(fault.reason, hidden)}"
            raise (ProviderUnavailable if fault.retryable else ProviderRefused)(reason) from None

    def _answered(self, answer: Answer, hidden: Collection[str]) -> str:
        status = f"answered {answer.status} {_phrase(answer.status)}".strip()
        words = _told(_said(answer), hidden) if answer.status >= 300 else ""
        return status + (f": {words}" if words else "")


def document(answer: Answer, name: str) -> dict[str, Any]:
    """The answer's object. Raises `ProviderRefused` when it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderRefused(f"{name} answered something that is no JSON object")
    return found


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Answers that have not the form of the provider's documents become `ProviderRefused`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise ProviderRefused(f"{name} answered in a form that its documents do not have") from None


def proven(tried: Tried, refusal: str | None, name: str) -> bool:
    """Whether a key is useless, by trying it: a provider that says so may be mistaken, or slow.

    `refusal` is why the provider did not revoke it, empty when it did, None when it could not be told to.
    """
    if tried.dead:
        return True
    if tried.answer.accepted and refusal:
        raise ProviderRefused(f"{name} did not revoke the key, and still takes it: {refusal}")
    if tried.answer.accepted and refusal is None:
        return False
    still = "still takes the key that it was told to revoke" if tried.answer.accepted else "does not tell whether it takes the key"
    raise ProviderUnavailable(f"{name} {still}" + ("" if tried.answer.accepted else f": {tried.answer.detail}"))


def fits(hint: str, key: str) -> bool:
    """Whether a key may be the one that a provider shows as `sk-ant-api03-R2D...igAA` or `sk-proj-****MxYA`."""
    ends = _HINT.fullmatch(hint)
    return ends is not None and len(ends[1]) + len(ends[2]) >= _LEAST_HINT and key.startswith(ends[1]) and key.endswith(ends[2])


def _said(answer: Answer) -> str:
    """A provider's own words about an error."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.body.decode(errors="replace")
    inner = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(inner, dict):
        return str(inner)
    texts = (inner.get(name) for name in ("type", "code", "message", "detail"))
    return ": ".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text)) or "no reason"


def _told(words: str, hidden: Collection[str]) -> str:
    return fit(_MASKED.sub(REDACTED, redact_text(without(words, *hidden))), _WORDS)


def _helps(answer: Answer) -> bool:
    return answer.status >= 500 or answer.status in _LATER


def _wait_s(answer: Answer, now: int) -> int:
    return max(1, min(round(retry_after(answer, now) or 5), MAX_WAIT_S))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
