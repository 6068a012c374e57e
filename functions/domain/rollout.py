"""Rollouts: the words that planning, stepping, the store, the API and the gate share.

A **rollout** brings a set of agents, its **members**, from the configuration that each has (`before`) to the one it shall have (`after`),
in **waves**. After each wave a **gate** compares its members with their own past and with a control cohort; its **verdict** lets the next
wave go, holds the rollout for a human, or turns it around. Both configurations of a member are known by their hashes (`domain.desired`),
so "put back" is a fact that an agent reports, not a hope.

    plan ─▶ Rollout, Waves ─▶ step(rollout, waves, observed, now) ─▶ Step: new state, writes of desired configurations, audit, next look

All of it is stored before anything is done (`ports.RolloutStore.save`), and each step does again what the state asks for and is not yet so:
a crash between any two writes is made good by the next step. All times are ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from functions.domain.desired import hash_of
from functions.domain.gate_policy import GatePolicy

UNMANAGED_TEXT = "{}"
"""Canonical text of the document that manages nothing: what an agent without a desired configuration goes back to."""
UNMANAGED = hash_of(UNMANAGED_TEXT)
MAX_WAVE = 2_000
"""Members of one wave; a plan splits larger ones, so that a wave is one item of the store."""


class Phase(StrEnum):
    """What a rollout is doing."""

    WAITING = "waiting"
    """For an approval, for its time, or for a freeze to end; `hold` says which. Nothing of the current wave has been sent."""
    APPLYING = "applying"
    """Members of the current wave are told, and reports of what they applied awaited."""
    BAKING = "baking"
    """The current wave runs the new configuration, and the gate looks at it."""
    HELD = "held"
    """A human has to decide; `hold` says why. A hold because metrics were unreadable ends by itself when they are not any more."""
    PAUSED = "paused"
    """A human asked for it; `resume_to` is where it goes on."""
    REVERTING = "reverting"
    """Every member that was told goes back to `before`."""
    SUCCEEDED = "succeeded"
    """All members that could be reached run `after`, or will when they wake up."""
    REVERTED = "reverted"
    """All members run `before`, or will when they wake up."""
    STOPPED = "stopped"
    """A human ended it where it was: told members keep `after`, all others `before`."""


FINAL = frozenset({Phase.SUCCEEDED, Phase.REVERTED, Phase.STOPPED})


class HoldCause(StrEnum):
    """Why a rollout waits or is held."""

    APPROVAL = "approval"
    SCHEDULE = "schedule"
    FREEZE = "freeze"
    INCONCLUSIVE = "inconclusive"
    """The gate had too few samples, even after the extensions."""
    UNREADABLE = "unreadable"
    """The gate could not read metrics."""
    IRREVERSIBLE = "irreversible"
    """The gate failed, and going back is not possible by itself."""
    REVERT = "revert"
    """A member refuses to go back."""
    VAULT = "vault"
    """Of a rotation: Vault does not do, or does not have, what is needed."""
    PROVIDER = "provider"
    """Of a rotation: the provider cannot be asked, or does not revoke."""
    ROLLOUT = "rollout"
    """Of a rotation: its rollout waits for people."""
    IN_USE = "in_use"
    """Of a rotation: the old key does not get out of use."""


class MemberState(StrEnum):
    """Where one member stands."""

    WAITING = "waiting"
    """Not told yet: wants `before`."""
    SENT = "sent"
    """Told; has not reported the new hash as applied."""
    APPLIED = "applied"
    FAILED = "failed"
    """Told, but it refused the configuration or did not report in time."""
    ASLEEP = "asleep"
    """Told while it was silent: it catches up when it wakes; no gate counts it."""
    GONE = "gone"
    """Forgotten or retired since: no longer part of it."""
    OVERRIDDEN = "overridden"
    """Somebody set another configuration since: no longer part of it."""
    REVERTING = "reverting"
    """Told to go back; has not reported the old hash as applied."""
    REVERTED = "reverted"


class Reversibility(StrEnum):
    """Whether going back undoes a change."""

    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"
    """State is migrated, or something leaves the house: needs approval and a backup, bakes longer, is held instead of reverted."""


class Action(StrEnum):
    """What people may ask of a rollout."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    """Go on where it was paused or held: a held wave bakes once more."""
    ABORT = "abort"
    """Turn around: told members go back, also of irreversible changes."""
    STOP = "stop"
    """End it here; told members keep what they have."""
    RETRY = "retry"
    """Send the members of the current wave that failed once more."""
    SKIP = "skip"
    """Take the current wave as passed, whatever its gate says."""
    PROMOTE = "promote"
    """No more gates: bring all remaining members to `after` at once."""


class Member(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent of a rollout."""

    agent: str
    before: str
    """Hash of what it goes back to; `UNMANAGED` when nothing was desired."""
    after: str
    """Hash of what it shall have."""
    state: MemberState = MemberState.WAITING
    since: int = 0
    """Of the state."""
    applied_at: int | None = None
    """When it was first seen to run `after`: what the gate counts begins then."""
    detail: str = ""
    """What the agent reported, or why it is left out."""
    tags: dict[str, str] = {}
    """As of the plan; for matching it with its control."""
    told_at: int = 0
    """When it was first told to have `after`; 0: never, so that it has nothing to go back from."""
    tries: int = 0
    """While it goes back: 1 when it refused and is told what it runs, so that it can be asked anew; 2 when it was."""


