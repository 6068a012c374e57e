from __future__ import annotations

import json

from functions.domain.revision import Revision
from functions.domain.rollout import UNMANAGED_TEXT
from functions.rollouts.targets import Targets
from tests.fakes.revisions import MemoryRevisions

REVISION = Revision(number=1, digest="d1", by="t", at=1)


def test_a_revision_leaves_alone_agents_of_which_it_says_nothing() -> None:
    store = MemoryRevisions()
    store.put("ws", REVISION, {"agents/tier-fast.yaml": "paused: true\n"})
    target = Targets(store).of_revision("ws", REVISION)
    assert json.loads(target("a1", {"tier": "fast"}, UNMANAGED_TEXT) or "") == {"paused": True}
    assert target("a2", {"tier": "smart"}, '{"model":{"primary":"x/y"}}') is None
