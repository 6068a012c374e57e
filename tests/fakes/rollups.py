"""Sealed rollups in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.domain import rollup_codec
from functions.domain.rollup import Rollup
from functions.domain.usage import BUCKETS
from functions.ports import Resolution


class MemoryRollups:
    """A `RollupStore`; `clock` gives seconds, for expiry."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self.groups: dict[tuple[str, Resolution], dict[int, tuple[bytes, int]]] = {}
        self.agents: dict[tuple[str, str, Resolution], dict[int, tuple[bytes, int]]] = {}
        self.matrices: dict[tuple[str, Resolution], dict[int, tuple[bytes, int]]] = {}
        self.usage: dict[tuple[str, int], dict[int, tuple[bytes, int]]] = {}
        self.failures: dict[tuple[str, Resolution], dict[int, tuple[bytes, int]]] = {}

    def put_group(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        self.groups.setdefault((workspace, resolution), {})[time] = (rollup_codec.encode(rollup), expires)

    def read_group(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        return self._between(self.groups.get((workspace, resolution), {}), start, end)

    def put_agents(self, workspace: str, resolution: Resolution, time: int, rollups: Mapping[str, Rollup], expires: int) -> None:
        for agent, rollup in rollups.items():
            self.agents.setdefault((workspace, agent, resolution), {})[time] = (rollup_codec.encode(rollup), expires)

    def read_agent(self, workspace: str, agent: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        return self._between(self.agents.get((workspace, agent, resolution), {}), start, end)

    def put_matrix(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        self.matrices.setdefault((workspace, resolution), {})[time] = (rollup_codec.encode(rollup), expires)

    def read_matrix(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        return self._between(self.matrices.get((workspace, resolution), {}), start, end)

    def put_usage(self, workspace: str, hour: int, bucket: int, rollup: Rollup, expires: int) -> None:
        self.usage.setdefault((workspace, bucket), {})[hour] = (rollup_codec.encode(rollup), expires)

    def read_usage(self, workspace: str, start: int, end: int, bucket: int | None = None) -> dict[int, list[bytes]]:
        found: dict[int, list[bytes]] = {}
        for number in range(BUCKETS) if bucket is None else (bucket,):
            for hour, data in self._between(self.usage.get((workspace, number), {}), start, end).items():
                found.setdefault(hour, []).append(data)
        return found

    def put_failures(self, workspace: str, resolution: Resolution, time: int, data: bytes, expires: int) -> None:
        self.failures.setdefault((workspace, resolution), {})[time] = (data, expires)

    def read_failures(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        return self._between(self.failures.get((workspace, resolution), {}), start, end)

    def _between(self, stored: Mapping[int, tuple[bytes, int]], start: int, end: int) -> dict[int, bytes]:
        now = self._clock()
        return {time: data for time, (data, expires) in sorted(stored.items()) if start <= time < end and expires > now}
