"""One member of a rollout: where it stands by what is seen of its agent, and which configuration it is to have.

`forward` is for rollouts that bring `after`, `backward` for those that go back; both only read. What counts as seen:

- It **runs** a configuration that it reports as applied. An agent that never reported any as applied has no hooks (or is at its first
  document): there, written counts as applied, until it reports an error.
- It **refuses** one that it reports as written together with an error. It does not try that again by itself, so whoever wants another
  try has to tell it the other configuration in between. An error that says when it is tried again is none yet.
- It is **silent** when it was not heard of for `asleep_s`. Members that were so when they were told are asleep; one that goes silent
  after it was told has failed, for that may be the new configuration's doing.
- When nobody in the fleet is heard of, it is we who are **deaf**: nobody is called silent or late then, and clocks begin anew afterwards.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from functions.domain.alert_text import span
from functions.domain.rollout import UNMANAGED, HoldCause, Member, MemberState, Observed, Phase, Policy, Rollout, Seen
from functions.domain.times import MINUTE_MS, SECOND_MS

GAP_MS = 2 * MINUTE_MS
"""When no step was made for so long, nobody may have heard reports either: clocks begin anew."""


_AGAIN = re.compile(r"\(tried again in [0-9]+ s\)$")
"""How agents end the error of a hook that could not try yet (exit code 75)."""


class Fate(NamedTuple):
    """What becomes of a member."""

    member: Member
    wanted: str | None
    """Hash of what it shall have; None: what it has is left alone."""


class View(NamedTuple):
    """What a step sees, at its time."""

    observed: Observed
    policy: Policy
    now: int
    newest: int | None
    """When the fleet was last heard of; now, if that is not asked."""
    deaf: bool
    restart: bool
    """Whether clocks begin anew."""
    turned: int
    """When it began to go back, else 0: failures of before do not count any more."""

    @classmethod
    def of(cls, rollout: Rollout, observed: Observed, now: int) -> View:
        """What a step at `now` sees."""
        newest = max((seen.last_seen for seen in observed.agents.values() if seen.last_seen is not None), default=None)
        silence = newest is None or now - newest > rollout.policy.asleep_s * SECOND_MS
        # Whoever wants a wave told whatever anybody reports takes the whole fleet to be asleep.
        trusting = rollout.gateless or rollout.skipping
        deaf, newest = silence and not trusting, now if trusting else newest
        gap = bool(rollout.stepped_at) and now - rollout.stepped_at > GAP_MS
        held = rollout.hold is not None and rollout.hold.cause is HoldCause.UNREADABLE
        heard_again = held or (rollout.unreadable_since is not None and rollout.phase is not Phase.BAKING)
        turned = rollout.since if rollout.phase is Phase.REVERTING else 0
        return cls(observed, rollout.policy, now, newest, deaf, not deaf and (gap or heard_again), turned)

    def seen(self, agent: str) -> Seen | None:
        """What is known of an agent; None for one that is forgotten or retired."""
        seen = self.observed.agents.get(agent)
        return None if seen is None or seen.retired else seen

    def has(self, agent: str) -> str:
        """The hash of its desired configuration."""
        return self.observed.desired.get(agent, UNMANAGED)

    def silent(self, seen: Seen) -> bool:
        """Whether an agent is asleep."""
        return not self.deaf and (seen.last_seen is None or self.now - seen.last_seen > self.policy.asleep_s * SECOND_MS)

    def overdue(self, member: Member, wanted: str) -> bool:
        """Whether a member had its time to report what it has; only what anybody reports afterwards shows that it did not."""
        due = member.since + self.policy.apply_s * SECOND_MS
        listened = not self.restart and not self.deaf and (self.newest or 0) >= due
        return listened and self.now > due and self.has(member.agent) == wanted

    def become(self, member: Member, state: MemberState, detail: str = "", **fields: Any) -> Member:
        """A member in a state, since now if it was in another one."""
        since = member.since if member.state is state and not self._restarts(state) else self.now
        return msgspec.structs.replace(member, state=state, since=since, detail=detail, **fields)

    def _restarts(self, state: MemberState) -> bool:
        return self.restart and state in (MemberState.SENT, MemberState.REVERTING)


def runs(seen: Seen, wanted: str) -> bool:
    """Whether an agent reports that it runs a configuration."""
    if refuses(seen, wanted):
        return False
    if seen.applied is None:
        return (seen.written == wanted and not seen.error) or (seen.written is None and wanted == UNMANAGED)
    return seen.applied == wanted and seen.written in (wanted, None)


def refuses(seen: Seen, wanted: str) -> bool:
    """Whether an agent reports that it cannot take a configuration."""
    return bool(seen.error) and seen.written == wanted and not _AGAIN.search(seen.error or "")


def tell(member: Member, view: View) -> Fate:
    """A waiting member whose turn has come."""
    seen = view.seen(member.agent)
    if view.has(member.agent) not in (member.before, member.after):
        return _overridden(member, view)
    if seen is None:
        return _gone(member, view)
    asleep = view.silent(seen)
    state = MemberState.ASLEEP if asleep else MemberState.SENT
    detail = "was silent when it was told" if asleep else ""
    return Fate(view.become(member, state, detail, told_at=member.told_at or view.now), member.after)


def forward(member: Member, view: View) -> Fate:
    """Any member of a wave whose turn has come."""
    if member.state is MemberState.OVERRIDDEN:
        return Fate(member, None)
    if view.has(member.agent) not in (member.before, member.after):
        return _overridden(member, view)
    seen = view.seen(member.agent)
    if seen is None:
        return _gone(member, view)
    if member.state is MemberState.GONE and not member.told_at:
        return Fate(view.become(member, MemberState.WAITING), None)
    if member.state is MemberState.WAITING:
        return Fate(member, None)
    if member.state is MemberState.REVERTING:
        return _again(member, seen, view)
    return Fate(_told(member, seen, view), member.after)


def _told(member: Member, seen: Seen, view: View) -> Member:
    if runs(seen, member.after):
        return view.become(member, MemberState.APPLIED, applied_at=member.applied_at or view.now)
    if refuses(seen, member.after):
        return view.become(member, MemberState.FAILED, seen.error or "")
    match member.state:
        case MemberState.SENT if view.overdue(member, member.after):
            return view.become(member, MemberState.FAILED, _why_late(member, seen, view))
        case MemberState.FAILED:
            return member
        case MemberState.ASLEEP | MemberState.GONE if view.deaf or view.silent(seen):
            return view.become(member, MemberState.ASLEEP, member.detail)
    return view.become(member, MemberState.SENT)


def _again(member: Member, seen: Seen, view: View) -> Fate:
    """One that is to be told once more: first it goes back, for what it has written it does not fetch again."""
    if view.has(member.agent) == member.before and seen.written in (member.before, None):
        return Fate(view.become(member, MemberState.WAITING), None)
    if view.silent(seen) or view.overdue(member, member.before):
        return Fate(view.become(member, MemberState.FAILED, "did not go back, so it cannot be told anew"), member.after)
    return Fate(view.become(member, MemberState.REVERTING), member.before)


def kept(member: Member, view: View) -> Fate:
    """Any member of a rollout that is stopped: as `forward`, but who was on his way to be told anew just keeps `after`."""
    if member.told_at and member.state in (MemberState.REVERTING, MemberState.WAITING):
        member = view.become(member, MemberState.SENT)
    return forward(member, view)


def backward(member: Member, view: View) -> Fate:
    """Any member of a rollout that goes back."""
    if not member.told_at or member.state is MemberState.OVERRIDDEN:
        return Fate(member, None)
    has = view.has(member.agent)
    if has not in (member.before, member.after):
        return _overridden(member, view)
    seen = view.seen(member.agent)
    if seen is None:
        # Should it come back, it shall not find the new configuration.
        return Fate(_gone(member, view).member, member.before)
    if member.state is MemberState.REVERTING and member.tries == 1:
        return _asked_anew(member, seen, view)
    if has == member.before and runs(seen, member.before):
        return Fate(view.become(member, MemberState.REVERTED), member.before)
    if has == member.before and refuses(seen, member.before):
        return _refusing(member, seen, view)
    return Fate(_returning(member, seen, view), member.before)


def _returning(member: Member, seen: Seen, view: View) -> Member:
    match member.state:
        case MemberState.FAILED if member.since > view.turned:
            return member
        case MemberState.REVERTING if (seen.last_seen or 0) > member.since and view.overdue(member, member.before):
            return view.become(member, MemberState.FAILED, _why_late(member, seen, view))
    if view.silent(seen):
        return view.become(member, MemberState.ASLEEP, "will go back when it wakes")
    tries = member.tries if member.state is MemberState.REVERTING else 0
    return view.become(member, MemberState.REVERTING, tries=tries)


def _refusing(member: Member, seen: Seen, view: View) -> Fate:
    """It goes by what it runs: told that, it takes note and can be asked anew, once."""
    failed = member.state is MemberState.FAILED and member.since > view.turned
    if not failed and member.tries == 0 and seen.applied == member.after:
        asked = view.become(member, MemberState.REVERTING, seen.error or "", tries=1)
        return Fate(msgspec.structs.replace(asked, since=view.now), member.after)
    return Fate(view.become(member, MemberState.FAILED, seen.error or "", tries=0), member.before)


def _asked_anew(member: Member, seen: Seen, view: View) -> Fate:
    noted = view.has(member.agent) == member.after and seen.written == member.after
    if noted or view.silent(seen) or view.overdue(member, member.after):
        return Fate(msgspec.structs.replace(member, since=view.now, tries=2), member.before)
    return Fate(view.become(member, MemberState.REVERTING, member.detail), member.after)


def _gone(member: Member, view: View) -> Fate:
    return Fate(view.become(member, MemberState.GONE, "forgotten or retired"), None)


def _overridden(member: Member, view: View) -> Fate:
    detail = f"somebody set another configuration, {view.has(member.agent)[:8]}…"
    return Fate(view.become(member, MemberState.OVERRIDDEN, detail), None)


def _why_late(member: Member, seen: Seen, view: View) -> str:
    if (seen.last_seen or 0) <= member.since:
        return "has not been heard of since it was told"
    late = f"did not report it within {span(view.policy.apply_s * SECOND_MS)}"
    return f"{late}: {seen.error}" if seen.error else late
