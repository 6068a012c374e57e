"""The dead man's switch: an alert that always fires, sent to a service outside that complains when it stops coming.

The settings document `dead_man`: `{"url": "https://hc-ping.com/…", "every": "60s"}`. Whoever watches from outside learns that evaluation
stands still, that the account is down, or that nothing can be sent any more: what no alert from inside can tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.domain.alert_text import parse_duration
from functions.domain.errors import InvalidInput
from functions.domain.times import HOUR_MS, SECOND_MS

DOCUMENT = "dead_man"
_LEAST_MS = 15 * SECOND_MS
_URL = re.compile(r"https?://[^\s/@?#]+([/?][^\s]{0,1900})?")


@dataclass(frozen=True, slots=True)
class DeadMan:
    """Where to, how often."""

    url: str
    every_ms: int

    @classmethod
    def parse(cls, document: Mapping[str, Any] | None) -> DeadMan | None:
        """Read the document, None where there is none or it is empty; raises `InvalidInput` naming the field."""
        if not document:
            return None
        unknown = document.keys() - {"url", "every"}
        if unknown:
            raise InvalidInput("is not known; known are url and every", min(unknown))
        url, every = document.get("url"), parse_duration(document.get("every", "60s"))
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise InvalidInput("must be the URL of a service that expects regular requests", "url")
        if every is None or not _LEAST_MS <= every <= HOUR_MS:
            raise InvalidInput("must be a duration from 15s to 1h", "every")
        return cls(url, every)

    def due(self, last: int | None, now: int) -> bool:
        """Whether it is time for the next request, the last one having been at `last` (ms)."""
        # Runs come every 15 s, a little early or late: half of that is no reason to skip one.
        return last is None or now - last >= self.every_ms - _LEAST_MS // 2
