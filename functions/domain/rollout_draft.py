"""The next version of a rollout while it is made, by a step or a command: head, changed waves, writes, lines of the audit log, notices.

What was given stays as it is. Everything that a version changes goes through here, so that it stays within what the store takes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from functions.domain.rollout import FINAL, Entry, Hold, HoldCause, Member, Notice, Phase, Reversibility, Rollout, Step, Wave, Write
from functions.domain.rollout_plan import counts, shared_tags

SYSTEM = "clawpulse"
"""Who does what nobody asked for."""
MAX_CHANGED = 70
"""Waves of one version; the store takes 90 with the lines of the audit log."""
MAX_WRITES = 250
"""Of one step."""


class Draft:
    """One version; `finish` gives it."""

    def __init__(self, rollout: Rollout, waves: Sequence[Wave], now: int) -> None:
        self.now = now
        self.writes: dict[str, Write] = {}
        self.cut = False
        """Whether something had to be left to the next step."""
        self.head = msgspec.structs.replace(
            rollout,
            version=rollout.version + 1,
            approvals=list(rollout.approvals),
            verdicts=list(rollout.verdicts),
            notices=list(rollout.notices),
        )
        self._waves = {wave.number: wave for wave in waves}
        self._changed: set[int] = set()
        self._entries: list[Entry] = []

    @property
    def full(self) -> bool:
        """Whether the next step has to do the rest."""
        return len(self._changed) >= MAX_CHANGED or len(self.writes) >= MAX_WRITES

    @property
    def wave(self) -> Wave:
        """The current one."""
        return self._waves[self.head.wave]

    @property
    def before(self) -> Wave | None:
        """The one before the current."""
        return self._waves.get(self.head.wave - 1)

    def waves(self, first: int, last: int) -> Iterator[Wave]:
        """Those from a number down to another, both included."""
        return (self._waves[number] for number in range(first, last - 1, -1))

    def members(self) -> Iterator[Member]:
        """All, wave by wave."""
        return (member for number in sorted(self._waves) for member in self._waves[number].members)

    def put(self, number: int, place: int, member: Member) -> None:
        """Replace a member of a wave, if it is not as before."""
        wave = self._waves[number]
        if wave.members[place] == member:
            return
        if number not in self._changed:
            wave = self._waves[number] = msgspec.structs.replace(wave, members=list(wave.members))
            self._changed.add(number)
        wave.members[place] = member

    def add(self, members: Sequence[Member]) -> None:
        """Add a wave of agents that joined, and make it the current one."""
        head = self.head
        self._waves[head.waves] = Wave(number=head.waves, members=list(members))
        self._changed.add(head.waves)
        head.wave, head.passed = head.waves, False
        head.waves, head.joined, head.members = head.waves + 1, head.joined + 1, head.members + len(members)

    def write(self, member: Member, seen: str | None, wanted: str) -> None:
        """Ask for the desired configuration of a member, whose hash now is `seen`."""
        self.writes[member.agent] = Write(member.agent, seen, wanted)
        if wanted == member.after:
            self.head.sent_at = self.now
        else:
            self.head.back_at = self.now

    def move(self, phase: Phase, reason: str, *, hold: Hold | None = None, resume_to: Phase | None = None) -> None:
        """Enter a phase."""
        head = self.head
        head.phase, head.since, head.reason, head.hold, head.resume_to = phase, self.now, reason, hold, resume_to
        head.unreadable_since = None

    def hold(self, cause: HoldCause, reason: str, resume_to: Phase | None) -> None:
        """Leave the decision to people."""
        self.move(Phase.HELD, reason, hold=Hold(cause=cause, reason=reason), resume_to=resume_to)
        self.note("held", reason)
        self.notify("held", reason)

    def fail(self, reason: str, resume_to: Phase) -> None:
        """Turn around, or leave that to people where going back is no way back."""
        if self.head.reversibility is Reversibility.IRREVERSIBLE:
            self.hold(HoldCause.IRREVERSIBLE, f"{reason}; the change is irreversible, so nothing goes back by itself", resume_to)
        else:
            self.turn(reason)

    def turn(self, reason: str) -> None:
        """Turn around: all that were told go back."""
        self.move(Phase.REVERTING, reason)
        self.note("reverting", reason)
        self.notify("reverting", reason)

    def end(self, phase: Phase, reason: str) -> None:
        """Enter a final phase."""
        self.move(phase, reason)
        self.note("finished", f"{phase.value}: {reason}")
        self.notify(phase.value, reason)

    def pass_wave(self, reason: str) -> None:
        """Take the current wave as passed: go on to the next, or to the end."""
        head = self.head
        head.baking_since = head.bake_until = None
        head.extensions, head.skipping = 0, False
        if head.wave + 1 < head.waves:
            head.wave += 1
            self.move(Phase.WAITING, reason)
        else:
            head.passed = True
            self.move(Phase.APPLYING, reason)

    def bake(self, reason: str, ms: int) -> None:
        """Let the current wave bake from now on."""
        self.move(Phase.BAKING, reason)
        self.head.baking_since = self.head.baking_since or self.now
        self.head.bake_until, self.head.extensions = self.now + ms, 0

    def note(self, action: str, text: str, by: str = SYSTEM) -> None:
        """Add a line to the audit log, about the current wave."""
        head = self.head
        tags = shared_tags(self.wave.members)
        self._entries.append(Entry(at=self.now, rollout=head.id, by=by, action=action, text=text, title=head.title, tags=tags))

    def notify(self, event: str, text: str) -> None:
        """Tell people; of a rollout that brings a key its rotation tells."""
        if self.head.channel:
            return
        key = f"{self.head.version}-{event}"
        self.head.notices.append(Notice(key=key, event=event, text=text, at=self.now))

    def finish(self, seconds: float | None) -> Step:
        """The version; `seconds` as in `Step`."""
        self.head.counts = counts(self._waves.values())
        if self.head.phase in FINAL:
            seconds = None
        changed = [self._waves[number] for number in sorted(self._changed)]
        return Step(self.head, changed, list(self.writes.values()), self._entries, seconds)
