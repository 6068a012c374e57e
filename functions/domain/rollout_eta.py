"""When a rollout will probably be through: a guess from what its policy lets the remaining waves take."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from functions.domain.rollout import MemberState, Phase, Rollout, Wave
from functions.domain.rollout_limits import bake_ms, gated
from functions.domain.rollout_plan import share
from functions.domain.times import SECOND_MS

APPLY_MS = 30 * SECOND_MS
"""From telling an agent to hearing that it applied: two heartbeats."""
_OPEN = frozenset({MemberState.WAITING, MemberState.SENT})


def eta(rollout: Rollout, waves: Sequence[Wave], now: int) -> int | None:
    """When the last wave will have passed (ms), if all goes well; None when that depends on people, or it is over or goes back."""
    if rollout.phase not in (Phase.WAITING, Phase.APPLYING, Phase.BAKING):
        return None
    if rollout.hold is not None and rollout.hold.until is None:
        return None
    at = now
    for wave in waves:
        if wave.number < rollout.wave:
            continue
        if wave.number == rollout.wave and rollout.phase is Phase.BAKING:
            at = max(now, rollout.bake_until or now)
        else:
            at += _apply_ms(rollout, wave) + _bake_ms(rollout, wave)
    return at + max(0, (rollout.hold.until or now) - now) if rollout.hold else at


def _apply_ms(rollout: Rollout, wave: Wave) -> int:
    """As many rounds as it takes when only so many may be unavailable at a time."""
    left = sum(member.state in _OPEN for member in wave.members)
    at_once = max(1, share(rollout.policy.max_unavailable, len(wave.members), up=False))
    return -(-left // at_once) * APPLY_MS


def _bake_ms(rollout: Rollout, wave: Wave) -> int:
    """How long it will bake, should it be the current one: not after it was skipped, and not if its agents joined later."""
    current = wave.number == rollout.wave
    ahead = msgspec.structs.replace(rollout, wave=wave.number, skipping=rollout.skipping and current)
    return bake_ms(rollout) if gated(ahead) and not (rollout.passed and current) else 0
