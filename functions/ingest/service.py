"""The use case behind `POST /v1/batches`: plan the writes of a batch, then do them in the order that makes retries harmless.

Raw records first: they upsert by key. Then the batch items: one that is there already proves that its raw records are in. A late mark
comes after its item, and again with a repeated item, because whoever wrote that may have died before marking it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from functions.domain import intake
from functions.domain.dimensions import DEFAULT_DIMENSIONS, DOCUMENT, parse_dimensions
from functions.domain.errors import Conflict, InvalidInput, RecordsRejected, StoreUnavailable
from functions.domain.rollup import TagPairs
from functions.domain.times import MINUTE_MS
from functions.ports import BatchWriter, DesiredReader, PutOutcome, RawWriter, SettingsReader

SETTINGS_AGE_MS = MINUTE_MS
"""How old the settings may be that a batch is judged by."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose batch it is, as the token says."""

    workspace: str
    scope: TagPairs = ()
    """Tags that are forced on what it sends."""


class Dimensions:
    """The dimensions of each workspace, read at most once a minute."""

    def __init__(self, settings: SettingsReader, report: Callable[[str, Exception], None]) -> None:
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


class Ingest:
    """Takes batches."""

    def __init__(
        self,
        *,
        batches: BatchWriter,
        raw: RawWriter | None,
        settings: SettingsReader,
        report: Callable[[str, Exception], None],
        desired: DesiredReader | None = None,
    ) -> None:
        """`raw` is None for a stage without raw history; `report` is told of faults that no caller can mend.

        `desired` is None where no sender asks for its configuration.
        """
        self._batches = batches
        self._raw = raw
        self._dimensions = Dimensions(settings, report)
        self._report = report
        self._desired = desired

    def accept(self, sender: Sender, text: bytes, now: int) -> intake.Answer:
        """Write what is good in a batch's JSON text; `now` is ms.

        Raises `InvalidInput`, `TooLarge`, `NotAllowed`, `Conflict` for an id known with other content, `StoreUnavailable`.
        """
        dimensions = self._dimensions.of(sender.workspace, now)
        keeps_raw = self._raw is not None
        plan = intake.plan(text, workspace=sender.workspace, dimensions=dimensions, scope=sender.scope, now=now, raw=keeps_raw)
        if self._raw is not None and plan.raw:
            self._write_raw(self._raw, plan)
        outcomes = {self._put(sender.workspace, plan, place) for place in range(len(plan.items))}
        return plan.answer(duplicate=outcomes == {PutOutcome.DUPLICATE}, desired=self._desired_by(sender.workspace, plan))

    def _desired_by(self, workspace: str, plan: intake.WritePlan) -> str | msgspec.UnsetType | None:
        """The hash that the agent asks for. The batch is written by now: what cannot be told is left out, and asked for again soon."""
        if self._desired is None or not plan.asks:
            return msgspec.UNSET
        try:
            return self._desired.hash_of(workspace, plan.agent)
        except StoreUnavailable as error:
            self._report("a desired configuration could not be told", error)
            return msgspec.UNSET

    def _write_raw(self, raw: RawWriter, plan: intake.WritePlan) -> None:
        try:
            raw.write(plan.raw, plan.common)
        except RecordsRejected as error:
            # Either the id is known with other content, which the batch item is about to tell, or we have made records that the store
            # does not take. The rollups hold all points even so, and a retry would change nothing.
            self._report("raw records rejected", error)

    def _put(self, workspace: str, plan: intake.WritePlan, place: int) -> PutOutcome:
        item = plan.items[place]
        outcome = self._batches.put(workspace, item)
        if outcome is PutOutcome.CONFLICT:
            raise Conflict(f"batch {item.batch} of agent {item.agent} is known with other content; a new batch needs a new seq")
        if item.minute in plan.late:
            self._batches.mark_late(workspace, item.agent, item.minute, plan.stamp)
        return outcome
