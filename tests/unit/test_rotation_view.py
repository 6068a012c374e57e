"""What is seen of agents and their keys; the queue, figures and consequences that people are shown."""

from __future__ import annotations

from msgspec.structs import replace

from functions.domain.fleet import AgentState, Health, Status
from functions.domain.rollout import UNMANAGED, Action, Finding, Outcome, Phase, Verdict
from functions.domain.rollout_member import refuses, runs
from functions.domain.rotation import Rotation, RotationPhase, RotationPolicy, VaultState
from functions.domain.rotation_consequences import consequences
from functions.domain.rotation_fleet import strays
from functions.domain.rotation_progress import eta, progress
from functions.domain.rotation_queue import placed, position
from functions.domain.rotation_view import KeyAgent, agent_of, key_seen
from functions.domain.wire import KeyReport
from tests.rotations.simulation import NEW, OLD, QUICK, STALE, Agent, World

NOW = 1_700_000_000_000


def state(report: KeyReport | None, **more: object) -> AgentState:
    keys = {"anthropic": report} if report else {}
    return AgentState(id="a-1", name="a-1", first_seen=1, last_seen=NOW, health=Health(Status.YELLOW), keys=keys, **more)  # type: ignore[arg-type]


def agent(assigned: str | None = OLD, **more: object) -> KeyAgent:
    usual = {"tags": {}, "last_seen": NOW, "healthy": True, "tells": True, "uses": True, "reported": assigned}
    return KeyAgent(**{**usual, "assigned": assigned, **more})  # type: ignore[arg-type]


class TestSeen:
    def test_a_key_in_force_is_run(self) -> None:
        assert runs(key_seen(state(KeyReport(NEW)), "anthropic", NEW), NEW)
        assert not runs(key_seen(state(KeyReport(OLD)), "anthropic", NEW), NEW)

    def test_an_error_refuses_the_key_that_it_names_else_the_one_assigned(self) -> None:
        assert refuses(key_seen(state(KeyReport(OLD, "401")), "anthropic", NEW), NEW)
        assert refuses(key_seen(state(KeyReport(OLD, f"{NEW}: 401")), "anthropic", NEW), NEW)
        assert not refuses(key_seen(state(KeyReport(OLD, f"{STALE}: 401")), "anthropic", NEW), NEW)

    def test_an_error_of_a_key_that_is_not_wanted_any_more_is_over(self) -> None:
        seen = key_seen(state(KeyReport(OLD, f"{NEW}: 401")), "anthropic", OLD)
        assert runs(seen, OLD)
        assert seen.error is None

    def test_one_that_is_tried_again_refuses_nothing_yet(self) -> None:
        assert not refuses(key_seen(state(KeyReport(OLD, "vault is sealed (tried again in 15 s)")), "anthropic", NEW), NEW)

    def test_who_should_use_none_uses_none(self) -> None:
        assert runs(key_seen(state(KeyReport(NEW)), "anthropic", None), UNMANAGED)
        assert runs(key_seen(state(None), "anthropic", None), UNMANAGED)

    def test_an_agent_that_reports_other_providers_tells_but_does_not_use_this_one(self) -> None:
        found = agent_of(state(KeyReport(NEW)), "openai", None)
        assert (found.tells, found.uses, found.reported, found.healthy) == (True, False, None, True)
        assert not agent_of(state(None), "anthropic", None).tells


class TestQueue:
    def test_others_wait_in_the_order_of_their_coming(self) -> None:
        assert placed((), (), "k1", emergency=False) == ("k1",)
        assert placed(("k1", "k2"), (), "k3", emergency=False) == ("k1", "k2", "k3")
        assert position(("k1", "k2", "k3"), "k3") == 2
        assert position((), "k3") == 0

    def test_an_emergency_interrupts_nobody_and_overtakes_no_other_emergency(self) -> None:
        assert placed((), (), "k1", emergency=True) == ("k1",)
        assert placed(("k1",), (), "k2", emergency=True) == ("k1", "k2")
        assert placed(("k1", "k2"), (), "k3", emergency=True) == ("k1", "k3", "k2")
        assert placed(("k1", "k3", "k2"), ("k3",), "k4", emergency=True) == ("k1", "k3", "k4", "k2")


