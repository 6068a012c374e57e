"""The use case behind `POST /v1/batches`: plan the writes of a batch, do them, and tell what the agent asks for."""

from __future__ import annotations

import msgspec

from functions.domain import intake
from functions.domain.errors import StoreUnavailable
from functions.domain.key_fingerprint import told
from functions.intake import Dimensions, PlanWriter, Report, Sender
from functions.ports import BatchWriter, DesiredReader, KeyReader, RawWriter, SettingsReader


class Ingest:
    """Takes batches."""

    def __init__(
        self,
        *,
        batches: BatchWriter,
        raw: RawWriter | None,
        settings: SettingsReader,
        report: Report,
        desired: DesiredReader | None = None,
        keys: KeyReader | None = None,
    ) -> None:
        """`raw` is None for a stage without raw history; `desired` and `keys` are None where no sender asks for them."""
        self._writer = PlanWriter(batches, raw, report)
        self._dimensions = Dimensions(settings, report)
        self._report = report
        self._desired = desired
        self._keys = keys

    def accept(self, sender: Sender, text: bytes, now: int) -> intake.Answer:
        """Write what is good in a batch's JSON text; `now` is ms.

        Raises `InvalidInput`, `TooLarge`, `NotAllowed`, `Conflict` for an id known with other content, `StoreUnavailable`.
        """
        dimensions = self._dimensions.of(sender.workspace, now)
        keeps_raw = self._writer.keeps_raw
        plan = intake.plan(text, workspace=sender.workspace, dimensions=dimensions, scope=sender.scope, now=now, raw=keeps_raw)
        duplicate = self._writer.write(sender.workspace, plan)
        return plan.answer(
            duplicate=duplicate,
            desired=self._desired_by(sender.workspace, plan),
            desired_keys=self._keys_by(sender.workspace, plan),
        )

    def _desired_by(self, workspace: str, plan: intake.WritePlan) -> str | msgspec.UnsetType | None:
        """The hash that the agent asks for. The batch is written by now: what cannot be told is left out, and asked for again soon."""
        if self._desired is None or not plan.asks:
            return msgspec.UNSET
        try:
            return self._desired.hash_of(workspace, plan.agent)
        except StoreUnavailable as error:
            self._report("a desired configuration could not be told", error)
            return msgspec.UNSET

    def _keys_by(self, workspace: str, plan: intake.WritePlan) -> str | msgspec.UnsetType:
        """The keys that the agent asks for; left out like the hash."""
        if self._keys is None or not plan.asks_keys:
            return msgspec.UNSET
        try:
            return told(self._keys.keys_of(workspace, plan.agent))
        except StoreUnavailable as error:
            self._report("the desired keys could not be told", error)
            return msgspec.UNSET
