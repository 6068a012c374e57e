"""What answers of web servers mean for a delivery, as far as it is the same for all vendors."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from functions.domain.notification import DeliveryFailed
from functions.domain.notification_text import fit, without
from functions.domain.times import SECOND_MS
from functions.ports import Answer, Message

_WORDS = 300
_MAYBE_LATER = frozenset({408, 425, 429})


def json_of(answer: Answer) -> dict[str, Any]:
    """The answer's object; empty if it is none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def failure(
    message: Message,
    answer: Answer,
    words: str = "",
    *,
    hidden: Collection[str] = (),
    retryable: bool | None = None,
    retry_after_s: float | None = None,
) -> DeliveryFailed:
    """The error of an answer that is no success. `words`: what the vendor says, its body if left out; `hidden` are further secrets."""
    said = fit(without(words or answer.body.decode(errors="replace"), message.secret, *hidden), _WORDS)
    status = f"{answer.status} {_phrase(answer.status)}".strip()
    reason = f"{message.channel.kind} answered {status}" + (f": {said}" if said else "")
    if 300 <= answer.status < 400:
        reason += " (redirects are not followed)"
    helps = answer.status >= 500 or answer.status in _MAYBE_LATER if retryable is None else retryable
    return DeliveryFailed(reason, retryable=helps, retry_after_s=retry_after_s or retry_after(answer, message.now))


def retry_after(answer: Answer, now: int) -> float | None:
    """The header `Retry-After` in seconds, whichever of its forms it has; `now` is ms."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text)) if text[:1].isdigit() else _until(text, now)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(text: str, now: int) -> float | None:
    if not text:
        return None
    date = parsedate_to_datetime(text)
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now / SECOND_MS)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