class TestStrays:
    VAULT = VaultState(NEW, None, OLD, (1, 0, 1))

    def test_who_is_to_use_what_is_gone_or_has_nothing_gets_the_current_key(self) -> None:
        agents = {
            "lost": agent(STALE),
            "new": agent(None, reported=None),
            "own": agent(None, reported=STALE),
            "old": agent(OLD),
            "fine": agent(NEW),
            "other": agent(None, uses=False, reported=None),
            "apart": agent(STALE, tags={"shard": "eu"}),
        }
        assert [id for id, _ in strays(agents, self.VAULT, apart=frozenset({"eu"}))] == ["lost", "new"]
        assert [id for id, _ in strays(agents, self.VAULT, shard="eu")] == ["apart"]

    def test_where_there_is_no_key_only_what_is_lost_is_taken_away(self) -> None:
        empty = VaultState(None, None, None, (0, 0, 0))
        assert [id for id, _ in strays({"lost": agent(STALE), "new": agent(None, reported=None)}, empty)] == ["lost"]


class TestFigures:
    def test_progress_and_eta_follow_the_rollout_and_the_drain(self) -> None:
        world = World([Agent(f"a-{number}") for number in range(6)])
        world.gate = lambda rollout, waves, now: Verdict(
            outcome=Outcome.PASS,
            reason="fine",
            wave=rollout.wave,
            findings=[Finding(metric="task.errors", outcome=Outcome.PASS, wave=0.01, control=0.02)],
        )
        world.start()
        assert progress(world.rotation, None).agents == 0
        assert eta(world.rotation, None, [], world.now) is None
        world.run(600, lambda: bool(world.rollouts) and world.rollout.wave == 1 and world.rollout.phase is Phase.BAKING)
        running = world.rollouts[world.rotation.rollout or ""]
        found = progress(world.rotation, running.head)
        assert (found.agents, found.done, found.failed, found.waves, found.back) == (6, 4, 0, 3, False)
        assert (found.error_rate, found.others_rate) == (0.01, 0.02)
        guess = eta(world.rotation, running.head, running.waves, world.now)
        world.run(3_600)
        assert world.rotation.phase is RotationPhase.SUCCEEDED
        assert guess is not None
        assert abs(guess - world.now) < 90_000
        assert eta(world.rotation, None, [], world.now) is None

    def test_agents_on_their_way_back_are_counted_as_such(self) -> None:
        world = World([Agent(f"a-{number}") for number in range(4)])
        world.start()
        world.run(600, lambda: world.rotation.phase is RotationPhase.DRAINING)
        assert eta(world.rotation, world.rollout, [], world.now) == world.rotation.since + QUICK.unused_s * 1_000 + 15_000
        world.command(Action.ABORT)
        world.run(20)
        found = progress(world.rotation, world.rollout)
        assert found.back
        assert found.agents == 4


class TestConsequences:
    ROTATION = Rotation(
        id="k1", provider="anthropic", created=1, by="t-1", new=NEW, old=OLD, emergency=True, policy=RotationPolicy(apply_s=90)
    )

    def told(self, rotation: Rotation = ROTATION, running: str | None = None) -> str:
        agents = {
            "a-1": agent(),
            "a-2": agent(),
            "a-3": agent(last_seen=NOW - 3_600_000),
            "a-4": agent(None, tells=False, uses=False),
            "lab": agent(tags={"env": "lab"}),
        }
        return "\n".join(consequences(rotation, agents, NOW, running=running))

    def test_they_say_whose_tasks_fail_and_for_how_long(self) -> None:
        told = self.told()
        assert "unless it refuses it: 3 agents (a-1, a-2, lab)." in told
        assert "at most 1 min 30 s" in told
        assert "until they are heard of again: 1 agent (a-3)." in told
        assert "needs the new one by hand: 1 agent (a-4)." in told

    def test_they_name_who_is_left_out_and_what_it_waits_for(self) -> None:
        told = self.told(replace(self.ROTATION, selector="env!=lab"), running="k0")
        assert "until another rotation of 1 agent (lab)." in told
        assert told.startswith("It waits for the rotation k0")
