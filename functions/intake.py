"""What every way in shares: whose data it is, by which dimensions, and the writing of a plan in the order that makes retries harmless.

Raw records first: they upsert by key. Then the batch items: one that is there already proves that its raw records are in. A late mark
comes after its item, and again with a repeated item, because whoever wrote that may have died before marking it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from functions.domain.dimensions import DEFAULT_DIMENSIONS, DOCUMENT, parse_dimensions
from functions.domain.errors import Conflict, InvalidInput, RecordsRejected, StoreUnavailable
from functions.domain.intake import WritePlan
from functions.domain.rollup import TagPairs
from functions.domain.times import MINUTE_MS
from functions.ports import BatchWriter, PutOutcome, RawWriter, SettingsReader

SETTINGS_AGE_MS = MINUTE_MS
"""How old the settings may be that a batch is judged by."""
type Report = Callable[[str, Exception], None]
"""Told of faults that no caller can mend."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose batch it is, as the token says."""

    workspace: str
    scope: TagPairs = ()
    """Tags that are forced on what it sends."""


class Dimensions:
    """The dimensions of each workspace, read at most once a minute."""

    def __init__(self, settings: SettingsReader, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._known: dict[str, tuple[int, frozenset[str]]] = {}

    def of(self, workspace: str, now: int) -> frozenset[str]:
        """The dimensions; older ones while the store is away. Raises `StoreUnavailable` when there are none."""
        known = self._known.get(workspace)
        if known and now - known[0] < SETTINGS_AGE_MS:
            return known[1]
        try:
            found = self._read(workspace)
        except StoreUnavailable:
            if not known:
                raise
            return known[1]
        self._known[workspace] = (now, found)
        return found

    def _read(self, workspace: str) -> frozenset[str]:
        document = self._settings.settings(workspace, DOCUMENT) or {}
        try:
            return frozenset(parse_dimensions(document.get("dimensions")))
        except InvalidInput as error:
            self._report("stored settings are not valid, the default dimensions apply", error)
            return frozenset(DEFAULT_DIMENSIONS)


class PlanWriter:
    """Executes plans."""

    def __init__(self, batches: BatchWriter, raw: RawWriter | None, report: Report) -> None:
        """`raw` is None for a stage without raw history."""
        self._batches = batches
        self._raw = raw
        self._report = report

    @property
    def keeps_raw(self) -> bool:
        """Whether raw records are written, so that a plan should have them."""
        return self._raw is not None

    def write(self, workspace: str, plan: WritePlan) -> bool:
        """Write all of it; tells whether all of it was there. Raises `Conflict` for an id known with other content, `StoreUnavailable`."""
        if self._raw is not None and plan.raw:
            self._write_raw(self._raw, plan)
        outcomes = {self._put(workspace, plan, place) for place in range(len(plan.items))}
        return outcomes == {PutOutcome.DUPLICATE}

    def _write_raw(self, raw: RawWriter, plan: WritePlan) -> None:
        try:
            raw.write(plan.raw, plan.common)
        except RecordsRejected as error:
            # Either the id is known with other content, which the batch item is about to tell, or we have made records that the store
            # does not take. The rollups hold all points even so, and a retry would change nothing.
            self._report("raw records rejected", error)

    def _put(self, workspace: str, plan: WritePlan, place: int) -> PutOutcome:
        item = plan.items[place]
        outcome = self._batches.put(workspace, item)
        if outcome is PutOutcome.CONFLICT:
            raise Conflict(f"batch {item.batch} of agent {item.agent} is known with other content; a new batch needs a new seq")
        if item.minute in plan.late:
            self._batches.mark_late(workspace, item.agent, item.minute, plan.stamp)
        return outcome
