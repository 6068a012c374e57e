"""Records of exporters in memory."""

from __future__ import annotations

from functions.ports import Slot


class MemoryExporters:
    """`ExporterStore`."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str, str], tuple[Slot, int]] = {}

    def read(self, workspace: str, agent: str, exporter: str, now: int) -> Slot:
        slot, expires = self.records.get((workspace, agent, exporter), (Slot(), 0))
        return slot if expires // 1000 * 1000 > now else Slot(slot.version)

    def write(self, workspace: str, agent: str, exporter: str, data: bytes, *, seen: int, expires: int) -> bool:
        key = (workspace, agent, exporter)
        if self.records.get(key, (Slot(), 0))[0].version != seen:
            return False
        self.records[key] = (Slot(seen + 1, data), expires)
        return True
