"""Seal makes rollups out of batches: provisional, final, late, hourly."""

from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.ports import Resolution
from functions.seal.service import Limits, TickReport
from tests.seal.world import HOUR, MINUTE, START, WS, MemoryBatches, World, a_task, count_of

FAST = {"tags": {"env": "prod", "tier": "fast"}}


def test_a_minute_is_visible_at_the_first_tick_after_its_batches():
    world = World(now=START + 10 * SECOND_MS)
    world.post("a1", *a_task(), **FAST)
    world.tick()
    assert count_of(world.group(MINUTE), "task.latency_ms", env="prod", tier="fast") == 1
    assert world.of_agent("a1", MINUTE) == {}


def test_a_minute_is_final_past_its_grace_and_not_before():
    world = World(now=START + 10 * SECOND_MS)
    world.post("a1", *a_task())
    world.now = START + MINUTE_MS + 34 * SECOND_MS
    assert MINUTE not in world.tick().sealed
    world.now += SECOND_MS
    assert MINUTE in world.tick().sealed
    assert count_of(world.of_agent("a1", MINUTE), "task.latency_ms") == 1


def test_the_groups_cells_are_the_agents_tags_overlaid_by_remote_and_own_ones():
    world = World(now=START + 10 * SECOND_MS)
    world.fleet.update_agent(WS, "a1", {"remote_tags": {"env": "prod", "team": "x"}, "expected": True})
    world.post("a1", *a_task(tier="smart", task_kind="y"), tags={"env": "dev", "tier": "fast", "region": "eu", "color": "red"})
    world.tick()
    tags = {key.tags for key in world.group(MINUTE)}
    assert tags == {(("env", "prod"), ("region", "eu"), ("team", "x"), ("tier", "smart"))}


def test_a_tokens_scope_wins_over_every_tag():
    world = World(now=START + 10 * SECOND_MS)
    world.fleet.update_agent(WS, "a1", {"remote_tags": {"shard": "other"}, "expected": True, "scope": {"shard": "acme"}, "first_seen": 1})
    world.post("a1", *a_task(shard="theirs"), tags={"shard": "mine"}, scope={"shard": "acme"})
    world.tick()
    assert {dict(key.tags)["shard"] for key in world.group(MINUTE)} == {"acme"}
    assert world.agent("a1").tags == {"shard": "acme"}


def test_a_late_batch_reopens_its_minute_for_its_agent_alone():
    world = World(now=START + 5 * SECOND_MS)
    world.post("a1", *a_task())
    world.post("a2", *a_task())
    world.run(180)
    written = world.rollups.agents["acme", "a1", Resolution.MINUTE][MINUTE]
    world.post("a2", *a_task(latency=900.0), at=START + 20 * SECOND_MS)
    report = world.tick_later()
    assert report.reopened == [MINUTE]
    assert count_of(world.group(MINUTE), "task.latency_ms") == 3
    assert count_of(world.of_agent("a2", MINUTE), "task.latency_ms") == 2
    assert world.rollups.agents["acme", "a1", Resolution.MINUTE][MINUTE] is written
    assert world.batches.marks == {}
    assert world.tick_later().reopened == []


def test_a_mark_renewed_while_its_minute_is_merged_stays():
    class Renewing(MemoryBatches):
        def read_minute(self, workspace, minute):
            found = super().read_minute(workspace, minute)
            if minute == MINUTE and len(found) == 2:
                world.post("a1", *a_task(), at=START + 21 * SECOND_MS)
            return found

    world = World(now=START + 5 * SECOND_MS, batches=Renewing())
    world.post("a1", *a_task())
    world.run(180)
    world.post("a1", *a_task(), at=START + 20 * SECOND_MS)
    assert world.tick_later().reopened == [MINUTE]
    assert len(world.batches.marks) == 1
    assert world.tick_later().reopened == [MINUTE]
    assert world.batches.marks == {}
    assert count_of(world.group(MINUTE), "task.latency_ms") == 3


def test_an_hour_is_built_when_its_last_minute_is_sealed():
    world = World(now=START)
    reports = world.run(3600 + 45, ("a1", a_task()), **FAST)
    assert [report.hours for report in reports if report.hours][-1] == [HOUR]
    hour = world.group(HOUR, Resolution.HOUR)
    # The post at the hour's end belongs to the next one.
    assert count_of(hour, "task.latency_ms", tier="fast") == 239
    assert world.of_agent("a1", HOUR, Resolution.HOUR) == hour
    assert world.snapshot().due_hours == {}


def test_a_late_batch_has_its_hour_built_again():
    world = World(now=START)
    world.run(3600 + 45, ("a1", a_task()), ("a2", a_task()))
    world.post("a2", *a_task(), at=START + 61 * SECOND_MS)
    report = world.tick_later()
    assert (report.reopened, report.hours) == ([MINUTE + 1], [HOUR])
    assert count_of(world.group(HOUR, Resolution.HOUR), "task.latency_ms") == 479
    assert count_of(world.of_agent("a2", HOUR, Resolution.HOUR), "task.latency_ms") == 240
    assert count_of(world.of_agent("a1", HOUR, Resolution.HOUR), "task.latency_ms") == 239


