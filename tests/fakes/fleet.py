"""Inventory, snapshot and settings in memory."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any


class MemoryFleet:
    """A `FleetStore`."""

    def __init__(self) -> None:
        self._agents: dict[tuple[str, str], dict[str, Any]] = {}
        self._snapshots: dict[str, bytes] = {}
        self._settings: dict[tuple[str, str], dict[str, Any]] = {}

    def agents(self, workspace: str) -> dict[str, dict[str, Any]]:
        return {agent: deepcopy(record) for (space, agent), record in sorted(self._agents.items()) if space == workspace}

    def agent(self, workspace: str, agent: str) -> dict[str, Any] | None:
        return deepcopy(self._agents.get((workspace, agent)))

    def update_agent(self, workspace: str, agent: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        if not changes:
            return self.agent(workspace, agent) or {}
        record = {**self._agents.get((workspace, agent), {}), **deepcopy(dict(changes))}
        self._agents[workspace, agent] = {key: value for key, value in record.items() if value is not None}
        return deepcopy(self._agents[workspace, agent])

    def forget_agent(self, workspace: str, agent: str) -> bool:
        return self._agents.pop((workspace, agent), None) is not None

    def snapshot(self, workspace: str) -> bytes | None:
        return self._snapshots.get(workspace)

    def put_snapshot(self, workspace: str, data: bytes) -> None:
        self._snapshots[workspace] = data

    def drop_snapshot(self, workspace: str) -> None:
        """As if it had been lost."""
        self._snapshots.pop(workspace, None)

    def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
        return deepcopy(self._settings.get((workspace, name)))

    def put_settings(self, workspace: str, name: str, document: Mapping[str, Any]) -> None:
        self._settings[workspace, name] = deepcopy(dict(document))

    def replace_settings(self, workspace: str, name: str, document: Mapping[str, Any], seen: Mapping[str, Any] | None) -> bool:
        if self._settings.get((workspace, name)) != seen:
            return False
        self.put_settings(workspace, name, document)
        return True
