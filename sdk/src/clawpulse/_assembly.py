"""Puts a worker together from real parts."""

from __future__ import annotations

import encodings.idna  # noqa: F401  name look-ups import it, and no import may happen later than here (see wait_ready)
import os
import random
import time
from typing import Any

from clawpulse._reports import Reports
from clawpulse._settings import Settings, resolve
from clawpulse._spool import MemorySpool
from clawpulse._transport import HttpTransport
from clawpulse._worker import Outside, Worker
from clawpulse.errors import InvalidSettings


def make_worker(settings: Settings | None, inbox: list[Any], reports: Reports, *, greet: bool) -> Worker:
    """A worker with these settings, or those of the environment; `greet`: its first batch goes out at once. Raises `InvalidSettings`."""
    settings = settings or resolve()
    if settings is None:
        raise InvalidSettings("CLAWPULSE_URL is not set")
    outside = Outside(
        transport=HttpTransport(settings),
        spool=MemorySpool(settings.buffer_bytes),
        # From the system, not from `random`: two forks of one process must not get the same word.
        epoch=os.urandom(6).hex(),
        chance=random.Random(os.urandom(8)).random,
    )
    worker = Worker(settings, inbox, outside, reports, time.monotonic())
    if greet:
        worker.beat(time.monotonic())
    return worker
