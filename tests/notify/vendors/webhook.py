"""A receiver of signed webhooks that believes a request only as `functions/notify/README.md` says: it runs the snippet from there."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.docs.blocks import ROOT, blocks
from tests.notify.vendors.base import Refused, Reply, Request, Vendor

KEY = "an-example-signing-key-of-some-length"
README = "functions/notify/README.md"


class Webhook(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, dict[str, Any]] = {}
        """By delivery id."""

    @property
    def hook(self) -> str:
        return f"{self.url}/hooks/clawpulse"

    def check(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/hooks/clawpulse"):
            return Reply(404, "")
        if request.headers.get("content-type") != "application/json":
            raise Refused(Reply(415, "content type"))
        if not verified()(KEY.encode(), request.headers, request.body, time.time()):
            raise Refused(Reply(401, "signature"))
        delivery = request.headers["x-clawpulse-delivery"]
        if delivery not in self.documents:
            self.documents[delivery] = json.loads(request.body)
        return Reply(204)


def verified() -> Any:
    """The function `verified` of the snippet."""
    space: dict[str, Any] = {}
    exec(snippet(), space)
    return space["verified"]


def snippet() -> str:
    return next(block for block in blocks(ROOT / README, "python") if "def verified" in block)
