"""What people may ask of a rotation, phase by phase."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from functions.domain.errors import Conflict
from functions.domain.rollout import Action, Hold, HoldCause, Phase
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.rotation_command import commanded, possible
from tests.rotations.simulation import NEW, OLD, Agent, World

ROTATION = Rotation(id="k1", provider="anthropic", created=1, by="t-1", new=NEW, old=OLD)
ALL = (Action.PAUSE, Action.ABORT)
WAYS = {
    RotationPhase.QUEUED: ALL,
    RotationPhase.PREFLIGHT: ALL,
    RotationPhase.STAGING: ALL,
    RotationPhase.ROLLING: ALL,
    RotationPhase.PROMOTING: ALL,
    RotationPhase.DRAINING: ALL,
    RotationPhase.RETIRING: (Action.ABORT,),
    RotationPhase.HELD: (Action.RESUME, Action.ABORT),
    RotationPhase.PAUSED: (Action.RESUME, Action.ABORT),
    RotationPhase.ABORTING: (),
    **dict.fromkeys(FINAL_ROTATION, ()),
}


@pytest.mark.parametrize("phase", list(RotationPhase))
def test_each_phase_allows_what_makes_sense_in_it_and_refuses_the_rest_with_what_does(phase: RotationPhase) -> None:
    rotation = replace(ROTATION, phase=phase)
    assert possible(rotation) == WAYS[phase]
    for action in Action:
        if action not in WAYS[phase]:
            with pytest.raises(Conflict, match=r"possible are|nothing can be asked"):
                commanded(rotation, action, by="t-2", now=5)


@pytest.mark.parametrize("asked", [{"revoke_asked": 4}, {"revoked_at": 4}])
def test_once_the_old_key_is_being_revoked_there_is_no_way_back(asked: dict[str, int]) -> None:
    for phase in (RotationPhase.ROLLING, RotationPhase.RETIRING, RotationPhase.HELD):
        with pytest.raises(Conflict, match="the old key is being revoked"):
            commanded(replace(ROTATION, phase=phase, **asked), Action.ABORT, by="t-2", now=5)


def test_going_back_is_not_interrupted_and_goes_on_when_it_was_held() -> None:
    held = replace(ROTATION, phase=RotationPhase.HELD, resume_to=RotationPhase.ABORTING, hold=Hold(cause=HoldCause.IN_USE, reason="a-1"))
    assert possible(held) == (Action.RESUME,)
    with pytest.raises(Conflict, match="going back already"):
        commanded(held, Action.ABORT, by="t-2", now=5)
    assert commanded(held, Action.RESUME, by="t-2", now=5).rotation.phase is RotationPhase.ABORTING


def test_who_asked_and_why_is_in_the_audit_log() -> None:
    made = commanded(replace(ROTATION, phase=RotationPhase.ROLLING), Action.ABORT, by="t-2", now=5, detail="wrong key")
    assert next((entry.action, entry.by, entry.text) for entry in made.entries) == ("abort", "t-2", "rolling: wrong key")
    assert made.rotation.reason == "aborted by t-2: wrong key"
    assert made.rotation.version == 1
    assert not made.effects


def rolling() -> World:
    world = World([Agent(f"a-{number}") for number in range(4)])
    world.start()
    world.run(60, lambda: NEW in world.runs().values())
    assert world.rotation.phase is RotationPhase.ROLLING
    return world


def test_pausing_pauses_the_rollout_and_resuming_resumes_it() -> None:
    world = rolling()
    world.command(Action.PAUSE)
    world.run(60)
    assert world.rollout.phase is Phase.PAUSED
    assert {OLD, NEW} == set(world.runs().values())
    world.command(Action.RESUME)
    world.run(3_600)
    assert world.rotation.phase is RotationPhase.SUCCEEDED


def test_a_rollout_that_people_paused_themselves_stays_so() -> None:
    world = rolling()
    world.ask_rollout(world.rollout.id, Action.PAUSE)
    world.run(300)
    assert world.rollout.phase is Phase.PAUSED
    assert world.rotation.reason == f"its rollout {world.rollout.id} is paused"
    world.ask_rollout(world.rollout.id, Action.RESUME)
    world.run(3_600)
    assert world.rotation.phase is RotationPhase.SUCCEEDED


def test_a_paused_one_can_be_aborted() -> None:
    world = rolling()
    world.command(Action.PAUSE)
    world.run(60)
    world.command(Action.ABORT)
    world.run(3_600)
    assert world.rotation.phase is RotationPhase.ABORTED
    assert set(world.runs().values()) == {OLD}


@pytest.mark.parametrize("phase", [RotationPhase.PREFLIGHT, RotationPhase.STAGING, RotationPhase.PROMOTING, RotationPhase.DRAINING])
def test_a_pause_lasts_until_people_say_so(phase: RotationPhase) -> None:
    world = World([Agent("a-1")])
    world.start()
    world.run(3_600, lambda: world.rotation.phase is phase)
    world.command(Action.PAUSE)
    before = dict(world.aliases)
    world.run(3_600)
    assert world.rotation.phase is RotationPhase.PAUSED
    assert world.aliases == before
    world.command(Action.RESUME)
    world.run(3_600)
    assert world.rotation.phase is RotationPhase.SUCCEEDED
