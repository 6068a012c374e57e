"""What there is to follow of a rollout."""

from __future__ import annotations

from typing import Any

from clawpulse.cli import _follow
from clawpulse.cli import _rollout_view as views
from clawpulse.cli._api import FAILURE
from clawpulse.cli._follow import WAITS, Fetch, Look

CODES = {"succeeded": 0, "reverted": FAILURE, "stopped": FAILURE}


def follow(fetch: Fetch, seconds: float, *, as_json: bool, until_held: bool) -> int:
    """Show a rollout until it is over, or with `until_held` until it waits for a person; gives the exit code."""
    look = Look(views.line, views.card, lambda rollout: _code(rollout, until_held), guesses=("eta",))
    return _follow.follow(fetch, seconds, look, as_json=as_json)


def _code(rollout: Any, until_held: bool) -> int | None:
    if rollout["phase"] in CODES:
        return CODES[rollout["phase"]]
    hold = rollout["hold"]
    waits = rollout["phase"] in ("held", "paused") or (hold is not None and hold["cause"] == "approval")
    return WAITS if until_held and waits else None
