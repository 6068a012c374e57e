"""What becomes of a rotation, phase by phase: what it asks for, what it waits for, when people decide."""

from __future__ import annotations

import pytest

from functions.domain.rollout import Action, HoldCause, Outcome, Phase, Rollout, Verdict, Wave
from functions.domain.rotation import Alias, RotationPhase, RotationPolicy, Usage
from functions.domain.rotation_view import Assign, DropIncoming, LaunchRollout, RevokeKey, RotationStep, StageKey, VaultFault
from tests.rotations.simulation import BAD, GOOD, NEW, OLD, QUICK, STALE, THIRD, Agent, World

HOUR = 3_600


def fleet(amount: int, **more: object) -> list[Agent]:
    return [Agent(f"a-{number}", {"env": "prod"}, **more) for number in range(amount)]  # type: ignore[arg-type]


def to(world: World, phase: RotationPhase, seconds: float = HOUR) -> None:
    """Until the rotation enters a phase."""
    world.run(seconds, lambda: world.rotation.phase is phase)
    assert world.rotation.phase is phase, (world.rotation.phase, world.rotation.reason)


def effects(world: World) -> list[RotationStep]:
    """All steps from now on."""
    made: list[RotationStep] = []
    world.on_step = lambda before, step: made.append(step)
    return made


def failed(world: World) -> dict[str, str]:
    return {check.name: check.detail for check in world.rotation.checks if not check.ok}


class TestWhole:
    def test_all_agents_get_the_new_key_and_the_old_one_is_revoked_and_gone(self) -> None:
        world = World(fleet(5))
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert set(world.runs().values()) == {NEW}
        assert world.aliases == {Alias.CURRENT: NEW}
        assert world.revoked == [OLD]
        assert not world.incoming
        assert world.rotation.reason == "5 agents use the new key; the old key is revoked and deleted"
        assert [check.ok for check in world.rotation.checks] == [True] * 5

    def test_stages_follow_each_other_in_the_order_of_the_policy_not_of_the_alphabet(self) -> None:
        world = World(
            [Agent("a-1", {"env": "prod"}), Agent("a-2", {"env": "staging"}), Agent("a-3", {"env": "dev"}), Agent("a-4", {"env": "alpha"})]
        )
        order: list[str] = []

        def gate(rollout: Rollout, waves: list[Wave], now: int) -> Verdict:
            order.extend([waves[rollout.wave].stage] * (not order or order[-1] != waves[rollout.wave].stage))
            return GOOD

        world.gate = gate
        world.start()
        world.run(HOUR)
        assert order == ["dev", "staging", "alpha", "prod"]

    def test_the_last_partial_wave_has_a_gate_too(self) -> None:
        world = World(fleet(5))
        world.gate = lambda rollout, waves, now: BAD if rollout.wave == 2 else GOOD
        world.start()
        world.run(HOUR)
        assert [len(wave.members) for wave in world.rollouts[world.rotation.rollouts[0]].waves] == [2, 2, 1]
        assert world.rotation.phase is RotationPhase.ABORTED
        assert "wave 3 of 3" in world.rotation.reason
        assert set(world.runs().values()) == {OLD}
        assert world.aliases == {Alias.CURRENT: OLD}
        assert world.revoked == []

    def test_one_agent_of_the_first_wave_that_does_not_get_on_with_the_key_turns_all_around(self) -> None:
        world = World([*fleet(9), Agent("a-9", {"env": "prod"}, refuses={NEW})])
        world.start(policy=RotationPolicy(wave_size=10, cooldown_s=10, unused_s=60))
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert "a-9" in world.rotation.reason
        assert set(world.runs().values()) == {OLD}

    def test_a_first_key_is_brought_to_agents_that_have_none(self) -> None:
        world = World(fleet(3, has=None), current=None)
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.rotation.reason == "3 agents use the new key; there was no key before"
        assert world.aliases == {Alias.CURRENT: NEW}

    def test_a_first_key_that_fails_leaves_agents_without_an_assignment(self) -> None:
        world = World(fleet(3, has=None), current=None)
        world.gate = lambda rollout, waves, now: BAD
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert world.assigned == {}
        assert world.aliases == {}

    def test_a_provider_that_nobody_uses_yet_gets_its_key(self) -> None:
        world = World([Agent("a-1", tells=True, has=STALE)], current=None)
        world.agents["a-1"].there = False
        world.pass_time(5_000)
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.aliases == {Alias.CURRENT: NEW}
        assert world.rollouts == {}

    def test_an_agent_that_comes_later_gets_the_current_key(self) -> None:
        world = World(fleet(1))
        world.start()
        to(world, RotationPhase.DRAINING)
        world.agents["a-9"] = Agent("a-9", has=None)
        world.run(HOUR)
        world.pass_time(120_000)
        assert world.agents["a-9"].has == NEW

    def test_a_retained_key_stays_valid_and_in_vault(self) -> None:
        world = World(fleet(2))
        world.start(policy=RotationPolicy(cooldown_s=10, retire=False))
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.aliases == {Alias.CURRENT: NEW, Alias.OLD: OLD}
        assert world.revoked == []

    def test_agents_without_an_assignment_have_the_old_key_to_come_back_to(self) -> None:
        world = World(fleet(3))
        world.assigned.clear()
        world.gate = lambda rollout, waves, now: BAD
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert set(world.runs().values()) == {OLD}
        assert set(world.assigned.values()) == {OLD}


