"""When things happen in answers of tests, and how the API writes them."""

from __future__ import annotations

import math
import time
from typing import Any

from pydantic import BaseModel

HOUR = 3_600_000
MINUTE = 60_000
NOW = int(time.time() * 1000) // HOUR * HOUR
WEEK = 168


def shown(answer: BaseModel) -> Any:
    """As the API sends it."""
    return answer.model_dump(mode="json", by_alias=True)


def wave(place: int, width: int = 24) -> float:
    """Between 0 and 1, up and down."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * place / width)
