"""Rotations: the words that stepping, the store, Vault, providers, the API and the agents share.

A **rotation** replaces a provider's API key on all agents that use it, while both keys live, and ends with the old one proven unused and
revoked. Bringing the agents from one fingerprint to the other is a rollout in a channel of its own (`Rollout.channel`): waves, gate,
reverting, pausing and crash safety are the same. What a rotation adds stands before and after it:

    queued ─▶ preflight ─▶ staging ─▶ rolling ─▶ promoting ─▶ draining ─▶ retiring ─▶ succeeded
                                         └─ anything wrong ─▶ aborting (agents back, key unstaged) ─▶ aborted

A key itself is only ever in Vault, in a provider's answer, and in memory on its way between the two: never in a rotation, a message, a log
or the state machine's history. All times are ms.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from functions.domain.rollout import Hold, HoldCause, Notice


class RotationPhase(StrEnum):
    """What a rotation is doing."""

    QUEUED = "queued"
    """Another rotation is under way: one at a time, over all providers of a workspace, in the order of their start."""
    PREFLIGHT = "preflight"
    """Is the new key another one, does the provider take it, can Vault be written, is the fleet healthy enough, can each agent reload?"""
    STAGING = "staging"
    """The new key is written to Vault as `next`."""
    ROLLING = "rolling"
    """A rollout brings the agents to it."""
    PROMOTING = "promoting"
    """`current` becomes `old`, `next` becomes `current`."""
    DRAINING = "draining"
    """Nobody may use the old key for a while: no agent reports it, and the provider, where it tells, saw no use of it."""
    RETIRING = "retiring"
    """The old key is revoked at the provider and deleted in Vault."""
    ABORTING = "aborting"
    """The rollout turns around; then the staged key is taken back."""
    HELD = "held"
    """A human has to decide; `hold` says why and `resume_to` where it goes on."""
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    REFUSED = "refused"
    """Preflight found something wrong: nothing was changed."""


FINAL_ROTATION = frozenset({RotationPhase.SUCCEEDED, RotationPhase.ABORTED, RotationPhase.REFUSED})


class Alias(StrEnum):
    """Where in Vault a key of a provider lies."""

    CURRENT = "current"
    NEXT = "next"
    OLD = "old"


class RotationPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a rotation goes. Durations in seconds."""

    wave_size: int = 10
    cooldown_s: int = 30
    """After each wave, the last one too: so long its gate looks at it."""
    abort_above: float = 0.02
    """Share of the wave's tasks that may fail since its agents changed, beyond what the other agents' tasks fail."""
    order_tag: str = "env"
    order: tuple[str, ...] = ("dev", "test", "staging", "prod")
    apply_s: int = 120
    """How long an agent may take to fetch, try and reload."""
    asleep_s: int = 120
    min_healthy: float = 0.8
    """Share of the agents that must be green or yellow for a rotation to begin."""
    unused_s: int = 600
    """How long the old key must be unused before it is retired."""
    retire: bool = True
    """False: the old key is kept, in Vault as `old`, and not revoked."""
    drain_s: int = 86_400
    """How long agents that are silent, and users that nobody knows, may keep the old key alive before people decide."""


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What preflight found out."""

    name: str
    """`differs`, `accepted`, `vault`, `fleet`, `agents`."""
    ok: bool
    detail: str
    retry: bool = False
    """Not answered: a later try may tell."""


class Rotation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One rotation of one provider's key."""

    id: str
    """Sorts by time, as rollouts' ids do; begins with `k`."""
    provider: str
    created: int
    by: str
    selector: str = ""
    """Agents that are meant; all that use the provider, if empty."""
    shard: str = ""
    """Of a shard with keys of its own; empty: the workspace's."""
    policy: RotationPolicy = RotationPolicy()
    source: str = "stdin"
    """Where the new key came from: `stdin`, `vault`, `provider`."""
    new: str
    """Fingerprint of the new key."""
    new_id: str | None = None
    """What the provider calls it."""
    old: str | None = None
    """Fingerprint of the former one; None when there was none."""
    old_id: str | None = None
    dry_run: bool = False
    """Ends after preflight."""
    emergency: bool = False
    """The old key has leaked: it is revoked before the agents change, and tasks fail until they have."""
    phase: RotationPhase = RotationPhase.QUEUED
    since: int = 0
    reason: str = ""
    hold: Hold | None = None
    resume_to: RotationPhase | None = None
    checks: list[Check] = []
    rollout: str | None = None
    """Id of the rollout that brings it to the agents."""
    staged: bool = False
    """`next` in Vault may be ours: to be taken back when it is aborted."""
    promoted: bool = False
    revoked_at: int | None = None
    last_old_use: int | None = None
    """When the old key was last seen in use."""
    notices: list[Notice] = []
    drive: int = 0
    stepped_at: int = 0
    version: int = 0
    look_at: int | None = None
    """When it is stepped again (the service's); None: not before somebody asks for something."""
    ends: RotationPhase | None = None
    """While aborting: the final phase it comes to when all is put back."""
    asked_at: int = 0
    """When a step last asked for something that leads forward: nothing is over before that has come, or never will."""
    revoke_asked: int | None = None
    """When the old key was first asked to be revoked: from then on there is no way back."""
    follows: bool = False
    """The new key is `current` already: this rotation brings it to agents that an earlier one left out."""
    forced: bool = False
    """People said that the old key counts as unused, whatever silent agents and the provider tell."""
    paused_rollout: bool = False
    """The rollout was paused because the rotation was, and is to go on with it."""
    nudged: HoldCause | None = None
    """What it was held for last, if people said that it shall go on all the same."""
    launches: int = 0
    """Rollouts that were started for it."""
    unread_since: int | None = None
    """Since when Vault cannot be read."""
    back: bool = False
    """The present rollout brings agents back to the old key."""
    rollouts: list[str] = []
    """Ids of all that were started for it, in order."""
    turned: str = ""
    """Why it turned around."""
    trying_since: int = 0
    """Since when it asks for what `reason` says."""
    silent_since: int | None = None
    """Since when the provider cannot be asked."""


class Usage(NamedTuple):
    """What a provider tells of a key's use."""

    known: bool
    """False: this provider does not tell, or not of this key."""
    last_used: int | None = None
    """ms; None when it was not used in the time asked for."""


class KeyAnswer(NamedTuple):
    """What became of trying a key."""

    accepted: bool
    detail: str
    """For people; never has the key."""
    retry: bool = False
    """The provider could not be asked."""


class NewKey(NamedTuple):
    """A key that a provider made."""

    key: str
    id: str | None

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r})"


class StoredKey(NamedTuple):
    """A key as Vault has it."""

    key: str
    fingerprint: str
    id: str | None
    version: int
    """Of the KV entry: what a later write is conditioned on."""
    created: int

    def __repr__(self) -> str:
        return f"StoredKey(fingerprint={self.fingerprint!r}, id={self.id!r}, version={self.version})"


class VaultState(NamedTuple):
    """Fingerprints and versions of a provider's aliases; a version of 0: there is none."""

    current: str | None
    next: str | None
    old: str | None
    versions: tuple[int, int, int]
