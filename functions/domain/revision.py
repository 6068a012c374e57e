"""Revisions: states of the fleet repository that were applied, numbered in their order."""

from __future__ import annotations

import msgspec


class Revision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of them. Its files are stored beside it, by digest."""

    number: int
    """From 1, without gaps."""
    digest: str
    """Of all files: the same digest is the same repository."""
    commit: str = ""
    """What version control calls it."""
    message: str = ""
    by: str
    """Id of the token."""
    at: int
    """ms."""
    of: int | None = None
    """Number of the revision that this one goes back to."""
    rollout: str | None = None
    """Id of the rollout that brings it to the agents; None when no agent's configuration changed.

    It is chosen when the revision is put: who finds no rollout of this id knows that it has not been started yet.
    """
    backup_by: str | None = None
    """Who acknowledged that there is a backup, where something irreversible changes."""
    cost_by: str | None = None
    """Who approved that it costs more."""
    cost_usd: float | None = None
    """What a month of it was estimated to cost more, then; None: not known."""
    settings: tuple[str, ...] = ()
    """Names of the workspace's documents that it sets, beside configurations of agents."""
    version: int = 0
    """Counts the writes."""
