"""Seal keeps the fleet: who is there, who is well, who is in the inventory."""

import pytest

from functions.domain.fleet import CONFIG, Percentiles, Status
from functions.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from functions.domain.wire import Config
from functions.domain.workspace import DOCUMENT
from functions.seal.service import Limits
from tests.fakes.fleet import MemoryFleet
from tests.seal.world import MINUTE, START, WS, World, a_failure, a_task


def test_an_agent_appears_at_the_first_tick_after_its_first_batch():
    world = World(now=START + 3 * SECOND_MS)
    world.post("a1", tags={"env": "prod"}, name="Ada", model="m-1", host="h", versions={"openclaw": "1"})
    report = world.tick()
    state = world.agent("a1")
    assert (state.name, state.tags, state.model, state.host, state.versions) == ("Ada", {"env": "prod"}, "m-1", "h", {"openclaw": "1"})
    assert (state.first_seen, state.last_seen, state.health.status) == (world.now, world.now, Status.GREEN)
    assert [(t.agent, t.before, t.after.status) for t in report.transitions] == [("a1", None, Status.GREEN)]
    record = world.fleet.agent(WS, "a1")
    assert record is not None
    assert (record["first_seen"], record["status"], record["local_tags"]) == (world.now, "green", {"env": "prod"})


def test_silence_turns_yellow_then_red_then_grey_and_a_batch_turns_green():
    world = World(now=START)
    world.run(15, ("a1", []))
    seen = []
    for _ in range(5):
        seen.extend((t.after.status, t.after.reason, t.after.since - START) for t in world.tick_later().transitions)
    assert seen == [(Status.YELLOW, "heartbeat late: 45 s", 60_000), (Status.RED, "no heartbeat for 75 s", 90_000)]
    assert world.agent("a1").health.evidence["heartbeat_age_s"] == 75
    world.now += DAY_MS
    world.tick()
    assert world.agent("a1").health.reason == "silent for 24 h"
    report = world.run(15, ("a1", []))[0]
    assert [(t.before and t.before.status, t.after.status) for t in report.transitions] == [(Status.GREY, Status.GREEN)]


def test_the_colours_age_is_kept_while_the_colour_is():
    world = World(now=START)
    world.run(15, ("a1", []))
    world.run(120)
    since = world.agent("a1").health.since
    world.run(120)
    assert world.agent("a1").health.since == since
    assert world.agent("a1").health.reason == "no heartbeat for 4 min"


def test_rates_are_those_of_the_last_settled_minute_and_of_five():
    world = World(now=START)
    world.run(60, ("a1", a_task(latency=100.0, cost=0.5)))
    world.run(60, ("a1", [*a_task(latency=200.0, cost=None), *a_failure()]))
    world.run(30)
    state = world.agent("a1")
    assert world.snapshot().rates_minute == MINUTE + 1
    assert state.last_minute is not None
    assert state.last_5_minutes is not None
    # The four posts of minute 1: one of the first batch of posts, at the minute's edge, and three of the second.
    assert (state.last_minute.tasks, state.last_minute.errors, state.last_minute.cost_usd, state.last_minute.priced) == (7, 3, 0.5, 1)
    five = state.last_5_minutes
    assert (five.tasks, five.errors, five.cost_usd, five.priced) == (10, 3, 2.0, 4)
    assert five.tokens_in == 700
    assert isinstance(five.latency, Percentiles)
    assert five.latency.p50 == pytest.approx(100, rel=0.01)
    assert five.latency.p99 == pytest.approx(200, rel=0.01)


def test_no_tasks_is_no_error_rate_and_no_price_no_cost():
    world = World(now=START)
    world.run(120, ("a1", []))
    rates = world.agent("a1").last_5_minutes
    assert rates is not None
    assert (rates.tasks, rates.error_rate, rates.cost_usd, rates.latency) == (0, None, None, None)
    world.run(600)
    assert world.agent("a1").last_5_minutes is None


def test_errors_turn_yellow_and_red():
    world = World(now=START)
    world.run(150, ("bad", [*a_task(), *a_failure()]), ("good", a_task()))
    assert world.agent("good").health.status is Status.GREEN
    health = world.agent("bad").health
    assert health.status is Status.RED
    assert "tasks failed in 5 min (50%)" in health.reason


def test_a_zombie_is_red_and_says_since_when_it_is_stuck():
    world = World(now=START)
    world.run(15, ("z", [("task.started", 1.0), ("task.started", 1.0), ("task.started", 1.0)]))
    world.run(300, ("z", []))
    assert world.agent("z").health.status is Status.GREEN
    world.run(60, ("z", []))
    assert world.agent("z").health.status is Status.RED
    assert world.agent("z").health.reason == "no progress for 6 min while 3 tasks are open"
    world.run(15, ("z", [("task.completed", 1.0)]))
    assert world.agent("z").health.status is Status.GREEN
    assert world.agent("z").progress.open_tasks == 0


