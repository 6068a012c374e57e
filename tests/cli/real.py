"""The real API over stores in memory, behind a port of this machine, for commands that run in processes of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from tests.api.world import World


@contextmanager
def served(world: World) -> Iterator[str]:
    """Its URL."""
    server = make_server("127.0.0.1", 0, world.wsgi)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
