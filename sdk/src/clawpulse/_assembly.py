"""Puts a worker together from real parts."""

from __future__ import annotations

import encodings.idna  # noqa: F401  name look-ups import it, and no import may happen later than here (see wait_ready)
import os
import random
import time
from hashlib import sha256
from typing import Any

from clawpulse._journal import Opening
from clawpulse._reports import Reports, log
from clawpulse._sender import ThreadSender
from clawpulse._settings import Settings, resolve
from clawpulse._store import Disk, Store
from clawpulse._transport import HttpTransport
from clawpulse._worker import Outside, Worker
from clawpulse.errors import InvalidSettings


def make_worker(settings: Settings | None, inbox: list[Any], reports: Reports, *, greet: bool, sender: ThreadSender) -> Worker:
    """A worker with these settings, or those of the environment; `greet`: its first batch goes out at once. Raises `InvalidSettings`."""
    settings = settings or resolve()
    if settings is None:
        raise InvalidSettings("CLAWPULSE_URL is not set")
    now = time.monotonic()
    outside = Outside(
        sender=sender.use(HttpTransport(settings)),
        store=Store(disk_of(settings), settings.buffer_bytes, reports, _new_epoch, now),
        chance=random.Random(os.urandom(8)).random,
    )
    worker = Worker(settings, inbox, outside, reports, now)
    if greet:
        worker.beat(now)
    return worker


def disk_of(settings: Settings) -> Disk | None:
    """Where the spool of this agent and address is; None: nowhere."""
    if not settings.spool:
        return None
    try:
        import fcntl  # noqa: F401
    except ImportError:
        log("info", "no spool on disk on this system: what is recorded waits in memory")
        return None
    return Disk(
        folder=os.path.join(settings.spool, f"{settings.agent.replace(':', '-')}-{_digest(settings)}"),
        opening=Opening(settings.url, settings.agent, "", settings.tags, settings.info, settings.aggregate),
        max_bytes=settings.spool_bytes,
        look_seconds=min(15.0, settings.heartbeat_seconds),
    )


def _digest(settings: Settings) -> str:
    """Sets addresses apart: what is meant for one must never go to another."""
    return sha256(f"{settings.url}\n{settings.agent}".encode()).hexdigest()[:16]


def _new_epoch() -> str:
    # From the system, not from `random`: two forks of one process must not get the same word.
    return os.urandom(6).hex()
