"""The snapshot's wire form, and how records become states."""

import pytest

from functions.domain.fleet import (
    AgentState,
    Gauges,
    Health,
    Percentiles,
    Progress,
    Rates,
    Snapshot,
    SnapshotUnreadable,
    Status,
    Work,
    apply_record,
    decode_snapshot,
    effective_tags,
    encode_snapshot,
    state_of,
)


def full() -> Snapshot:
    rates = Rates(1, 5, 1, 10.0, 20.0, None, 0, Percentiles(1.0, 2.0, 3.0))
    state = AgentState(
        id="a1",
        name="Ada",
        tags={"env": "prod"},
        health=Health(Status.RED, "dead", 5, {"age": 1.5, "n": 2, "why": "x"}),
        last_minute=rates,
        gauges=Gauges(queue_depth=0.0),
        progress=Progress(last_progress=3, open_tasks=2),
        work={"e1": Work(9, {"e1.0/3": (1, 2, 3)})},
        expected=False,
    )
    return Snapshot(workspace="ws", time=7, agents={"a1": state}, warnings=["w"], known_values={"env": {"prod": 3}}, known_cells={9: 3})


def test_a_snapshot_survives_its_wire_form():
    assert decode_snapshot(encode_snapshot(full())) == full()


def test_a_thousand_agents_take_little_room():
    agents = {
        f"agent-{n:04d}": AgentState(id=f"agent-{n:04d}", name=f"agent-{n:04d}", tags={"env": "prod"}, last_seen=n) for n in range(1000)
    }
    assert len(encode_snapshot(Snapshot(workspace="ws", time=1, agents=agents))) < 40_000


@pytest.mark.parametrize("data", [b"", b"\x02abc", b"\x01", b"\x01rubbish", encode_snapshot(Snapshot(workspace="w", time=1))[:-3]])
def test_what_is_no_snapshot_is_said_to_be_none(data):
    with pytest.raises(SnapshotUnreadable):
        decode_snapshot(data)


def test_the_lag_is_the_snapshots_age():
    assert full().seal_lag_s(15_007) == 15
    assert full().seal_lag_s(1) == 0


def test_remote_tags_win_over_local_ones_and_the_scope_over_both():
    tags = effective_tags({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "2"}, {"c": "3"})
    assert list(tags.items()) == [("a", "1"), ("b", "2"), ("c", "3")]


def test_a_record_alone_makes_a_state():
    state = state_of(
        "a1",
        {
            "remote_tags": {"env": "prod"},
            "local_tags": {"env": "dev", "tier": "fast"},
            "reported_name": "own",
            "first_seen": 3,
            "last_seen": 9,
            "status": "red",
            "status_reason": "dead",
            "status_since": 8,
        },
    )
    assert (state.name, state.tags, state.first_seen, state.last_seen) == ("own", {"env": "prod", "tier": "fast"}, 3, 9)
    assert state.health == Health(Status.RED, "dead", 8)
    assert state_of("a2", {}).health.status is Status.GREY


def test_an_operators_name_wins_and_may_be_taken_back():
    state = state_of("a1", {"reported_name": "own", "name": "given"})
    assert state.name == "given"
    apply_record(state, {"reported_name": "own"})
    assert state.name == "own"
    apply_record(state, {})
    assert state.name == "a1"


def test_rates_without_tasks_have_no_error_rate():
    assert Rates(1, 0, 0, 0, 0, None, 0, None).error_rate is None
    assert Rates(1, 4, 1, 0, 0, None, 0, None).error_rate == 0.25
