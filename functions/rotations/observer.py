"""What a step of a rotation looks at, read from the stores, Vault and the provider.

Keys are read where they are tried, and go no further: a view has fingerprints.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.domain.errors import InvalidInput, ProviderRefused, ProviderUnavailable, VaultRefused, VaultUnavailable
from functions.domain.key_settings import DOCUMENT, ProviderSettings, provider_settings
from functions.domain.rotation import Alias, KeyAnswer, Rotation, StoredKey, Usage, VaultState
from functions.domain.rotation_queue import position
from functions.domain.rotation_step import wants_test, wants_usage, wants_writable
from functions.domain.rotation_view import Refusal, RotationView, VaultFault
from functions.domain.times import SECOND_MS
from functions.ports import FleetStore, KeyProvider, KeyStore, KeyVault, RolloutStore, RotationStore
from functions.rotations.agents import Agents, apart

_LOG = logging.getLogger(__name__)
_KNOWN_BY = 200
"""Rotations, newest first, that tell which shards have keys of their own while Vault does not."""


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers of workspaces, as their settings say now."""

    fleet: FleetStore
    make: Callable[[ProviderSettings], KeyProvider]

    def of(self, workspace: str, name: str) -> KeyProvider:
        """One of them. Raises `ProviderRefused` when the settings say nothing, or nothing valid, of it."""
        try:
            settings = provider_settings(self.fleet.settings(workspace, DOCUMENT), workspace, name)
        except InvalidInput as error:
            raise ProviderRefused(f"{DOCUMENT} is not valid: {error}") from error
        if settings is None:
            raise ProviderRefused(f"{DOCUMENT} names no provider {name}")
        return self.make(settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Reads."""

    rotations: RotationStore
    rollouts: RolloutStore
    fleet: FleetStore
    keys: KeyStore
    vault: KeyVault
    providers: Providers
    _ids: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """What providers call keys, by workspace and fingerprint: it does not change."""

    def look(self, workspace: str, rotation: Rotation, refusal: Refusal | None, clock: Callable[[], int]) -> tuple[RotationView, int]:
        """What a step needs, and when it was so (ms). Raises `StoreUnavailable`, also without a snapshot."""
        place = position(self.rotations.rotation_queue(workspace), rotation.id)
        agents = Agents.read(self.fleet, self.keys, workspace).of(rotation.provider)
        rollout = self.rollouts.head(workspace, rotation.rollout) if rotation.rollout else None
        view = RotationView(agents=agents, vault=VaultFault("was not asked", retry=True), position=place, rollout=rollout, refusal=refusal)
        try:
            return self._with_vault(workspace, rotation, view, clock), clock()
        except (VaultUnavailable, VaultRefused) as error:
            fault = VaultFault(str(error), retry=isinstance(error, VaultUnavailable))
            return view._replace(vault=fault, apart=self._apart_lately(workspace, rotation.provider)), clock()

    def _with_vault(self, workspace: str, rotation: Rotation, view: RotationView, clock: Callable[[], int]) -> RotationView:
        own = frozenset[str]() if rotation.shard else apart(self.vault, workspace, rotation.provider, view.agents)
        if wants_writable(rotation):
            self.vault.writable(workspace, rotation.shard)
        state = self.vault.state(workspace, rotation.provider, rotation.shard)
        waiting = self.vault.take_incoming(workspace, rotation.id)
        return view._replace(
            vault=state,
            apart=own,
            incoming=waiting is not None,
            test=self._test(workspace, rotation, state, waiting),
            usage=self._usage(workspace, rotation, state, clock()) if wants_usage(rotation) else None,
        )

    def _test(self, workspace: str, rotation: Rotation, state: VaultState, waiting: StoredKey | None) -> KeyAnswer | None:
        wanted = wants_test(rotation)
        if wanted is None:
            return None
        key = waiting if waiting and waiting.fingerprint == wanted else self._find(workspace, rotation, state, wanted)
        if key is None:
            return None
        try:
            return self.providers.of(workspace, rotation.provider).test(key.key)
        except (ProviderUnavailable, ProviderRefused) as error:
            # That it cannot be tried says nothing of the key.
            return KeyAnswer(False, str(error), retry=True)

    def _usage(self, workspace: str, rotation: Rotation, state: VaultState, now: int) -> Usage | None:
        """None when it cannot be told, be it now or because of the set-up: then people decide."""
        if rotation.old is None:
            return None
        try:
            provider = self.providers.of(workspace, rotation.provider)
            id = self._id(workspace, rotation, state, rotation.old, provider)
            return provider.usage(id, now - rotation.policy.unused_s * SECOND_MS)
        except (ProviderUnavailable, ProviderRefused) as error:
            _LOG.warning("the use of the old key of %s in %s is not known: %s", rotation.provider, workspace, error)
            return None

    def _id(self, workspace: str, rotation: Rotation, state: VaultState, print_: str, provider: KeyProvider) -> str | None:
        """What the provider calls a key."""
        if (workspace, print_) not in self._ids:
            key = self._find(workspace, rotation, state, print_)
            if key is None:
                return rotation.old_id
            self._ids[workspace, print_] = key.id or rotation.old_id or provider.identify(key.key)
        return self._ids[workspace, print_]

    def _find(self, workspace: str, rotation: Rotation, state: VaultState, print_: str) -> StoredKey | None:
        """The key of a fingerprint, under whichever alias it lies."""
        for alias, there in zip((Alias.CURRENT, Alias.NEXT, Alias.OLD), state[:3], strict=True):
            if there == print_:
                key = self.vault.read(workspace, rotation.provider, alias, rotation.shard)
                if key is not None and key.fingerprint == print_:
                    return key
        return None

    def _apart_lately(self, workspace: str, provider: str) -> frozenset[str]:
        """Shards that had rotations of their own: what is known of them without Vault."""
        known = self.rotations.rotations(workspace, _KNOWN_BY)
        return frozenset(each.shard for each in known if each.provider == provider and each.shard and not each.dry_run)
