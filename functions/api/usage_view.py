"""Usage that a caller may see, as a question means it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS
from functions.domain.usage_frame import UsageFrame


@dataclass(frozen=True, slots=True)
class UsageView:
    """Hours of usage, whose of it is meant, and what of them is not known."""

    frame: UsageFrame
    selector: Selector
    """What was asked for, within the token's tag scope."""
    overlay: Mapping[str, Mapping[str, str]]
    """Tags of agents as they are now, for tags that are no dimensions."""

    @property
    def start(self) -> int:
        """When the first hour begins, ms."""
        return self.frame.first_hour * HOUR_MS

    @property
    def end(self) -> int:
        """When the last hour ends, ms."""
        return self.frame.last_hour * HOUR_MS

    @property
    def notes(self) -> list[str]:
        """What the figures leave out, as sentences."""
        missing = len(self.frame.missing)
        return [f"{missing} of {len(self.frame.hours)} hours are left out: they are not built yet, or cannot be read"] if missing else []
