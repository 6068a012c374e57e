"""Starting and steering rotations: what the API and schedules share. Sees ports, not adapters.

    new key (rotation_source) ─▶ Vault, as `incoming` ─▶ rotation, at its place in the queue ─▶ first execution

The key is in Vault before anything says that there is a rotation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from functions.domain.errors import Conflict, NotFound, StoreError, StoreUnavailable
from functions.domain.rollout import Action, Entry
from functions.domain.rotation import Alias, Rotation, StoredKey
from functions.domain.rotation_command import commanded
from functions.domain.rotation_fleet import SHARD_TAG
from functions.domain.rotation_view import KeyAgent
from functions.domain.stepped import driven
from functions.ports import Executions, KeyVault, RotationStore

SHARD_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ATTEMPTS = 5
"""Of writes that others were faster with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports; `executions` is the state machine of rotations."""

    vault: KeyVault
    rotations: RotationStore
    executions: Executions


def launch(parts: Parts, workspace: str, rotation: Rotation, key: StoredKey, *, now: int) -> Rotation:
    """Start a rotation with a fresh id, and give it as it is stored. Raises `Conflict` and the faults of Vault and the store.

    When the store fails, its key still waits: try again with the same id and key, or `abandon` it.
    """
    if not parts.vault.put_incoming(workspace, rotation.id, key):
        raise Conflict(f"another key waits under {rotation.id}: try again")
    begun = replace(rotation, new=key.fingerprint, new_id=key.id, since=now, drive=1, version=1, look_at=now)
    kinds = [name for name, is_one in (("a dry run", rotation.dry_run), ("an emergency", rotation.emergency)) if is_one]
    text = ", ".join([f"new key {key.fingerprint} from {rotation.source}", *kinds])
    made = Entry(at=now, rollout=begun.id, by=begun.by, action="created", text=text, title=f"key of {begun.provider}")
    if not parts.rotations.create_rotation(workspace, begun, [made]):
        raise Conflict(f"there is a rotation {begun.id} already: try again")
    _start(parts.executions, workspace, begun)
    return begun


def abandon(parts: Parts, workspace: str, rotation: str) -> None:
    """Leave no key for a rotation that could not be started. One that did begin after all is refused by its preflight."""
    with suppress(StoreError):
        parts.vault.drop_incoming(workspace, rotation)


def apart(vault: KeyVault, workspace: str, provider: str, agents: Mapping[str, KeyAgent]) -> frozenset[str]:
    """Values of the tag `shard` whose agents have keys of their own. Raises the faults of Vault."""
    shards = {shard for agent in agents.values() if (shard := agent.tags.get(SHARD_TAG)) and may_be_apart(shard)}
    return frozenset(shard for shard in sorted(shards) if vault.read(workspace, provider, Alias.CURRENT, shard) is not None)


def may_be_apart(shard: str) -> bool:
    """Whether a path in Vault takes the name of a shard: tags may have any."""
    return re.fullmatch(SHARD_PATTERN, shard) is not None


def command(parts: Parts, workspace: str, rotation_id: str, action: Action, *, by: str, now: int, detail: str = "") -> Rotation:
    """Do what somebody asks of a rotation; a new execution carries it out. Raises `NotFound`, `Conflict` that says what is possible."""
    for _ in range(_ATTEMPTS):
        before = parts.rotations.rotation(workspace, rotation_id)
        if before is None:
            raise NotFound(f"no rotation {rotation_id}")
        step = commanded(before, action, by=by, now=now, detail=detail)
        after = driven(replace(step.rotation, version=before.version), now)
        if parts.rotations.save_rotation(workspace, after, step.entries):
            _start(parts.executions, workspace, after)
            return after
    raise StoreUnavailable(f"the rotation {rotation_id} is being changed all the time")


def restart(parts: Parts, workspace: str, rotation: Rotation, now: int) -> bool:
    """Have a new execution step a rotation, and all older ones end; False when it was changed meanwhile."""
    after = driven(rotation, now)
    if not parts.rotations.save_rotation(workspace, after, []):
        return False
    parts.executions.start(workspace, after.id, after.drive)
    return True


def _start(executions: Executions, workspace: str, rotation: Rotation) -> None:
    # It is written down, so the sweep starts what cannot be started now.
    with suppress(StoreUnavailable):
        executions.start(workspace, rotation.id, rotation.drive)
