"""Whether OpenClaw speaks for an agent: then gen_ai metrics, whoever sends them for it, tell nothing new."""

from __future__ import annotations

from collections.abc import Iterable

from functions.domain.otlp_mapping import is_openclaw
from functions.domain.otlp_points import Point
from functions.domain.otlp_resource import mark_id
from functions.domain.otlp_streams import KEEP_MS, TOUCH_MS
from functions.domain.times import MINUTE_MS
from functions.otlp.post import Unit
from functions.ports import ExporterStore

_MARK = b"1"
_UNKNOWN_MS = MINUTE_MS
"""How long an agent is taken for one without OpenClaw before the store is asked again."""
_MAX_REMEMBERED = 10_000


class Speakers:
    """Remembers, in the store and here, of which agents OpenClaw's metrics came."""

    def __init__(self, exporters: ExporterStore) -> None:
        self._exporters = exporters
        self._known: dict[tuple[str, str, str], tuple[int, bool]] = {}

    def openclaw(self, unit: Unit, points: Iterable[Point]) -> bool:
        """Whether OpenClaw speaks for the agent, in these points or at any time lately. Raises `StoreUnavailable`."""
        here = general = False
        for point in points:
            here = here or is_openclaw(point.scope, point.name)
            general = general or point.name.startswith("gen_ai.")
        return self._spoken(unit, here=here) if here or general else False

    def _spoken(self, unit: Unit, *, here: bool) -> bool:
        now, who = unit.post.now, (unit.post.sender.workspace, unit.head.agent, mark_id(unit.post.sender.scope))
        asked, known = self._known.get(who, (0, False))
        if now - asked < (TOUCH_MS if known else _UNKNOWN_MS) and (known or not here):
            return known
        slot = self._exporters.read(*who, now)
        if here:
            # Of two at once one fails, which has the same to say.
            self._exporters.write(*who, _MARK, seen=slot.version, expires=now + KEEP_MS)
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        self._known[who] = (now, here or slot.data is not None)
        return here or slot.data is not None
