from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.fleet_drift import ASLEEP_MS, SETTLED, Drift, DriftState, Facts, drift, settled
from functions.domain.rollout import UNMANAGED

NOW = 1_795_464_030_000
A, B = "a" * 32, "b" * 32


def facts(**more: Any) -> Facts:
    return Facts(**{"wanted": A, "desired": A, "written": A, "applied": A, "error": None, "last_seen": NOW - 1000, **more})


@pytest.mark.parametrize(
    ("more", "state", "reason"),
    [
        ({}, "in-sync", "it runs what the repository says"),
        ({"last_seen": NOW - 10 * ASLEEP_MS}, "in-sync", "it runs what the repository says"),
        ({"applied": B}, "pending", "aaaaaaaa is desired; it has fetched aaaaaaaa, and not applied it yet"),
        ({"applied": B, "written": B}, "pending", "aaaaaaaa is desired; it runs bbbbbbbb"),
        ({"applied": None, "written": None}, "pending", "aaaaaaaa is desired; it has never reported what it runs"),
        ({"applied": B, "error": "no such model"}, "failed", "no such model"),
        ({"applied": B, "written": B, "last_seen": NOW - 7_200_000}, "asleep", "it is silent for 2 h; it runs bbbbbbbb"),
        ({"applied": None, "last_seen": None}, "asleep", "it was never seen"),
        ({"desired": B}, "overridden", "bbbbbbbb is desired, the repository says aaaaaaaa: it was set otherwise since"),
        ({"desired": None, "applied": None}, "overridden", "nothing is desired, the repository says aaaaaaaa: it was set otherwise since"),
        ({"desired": B, "waits": "its wave is to come"}, "pending", "its wave is to come"),
        (
            {"desired": B, "returned": "was reverted by rollout r1"},
            "overridden",
            "bbbbbbbb is desired, the repository says aaaaaaaa: the revision was reverted by rollout r1",
        ),
        ({"wanted": None, "desired": None}, "unmanaged", "nothing is desired of it, and the repository says nothing"),
        (
            {"wanted": None, "desired": UNMANAGED, "applied": UNMANAGED},
            "unmanaged",
            "nothing is desired of it, and the repository says nothing",
        ),
        ({"wanted": None, "desired": UNMANAGED, "applied": B, "written": B}, "pending", "nothing is desired; it runs bbbbbbbb"),
        ({"wanted": None, "desired": B}, "unknown-to-repository", "bbbbbbbb is desired, of which the repository says nothing"),
    ],
)
def test_each_agent_has_a_word_and_a_reason(more: dict[str, Any], state: str, reason: str) -> None:
    assert drift(facts(**more), NOW) == Drift(DriftState(state), reason)


HASHES = st.sampled_from([None, A, B, UNMANAGED])


@given(
    st.fixed_dictionaries(
        {
            "wanted": HASHES.filter(lambda hash: hash != UNMANAGED),
            "desired": HASHES,
            "written": HASHES,
            "applied": HASHES,
            "error": st.none() | st.just("x"),
            "last_seen": st.none() | st.integers(0, NOW),
        }
    )
)
def test_in_sync_is_who_runs_what_the_repository_says(given: dict[str, Any]) -> None:
    found = facts(**given)
    state = drift(found, NOW)
    assert state.reason
    assert (state.state is DriftState.IN_SYNC) == (found.wanted is not None and found.wanted == found.desired == found.applied)
    assert settled([state]) == (state.state in SETTLED)