class TestPreflight:
    def test_a_key_that_the_provider_does_not_take_changes_nothing(self) -> None:
        world = World(fleet(2))
        world.valid.discard(NEW)
        world.start()
        world.run(60)
        assert world.rotation.phase is RotationPhase.REFUSED
        assert failed(world) == {"accepted": "the provider does not take the new key: 401"}
        assert world.aliases == {Alias.CURRENT: OLD}
        assert not world.incoming
        assert world.rollouts == {}

    def test_the_key_in_use_is_no_new_one(self) -> None:
        world = World(fleet(2))
        world.start(OLD)
        world.run(60)
        assert world.rotation.phase is RotationPhase.REFUSED
        assert "differs" in failed(world)

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        world = World([*fleet(2, awake=False), Agent("a-8", tells=False), Agent("a-9")])
        world.valid.discard(NEW)
        world.start()
        world.run(60)
        assert world.rotation.phase is RotationPhase.REFUSED
        assert set(failed(world)) == {"accepted", "fleet", "agents"}
        assert "a-8" in failed(world)["agents"]
        assert failed(world)["fleet"] == "50 % of 4 agents are green or yellow, 80 % are needed"

    def test_waves_that_would_be_too_many_are_refused_before_anything_is_done(self) -> None:
        world = World([Agent(f"a-{number}") for number in range(1_001)])
        world.start(policy=RotationPolicy(wave_size=1))
        world.run(60)
        assert world.rotation.phase is RotationPhase.REFUSED
        assert "makes 1001 waves" in failed(world)["agents"]

    def test_agents_that_report_no_keys_can_be_left_out(self) -> None:
        world = World([*fleet(2), Agent("a-8", {"env": "lab"}, has=None, tells=False)])
        world.start(selector="env=prod")
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_a_provider_that_does_not_answer_is_asked_for_five_minutes(self) -> None:
        world = World(fleet(2))
        world.provider_down = True
        world.start()
        world.run(290)
        assert world.rotation.phase is RotationPhase.PREFLIGHT
        world.run(60)
        assert world.rotation.phase is RotationPhase.HELD
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.PROVIDER
        world.provider_down = False
        world.command(Action.RESUME)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_a_vault_that_refuses_is_for_people_and_goes_on_when_it_does_not_any_more(self) -> None:
        world = World(fleet(2))
        world.vault_fault = VaultFault("403 permission denied", False)
        world.start()
        world.run(60)
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.VAULT
        world.vault_fault = None
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_a_dry_run_changes_nothing_and_waits_for_nobody(self) -> None:
        world = World(fleet(2))
        world.start(THIRD, id="k0")
        world.command(Action.PAUSE)
        world.start(id="k1", dry_run=True)
        world.run(60)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.rotation.reason.startswith("dry run")
        assert world.aliases == {Alias.CURRENT: OLD}
        assert list(world.incoming) == ["k0"]

    def test_whoever_needs_the_key_before_the_present_one_is_taken_in(self) -> None:
        world = World([*fleet(1), Agent("a-9", {"env": "lab"}, has=STALE)])
        world.aliases[Alias.OLD], world.versions[Alias.OLD], world.assigned["a-9"] = STALE, 1, STALE
        world.start(selector="env=prod")
        world.run(60)
        assert world.rotation.phase is RotationPhase.REFUSED
        assert "a-9" in failed(world)["vault"]
        world.start(id="k2")
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.runs() == {"a-0": NEW, "a-9": NEW}


