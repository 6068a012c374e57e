"""Sends the dead man's switch after a run that went through."""

from __future__ import annotations

import json

from functions.domain.dead_man import DOCUMENT, DeadMan
from functions.domain.errors import InvalidInput
from functions.domain.notification import DeliveryFailed
from functions.ports import FleetStore, HttpPoster


class Pulse:
    """Remembers when it last sent: a new process sends once more than it would have to, which harms nobody."""

    def __init__(self, fleet: FleetStore, poster: HttpPoster) -> None:
        self._fleet = fleet
        self._poster = poster
        self._last: dict[str, int] = {}

    def beat(self, workspace: str, now: int) -> str | None:
        """Send it if it is time; returns what went wrong, which never is a reason to fail."""
        try:
            switch = DeadMan.parse(self._fleet.settings(workspace, DOCUMENT))
        except InvalidInput as error:
            return f"the dead man's switch is not valid and sends nothing: {error}"
        if switch is None or not switch.due(self._last.get(workspace), now):
            return None
        self._last[workspace] = now
        body = json.dumps({"source": "clawpulse", "workspace": workspace, "alert": "dead-man", "status": "firing", "time": now})
        try:
            answer = self._poster.send("POST", switch.url, {"Content-Type": "application/json"}, body.encode())
        except DeliveryFailed as error:
            return f"the dead man's switch could not be sent: {error.reason}"
        return None if answer.status < 400 else f"the dead man's switch was answered with {answer.status}"
