"""Payloads of events, frozen when they are recorded."""

from __future__ import annotations

from typing import Any

_MAX_KEPT = 8_192
"""Characters of JSON: more than may travel, so the background sees that it was longer."""


class Payload:
    """Marks an event in the inbox: the JSON of its payload, or None."""

    __slots__ = ("text",)

    def __init__(self, text: str | None) -> None:
        self.text = text


NOTHING = Payload(None)


def snapshot(payload: Any) -> Payload:
    """A payload as it is now, so that what the caller changes later does not travel. Raises whatever a strange payload makes json raise."""
    if payload is None:
        return NOTHING
    import json

    text = json.dumps(payload, default=str, ensure_ascii=False, skipkeys=True, separators=(",", ":"))
    return Payload(text[:_MAX_KEPT])
