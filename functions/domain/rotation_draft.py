"""The next version of a rotation while it is made, by a step or a command: head, effects, lines of the audit log, notices."""

from __future__ import annotations

import msgspec

from functions.domain.rollout import Entry, Hold, HoldCause, Notice
from functions.domain.rollout_draft import SYSTEM
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.rotation_view import SETTLE_MS, Effect, RotationStep
from functions.domain.times import MINUTE_MS, SECOND_MS

SOON_S, QUICK_S, LOOK_S, HELD_S = 1, 5, 15, 60
STALL_MS = 5 * MINUTE_MS
"""What is asked for and does not come to be so for so long is something for people."""
GAP_MS = 90 * SECOND_MS
"""No two steps of a rotation that goes on are further apart."""
MAX_ASSIGNED = 250
"""Agents that one step assigns a key."""


class Draft:
    """One version; `finish` gives it. What was given stays as it is."""

    def __init__(self, rotation: Rotation, now: int) -> None:
        self.now = now
        self.effects: list[Effect] = []
        self.head = msgspec.structs.replace(
            rotation, version=rotation.version + 1, checks=list(rotation.checks), notices=list(rotation.notices)
        )
        self._entries: list[Entry] = []

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"key of {self.head.provider}"

    def ask(self, *effects: Effect) -> None:
        """Ask for something that leads forward, so that nothing contrary is final before it has come."""
        self.effects += effects
        self.head.asked_at = self.now

    def put_back(self, *effects: Effect) -> None:
        """Ask for something that does no harm however late it comes."""
        self.effects += effects

    @property
    def unsettled_s(self) -> float:
        """Seconds until what was asked for has come, or never will; 0: now."""
        asked = self.head.asked_at
        return max(0, asked + SETTLE_MS - self.now) / SECOND_MS if asked else 0

    def stalled(self, what: str) -> bool:
        """Whether `what`, which becomes the reason, was asked for again and again for long, and is still not so."""
        head = self.head
        if head.reason != what or self.gap:
            head.reason, head.trying_since = what, self.now
        return self.now - head.trying_since >= STALL_MS

    @property
    def gap(self) -> bool:
        """Whether nobody stepped it for a while: then nothing was tried, either."""
        return self.now - self.head.stepped_at > GAP_MS

    def move(self, phase: RotationPhase, reason: str) -> None:
        """Enter a phase."""
        head = self.head
        head.phase, head.since, head.reason, head.hold, head.resume_to = phase, self.now, reason, None, None
        head.unread_since = head.silent_since = None

    def hold(self, cause: HoldCause, reason: str) -> None:
        """Leave the decision to people; goes on in the present phase."""
        phase, unread, silent = self.head.phase, self.head.unread_since, self.head.silent_since
        self.move(RotationPhase.HELD, reason)
        self.head.hold, self.head.resume_to = Hold(cause=cause, reason=reason), phase
        self.head.unread_since, self.head.silent_since = unread, silent
        self.head.nudged = None
        self.note("held", reason)
        self.notify("held", reason)

    def turn(self, reason: str) -> None:
        """Turn around: all is put back as it was."""
        self.move(RotationPhase.ABORTING, reason)
        self.head.ends, self.head.turned, self.head.nudged = RotationPhase.ABORTED, reason, None
        self.note("aborting", reason)
        self.notify("aborting", reason)

    def close(self, ends: RotationPhase, reason: str) -> None:
        """Come to an end at which nothing was changed, once the new key is taken out of Vault."""
        self.move(RotationPhase.ABORTING, reason)
        self.head.ends, self.head.turned = ends, reason

    def end(self, phase: RotationPhase, reason: str) -> None:
        """Enter a final phase."""
        self.move(phase, reason)
        self.head.ends = None
        self.note("finished", f"{phase.value}: {reason}")
        self.notify(phase.value, reason)

    def note(self, action: str, text: str, by: str = SYSTEM) -> None:
        """Add a line to the audit log."""
        self._entries.append(Entry(at=self.now, rollout=self.head.id, by=by, action=action, text=text, title=self.title))

    def notify(self, event: str, text: str) -> None:
        """Tell people: `held`, `aborting`, or a final phase."""
        self.head.notices.append(Notice(key=f"{self.head.version}-{event}", event=event, text=text, at=self.now))

    def finish(self, seconds: float | None) -> RotationStep:
        """The version; `seconds` as in `RotationStep`."""
        if self.head.phase in FINAL_ROTATION:
            seconds = None
        return RotationStep(self.head, self.effects, self._entries, seconds)
