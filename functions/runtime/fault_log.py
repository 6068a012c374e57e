"""Faults of the hot path in the log: one JSON object a line, as `observability` writes them, without its library."""

from __future__ import annotations

import json
import sys
import time
import traceback

from functions.domain.times import SECOND_MS


def log_fault(service: str, message: str, error: BaseException | None = None, **fields: object) -> None:
    """Write one line to stdout. Callers pass no secrets; of an error its type, text and place are told."""
    line: dict[str, object] = {
        "level": "ERROR",
        "timestamp": int(time.time() * SECOND_MS),
        "service": service,
        "message": message,
        **fields,
    }
    if error is not None:
        place = traceback.extract_tb(error.__traceback__)[-3:]
        line |= {"error": type(error).__name__, "reason": str(error), "at": [f"{frame.filename}:{frame.lineno}" for frame in place]}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
