"""Approval links in memory."""

from __future__ import annotations

from threading import Lock

from functions.domain.approval_link import ApprovalLink


class MemoryLinks:
    """A `LinkStore`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.links: dict[tuple[str, str], ApprovalLink] = {}

    def put(self, workspace: str, link: ApprovalLink) -> None:
        self.links[workspace, link.id] = link

    def read(self, workspace: str, link: str) -> ApprovalLink | None:
        return self.links.get((workspace, link))

    def save(self, workspace: str, link: ApprovalLink) -> bool:
        with self._lock:
            stored = self.links.get((workspace, link.id))
            if stored is None or stored.version != link.version - 1:
                return False
            self.links[workspace, link.id] = link
            return True
