"""What is known of a report besides its contents: what it is about, how far it is, where it went, and the links that open it.

    queued ── claim (lease) ──▶ running ──▶ done | failed

The record is replaced on condition of what was read, so of two runs at once one goes on. All times are ms.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32hexencode
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, MINUTE_MS

LEASE_MS = 6 * MINUTE_MS
"""Longer than the function may run: whoever holds a lease for longer is gone."""
LINK_DAYS = 30
"""How long the link in a message opens the report, unless the schedule says otherwise."""
ID_PATTERN = r"w[0-9a-v]{15}"
SECRET_BYTES = 24
FORMATS = ("html", "markdown", "json")
"""What there can be of a report (`report_files`)."""
_TIME_BYTES, _TIME_CHARS, _REST_CHARS = 6, 9, 6
_MOST_LINKS = 200
_TEXT = re.compile(rf"([a-z0-9][a-z0-9-]{{0,62}})\.({ID_PATTERN})\.([0-9a-f]{{{2 * SECRET_BYTES}}})")


class ReportPhase(StrEnum):
    """How far a report is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


FINAL_REPORT = frozenset({ReportPhase.DONE, ReportPhase.FAILED})


class SharedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that opens the report without a token; of its secret only the SHA-256 is kept, for it is random enough."""

    hash: str
    expires: int


class ReportRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report."""

    id: str
    created: int
    by: str
    """A token's id, or `schedule`."""
    start: int
    end: int
    tags: str = ""
    """Selector of its agents."""
    schedule: str = ""
    """Name of the schedule that wants it; empty for one that somebody asked for."""
    formats: tuple[str, ...] = FORMATS
    channels: tuple[str, ...] = ()
    """That are told of it."""
    link_days: int = LINK_DAYS
    phase: ReportPhase = ReportPhase.QUEUED
    reason: str = ""
    """Why it failed, or what became of its messages."""
    title: str = ""
    summary: str = ""
    made: int | None = None
    sizes: dict[str, int] = {}
    """Bytes by format, of the files that are there."""
    links: tuple[SharedLink, ...] = ()
    deliveries: tuple[str, ...] = ()
    """Ids of the messages."""
    holder: str = ""
    held_until: int = 0

    @property
    def selector(self) -> Selector:
        """Its agents."""
        return Selector.parse(self.tags)

    def visible_to(self, scope: Selector) -> bool:
        """Whether a token of this tag scope may see it: all its agents are in the scope."""
        return set(scope.matchers) <= set(self.selector.matchers)


class Opened(NamedTuple):
    """The parts of a shared link's text."""

    workspace: str
    report: str
    secret: str


def new_id(at: int, rest: bytes) -> str:
    """An id that sorts by time: `w`, nine characters of time (ms), six of at least four bytes."""
    time = b32hexencode((at << 3).to_bytes(_TIME_BYTES, "big"))[:_TIME_CHARS]
    return "w" + (time + b32hexencode(rest)[:_REST_CHARS]).decode().lower()


def claimed(record: ReportRecord, holder: str, now: int) -> ReportRecord | None:
    """The record in the holder's hands; None when there is nothing to do, or somebody else is at it."""
    if record.phase in FINAL_REPORT or (record.held_until > now and record.holder != holder):
        return None
    return msgspec.structs.replace(record, phase=ReportPhase.RUNNING, holder=holder, held_until=now + LEASE_MS)


def made(record: ReportRecord, *, title: str, summary: str, sizes: dict[str, int], at: int) -> ReportRecord:
    """The record once its files are there; its messages are still to be sent."""
    return msgspec.structs.replace(record, title=title, summary=summary, sizes=sizes, made=at)


def ended(record: ReportRecord, phase: ReportPhase, reason: str = "") -> ReportRecord:
    """The record when nothing is left to do."""
    return msgspec.structs.replace(record, phase=phase, reason=reason, holder="", held_until=0)


def shared(record: ReportRecord, workspace: str, random: bytes, now: int) -> tuple[ReportRecord, str]:
    """The record with one more link, and that link's text."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"a link takes {SECRET_BYTES} random bytes, not {len(random)}")
    secret = random.hex()
    link = SharedLink(hash=_hash(secret), expires=now + record.link_days * DAY_MS)
    return msgspec.structs.replace(record, links=(*record.links, link)[-_MOST_LINKS:]), f"{workspace}.{record.id}.{secret}"


def parse_link(text: str) -> Opened | None:
    """The parts of a link's text; None for what is no link."""
    found = _TEXT.fullmatch(text)
    return Opened(*found.groups()) if found else None


def opens(record: ReportRecord, secret: str, now: int) -> bool:
    """Whether the secret is that of a link that has not expired, in constant time."""
    given = _hash(secret)
    found = [link for link in record.links if hmac.compare_digest(link.hash, given)]
    return any(link.expires > now for link in found)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
