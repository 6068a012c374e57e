"""What the demo sets up in the workspace, and takes back at its end: tokens, a shorter patience with zombies, agents of a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from clawpulse.cli._api import Api, CommandError, segment

ZOMBIE_AFTER_S = 45
TOKEN_LIFE_S = 86_400


@dataclass(frozen=True, slots=True)
class Tokens:
    """Texts of the demo's tokens."""

    ingest: str
    """For the agents: may post and nothing else."""
    read: str
    """For the page."""


@contextmanager
def prepared(admin: Api) -> Iterator[Tokens]:
    """Tokens and settings for the time of the demo."""
    before = admin.get("api/settings")
    ids: list[str] = []
    try:
        admin.send("PUT", "api/settings", {**before, "health": {**before["health"], "zombie_after_s": ZOMBIE_AFTER_S}})
        yield Tokens(_create(admin, "ingest", ids), _create(admin, "read", ids))
    finally:
        with suppress(CommandError):
            admin.send("PUT", "api/settings", before)
            for token_id in ids:
                admin.send("DELETE", f"api/tokens/{segment(token_id)}")


def forget(admin: Api, agents: Sequence[str]) -> None:
    """Take agents out of the inventory: they will not come back."""
    with suppress(CommandError):
        for agent in agents:
            admin.send("DELETE", f"api/agents/{segment(agent)}")


def _create(admin: Api, scope: str, ids: list[str]) -> str:
    made = admin.send("POST", "api/tokens", {"name": f"demo {scope}", "scopes": [scope], "expiresIn": TOKEN_LIFE_S})
    ids.append(made["id"])
    return str(made["token"])