def test_a_full_queue_without_progress_is_a_zombie_too_and_an_empty_one_is_not():
    world = World(now=START)
    world.run(390, ("stuck", [("queue.depth", 4.0)]), ("idle", [("queue.depth", 0.0), ("fleet.active_workers", 0.0)]), ("quiet", []))
    assert world.agent("stuck").health.reason == "no progress for 6 min while its queue holds 4"
    assert world.agent("idle").health.status is Status.GREEN
    assert world.agent("quiet").health.status is Status.GREEN
    assert world.agent("quiet").gauges.queue_depth is None


def test_a_process_that_died_takes_its_open_tasks_with_it():
    world = World(now=START)
    world.run(15, ("a1", [("task.started", 1.0), ("fleet.active_workers", 1.0)]))
    for _ in range(40):
        world.now += 15 * SECOND_MS
        world.post("a1", epoch="e2")
        world.tick()
    assert world.agent("a1").health.status is Status.GREEN
    assert world.agent("a1").progress.work_since is None


def test_a_start_behind_the_finish_in_one_batch_stays_open():
    world = World(now=START)
    world.now += 15 * SECOND_MS
    first = world.post("a1", ("task.completed", 1.0), at=world.now - 5000)
    world.post("a1", ("task.started", 1.0), at=world.now - 1000)
    world.tick()
    assert first.received == world.agent("a1").progress.last_progress
    assert world.agent("a1").progress.open_tasks == 1
    world.post("a2", ("task.completed", 1.0), at=world.now - 1000)
    world.post("a2", ("task.started", 1.0), at=world.now - 5000)
    world.tick_later()
    assert world.agent("a2").progress.open_tasks == 0


def test_a_fast_clock_is_no_silence():
    world = World(now=START)
    for _ in range(8):
        world.now += 15 * SECOND_MS
        world.post("a1", *a_task(), at=world.now + 40 * SECOND_MS)
        world.tick()
    assert world.agent("a1").health.status is Status.GREEN


def test_the_inventory_is_written_only_when_something_changed():
    class Counting(MemoryFleet):
        writes = 0

        def update_agent(self, workspace, agent, changes):
            self.writes += 1
            return super().update_agent(workspace, agent, changes)

    fleet = Counting()
    world = World(now=START, fleet=fleet)
    world.run(300, ("a1", a_task()), tags={"env": "prod"})
    assert fleet.writes == 1
    world.run(60, ("a1", a_task()), tags={"env": "dev"})
    assert fleet.writes == 2
    world.run(300)
    assert fleet.writes == 4  # yellow, red
    record = fleet.agent(WS, "a1")
    assert record is not None
    assert (record["status"], record["last_seen"]) == ("red", START + 360 * SECOND_MS)


def test_operators_edits_show_at_the_next_tick_and_stay():
    world = World(now=START)
    world.run(15, ("a1", []), tags={"env": "dev", "tier": "fast"}, name="own")
    world.fleet.update_agent(WS, "a1", {"remote_tags": {"env": "prod"}, "owner": "kim", "name": "given", "retired": True})
    world.run(30, ("a1", []), tags={"env": "dev", "tier": "fast"}, name="own")
    state = world.agent("a1")
    assert (state.tags, state.owner, state.name) == ({"env": "prod", "tier": "fast"}, "kim", "given")
    assert (state.health.status, state.health.reason) == (Status.GREY, "retired")
    record = world.fleet.agent(WS, "a1")
    assert record is not None
    assert (record["name"], record["reported_name"], record["remote_tags"]) == ("given", "own", {"env": "prod"})


def test_an_expected_agent_that_never_came_is_grey():
    world = World(now=START)
    world.fleet.update_agent(WS, "a9", {"expected": True, "owner": "kim"})
    world.tick()
    assert (world.agent("a9").health.status, world.agent("a9").health.reason) == (Status.GREY, "never seen")
    assert world.fleet.agent(WS, "a9") == {"expected": True, "owner": "kim"}


def test_forgetting_removes_and_a_later_batch_brings_back_as_new():
    world = World(now=START)
    world.run(60, ("a1", []), tags={"env": "prod"})
    world.fleet.forget_agent(WS, "a1")
    world.tick_later()
    assert "a1" not in world.snapshot().agents
    assert world.fleet.agent(WS, "a1") is None
    world.run(15, ("a1", []))
    assert world.agent("a1").first_seen == world.now
    assert world.agent("a1").tags == {}


def test_what_came_in_just_before_an_agent_was_forgotten_does_not_bring_it_back():
    world = World(now=START)
    world.run(30, ("a1", []))
    world.now += 5 * SECOND_MS
    world.post("a1", *a_task())
    world.fleet.forget_agent(WS, "a1")
    world.run(120)
    assert "a1" not in world.snapshot().agents
    assert world.fleet.agent(WS, "a1") is None


def test_what_a_crossing_write_left_of_a_forgotten_agent_is_removed():
    world = World(now=START)
    world.run(15, ("a1", []))
    world.fleet.forget_agent(WS, "a1")
    world.fleet.update_agent(WS, "a1", {"status": "red", "status_since": 1})
    world.tick_later()
    assert world.fleet.agent(WS, "a1") is None
    assert "a1" not in world.snapshot().agents