class Wave(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Members that are told together."""

    number: int
    """From 0."""
    stage: str = ""
    """Value of the policy's order tag that all of them share: `staging`; empty without one."""
    members: list[Member]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the gate found out about one metric. Rates, ms, USD or tokens per task; None: no sample."""

    metric: str
    outcome: Outcome
    wave: float | None = None
    past: float | None = None
    """The wave's own past."""
    control: float | None = None
    evidence: float = 0.0
    """For "worse than both references": an e-value; `GatePolicy.alpha` gives the bound 1/alpha."""
    reason: str = ""


class Outcome(StrEnum):
    """Of a gate."""

    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    UNREADABLE = "unreadable"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A look of the gate at a wave. Whether its time is up is the rollout's business, not the gate's."""

    outcome: Outcome
    reason: str
    """A sentence with the numbers it rests on."""
    findings: list[Finding] = []
    tasks: int = 0
    """Finished by the wave's members since they changed."""
    control_tasks: int = 0
    control_agents: int = 0
    looked_at: int = 0
    wave: int = 0


class Hold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why nothing goes on."""

    cause: HoldCause
    reason: str
    until: int | None = None
    """When it ends by itself, if that is known."""


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that people are told through their channels; stays in the rollout until it is queued, so that no crash swallows it."""

    key: str
    """Unique in the rollout: its delivery's id is made of it, so that it is queued once."""
    event: str
    """`approval`, `held`, `reverting`, or a final `Phase`."""
    text: str
    at: int


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One given."""

    by: str
    at: int
    wave: int
    """The wave that it lets go."""


class Rollout(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Head of a rollout; its waves are stored beside it."""

    id: str
    title: str
    """What it changes, for people: `model: a → b`, or the message of a revision."""
    created: int
    by: str
    """Id of the token that started it."""
    selector: str = ""
    change: dict[str, Any] = {}
    """What was asked for, as the API shows it: `{"patch": {…}}` or `{"revision": 12}`."""
    revision: int | None = None
    """Number of the fleet revision that it brings, if it brings one."""
    policy: Policy
    reversibility: Reversibility = Reversibility.REVERSIBLE
    backup_by: str | None = None
    """Who acknowledged that there is a backup."""
    phase: Phase = Phase.WAITING
    since: int = 0
    """Of the phase."""
    reason: str = ""
    """Of the phase, for people."""
    hold: Hold | None = None
    resume_to: Phase | None = None
    wave: int = 0
    """Number of the current wave."""
    waves: int
    """How many there are."""
    members: int
    baking_since: int | None = None
    bake_until: int | None = None
    extensions: int = 0
    """Of the current wave's bake."""
    unreadable_since: int | None = None
    gateless: bool = False
    """Promoted: no gate any more."""
    joined: int = 0
    """Waves that were added for agents that joined meanwhile."""
    approvals: list[Approval] = []
    verdicts: list[Verdict] = []
    """The last one of each wave, in order."""
    counts: dict[str, int] = {}
    """Members by state, over all waves."""
    notices: list[Notice] = []
    """Those not queued yet."""
    drive: int = 0
    """Which execution of the state machine may step it: a newer one makes older ones end."""
    stepped_at: int = 0
    look_at: int | None = None
    """When the state machine looks again; None: not before somebody asks for something."""
    version: int = 0
    """Counts the writes; each replaces the one before on condition."""
    sent_at: int = 0
    """When a step last asked for a write of `after`."""
    back_at: int = 0
    """When a step last asked for a write of `before`."""
    passed: bool = False
    """The last wave has passed: only agents that joined or woke up meanwhile are left."""
    skipping: bool = False
    """The current wave passes as soon as all of it is told."""
    channel: str = ""
    """What it brings. Empty: configurations; `keys:<provider>`: a key, hashes being fingerprints (`domain.rotation`). An agent is in one
    rollout a channel at a time."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a rollout goes. `domain.rollout_policy` reads and checks documents. Durations in seconds."""

    waves: tuple[str, ...] = ("1", "5", "25%", "100%")
    """How many of a stage's members have been told after each wave: numbers or percents. The last is 100 %, said or not."""
    wave_size: int | None = None
    """Waves of so many instead."""
    order_tag: str = "env"
    order: tuple[str, ...] = ("dev", "test", "staging", "prod")
    """Stages: each of these values goes through all waves before the next one begins. Values that are not named come just before the last;
    empty: one stage."""
    sort_by: tuple[str, ...] = ()
    """Tags by which members of a stage are ordered; then by id."""
    max_unavailable: str = "100%"
    """Of a wave's members, how many may be told and not have applied at a time: a number or percents, at least 1."""
    apply_s: int = 300
    """How long a member may take to report; longer is a failure."""
    asleep_s: int = 120
    """A member not heard of for so long is asleep."""
    max_failed: int = 0
    """Of a wave: more failed members fail the wave."""
    bake_s: int = 600
    extend_s: int = 600
    """One extension of an inconclusive bake."""
    max_extensions: int = 2
    unreadable_s: int = 900
    """How long metrics may be unreadable at the end of a bake before the rollout is held."""
    irreversible_bake: float = 3.0
    """How many times longer an irreversible change bakes."""
    approve: tuple[str, ...] = ()
    """What needs an approval: `start`, `wave:2` (the third), or `stage:prod`."""
    not_before: int | None = None
    """ms."""
    gate: GatePolicy = GatePolicy()
    gates: bool = True
    """False: no gates at all, waves follow each other when applied."""


class Seen(NamedTuple):
    """What is known of an agent now."""

    last_seen: int | None
    applied: str | None
    written: str | None
    error: str | None
    retired: bool
    tags: Mapping[str, str]


class Observed(NamedTuple):
    """What a step looks at."""

    agents: Mapping[str, Seen]
    """By id; one that is not here is forgotten."""
    desired: Mapping[str, str]
    """Hashes by agent; absent: none is set."""
    verdict: Verdict | None = None
    """Of the gate, now; only while baking or held for what a gate said."""
    frozen: Hold | None = None
    """The freeze that holds now."""
    joined: Sequence[Member] = ()
    """Agents that match the selector and are in no wave; only looked for when the last wave has passed."""


class Write(NamedTuple):
    """A desired configuration to set."""

    agent: str
    seen: str | None
    """Hash that is there now; None: nothing."""
    wanted: str
    """Hash of a document of the rollout."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the audit log."""

    at: int
    rollout: str
    by: str
    """Id of a token, or `clawpulse` for what it did itself."""
    action: str
    """`created`, `wave`, `verdict`, `held`, `reverting`, `finished`, or an `Action`."""
    text: str
    title: str = ""
    """Of the rollout."""
    tags: dict[str, str] = {}
    """What all members of the wave share; for timelines."""


class Step(NamedTuple):
    """What becomes of a rollout."""

    rollout: Rollout
    """With the next version, if anything changed."""
    waves: Sequence[Wave]
    """Those that changed."""
    writes: Sequence[Write]
    """To be made after the state is saved; repeated by later steps until they are so."""
    entries: Sequence[Entry]
    seconds: float | None
    """When to look again; None: not before somebody asks for something."""
