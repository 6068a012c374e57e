"""Keys of providers in Vault.

    {workspace}/keys/{provider}/{current|next|old}                  {"key", "fingerprint", "id", "created"}
    {workspace}/shards/{shard}/keys/{provider}/{current|next|old}   of a shard with keys of its own
    {workspace}/keys-incoming/{rotation}                            waiting for its rotation
    {workspace}/salt                                                {"salt"}: of the workspace's fingerprints

Every write names the version that it follows (`cas`), so of two controllers one wins. An entry is deleted by such a write, too, of an empty
document: deleting in Vault's own way has no condition. Vault keeps the newest version of these entries only, so that nothing is left of a
key that was replaced or deleted. People may put a key there themselves: `key` is enough.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from functions.adapters.vault_entries import Entries, Entry
from functions.domain.errors import VaultRefused
from functions.domain.key_fingerprint import fingerprint, is_fingerprint, salt_of
from functions.domain.rotation import Alias, StoredKey, VaultState

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SALT = re.compile(r"[0-9a-f]{8}")
_PROBE = ".writable"
"""Below the keys, where no provider can be called so."""
_DELETED: Mapping[str, Any] = {}


class VaultKeys:
    """`KeyVault`."""

    def __init__(self, entries: Entries, new_salt: Callable[[], str] = lambda: secrets.token_hex(4)) -> None:
        self._entries = entries
        self._new_salt = new_salt

    def state(self, workspace: str, provider: str, shard: str = "") -> VaultState:
        """What lies under the three aliases."""
        found = [self.read(workspace, provider, alias, shard) for alias in (Alias.CURRENT, Alias.NEXT, Alias.OLD)]
        current, next_, old = (key.fingerprint if key else None for key in found)
        versions = tuple(key.version if key else 0 for key in found)
        return VaultState(current, next_, old, (versions[0], versions[1], versions[2]))

    def read(self, workspace: str, provider: str, alias: Alias, shard: str = "") -> StoredKey | None:
        """One of them."""
        return self._key(workspace, _path(workspace, provider, alias, shard))

    def write(self, workspace: str, provider: str, alias: Alias, key: StoredKey, seen: int, shard: str = "") -> bool:
        """Put a key under an alias if its entry still has the version seen (0: none, or deleted)."""
        path = _path(workspace, provider, alias, shard)
        version = seen or self._free(path)
        return version is not None and self._replace(path, _document(key), version)

    def delete(self, workspace: str, provider: str, alias: Alias, seen: int, shard: str = "") -> bool:
        """Destroy all versions under an alias, if the newest is still the one seen."""
        path = _path(workspace, provider, alias, shard)
        return self._replace(path, _DELETED, seen) if seen else self._free(path) is not None

    def put_incoming(self, workspace: str, id: str, key: StoredKey) -> bool:
        """Let a key wait for its rotation; tells whether it does."""
        path = _incoming(workspace, id)
        if self._entries.write(path, _document(key), 0):
            return True
        return (self._entries.read(path).data or {}).get("key") == key.key

    def take_incoming(self, workspace: str, id: str) -> StoredKey | None:
        """The key that waits under an id."""
        return self._key(workspace, _incoming(workspace, id))

    def drop_incoming(self, workspace: str, id: str) -> None:
        """Destroy the key that waits under an id."""
        self._entries.destroy(_incoming(workspace, id))

    def salt(self, workspace: str) -> str:
        """The salt of the workspace's fingerprints, made when there is none."""
        path = f"{_workspace(workspace)}/salt"
        found = self._entries.read(path)
        if not found.data:
            made = self._new_salt()
            if self._entries.write(path, {"salt": made}, found.version):
                return made
            found = self._entries.read(path)
        salt = (found.data or {}).get("salt")
        if not isinstance(salt, str) or not _SALT.fullmatch(salt):
            raise VaultRefused(f"{path} in Vault should have 8 hex digits in its field 'salt': delete it to have a new one made")
        return salt

    def read_path(self, path: str, field: str) -> str | None:
        """A key that people put elsewhere in Vault (below the same mount)."""
        if any(part in ("", ".", "..") for part in path.split("/")) or not path.isprintable():
            raise VaultRefused("this is no path of an entry in Vault: names with a slash between them, none of them '.' or '..'")
        value = (self._entries.read(path).data or {}).get(field)
        return value if value and isinstance(value, str) else None

    def writable(self, workspace: str, shard: str = "") -> None:
        """Raises unless this workspace's keys, or those of a shard, can be written: tries it."""
        path = f"{_folder(workspace, shard)}/{_PROBE}"
        # That somebody else's try came between says that it can be written, too.
        self._replace(path, _DELETED, self._entries.read(path).version)

    def _free(self, path: str) -> int | None:
        """The version to follow where no key is; None where one is."""
        found = self._entries.read(path)
        return None if found.data else found.version

    def _replace(self, path: str, document: Mapping[str, Any], seen: int) -> bool:
        self._entries.keep_newest(path)
        return self._entries.write(path, document, seen)

    def _key(self, workspace: str, path: str) -> StoredKey | None:
        entry = self._entries.read(path)
        if not entry.data:
            return None
        key = entry.data.get("key")
        if not isinstance(key, str) or not key:
            raise VaultRefused(f"{path} in Vault has no text in its field 'key': put the key there, or delete the entry")
        print_ = entry.data.get("fingerprint") or fingerprint(key, self.salt(workspace))
        if not isinstance(print_, str) or not is_fingerprint(print_) or fingerprint(key, salt_of(print_)) != print_:
            raise VaultRefused(f"{path} in Vault has a 'fingerprint' that is not that of its 'key': write it again with the key alone")
        return _stored(key, print_, entry)


def _stored(key: str, print_: str, entry: Entry) -> StoredKey:
    data = entry.data or {}
    id, created = data.get("id"), data.get("created")
    return StoredKey(
        key, print_, id if id and isinstance(id, str) else None, entry.version, created if isinstance(created, int) else entry.created
    )


def _document(key: StoredKey) -> dict[str, Any]:
    return {"key": key.key, "fingerprint": key.fingerprint, "id": key.id, "created": key.created}


def _path(workspace: str, provider: str, alias: Alias, shard: str) -> str:
    return f"{_folder(workspace, shard)}/{_name(provider, 'provider')}/{alias.value}"


def _folder(workspace: str, shard: str) -> str:
    return f"{_workspace(workspace)}/{f'shards/{_name(shard, "shard")}/' if shard else ''}keys"


def _incoming(workspace: str, id: str) -> str:
    return f"{_workspace(workspace)}/keys-incoming/{_name(id, 'rotation')}"


def _workspace(workspace: str) -> str:
    return _name(workspace, "workspace")


def _name(text: str, kind: str) -> str:
    """A name as one part of a path: one with a slash would lead out of the place that the policies know."""
    if not _NAME.fullmatch(text):
        raise VaultRefused(f"the {kind} {text!r} cannot have keys in Vault: a path takes letters, digits, '.', '_' and '-' only")
    return text