def test_more_new_agents_than_a_tick_records_are_all_recorded_and_none_is_taken_for_forgotten():
    world = World(now=START + 5 * SECOND_MS, limits=Limits(records=3))
    for number in range(8):
        world.post(f"a{number}")
    world.tick()
    assert len(world.fleet.agents(WS)) == 3
    world.run(30)
    assert len(world.fleet.agents(WS)) == 8
    assert len(world.snapshot().agents) == 8


def test_an_id_used_from_two_scopes_keeps_the_first_ones_data():
    world = World(now=START + 5 * SECOND_MS)
    world.post("a1", *a_task(), scope={"shard": "acme"}, tags={"shard": "acme"})
    world.tick()
    world.post("a1", *a_task(), scope={"shard": "globex"}, tags={"shard": "globex"}, epoch="e2")
    report = world.tick_later()
    assert {dict(key.tags).get("shard") for key in world.group(MINUTE)} == {"acme"}
    assert world.agent("a1").tags == {"shard": "acme"}
    assert [warning for warning in world.snapshot().warnings if "agent id a1" in warning and "shard=globex" in warning]
    assert report.warnings == world.snapshot().warnings


def test_strict_inventories_call_who_registers_itself_a_shadow():
    world = World(now=START)
    world.fleet.put_settings(WS, DOCUMENT, {"inventory": "strict"})
    world.fleet.update_agent(WS, "known", {"expected": True})
    world.run(15, ("known", []), ("stranger", []))
    assert world.agent("known").shadow is None
    assert world.agent("stranger").shadow == "unknown to the inventory: it registered itself"


def test_settings_change_the_policy_and_bad_ones_are_said():
    world = World(now=START)
    world.fleet.put_settings(WS, DOCUMENT, {"health": {"heartbeat_late_s": 5, "heartbeat_dead_s": 10}})
    world.run(15, ("a1", []))
    world.tick_later()
    assert world.agent("a1").health.status is Status.RED
    world.fleet.put_settings(WS, DOCUMENT, {"health": {"heartbeat_late_s": "soon"}})
    assert any("health.heartbeat_late_s" in warning for warning in world.tick_later().warnings)


def test_health_survives_the_loss_of_the_snapshot():
    world = World(now=START)
    world.run(60, ("a1", []))
    world.run(300)
    since = world.agent("a1").health.since
    world.fleet.drop_snapshot(WS)
    report = world.tick_later()
    assert report.transitions == []
    assert (world.agent("a1").health.status, world.agent("a1").health.since) == (Status.RED, since)
    assert world.agent("a1").last_seen == START + MINUTE_MS


def test_a_damaged_snapshot_is_built_anew():
    world = World(now=START)
    world.run(30, ("a1", []))
    world.fleet.put_snapshot(WS, b"\x01rubbish")
    assert any("built anew" in warning for warning in world.tick_later().warnings)
    assert world.agent("a1").first_seen == START + 15 * SECOND_MS


def test_what_an_agent_says_of_its_configuration_replaces_what_it_said_before():
    world = World(now=START)
    world.post("a1", config=Config(written="h1", applied="h0", error="no such model"))
    world.tick()
    assert told(world) == ("h1", "h0", "no such model")
    assert recorded(world) == {"config_written": "h1", "config_applied": "h0", "config_error": "no such model"}
    world.run(15, ("a1", []), config=Config(written="h1", applied="h1"))
    assert told(world) == ("h1", "h1", None)
    assert recorded(world) == {"config_written": "h1", "config_applied": "h1"}
    world.run(15, ("a1", []))
    assert told(world) == ("h1", "h1", None)
    world.run(15, ("a1", []), config=Config())
    assert told(world) == (None, None, None)
    assert recorded(world) == {}


def test_a_configuration_is_recorded_only_when_it_changes():
    class Noting(MemoryFleet):
        def update_agent(self, workspace, agent, changes):
            written.append(changes["config_written"])
            return super().update_agent(workspace, agent, changes)

    written: list[str] = []
    world = World(now=START, fleet=Noting())
    world.run(120, ("a1", []), config=Config(written="h1"))
    assert written == ["h1"]
    world.run(60, ("a1", []), config=Config(written="h2"))
    assert written == ["h1", "h2"]


def test_what_is_known_of_a_configuration_outlives_the_snapshot():
    world = World(now=START)
    world.run(15, ("a1", []), config=Config(written="h1", error="e"))
    world.now += DAY_MS
    world.fleet.drop_snapshot(WS)
    world.tick()
    assert told(world) == ("h1", None, "e")


def told(world: World) -> tuple[str | None, str | None, str | None]:
    state = world.agent("a1")
    return state.config_written, state.config_applied, state.config_error


def recorded(world: World) -> dict[str, str]:
    record = world.fleet.agent(WS, "a1")
    assert record is not None
    return {name: record[name] for name in CONFIG if name in record}