class TestVault:
    @pytest.mark.parametrize("phase", [RotationPhase.STAGING, RotationPhase.ROLLING, RotationPhase.PROMOTING, RotationPhase.RETIRING])
    def test_an_outage_in_any_phase_is_waited_for(self, phase: RotationPhase) -> None:
        world = World(fleet(3))
        world.start()
        to(world, phase)
        world.vault_fault = VaultFault("sealed", True)
        world.run(40)
        assert world.rotation.phase not in (RotationPhase.HELD, RotationPhase.SUCCEEDED)
        world.vault_fault = None
        world.run(HOUR)
        assert world.rotation.phase in (RotationPhase.SUCCEEDED, RotationPhase.ABORTED)
        assert set(world.runs().values()) == {world.aliases[Alias.CURRENT]}

    def test_one_that_lasts_is_told_to_people_and_ends_by_itself(self) -> None:
        world = World(fleet(3))
        world.start()
        to(world, RotationPhase.PROMOTING)
        world.vault_fault = VaultFault("connection refused", True)
        world.run(1_200)
        assert world.rotation.reason == "Vault cannot be reached for 15 min: connection refused"
        assert world.rotation.phase is RotationPhase.HELD
        world.vault_fault = None
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_both_keys_lie_in_vault_after_each_write(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.PROMOTING)
        seen = []
        while world.rotation.phase is RotationPhase.PROMOTING:
            world.step()
            seen.append(set(world.aliases.values()))
        assert all(keys == {OLD, NEW} for keys in seen)
        assert world.aliases == {Alias.CURRENT: NEW, Alias.OLD: OLD}

    def test_a_key_that_somebody_else_made_current_stops_it(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.PROMOTING)
        world.aliases[Alias.CURRENT] = THIRD
        world.run(60)
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.VAULT

    def test_a_staged_key_that_somebody_took_away_turns_it_around(self) -> None:
        world = World(fleet(4))
        world.start()
        to(world, RotationPhase.ROLLING)
        world.pass_time(5_000)
        del world.aliases[Alias.NEXT]
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert set(world.assigned.values()) == {OLD}

    def test_the_key_is_staged_before_it_is_dropped_where_it_waited(self) -> None:
        world = World(fleet(1))
        steps = effects(world)
        world.start()
        world.run(30)
        kinds = [type(effect) for step in steps for effect in step.effects if isinstance(effect, StageKey | DropIncoming)]
        assert kinds == [StageKey, DropIncoming]


class TestRolling:
    def test_a_held_rollout_holds_it_until_people_say_so(self) -> None:
        world = World(fleet(3))
        world.gate = lambda rollout, waves, now: Verdict(outcome=Outcome.UNREADABLE, reason="batches cannot be read")
        world.start()
        world.run(600)
        assert world.rotation.phase is RotationPhase.HELD
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.ROLLOUT
        world.gate = lambda rollout, waves, now: GOOD
        world.command(Action.RESUME)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_a_rollout_that_goes_on_by_itself_takes_it_along(self) -> None:
        world = World(fleet(3))
        world.gate = lambda rollout, waves, now: Verdict(outcome=Outcome.UNREADABLE, reason="batches cannot be read")
        world.start()
        world.run(600)
        assert world.rotation.phase is RotationPhase.HELD
        world.gate = lambda rollout, waves, now: GOOD
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    @pytest.mark.parametrize(("action", "key"), [(Action.RESUME, NEW), (Action.ABORT, OLD)])
    def test_a_rollout_that_people_stopped_goes_on_with_the_rest_or_is_taken_back(self, action: Action, key: str) -> None:
        world = World(fleet(4))
        world.start()
        to(world, RotationPhase.ROLLING)
        world.run(60, lambda: NEW in world.runs().values())
        world.ask_rollout(world.rollout.id, Action.STOP)
        world.run(120)
        assert world.rotation.phase is RotationPhase.HELD
        assert {OLD, NEW} == set(world.runs().values())
        world.command(action)
        world.run(HOUR)
        assert set(world.runs().values()) == {key}
        assert len(world.rollouts) == 2

    def test_a_launch_that_is_asked_for_twice_is_one_rollout(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.ROLLING)
        launches = []
        for _ in range(2):
            made = world.decide("k1")
            assert world.save(made)
            launches += [effect for effect in made.effects if isinstance(effect, LaunchRollout)]
        assert len({launch.id for launch in launches}) == 1
        world.carry_out("k1", launches)
        assert len(world.rollouts) == 1

    def test_sleepers_are_told_and_nobody_waits_for_them_until_the_old_key_goes(self) -> None:
        world = World([*fleet(9), Agent("a-9", awake=False)])
        world.start()
        to(world, RotationPhase.DRAINING)
        assert world.assigned["a-9"] == NEW
        world.run(300)
        assert world.rotation.phase is RotationPhase.DRAINING
        assert "a-9" in world.rotation.reason


