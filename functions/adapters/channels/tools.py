"""What channels reach the world with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.ports import HttpPoster


@dataclass(frozen=True, slots=True)
class Tools:
    """HTTP for the vendors, boto3 for AWS."""

    http: HttpPoster
    aws: Callable[[str, str], Any]
    """The boto3 client of a service in a region; an empty region is the function's own."""
