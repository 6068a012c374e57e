"""What rollouts say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from functions.domain.rollout import Member, MemberState, Rollout, Wave

NAMED = 5
"""Members that a sentence names."""
_WORDS = {
    MemberState.WAITING: "waiting",
    MemberState.SENT: "told",
    MemberState.APPLIED: "applied",
    MemberState.FAILED: "failed",
    MemberState.ASLEEP: "asleep",
    MemberState.GONE: "gone",
    MemberState.OVERRIDDEN: "set otherwise meanwhile",
    MemberState.REVERTING: "going back",
    MemberState.REVERTED: "back",
}


def agents(amount: int) -> str:
    """`1 agent`, `5 agents`."""
    return f"{amount} agent{'' if amount == 1 else 's'}"


def of_wave(head: Rollout, wave: Wave) -> str:
    """`wave 2 of 4 (staging)`."""
    stage = f" ({wave.stage})" if wave.stage else ""
    return f"wave {wave.number + 1} of {head.waves}{stage}"


def standing(members: Iterable[Member]) -> str:
    """`4 applied, 1 asleep`."""
    found = Counter(member.state for member in members)
    return ", ".join(f"{found[state]} {word}" for state, word in _WORDS.items() if found[state])


def reasons(members: Sequence[Member]) -> str:
    """What the first of them say: `a-1: no such model; a-2: …`."""
    told = "; ".join(f"{member.agent}: {member.detail or 'gives no reason'}" for member in members[:NAMED])
    return told + (f"; and {len(members) - NAMED} more" if len(members) > NAMED else "")
