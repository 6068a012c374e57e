"""Where the new key of a rotation comes from: given by people, put into Vault by them, or made by the provider. Sees ports, not adapters.

The key leaves here as a `StoredKey` for `KeyVault.put_incoming`, and for nothing else. No error has it, nor any part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from functions.domain.errors import InvalidInput, NotFound, StoreError
from functions.domain.key_fingerprint import fingerprint
from functions.domain.key_settings import ProviderSettings, path_fault
from functions.domain.rotation import StoredKey
from functions.ports import KeyProvider, KeyVault

MIN_KEY, MAX_KEY = 16, 2_048
"""Characters. A shorter one could be guessed from its fingerprint, which is no secret."""


class Source(StrEnum):
    """As `Rotation.source` names it."""

    STDIN = "stdin"
    VAULT = "vault"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for."""

    source: Source
    key: str = field(default="", repr=False)
    """Of `stdin`."""
    path: str = ""
    """Of `vault`: below the mount."""
    field: str = "key"


class Parts(NamedTuple):
    """The ports."""

    vault: KeyVault
    provider: Callable[[ProviderSettings], KeyProvider]


def check_key(key: str, name: str = "key") -> str:
    """The key, unless it cannot be one. Raises `InvalidInput` for the field `name`, which does not quote it."""
    if not key:
        raise InvalidInput("is empty", name)
    if len(key) > MAX_KEY:
        raise InvalidInput(f"is too long to be a key: {len(key)} characters, at most {MAX_KEY} are possible", name)
    if not key.isascii() or any(not "!" <= character <= "~" for character in key):
        raise InvalidInput("has spaces, line ends or other characters that no key has", name)
    if len(key) < MIN_KEY:
        raise InvalidInput(f"is too short to be a key: at least {MIN_KEY} characters", name)
    return key


def check_source(settings: ProviderSettings, workspace: str, wanted: Wanted) -> None:
    """Raise `InvalidInput` for what is known to be impossible before any key is touched."""
    if wanted.source is Source.STDIN:
        check_key(wanted.key)
    elif wanted.source is Source.VAULT:
        reason = path_fault(wanted.path, workspace)
        if reason:
            raise InvalidInput(reason, "path")
    elif not settings.creates:
        raise InvalidInput(f"{settings.name} makes no keys by itself, or is not set up for it in key-settings: give one", "source")


def new_key(parts: Parts, workspace: str, rotation: str, settings: ProviderSettings, wanted: Wanted, now: int) -> StoredKey:
    """The key, its fingerprint, and its id where the provider made it; `rotation` is the id of the rotation that it is for.

    Raises `InvalidInput`, `NotFound` for a place in Vault that has none, and the faults of Vault and the provider.
    """
    check_source(settings, workspace, wanted)
    # Before a key is made: without Vault it would be lost.
    salt = parts.vault.salt(workspace)
    id: str | None = None
    if wanted.source is Source.STDIN:
        key = wanted.key
    elif wanted.source is Source.VAULT:
        found = parts.vault.read_path(wanted.path, wanted.field)
        if found is None:
            raise NotFound(f"Vault has no field {wanted.field} at {wanted.path}")
        key = check_key(found.rstrip("\r\n"), "path")
    else:
        made = parts.provider(settings).create(f"clawpulse-{workspace}-{rotation}")
        key, id = made.key, made.id
    return StoredKey(key=key, fingerprint=fingerprint(key, salt), id=id, version=0, created=now)


def discard(parts: Parts, settings: ProviderSettings, key: StoredKey, wanted: Wanted) -> None:
    """Revoke a key that was made for a rotation that did not come about; one that was given stays as it is."""
    if wanted.source is Source.PROVIDER:
        try:
            parts.provider(settings).revoke(key.key, key.id)
        except StoreError:
            # The provider's list of keys still names its rotation.
            return
