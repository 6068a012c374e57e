"""Carries out what a step of a rotation asks for. Each effect does nothing if what it was decided upon is not so any more.

A key is only ever a local variable here, on its way from one place of Vault to another, or to its provider.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from functions.domain.errors import Conflict, InvalidInput, ProviderRefused, StoreUnavailable, VaultRefused
from functions.domain.rollout import Action
from functions.domain.rollout_draft import SYSTEM
from functions.domain.rotation import Alias, Rotation, StoredKey
from functions.domain.rotation_view import (
    WRITING_MS,
    Assign,
    CommandRollout,
    CopyAlias,
    DeleteAlias,
    DropIncoming,
    Effect,
    LaunchRollout,
    Refusal,
    RevokeKey,
    StageKey,
)
from functions.ports import Executions, KeyStore, KeyVault, RolloutStore
from functions.rollout_launch import command_seen, launch_keys
from functions.rotations.observer import Providers
from functions.stepping import write_all

_LOG = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """Of the effects of a step."""

    left: bool = False
    """Whether some could not be done now."""
    refusal: Refusal | None = None
    """The first that was refused for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The ports that effects go to."""

    vault: KeyVault
    keys: KeyStore
    rollouts: RolloutStore
    executions: Executions
    """Of rollouts."""
    providers: Providers
    clock: Callable[[], int]

    def carry_out(self, workspace: str, rotation: Rotation, effects: Sequence[Effect], now: int) -> Outcome:
        """The effects of a step at `now` (ms), in order, until they might come too late; one that fails keeps no other from being tried."""
        left, refusal = False, None
        for some in _together(effects):
            try:
                left = not self._do_in_time(workspace, rotation, some, now) or left
            except StoreUnavailable as error:
                _LOG.warning("the rotation %s waits: %s", rotation.id, error)
                left = True
            except (VaultRefused, ProviderRefused, Conflict, InvalidInput) as error:
                refusal = refusal or Refusal(some[0], str(error))
        return Outcome(left, refusal)

    def _do_in_time(self, workspace: str, rotation: Rotation, effects: Sequence[Effect], now: int) -> bool:
        """False when there was no time left for all."""
        assigns = [effect for effect in effects if isinstance(effect, Assign)]
        if assigns:
            return write_all(assigns, lambda one: self._assign(workspace, rotation, one), self.clock, now)
        if self.clock() - now > WRITING_MS:
            return False
        self._do(workspace, rotation, effects[0], now)
        return True

    def _assign(self, workspace: str, rotation: Rotation, effect: Assign) -> object:
        return self.keys.assign(workspace, effect.agent, rotation.provider, effect.wanted, effect.seen)

    def _do(self, workspace: str, rotation: Rotation, effect: Effect, now: int) -> None:
        provider, shard = rotation.provider, rotation.shard
        match effect:
            case StageKey(print_, seen):
                self._put(workspace, rotation, self.vault.take_incoming(workspace, rotation.id), print_, Alias.NEXT, seen)
            case CopyAlias(source, target, print_, seen):
                self._put(workspace, rotation, self.vault.read(workspace, provider, source, shard), print_, target, seen)
            case DeleteAlias(alias, _, seen):
                self.vault.delete(workspace, provider, alias, seen, shard)
            case DropIncoming():
                self.vault.drop_incoming(workspace, rotation.id)
            case RevokeKey(alias, print_):
                self._revoke(workspace, rotation, alias, print_)
            case LaunchRollout():
                launch_keys(self.rollouts, self.keys, self.executions, workspace, provider, effect, now)
            case CommandRollout(rollout, action, seen):
                self._command(workspace, rollout, action, seen, now)

    def _put(self, workspace: str, rotation: Rotation, key: StoredKey | None, print_: str, target: Alias, seen: int) -> None:
        if key is not None and key.fingerprint == print_:
            self.vault.write(workspace, rotation.provider, target, key, seen, rotation.shard)

    def _revoke(self, workspace: str, rotation: Rotation, alias: Alias, print_: str) -> None:
        key = self.vault.read(workspace, rotation.provider, alias, rotation.shard)
        if key is None or key.fingerprint != print_:
            return
        if not self.providers.of(workspace, rotation.provider).revoke(key.key, key.id):
            raise ProviderRefused(f"{rotation.provider} cannot revoke keys from here")

    def _command(self, workspace: str, rollout: str, action: Action, seen: int, now: int) -> None:
        found = self.rollouts.read(workspace, rollout)
        if found is None or found[0].version != seen:
            return
        # What is not possible any more is for the next step to see.
        with suppress(Conflict):
            command_seen(self.rollouts, self.executions, workspace, *found, action, by=SYSTEM, now=now)


def _together(effects: Sequence[Effect]) -> Iterator[list[Effect]]:
    """Those that are done at once: agents that follow each other; all else one by one, in order."""
    for of_agents, some in groupby(effects, lambda effect: isinstance(effect, Assign)):
        if of_agents:
            yield list(some)
        else:
            yield from ([effect] for effect in some)
