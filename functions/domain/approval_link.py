"""Approval links: an address that lets whoever has it approve one wave of one rollout, or abort the rollout, once.

    /approve/<workspace>.<id>.<secret>

Only the secret's SHA-256 is stored; the secret has 192 bits of entropy, so a slow hash would buy nothing. A link goes through one channel:
its id, which the audit log names, tells where it had been sent.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from functions.domain.rollout import Action, Rollout, Wave
from functions.domain.rollout_command import possible
from functions.domain.times import DAY_MS

ID_BYTES, SECRET_BYTES = 6, 24
RANDOM_BYTES = ID_BYTES + SECRET_BYTES
"""How much randomness `create` wants."""
LASTS_MS = 3 * DAY_MS
_TEXT = re.compile(rf"([a-z0-9][a-z0-9-]{{0,62}})\.([0-9a-f]{{{2 * ID_BYTES}}})\.([0-9a-f]{{{2 * SECRET_BYTES}}})")


class ApprovalLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored of one. Times are ms."""

    id: str
    hash: str
    """Hex SHA-256 of the secret."""
    rollout: str
    wave: int
    """Which the link approves."""
    channel: str
    """Through which it was sent."""
    created: int
    expires: int
    used: int | None = None
    action: Action | None = None
    """What it was used for."""
    version: int = 0
    """Goes up with every write, and is the condition of the next."""

    @property
    def by(self) -> str:
        """Who acts through it, as the audit log names them."""
        return f"link:{self.id}"


class Given(NamedTuple):
    """The parts of a link's text."""

    workspace: str
    id: str
    secret: str


class Standing(StrEnum):
    """Whether a link opens anything, or why not."""

    OPEN = "open"
    EXPIRED = "expired"
    USED = "used"
    PASSED = "passed"
    """The rollout does not wait for this approval (any more)."""


def create(workspace: str, rollout: Rollout, channel: str, *, now: int, random: bytes) -> tuple[ApprovalLink, str]:
    """A link that approves a rollout's current wave, and its text."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a link takes {RANDOM_BYTES} random bytes, not {len(random)}")
    id, secret = random[:ID_BYTES].hex(), random[ID_BYTES:].hex()
    link = ApprovalLink(
        id=id, hash=_hash(secret), rollout=rollout.id, wave=rollout.wave, channel=channel, created=now, expires=now + LASTS_MS
    )
    return link, f"{workspace}.{id}.{secret}"


def parse(text: str) -> Given | None:
    """The parts of a link's text; None for what is no link."""
    found = _TEXT.fullmatch(text)
    return Given(*found.groups()) if found else None


def opens(link: ApprovalLink, secret: str) -> bool:
    """Whether the secret is this link's, in constant time."""
    return hmac.compare_digest(link.hash, _hash(secret))


def standing(link: ApprovalLink, found: tuple[Rollout, Sequence[Wave]] | None, now: int) -> Standing:
    """How a link stands to its rollout with its waves, None if that is forgotten.

    One whose use was recorded, but not carried out (a crash in between), is still open: for what it was used for, see `used`.
    """
    if found is None or found[0].wave != link.wave or Action.APPROVE not in possible(*found):
        return Standing.USED if link.used is not None else Standing.PASSED
    # Who has begun to use it in time may finish.
    return Standing.EXPIRED if link.used is None and now >= link.expires else Standing.OPEN


def used(link: ApprovalLink, action: Action, now: int) -> ApprovalLink | None:
    """The link after a use; the same one when this is that use once more, None when it was used for something else."""
    if link.used is not None:
        return link if link.action is action else None
    return msgspec.structs.replace(link, used=now, action=action, version=link.version + 1)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
