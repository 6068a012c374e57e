"""Our own routes inside LocalStack, for `clawpulse local`: restore, save, sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localstack.http import Request, Response, route
from localstack.services.edge import ROUTER

from clawpulse_localstack.persistence.cloud import CLOUD


class CloudRoutes:
    """Answers are JSON objects."""

    @route("/_clawpulse/restore", methods=["POST"])  # type: ignore[untyped-decorator]  # LocalStack ships no types
    def restore(self, request: Request) -> Response:
        """Fill tables and buckets from the last snapshot and start keeping it."""
        return _json(CLOUD.restore)

    @route("/_clawpulse/save", methods=["POST"])  # type: ignore[untyped-decorator]
    def save(self, request: Request) -> Response:
        """Write what changed now, not in some seconds."""

        def save() -> dict[str, int]:
            CLOUD.save_buckets()
            return {"items": CLOUD.save_tables()}

        return _json(save)

    @route("/_clawpulse/sweep", methods=["POST"])  # type: ignore[untyped-decorator]
    def sweep(self, request: Request) -> Response:
        """Delete what has expired now, not within a minute."""
        return _json(lambda: {"expired": CLOUD.sweep()})


def _json(work: Callable[[], dict[str, Any]]) -> Response:
    response = Response(status=200)
    response.set_json(work())
    return response


def install() -> None:
    """Add the routes."""
    ROUTER.add(CloudRoutes())
