"""Ports on loopback: free ones, and clear words about taken ones."""

from __future__ import annotations

import socket

from clawpulse_local.errors import LocalCloudError


def is_free(port: int) -> bool:
    """Whether this process could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def require(port: int, *, purpose: str, option: str, variable: str) -> None:
    """Raise `LocalCloudError` naming the port, its purpose and how to choose another, unless it is free."""
    if not is_free(port):
        raise LocalCloudError(
            f"port {port} on 127.0.0.1, wanted for {purpose}, is taken by another program. "
            f"Stop that program, or choose another port: {option} PORT or {variable}=PORT"
        )


def free_ports(count: int) -> list[int]:
    """Return distinct ports that are free right now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