def test_an_hour_of_many_agents_is_built_over_several_ticks():
    world = World(now=START, limits=Limits(hour_rollups=3))
    agents = [f"a{number}" for number in range(7)]
    for agent in agents:
        world.post(agent, *a_task())
    world.run(3600 + 30)
    built = [world.tick_later().hours for _ in range(4)]
    assert built == [[HOUR], [HOUR], [HOUR], []]
    assert all(count_of(world.of_agent(agent, HOUR, Resolution.HOUR), "task.latency_ms") == 1 for agent in agents)
    assert count_of(world.group(HOUR, Resolution.HOUR), "task.latency_ms") == 7


def test_many_late_minutes_are_served_over_several_ticks_newest_first():
    world = World(now=START, limits=Limits(late_minutes=2))
    world.run(600, ("a1", []))
    for minute in range(5):
        world.post("a1", *a_task(), at=START + minute * MINUTE_MS)
    assert [world.tick_later().reopened for _ in range(4)] == [[MINUTE + 4, MINUTE + 3], [MINUTE + 2, MINUTE + 1], [MINUTE], []]


def test_after_an_outage_every_minute_is_sealed_newest_first():
    world = World(now=START)
    world.post("a1", *a_task())
    world.run(120, ("a1", a_task()))
    for _ in range(45):
        world.now += MINUTE_MS
        world.post("a1", *a_task())
    newest = world.tick()
    assert newest.sealed == sorted(newest.sealed, reverse=True)
    assert len(newest.sealed) == 10
    assert newest.unsealed > 0
    reports = [newest]
    while reports[-1].unsealed:
        reports.append(world.tick_later())
        assert len(reports) < 10
    sealed = [minute for report in reports for minute in report.sealed]
    assert len(sealed) == len(set(sealed))
    assert all(count_of(world.of_agent("a1", MINUTE + n), "task.latency_ms") >= 1 for n in range(45))
    assert world.snapshot().sealed_until == world.snapshot().due_until


def test_no_snapshot_means_sealing_again_back_to_the_first_agent():
    world = World(now=START)
    world.run(600, ("a1", a_task()))
    before = {minute: world.group(minute) for minute in range(MINUTE, MINUTE + 8)}
    world.rollups.groups.clear()
    world.fleet.drop_snapshot(WS)
    world.tick_later()
    while world.snapshot().unsealed:
        world.tick_later()
    assert {minute: world.group(minute) for minute in range(MINUTE, MINUTE + 8)} == before
    assert world.agent("a1").first_seen == START + 15 * SECOND_MS


def test_a_minute_whose_batches_expire_is_left_as_it_is():
    world = World(now=START)
    world.post("a1", *a_task())
    world.run(120)
    before = world.group(MINUTE)
    world.now += 48 * 60 * MINUTE_MS
    world.post("a1", *a_task(), at=START)
    world.batches.items[MINUTE] = dict(list(world.batches.items[MINUTE].items())[1:])
    report = world.tick()
    assert any("expire" in warning for warning in report.warnings)
    assert world.group(MINUTE) == before
    assert world.batches.marks == {}


def test_expiry_is_three_days_for_minutes_and_thirty_five_for_hours():
    world = World(now=START)
    world.run(3600 + 45, ("a1", a_task()))
    minutes, hours = world.rollups.groups[WS, Resolution.MINUTE], world.rollups.groups[WS, Resolution.HOUR]
    assert minutes[MINUTE][1] == START // 1000 + 60 + 3 * 86_400
    assert hours[HOUR][1] == START // 1000 + 3600 + 35 * 86_400
    assert world.rollups.agents[WS, "a1", Resolution.MINUTE][MINUTE][1] == minutes[MINUTE][1]


def test_a_damaged_batch_costs_only_itself():
    world = World(now=START + 5 * SECOND_MS)
    world.post("a1", *a_task())
    bad = world.post("a2", *a_task())
    object.__setattr__(bad, "data", bad.data[:-4])
    report = world.tick()
    assert count_of(world.group(MINUTE), "task.latency_ms") == 1
    assert any(f"batch {bad.batch} of agent a2" in warning for warning in report.warnings)


def test_a_floods_values_are_counted_as_other():
    world = World(now=START + 5 * SECOND_MS)
    for number in range(230):
        world.post("a1", ("queue.depth", 1.0, {"tier": f"t{number:03d}"}))
    report = world.tick()
    group = world.group(MINUTE)
    assert count_of(group, "queue.depth") == 230
    assert count_of(group, "queue.depth", tier="__other__") == 30
    assert any("dimension tier has more than 200 values" in warning for warning in report.warnings)
    # What was admitted stays so, though other values come first now.
    world.now += MINUTE_MS
    world.post("a1", ("queue.depth", 1.0, {"tier": "new"}))
    world.post("a1", ("queue.depth", 1.0, {"tier": "t000"}))
    world.tick()
    assert count_of(world.group(MINUTE + 1), "queue.depth", tier="t000") == 1
    assert count_of(world.group(MINUTE + 1), "queue.depth", tier="__other__") == 1


def test_no_time_left_means_the_rest_waits():
    world = World(now=START)
    world.run(60, ("a1", a_task()))
    world.now += 20 * MINUTE_MS
    report: TickReport = world.service().tick(WS, world.now, world.now, "run", has_time=lambda: False)
    assert len(report.sealed) == 1
    assert report.unsealed > 1
