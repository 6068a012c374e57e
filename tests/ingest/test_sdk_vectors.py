"""The batches that the SDK's suite pins down are taken whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.support import planned

VECTORS = Path(__file__).parents[1] / "sdk" / "vectors"


@pytest.mark.parametrize("name", ["heartbeat", "sketch", "task"])
def test_what_the_sdk_sends_is_taken_whole(name: str) -> None:
    document = json.loads((VECTORS / f"{name}.json").read_text())
    plan = planned(document, now=document["time"])
    sent = sum(len(each["times"]) for part in ("series", "events") for each in document.get(part, [])) + len(document.get("sketches", []))
    assert (plan.accepted, plan.rejected.count) == (sent, 0)
