"""How a run sets what an agent is to have, and sees what became of it. A rollout can take the place of `ByApi`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.acceptance.fleet import Fleet, once

Document = Mapping[str, Any]
APPLIED_WITHIN_S = 240.0
"""Heartbeats, a fetch, a dozen calls of OpenClaw's command on a busy machine, and the next heartbeat."""


class Steering(Protocol):
    """Sets the desired document of one agent."""

    def desire(self, document: Document) -> str:
        """Have the agent get a document; its hash."""

    def config(self) -> Mapping[str, Any]:
        """What is known of the agent's: `desired`, `written`, `applied`, `error`; empty before it has reported."""


class ByApi:
    """By the API's own route for one agent."""

    def __init__(self, fleet: Fleet, agent: str) -> None:
        self._fleet = fleet
        self._agent = agent

    def desire(self, document: Document) -> str:
        """See `Steering`."""
        return str(self._fleet.put(f"/api/agents/{self._agent}/desired", document)["hash"])

    def config(self) -> Mapping[str, Any]:
        """See `Steering`."""
        agents = self._fleet.get("/api/dashboard/instances")["instances"]
        return next((agent["config"] or {} for agent in agents if agent["id"] == self._agent), {})


def applied(steering: Steering, document: Document) -> Mapping[str, Any]:
    """What is known once the agent runs a document, or says that it cannot."""
    wanted = steering.desire(document)
    return once(
        steering.config,
        lambda config: config.get("written") == wanted and (config.get("applied") == wanted or bool(config.get("error"))),
        APPLIED_WITHIN_S,
    )
