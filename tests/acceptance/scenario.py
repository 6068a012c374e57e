"""What an acceptance run does with OpenClaw: its turns, what the model says to each, and what the fleet has to show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clawpulse_local.settings import REPOSITORY
from tests.acceptance.fake_model import Reply
from tests.acceptance.openclaw import provider

PLUGIN = REPOSITORY / "agent" / "openclaw-plugin"
AGENT = "openclaw-1"
TAGS = {"env": "accept", "tier": "smart"}
KEY = "key-of-a-test"
PRICES = {"input": 3.0, "output": 15.0, "cacheRead": 0.3, "cacheWrite": 3.75}
"""USD per million tokens."""
SAID = "the-text-of-a-conversation"
SLOW_SECONDS = 4.0

RULES = {
    "[quick]": Reply(tokens_in=1_200, tokens_cached=200, tokens_out=34),
    "[tool]": Reply(tool="exec", arguments={"command": "echo done"}, tokens_in=500, tokens_cached=100, tokens_out=20),
    "[slow]": Reply(delay=SLOW_SECONDS, tokens_in=700, tokens_out=9),
    "[broken]": Reply(status=400, message="this model takes no such request"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a turn must be shown as. Tokens are those that were not cached; None: nothing is known."""

    message: str
    status: str = "completed"
    error: str | None = None
    tokens_in: float | None = None
    tokens_out: float | None = None
    cost_usd: float | None = None
    at_least_ms: float = 0.0


_QUICK: dict[str, Any] = {"tokens_in": 1_000, "tokens_out": 34, "cost_usd": 0.00357}
"""1000 at 3, 200 of the cache at 0.3, 34 at 15."""
TURNS = (
    Expected(message=f"[quick] {SAID} 1", **_QUICK),
    # Two requests of 400 at 3, 100 at 0.3 and 20 at 15.
    Expected(message=f"[tool] {SAID}", tokens_in=800, tokens_out=40, cost_usd=0.00306),
    Expected(message=f"[slow] {SAID}", tokens_in=700, tokens_out=9, cost_usd=0.002235, at_least_ms=SLOW_SECONDS * 1_000),
    Expected(message=f"[broken] {SAID}", status="failed", error="http_400"),
    Expected(message=f"[quick] {SAID} 2", **_QUICK),
)
FAILED_PAYLOAD = {"err": "400 this model takes no such request"}


def settings(model_url: str, prices: Mapping[str, float] | None, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """OpenClaw's configuration: one model, and our plugin with its settings."""
    entry = {"enabled": True, "hooks": {"allowConversationAccess": True}, "config": dict(plugin)}
    return {
        "models": {"mode": "replace", "providers": {"fixed": provider(model_url, KEY, prices)}},
        "plugins": {"load": {"paths": [str(PLUGIN)]}, "entries": {"clawpulse": entry}},
    }


def private_file(path: Path, text: str) -> Path:
    """A file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path
