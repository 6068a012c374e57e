"""`RolloutStore` in memory; values go in and out as copies, as they do with a real store."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping, Sequence

from functions.domain.rollout import FINAL, Entry, Rollout, Wave
from functions.ports import Registry


class MemoryRollouts:
    """A store that one process has to itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registry: dict[str, Registry] = {}
        self._heads: dict[tuple[str, str], Rollout] = {}
        self._waves: dict[tuple[str, str], dict[int, Wave]] = {}
        self._documents: dict[tuple[str, str], str] = {}
        self._audit: dict[str, list[Entry]] = {}

    def registry(self, workspace: str) -> Registry:
        return self._registry.get(workspace, Registry(version=0, rollouts=frozenset()))

    def create(
        self,
        workspace: str,
        rollout: Rollout,
        waves: Sequence[Wave],
        documents: Mapping[str, str],
        entries: Sequence[Entry],
        seen: Registry,
    ) -> bool:
        with self._lock:
            known = self.registry(workspace)
            if known.version != seen.version or (workspace, rollout.id) in self._heads:
                return False
            self._registry[workspace] = Registry(version=known.version + 1, rollouts=known.rollouts | {rollout.id})
            self._documents.update({(workspace, hash): text for hash, text in documents.items()})
            self._put(workspace, rollout, waves, entries)
            return True

    def read(self, workspace: str, rollout: str) -> tuple[Rollout, list[Wave]] | None:
        with self._lock:
            head = self._heads.get((workspace, rollout))
            if head is None:
                return None
            waves = self._waves[workspace, rollout]
            return copy.deepcopy((head, [waves[number] for number in sorted(waves)]))

    def head(self, workspace: str, rollout: str) -> Rollout | None:
        return copy.deepcopy(self._heads.get((workspace, rollout)))

    def heads(self, workspace: str, limit: int, before: str | None = None) -> list[Rollout]:
        ids = sorted((id for ws, id in self._heads if ws == workspace and (before is None or id < before)), reverse=True)
        return [copy.deepcopy(self._heads[workspace, id]) for id in ids[:limit]]

    def save(
        self, workspace: str, rollout: Rollout, waves: Sequence[Wave], entries: Sequence[Entry], joining: Registry | None = None
    ) -> bool:
        with self._lock:
            stored = self._heads.get((workspace, rollout.id))
            if stored is None or stored.version != rollout.version - 1:
                return False
            known = self.registry(workspace)
            if joining is not None and joining.version != known.version:
                return False
            self._put(workspace, rollout, waves, entries)
            over = rollout.phase in FINAL and not rollout.notices
            if over or joining is not None:
                left = known.rollouts - {rollout.id} if over else known.rollouts
                self._registry[workspace] = Registry(version=known.version + 1, rollouts=left)
            return True

    def put_documents(self, workspace: str, documents: Mapping[str, str]) -> None:
        with self._lock:
            self._documents.update({(workspace, hash): text for hash, text in documents.items()})

    def documents(self, workspace: str, hashes: Iterable[str]) -> dict[str, str]:
        return {hash: self._documents[workspace, hash] for hash in hashes if (workspace, hash) in self._documents}

    def audit(self, workspace: str, start: int, end: int, rollout: str | None = None) -> list[Entry]:
        entries = sorted(self._audit.get(workspace, []), key=lambda entry: entry.at)
        return [entry for entry in entries if start <= entry.at < end and rollout in (None, entry.rollout)]

    def log(self, workspace: str, entry: Entry) -> None:
        """A line from elsewhere: rotations share the audit log."""
        self._audit.setdefault(workspace, []).append(entry)

    def _put(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], entries: Sequence[Entry]) -> None:
        self._heads[workspace, rollout.id] = copy.deepcopy(rollout)
        self._waves.setdefault((workspace, rollout.id), {}).update({wave.number: copy.deepcopy(wave) for wave in waves})
        self._audit.setdefault(workspace, []).extend(entries)
