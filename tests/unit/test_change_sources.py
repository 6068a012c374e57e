"""Changes as they are told: in full to who sees all of their agents, without a name to who sees some."""

from __future__ import annotations

from functions.domain.change_sources import OTHERS_TOO, fleet_changes, part_of, rollout_change
from functions.domain.fleet_changes import FleetChange
from functions.domain.rollout import Hold, HoldCause, Member, Policy, Rollout

ROLLOUT = Rollout(
    id="r1",
    title="a secret",
    created=1,
    by="t",
    policy=Policy(),
    waves=1,
    members=3,
    hold=Hold(cause=HoldCause.INCONCLUSIVE, reason="b: no"),
)
MEMBERS = [
    Member(agent="a", before="x", after="y", applied_at=10),
    Member(agent="b", before="x", after="y", applied_at=20),
    Member(agent="c", before="x", after="y"),
]


def only(*agents: str):
    return lambda member: member.agent in agents


def test_who_sees_all_is_told_all() -> None:
    change = rollout_change(ROLLOUT, MEMBERS, lambda _: True)
    assert change is not None
    assert (change.text, change.id, change.at, change.until, change.agents) == ("a secret", "r1", 10, 20, {"a", "b"})
    assert part_of(ROLLOUT, MEMBERS, lambda _: True) is ROLLOUT


def test_who_sees_some_is_told_of_these() -> None:
    change = rollout_change(ROLLOUT, MEMBERS, only("a"))
    assert change is not None
    assert (change.text, change.id, change.at, change.until, change.agents) == (OTHERS_TOO, "", 10, 10, {"a"})
    # Who sees everybody that it has come to, and not whom it will come to, does not see all either.
    assert getattr(rollout_change(ROLLOUT, MEMBERS, only("a", "b")), "text", "") == OTHERS_TOO
    shown = part_of(ROLLOUT, MEMBERS, only("a", "c"))
    assert shown is not None
    assert (shown.title, shown.members, shown.hold) == (OTHERS_TOO, 2, None)
    assert "b" not in shown.reason.split()


def test_who_sees_none_is_told_nothing() -> None:
    assert rollout_change(ROLLOUT, MEMBERS, only("c")) is None
    assert part_of(ROLLOUT, MEMBERS, only("z")) is None


def test_what_the_snapshot_remembers_is_told_to_those_who_see_one_of_its_agents() -> None:
    known = [
        FleetChange(text=text, at=1, until=2, agents=agents, more=more) for text, agents, more in (("one", ["a"], 0), ("many", ["a"], 9))
    ]
    assert [one.text for one in fleet_changes(known, None)] == ["one", "many"]
    assert [one.text for one in fleet_changes(known, {"a"})] == ["one"]
    assert list(fleet_changes(known, {"b"})) == []
