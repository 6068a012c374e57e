"""What to do after a try to deliver a batch. Pure: chance is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 300.0
_AGAIN = (408, 425, 429)
DENIED = (401, 403)
"""The token may not."""


class Answer(NamedTuple):
    """What came back: a status with what the server said, or 0 and what kept it from answering."""

    status: int
    reason: str = ""
    retry_after: float | None = None
    """Seconds, if the server named any."""
    content: Mapping[str, Any] = {}


class Action(Enum):
    """What becomes of the batch."""

    DELIVERED = "delivered"
    DROP = "drop"
    RETRY = "retry"


class Verdict(NamedTuple):
    """What becomes of the batch, and how many seconds the next try waits."""

    action: Action
    delay: float
    told: bool
    """Whether the server asked for the delay: then not even a flush tries sooner."""


def elsewhere(status: int) -> bool:
    """Whether who answered is not the API: it knows the address, and never answers it so. A wrong URL or a proxy in between does."""
    return 300 <= status < 400 or status in (404, 405, 407)


def judge(answer: Answer, failures: int, chance: float) -> Verdict:
    """Decide on an answer. `failures` counts the tries in a row that failed before this one; `chance` is in [0, 1)."""
    status = answer.status
    if 200 <= status < 300:
        return Verdict(Action.DELIVERED, 0.0, False)
    if answer.retry_after is not None and (status >= 500 or status in _AGAIN):
        return Verdict(Action.RETRY, min(answer.retry_after, MAX_RETRY_AFTER_SECONDS) * (1 + 0.1 * chance), True)
    if status in DENIED or elsewhere(status):
        # Somebody has to mend the token or the address: no use in hurrying.
        return Verdict(Action.RETRY, MAX_BACKOFF_SECONDS * (0.5 + 0.5 * chance), False)
    if 400 <= status < 500 and status not in _AGAIN:
        return Verdict(Action.DROP, 0.0, False)
    return Verdict(Action.RETRY, chance * min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** min(failures, 16)), False)
