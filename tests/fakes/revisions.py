"""Revisions of the fleet repository in memory."""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain.revision import Revision


class MemoryRevisions:
    """A `RevisionStore`."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, int], Revision] = {}
        self._files: dict[tuple[str, str], dict[str, str]] = {}

    def latest(self, workspace: str) -> Revision | None:
        return next(iter(self.recent(workspace, 1)), None)

    def read(self, workspace: str, number: int) -> Revision | None:
        return self._all.get((workspace, number))

    def files(self, workspace: str, revision: Revision) -> dict[str, str]:
        return dict(self._files[workspace, revision.digest])

    def put(self, workspace: str, revision: Revision, files: Mapping[str, str]) -> bool:
        self._files.setdefault((workspace, revision.digest), dict(files))
        return self._all.setdefault((workspace, revision.number), revision) is revision

    def update(self, workspace: str, revision: Revision) -> bool:
        there = self._all.get((workspace, revision.number))
        if there is None or there.version != revision.version - 1:
            return False
        self._all[workspace, revision.number] = revision
        return True

    def recent(self, workspace: str, limit: int) -> list[Revision]:
        found = [revision for (space, _), revision in sorted(self._all.items()) if space == workspace]
        return found[::-1][:limit]
