"""`AlertStore` in memory; values go in and out as copies, as they do with a real store."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from functions.domain.alert import AlertState, Edge, series_id
from functions.domain.delivery import Delivery
from functions.domain.dispatch import Change
from functions.domain.incident import Incident


class MemoryAlerts:
    """A store that one process has to itself; `now` is in seconds, for what expires."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], AlertState] = {}
        self._outbox: dict[tuple[str, str], Edge] = {}
        self._incidents: dict[tuple[str, str], Incident] = {}
        self._archive: dict[tuple[str, str], Incident] = {}
        self._silences: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._baselines: dict[str, bytes] = {}
        self.deliveries: dict[tuple[str, str], Delivery] = {}

    def states(self, workspace: str) -> list[AlertState]:
        return _of(self._states, workspace)

    def claim(self, workspace: str, claims: Sequence[tuple[AlertState, Edge | None]]) -> list[bool]:
        return [self._claim(workspace, state, edge) for state, edge in claims]

    def _claim(self, workspace: str, state: AlertState, edge: Edge | None) -> bool:
        key = (workspace, series_id(state.rule, state.series))
        with self._lock:
            stored = self._states.get(key)
            if (stored.version if stored else 0) != state.version - 1:
                return False
            self._states[key] = copy.deepcopy(state)
            if edge is not None:
                self._outbox[workspace, f"{edge.at:011x}|{edge.id}"] = edge
            return True

    def post(self, workspace: str, edges: Iterable[Edge]) -> None:
        with self._lock:
            self._outbox.update({(workspace, f"{edge.at:011x}|{edge.id}"): edge for edge in edges})

    def forget(self, workspace: str, state: AlertState) -> bool:
        key = (workspace, series_id(state.rule, state.series))
        with self._lock:
            stored = self._states.get(key)
            if stored is None or stored.version != state.version:
                return False
            del self._states[key]
            return True

    def outbox(self, workspace: str, limit: int) -> list[Edge]:
        return _of(self._outbox, workspace)[:limit]

    def incidents(self, workspace: str) -> list[Incident]:
        return _of(self._incidents, workspace)

    def incident(self, workspace: str, incident: str) -> Incident | None:
        return copy.deepcopy(self._incidents.get((workspace, incident)) or self._archive.get((workspace, incident)))

    def save(self, workspace: str, change: Change) -> bool:
        key = (workspace, change.incident.id)
        ids = [(workspace, delivery.id) for delivery in change.deliveries]
        with self._lock:
            stored = self._incidents.get(key)
            if (stored.version if stored else 0) != change.incident.version - 1 or any(id in self.deliveries for id in ids):
                return False
            self._incidents.pop(key, None)
            (self._archive if change.archived else self._incidents)[key] = copy.deepcopy(change.incident)
            self.deliveries.update(zip(ids, change.deliveries, strict=True))
            return True

    def amend(self, workspace: str, incident: Incident) -> bool:
        key = (workspace, incident.id)
        with self._lock:
            for partition in (self._incidents, self._archive):
                if key in partition and partition[key].version == incident.version - 1:
                    partition[key] = copy.deepcopy(incident)
                    return True
        return False

    def dispatched(self, workspace: str, edges: Iterable[Edge]) -> None:
        with self._lock:
            for edge in edges:
                self._outbox.pop((workspace, f"{edge.at:011x}|{edge.id}"), None)

    def history(self, workspace: str, since: int) -> list[Incident]:
        every = [*_of(self._incidents, workspace), *_of(self._archive, workspace)]
        return sorted((found for found in every if found.opened >= since), key=lambda found: found.opened, reverse=True)

    def silences(self, workspace: str) -> dict[str, Mapping[str, Any]]:
        return {id: document for (ws, id), document in self._silences.items() if ws == workspace and document["ends"] > self._now() * 1000}

    def put_silence(self, workspace: str, silence: str, document: Mapping[str, Any]) -> None:
        self._silences[workspace, silence] = copy.deepcopy(document)

    def drop_silence(self, workspace: str, silence: str) -> bool:
        return self._silences.pop((workspace, silence), None) is not None

    def baselines(self, workspace: str) -> bytes | None:
        return self._baselines.get(workspace)

    def put_baselines(self, workspace: str, data: bytes) -> None:
        self._baselines[workspace] = data


def _of(store: dict[tuple[str, str], Any], workspace: str) -> list[Any]:
    return [copy.deepcopy(value) for (ws, _), value in sorted(store.items(), key=lambda entry: entry[0]) if ws == workspace]
