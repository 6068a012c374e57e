"""`ScalingStore`, `ScalingAnnouncer` and `ScalingTarget` in memory; values go in and out as copies, as they do with real stores."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field

from functions.domain.errors import TargetRefused
from functions.domain.scaling import Decision
from functions.domain.scaling_state import GroupState, without_memory


class MemoryScaling:
    """A store that one process has to itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], GroupState] = {}
        self._log: dict[tuple[str, str, int], Decision] = {}

    def scaling_states(self, workspace: str) -> list[GroupState]:
        return [copy.deepcopy(state) for (ws, _), state in sorted(self._states.items()) if ws == workspace]

    def scaling_state(self, workspace: str, group: str) -> GroupState | None:
        return copy.deepcopy(self._states.get((workspace, group)))

    def save_scaling(self, workspace: str, state: GroupState, entry: Decision | None = None) -> bool:
        with self._lock:
            stored = self._states.get((workspace, state.group))
            if (stored.version if stored else 0) != state.version - 1:
                return False
            self._states[workspace, state.group] = copy.deepcopy(state)
            if entry is not None:
                self._log[workspace, entry.group, entry.time] = copy.deepcopy(without_memory(entry))
            return True

    def forget_scaling(self, workspace: str, state: GroupState) -> bool:
        with self._lock:
            stored = self._states.get((workspace, state.group))
            if stored is None or stored.version != state.version:
                return False
            del self._states[workspace, state.group]
            return True

    def scaling_history(self, workspace: str, group: str, start: int, end: int, limit: int, *, changes: bool) -> list[Decision]:
        found = [
            decision
            for (ws, name, time), decision in sorted(self._log.items(), reverse=True)
            if (ws, name) == (workspace, group) and start <= time < end
        ]
        return copy.deepcopy([one for one in found if not changes or one.desired != one.before or one.told][:limit])


@dataclass
class MemoryAnnouncer:
    """Remembers what was announced."""

    said: list[tuple[str, Decision]] = field(default_factory=list)

    def announce(self, workspace: str, decision: Decision) -> None:
        self.said.append((workspace, decision))


@dataclass
class MemoryTarget:
    """Groups by name with their capacity; those that there are not are refused."""

    capacities: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)

    def capacity(self, name: str) -> int:
        if name not in self.capacities:
            raise TargetRefused(f"there is no Auto Scaling group {name}")
        return self.capacities[name]

    def set_capacity(self, name: str, capacity: int) -> None:
        self.capacity(name)
        self.capacities[name] = capacity
        self.calls.append((name, capacity))