class TestDraining:
    def drained(self, **more: object) -> World:
        world = World([*fleet(9), Agent("a-9", **more)])  # type: ignore[arg-type]
        world.start()
        to(world, RotationPhase.DRAINING)
        return world

    def test_a_sleeper_may_not_keep_the_old_key_alive_for_ever(self) -> None:
        world = self.drained(awake=False)
        world.run(QUICK.drain_s + 60)
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.IN_USE
        assert "a-9" in world.rotation.hold.reason
        world.command(Action.RESUME)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.revoked == [OLD]
        assert "1 agent (a-9) when heard of again" in world.rotation.reason
        world.agents["a-9"].awake = True
        world.pass_time(60_000)
        assert world.agents["a-9"].has == NEW

    def test_a_sleeper_that_wakes_ends_the_hold(self) -> None:
        world = self.drained(awake=False)
        world.run(QUICK.drain_s + 60)
        assert world.rotation.phase is RotationPhase.HELD
        world.agents["a-9"].awake = True
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_the_key_of_an_agent_that_is_awake_is_never_revoked_whatever_people_say(self) -> None:
        world = self.drained()
        world.agents["a-9"].has, world.agents["a-9"].refuses = OLD, {NEW}
        for _ in range(4):
            world.run(QUICK.drain_s + 60)
            assert world.rotation.phase in (RotationPhase.HELD, RotationPhase.DRAINING)
            if world.rotation.phase is RotationPhase.HELD:
                world.command(Action.RESUME)
        assert world.revoked == []
        assert OLD in world.valid

    def test_use_that_the_provider_sees_counts(self) -> None:
        world = self.drained()
        began = world.now
        world.usage = lambda key: Usage(known=True, last_used=world.now - 5_000 if world.now - began < 200_000 else began + 200_000)
        world.run(180)
        assert world.rotation.phase is RotationPhase.DRAINING
        assert "the provider saw use" in world.rotation.reason
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.rotation.last_old_use == began + 200_000

    def test_silence_of_all_proves_nothing(self) -> None:
        world = self.drained()
        world.deaf = True
        world.run(QUICK.drain_s - 30)
        assert world.revoked == []
        assert "no agent of the whole fleet" in world.rotation.reason

    def test_agents_outside_keep_their_key_and_it_is_kept_for_them(self) -> None:
        world = World([*fleet(2), Agent("a-9", {"env": "lab"})])
        world.start(selector="env=prod")
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert "a-9" in world.rotation.reason
        assert world.revoked == []
        assert world.aliases == {Alias.CURRENT: NEW, Alias.OLD: OLD}
        world.start(id="k2")
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.rotation.follows
        assert world.runs()["a-9"] == NEW
        assert world.revoked == [OLD]
        assert world.aliases == {Alias.CURRENT: NEW}


