"""What a step of a rotation sees, and what it asks for.

    view = RotationView(…)                            everything as it is now, read strongly consistent after the rotation itself
    made = rotation_step.step(rotation, view, now)
    save made.rotation (version n + 1)                if somebody was faster: nothing else is done
    carry out made.effects, in order, until `WRITING_MS` after `now`; then look again in made.seconds

Each effect says what it was decided upon: a version, a fingerprint. One that does not find that any more, or that was done before, does
nothing; the next step asks anew for what is not so yet. An effect that cannot be done now is left out until the next step, one that is
refused for good (`VaultRefused`, `ProviderRefused`) is told to a step right after it (`RotationView.refusal`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from functions.domain.fleet import AgentState, Status
from functions.domain.key_fingerprint import PATTERN
from functions.domain.rollout import UNMANAGED, Action, Entry, Policy, Rollout, Seen
from functions.domain.rotation import Alias, KeyAnswer, Rotation, Usage, VaultState

WRITING_MS = 15_000
"""So long after a step's time its effects may begin."""
SETTLE_MS = 30_000
"""So long after a step's time its effects have come, or never will."""
_HEALTHY = frozenset({Status.GREEN, Status.YELLOW})
_PRINT = re.compile(PATTERN)


class KeyAgent(NamedTuple):
    """What is known of an agent and its key of one provider."""

    tags: Mapping[str, str]
    last_seen: int | None
    """ms; None for one that never came."""
    healthy: bool
    """Green or yellow."""
    tells: bool
    """Whether it reports keys at all, of whichever provider."""
    uses: bool
    """Whether it reports this provider."""
    reported: str | None
    """Fingerprint of the key that it says is in force."""
    assigned: str | None
    """Fingerprint of the key that it should use."""
    error: str | None = None
    """Why the one assigned is not in force."""


class VaultFault(NamedTuple):
    """Vault could not be read."""

    text: str
    retry: bool
    """Sealed, busy, out of reach; False: it refuses (403, set-up)."""


class RotationView(NamedTuple):
    """What a step looks at."""

    agents: Mapping[str, KeyAgent]
    """All agents of the workspace that are not retired, by id (`agent_of`)."""
    vault: VaultState | VaultFault
    """Of the rotation's provider and shard; a fault too when `wants_writable` and Vault cannot be written."""
    incoming: bool = False
    """Whether the key waits in Vault as `incoming-<rotation>`; False while Vault cannot be read."""
    position: int = 0
    """In the queue; 0: its turn."""
    rollout: Rollout | None = None
    """The head of `rotation.rollout`, if there is one."""
    test: KeyAnswer | None = None
    """Of the key whose fingerprint is `wants_test`; None when Vault does not have it, or nobody asked."""
    usage: Usage | None = None
    """Of the old key in the last `RotationPolicy.unused_s`; None when it cannot be told now, or nobody asked (`wants_usage`)."""
    apart: frozenset[str] = frozenset()
    """Values of the tag `shard` whose agents have keys of their own for this provider."""
    refusal: Refusal | None = None
    """What of the step before was refused for good, if anything was and that is still known."""


class Refusal(NamedTuple):
    """An effect that was refused for good (`VaultRefused`, `ProviderRefused`, also a provider that tells that it cannot revoke)."""

    effect: Effect
    text: str


class StageKey(NamedTuple):
    """Put the key that waits as `incoming-<rotation>` under `next`, if it has this fingerprint, and `next` still this version."""

    fingerprint: str
    seen: int


class CopyAlias(NamedTuple):
    """Put the key under `source`, if it still has this fingerprint, under `target` too, if that still has the version seen."""

    source: Alias
    target: Alias
    fingerprint: str
    seen: int


class DeleteAlias(NamedTuple):
    """Delete an alias if it still has this version."""

    alias: Alias
    fingerprint: str
    """Of what lies there, for the log."""
    seen: int


class DropIncoming(NamedTuple):
    """Delete `incoming-<rotation>`."""


class RevokeKey(NamedTuple):
    """Have the provider make the key under an alias useless, if it has this fingerprint."""

    alias: Alias
    fingerprint: str


class Assign(NamedTuple):
    """Have an agent use another key, if it still is to use the one seen (None: none)."""

    agent: str
    wanted: str | None
    """None: none any more."""
    seen: str | None


class LaunchRollout(NamedTuple):
    """Start a rollout in the channel `keys:<provider>`, unless there is one of this id."""

    id: str
    title: str
    members: Mapping[str, tuple[str, str]]
    """By agent: fingerprints before (`UNMANAGED`: none) and after. Not to be started if one of them should use another one by now."""
    tags: Mapping[str, Mapping[str, str]]
    """Of the members."""
    policy: Policy
    change: Mapping[str, Any]
    """`Rollout.change`: has `rotation`, `provider`, `abort_above`; the gate (`functions.key_gate`) reads it."""
    by: str


class CommandRollout(NamedTuple):
    """Ask a rollout for something, if it still has the version seen; a `Conflict` is none: the next step looks again."""

    rollout: str
    action: Action
    seen: int


type Effect = StageKey | CopyAlias | DeleteAlias | DropIncoming | RevokeKey | Assign | LaunchRollout | CommandRollout


class RotationStep(NamedTuple):
    """What becomes of a rotation."""

    rotation: Rotation
    """With the next version, if anything changed."""
    effects: Sequence[Effect]
    """In the order in which they are to be carried out, after the state is saved."""
    entries: Sequence[Entry]
    """For the audit log; `Entry.rollout` has the rotation's id."""
    seconds: float | None
    """When to look again; None: not before somebody asks for something."""


def agent_of(state: AgentState, provider: str, assigned: str | None) -> KeyAgent:
    """An agent of the snapshot; `assigned` is what `KeyStore` has of it."""
    report = state.keys.get(provider)
    return KeyAgent(
        tags=state.tags,
        last_seen=state.last_seen,
        healthy=state.health.status in _HEALTHY,
        tells=bool(state.keys),
        uses=report is not None,
        reported=report.fingerprint if report else None,
        assigned=assigned,
        error=report.error if report else None,
    )


def serves(state: AgentState) -> bool:
    """Whether an agent belongs into `RotationView.agents`: it was seen, and is not retired."""
    return state.first_seen is not None and not state.retired


def key_seen(state: AgentState, provider: str, assigned: str | None) -> Seen:
    """What the rollout of a channel `keys:<provider>` sees of an agent.

    An error is about the key whose fingerprint it names, else about the one assigned; it is over when that is in force. `UNMANAGED` stands
    for no key: who should use none any more is taken to use none, for there is nothing that it could be asked to go back to.
    """
    report = state.keys.get(provider)
    applied, error = (report.fingerprint, report.error) if report else (None, None)
    if assigned is None or assigned == UNMANAGED:
        applied = error = None
    if applied == assigned:
        error = None
    named = _PRINT.search(error or "")
    written = (named.group() if named else assigned) if error else applied
    return Seen(state.last_seen, applied, written, error, state.retired, state.tags)
