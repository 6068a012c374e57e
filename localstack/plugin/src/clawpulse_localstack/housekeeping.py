"""Keeps a local cloud that runs for days small: moto would hold every line that a function ever logged."""

from __future__ import annotations

import threading

from moto.logs.models import logs_backends

EVENTS_PER_STREAM = 1_000
STREAMS_PER_GROUP = 20
SECONDS = 60.0


def trim() -> None:
    """Keep the newest streams of each log group and the newest events of each stream."""
    for regions in list(logs_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.groups.values()):
                for name in list(group.streams)[:-STREAMS_PER_GROUP]:
                    group.streams.pop(name, None)
                for stream in list(group.streams.values()):
                    del stream.events[:-EVENTS_PER_STREAM]


def start() -> None:
    """Trim each minute."""

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(SECONDS):
            trim()

    threading.Thread(target=run, daemon=True, name="clawpulse-housekeeping").start()