class TestRetiring:
    def test_a_provider_that_cannot_revoke_is_for_people_and_noticed_when_they_did(self) -> None:
        world = World(fleet(2))
        world.revokes = False
        world.start()
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.HELD
        assert world.rotation.hold is not None
        assert world.rotation.hold.reason == "the provider does not revoke the old key: no admin key; revoke it there, then resume"
        world.valid.discard(OLD)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.rotation.revoked_at is not None
        assert world.aliases == {Alias.CURRENT: NEW}

    def test_the_old_key_is_deleted_only_when_it_is_known_to_be_revoked(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.RETIRING)
        world.provider_down = True
        world.run(300)
        assert world.aliases == {Alias.CURRENT: NEW, Alias.OLD: OLD}
        world.provider_down = False
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_a_key_that_is_not_in_vault_any_more_is_revoked_by_hand(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.RETIRING)
        del world.aliases[Alias.OLD]
        world.run(60)
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.VAULT
        world.command(Action.RESUME)
        world.run(60)
        assert world.rotation.phase is RotationPhase.SUCCEEDED

    def test_an_agent_that_uses_the_old_key_again_sends_it_back_to_draining(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.RETIRING)
        world.agents["a-0"].has = OLD
        world.agents["a-0"].refuses = {NEW}
        world.pass_time(5_000)
        world.run(20)
        assert world.rotation.phase is RotationPhase.DRAINING
        assert world.revoked == []

    def test_a_sleeper_that_wakes_before_the_old_key_could_be_revoked_keeps_it_until_it_has_the_new_one(self) -> None:
        world = World([*fleet(9), Agent("a-9", awake=False)])
        world.start()
        to(world, RotationPhase.DRAINING)
        world.run(QUICK.drain_s + 60)
        world.command(Action.RESUME)
        to(world, RotationPhase.RETIRING)
        world.pass_time(1_000)
        asked = world.decide("k1")
        assert any(isinstance(effect, RevokeKey) for effect in asked.effects)
        # It is asked for, and lost.
        assert world.save(asked)
        world.provider_down, world.agents["a-9"].awake = True, True
        world.run(120)
        world.provider_down = False
        has: list[str | None] = []
        world.on_effect = lambda effect: has.extend([world.agents["a-9"].has] * isinstance(effect, RevokeKey))
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert has
        assert set(has) == {NEW}


class TestEmergency:
    def test_the_old_key_is_revoked_as_soon_as_the_new_one_can_be_had(self) -> None:
        world = World([*fleet(4), Agent("a-8", awake=False), Agent("a-9", tells=False)])
        steps = effects(world)
        world.start(emergency=True)
        to(world, RotationPhase.PROMOTING)
        first = next(step for step in steps if any(isinstance(effect, RevokeKey) for effect in step.effects))
        assert first.rotation.phase is RotationPhase.ROLLING
        assert not any(isinstance(effect, LaunchRollout) for step in steps[: steps.index(first)] for effect in step.effects)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert world.revoked[0] == OLD
        assert world.aliases == {Alias.CURRENT: NEW}
        assert {world.agents[f"a-{number}"].has for number in range(4)} == {NEW}

    def test_all_agents_are_told_at_once_and_a_refusal_turns_nobody_around(self) -> None:
        world = World([*fleet(9), Agent("a-9", {"env": "prod"}, refuses={NEW})])
        world.start(emergency=True)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert len(world.rollouts[world.rotation.rollouts[0]].waves) == 1
        assert "a-9" in world.rotation.reason
        assert sum(key == NEW for key in world.runs().values()) == 9

    def test_a_provider_that_cannot_revoke_does_not_keep_agents_from_the_new_key(self) -> None:
        world = World(fleet(3))
        world.revokes = False
        world.start(emergency=True)
        world.run(HOUR)
        assert set(world.runs().values()) == {NEW}
        assert world.rotation.hold is not None
        assert world.rotation.hold.cause is HoldCause.PROVIDER


class TestQueue:
    def test_one_rotation_at_a_time_and_emergencies_before_those_that_wait(self) -> None:
        world = World(fleet(2))
        world.start(id="k1")
        world.run(10)
        world.start(THIRD, id="k2")
        world.start(STALE, id="k3", emergency=True)
        assert world.queue == ("k1", "k3", "k2")
        began: list[str] = []
        world.on_step = lambda before, step: began.extend(
            [before.id] * (before.phase is RotationPhase.QUEUED and step.rotation.phase is not before.phase)
        )
        world.run(2 * HOUR)
        assert began == ["k3", "k2"]
        assert {rotation.phase for rotation in world.rotations.values()} == {RotationPhase.SUCCEEDED}
        assert set(world.runs().values()) == {THIRD}
        assert world.aliases == {Alias.CURRENT: THIRD}

    def test_a_held_one_keeps_its_place(self) -> None:
        world = World(fleet(2))
        world.vault_fault = VaultFault("403", False)
        world.start(id="k1")
        world.start(THIRD, id="k2")
        world.run(300)
        assert world.rotations["k1"].phase is RotationPhase.HELD
        assert world.rotations["k2"].phase is RotationPhase.QUEUED
        assert world.rotations["k2"].reason == "waits for 1 other rotation"


class TestAbort:
    @pytest.mark.parametrize(
        "phase",
        [RotationPhase.PREFLIGHT, RotationPhase.STAGING, RotationPhase.ROLLING, RotationPhase.PROMOTING, RotationPhase.DRAINING],
    )
    @pytest.mark.parametrize("later", [0, 15, 45])
    def test_from_any_phase_all_agents_are_back_and_verified(self, phase: RotationPhase, later: int) -> None:
        world = World(fleet(5))
        world.start()
        to(world, phase)
        world.run(later, lambda: world.rotation.phase is RotationPhase.RETIRING)
        world.command(Action.ABORT)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert world.rotation.reason == "aborted by t-2"
        assert set(world.runs().values()) == {OLD}
        assert set(world.assigned.values()) == {OLD}
        assert world.aliases == {Alias.CURRENT: OLD}
        assert not world.incoming
        assert OLD in world.valid

    def test_after_promotion_the_old_key_is_current_again_before_agents_go_back(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.DRAINING)
        world.command(Action.ABORT)
        steps = effects(world)
        world.run(HOUR)
        launched = next(place for place, step in enumerate(steps) if any(isinstance(effect, LaunchRollout) for effect in step.effects))
        assert steps[launched].effects[0].members == {"a-0": (NEW, OLD), "a-1": (NEW, OLD)}  # type: ignore[union-attr]
        assert not any(step.effects for step in steps[:1] if isinstance(step, LaunchRollout))
        assert world.rollout.phase is Phase.SUCCEEDED
        assert len(world.rotation.rollouts) == 2

    def test_a_launch_that_comes_late_is_turned_around_too(self) -> None:
        world = World(fleet(3))
        world.start()
        to(world, RotationPhase.ROLLING)
        made = world.decide("k1")
        assert world.save(made)
        world.carry_out("k1", made.effects, after_ms=25_000)
        world.command(Action.ABORT)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert len(world.rollouts) == 1
        assert world.rollouts[made.rotation.rollout or ""].head.phase is Phase.REVERTED
        assert set(world.runs().values()) == {OLD}

    def test_a_promotion_that_comes_late_loses_neither_key(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.PROMOTING)
        world.run(60, lambda: world.aliases.get(Alias.OLD) == OLD)
        made = world.decide("k1")
        assert world.save(made)
        world.carry_out("k1", made.effects, after_ms=25_000)
        world.command(Action.ABORT)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert world.aliases == {Alias.CURRENT: OLD}
        assert set(world.runs().values()) == {OLD}

    def test_an_agent_that_does_not_let_go_of_the_new_key_keeps_it_in_vault_if_people_say_so(self) -> None:
        world = World(fleet(2))
        world.start()
        to(world, RotationPhase.DRAINING)
        world.agents["a-1"].refuses = {OLD}
        world.command(Action.ABORT)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.HELD
        assert "a-1" in world.rotation.reason
        world.command(Action.RESUME)
        world.run(HOUR)
        assert world.rotation.phase is RotationPhase.ABORTED
        assert world.rotation.reason.endswith("the new key is kept under next, for it is still used by 1 agent (a-1)")
        assert world.aliases == {Alias.CURRENT: OLD, Alias.NEXT: NEW}
        assert NEW in world.valid

    def test_agents_that_were_assigned_the_key_one_by_one_go_back_too(self) -> None:
        world = World(fleet(1))
        world.start()
        to(world, RotationPhase.DRAINING)
        world.agents["a-9"] = Agent("a-9", has=STALE)
        steps = effects(world)
        world.run(40)
        assert any(isinstance(effect, Assign) for step in steps for effect in step.effects)
        world.command(Action.ABORT)
        world.run(HOUR)
        assert world.assigned == {"a-0": OLD, "a-9": OLD}
