"""The capacity planner over HTTP: tiers apart, what corrects the formula, what is uncertain, what limits it and what it costs."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from functions.domain.times import HOUR_MS, MINUTE_MS
from tests.api.load import DAY, Task, sealed, store
from tests.api.world import World

AGENTS = {f"f{number}": "tier=fast" for number in range(4)} | {f"s{number}": "tier=smart" for number in range(3)}
LIMIT = {"name": "prod", "provider": "anthropic", "model": "claude-*", "requests_per_minute": 60}


def poisson(dice: random.Random, mean: float) -> int:
    """Arrivals of a minute."""
    left = math.exp(-mean)
    total, product = 0, dice.random()
    while product > left:
        total, product = total + 1, product * dice.random()
    return total


def load(tier: str, dice: random.Random, per_minute: float, seconds: Any, agents: int, **more: Any) -> list[Task]:
    """A day of a tier's tasks, in each minute as many as chance makes of its rate."""
    found = []
    for minute in range(DAY.start * 60, DAY.stop * 60):
        for _ in range(poisson(dice, per_minute)):
            who = f"{tier[0]}{dice.randrange(agents)}"
            tags = {"tier": tier, "model": f"claude-{tier}"}
            found.append(Task(who, minute * MINUTE_MS + dice.randrange(MINUTE_MS), seconds(dice), tags, **more))
    return found


@pytest.fixture(scope="module")
def day() -> list[Task]:
    """An even tier of 6 tasks a minute with exponential times of 20 s, and one of 3 with a heavy tail."""
    dice = random.Random(11)
    fast = load("fast", dice, 6.0, lambda dice: dice.expovariate(1 / 20), 4, tokens_in=1000.0, tokens_out=200.0)
    return fast + load("smart", dice, 3.0, lambda dice: 10 * dice.paretovariate(1.3), 3, tokens_in=500.0)


@pytest.fixture
def busy(world: World, day: list[Task]) -> World:
    sealed(world, AGENTS)
    store(world, day)
    return world


def tiers(answer: Any) -> dict[str, Any]:
    return {tier["tags"].get("tier", ""): tier for tier in answer["tiers"]}


def put(world: World, name: str, document: Any) -> None:
    assert world.client("operate").call("PUT", f"/api/{name}", json=document).status_code == 200


def test_tiers_are_planned_apart_from_what_they_did(busy: World, day: list[Task]) -> None:
    answer = busy.client("read").get("/api/capacity")
    assert (answer["start"], answer["end"], answer["source"]) == ("2026-11-22T20:00:00.000Z", "2026-11-23T20:00:00.000Z", "minutes")
    assert answer["notes"] == ["no limits of providers are set: PUT /api/provider-limits"]
    found = tiers(answer)
    assert answer["agents"] == sum(tier["agents"] for tier in found.values())
    fast = found["fast"]
    windows = [0] * (24 * 12)
    for task in day:
        if task.tags["tier"] == "fast":
            windows[task.at // (5 * MINUTE_MS) - DAY.start * 12] += 1
    windows.sort()
    place = 0.95 * (len(windows) - 1)
    rate = (windows[int(place)] + (place % 1) * (windows[int(place) + 1] - windows[int(place)])) / 300
    assert fast["arrival_rate"] == pytest.approx(rate)
    times = [task.seconds for task in day if task.tags["tier"] == "fast"]
    assert fast["service_time"] == pytest.approx(sum(times) / len(times))
    assert fast["agents"] == math.ceil(fast["arrival_rate"] * fast["service_time"] / 0.65)
    assert fast["with_headroom"] == math.ceil(fast["agents"] * 1.3)
    assert (fast["current"], fast["change"]) == (4, fast["with_headroom"] - 4)
    assert (fast["tail"]["heavy"], fast["bursts"]["bursty"], fast["utilization"]) == (False, False, 0.65)
    assert 0 < fast["wait"]["probability"] < 1
    assert fast["wait_with_headroom"]["mean_s"] < fast["wait"]["mean_s"]


def test_a_heavy_tail_puts_the_p95_in_the_place_of_the_mean(busy: World, day: list[Task]) -> None:
    smart = tiers(busy.client("read").get("/api/capacity"))["smart"]
    times = sorted(task.seconds for task in day if task.tags["tier"] == "smart")
    assert smart["tail"]["heavy"] is True
    assert smart["tail"]["high"] < 2
    assert smart["service_time"] == pytest.approx(times[int(0.95 * (len(times) - 1))], rel=0.011)
    assert any("the 95th percentile in place of the mean" in reason for reason in smart["reasons"])


def test_bursts_lower_the_utilisation(world: World) -> None:
    sealed(world, AGENTS)
    dice = random.Random(5)
    found = [
        Task("f0", minute * MINUTE_MS + dice.randrange(MINUTE_MS), 5.0, {"tier": "fast"})
        for minute in range(DAY.start * 60, DAY.stop * 60)
        for _ in range(20 if minute // 4 % 5 == 0 else 1)
    ]
    store(world, found)
    fast = tiers(world.client("read").get("/api/capacity"))["fast"]
    assert (fast["bursts"]["bursty"], fast["utilization"]) == (True, 0.55)
    assert fast["bursts"]["index"] > 5
    assert any("less 0.1 for arrivals that come in bursts" in reason for reason in fast["reasons"])
    put(world, "capacity-settings", {"tiers": {"fast": {"kind": "batch"}}})
    assert tiers(world.client("read").get("/api/capacity"))["fast"]["utilization"] == 0.75


def test_how_certain_it_is(busy: World) -> None:
    client = busy.client("read")
    answer = client.get("/api/capacity")
    for tier in answer["tiers"]:
        for name in ("agents", "with_headroom", "arrival_rate", "service_time"):
            low, high = tier["intervals"][name]
            assert low <= (tier["wanted"] if name == "with_headroom" else tier[name]) <= high
    low, high = tiers(answer)["fast"]["intervals"]["arrival_rate"]
    assert low < high < low * 1.5
    assert client.get("/api/capacity") == answer, "the same question has the same answer"


def test_what_if(busy: World) -> None:
    client = busy.client("read")
    usual = tiers(client.get("/api/capacity"))["fast"]

    def asked(**flags: Any) -> Any:
        return tiers(client.get("/api/capacity", tags="tier=fast", **flags))["fast"]

    assert asked(arrival_factor=2)["arrival_rate"] == pytest.approx(2 * usual["arrival_rate"])
    assert asked(service_factor=0.5)["agents"] < usual["agents"]
    assert asked(concurrency=4)["agents"] == math.ceil(usual["exact"] / 4)
    assert asked(utilization=0.9)["utilization"] == 0.9
    assert asked(headroom=2)["with_headroom"] == 2 * usual["agents"]
    given = asked(arrival_rate=4.2, service_time=3.1)
    assert (given["agents"], given["with_headroom"], given["intervals"]) == (21, 28, None)
    assert asked(agent_usd_per_month=10)["usd_per_month"] == 10 * usual["change"]


def test_figures_of_one_tier_are_refused_for_several(busy: World) -> None:
    problem = busy.client("read").problem(422, "GET", "/api/capacity", query_string={"service_time": "3"})
    assert (problem["field"], problem["detail"]) == ("service_time", "is that of one tier, and these are 2: narrow tags")


def test_what_the_change_costs(busy: World) -> None:
    put(busy, "capacity-settings", {"agent_usd_per_month": 20, "tiers": {"smart": {"agent_usd_per_month": 100, "concurrency": 1000}}})
    answer = busy.client("read").get("/api/capacity")
    found = tiers(answer)
    assert (found["smart"]["with_headroom"], found["smart"]["usd_per_month"]) == (2, -100.0)
    assert found["fast"]["usd_per_month"] == 20 * found["fast"]["change"]
    assert answer["usd_per_month"] == found["fast"]["usd_per_month"] - 100


def test_a_shared_key_is_a_ceiling_that_no_agents_beat(busy: World) -> None:
    client = busy.client("read")
    free = tiers(client.get("/api/capacity"))
    rates = {tier: free[tier]["arrival_rate"] * 60 for tier in free}
    together = sum(rates.values())
    put(busy, "provider-limits", {"limits": [{**LIMIT, "requests_per_minute": together / 2}]})
    held = tiers(client.get("/api/capacity"))
    for tier, plan in held.items():
        assert plan["limited"] is True
        assert plan["wanted"] == free[tier]["with_headroom"]
        assert plan["ceiling"]["arrival_rate"] == pytest.approx(free[tier]["arrival_rate"] / 2)
        most = math.ceil(free[tier]["exact"] / 2 - 1e-9)
        assert (plan["agents"], plan["with_headroom"]) == (min(free[tier]["agents"], most), min(free[tier]["with_headroom"], most))
        assert "more agents cannot beat a shared key" in plan["reasons"][-1]
    only = tiers(client.get("/api/capacity", tags="tier=fast"))["fast"]
    assert only["ceiling"]["used"] == pytest.approx(together, rel=0.25), "what is not asked for uses the key too"


def test_tokens_are_limits_too_and_the_lowest_counts(busy: World) -> None:
    limits = [
        {**LIMIT, "requests_per_minute": 10_000, "output_tokens_per_minute": 600},
        {**LIMIT, "name": "spare", "requests_per_minute": 9_000, "model": "gpt-*", "provider": "openai"},
    ]
    put(busy, "provider-limits", {"limits": limits})
    found = tiers(busy.client("read").get("/api/capacity"))
    assert found["fast"]["ceiling"]["quantity"] == "output_tokens"
    assert found["fast"]["ceiling"]["arrival_rate"] == pytest.approx(600 / 200 / 60)
    assert (found["smart"]["ceiling"]["quantity"], found["smart"]["limited"]) == ("requests", False)


def test_limits_are_not_told_to_who_sees_only_a_part(busy: World) -> None:
    put(busy, "provider-limits", {"limits": [{**LIMIT, "requests_per_minute": 1}]})
    answer = busy.client("read", tags="tier=fast").get("/api/capacity")
    assert [tier["tags"]["tier"] for tier in answer["tiers"]] == ["fast"]
    assert answer["tiers"][0]["ceiling"] is None
    assert answer["notes"] == ["the providers' limits are not looked at: others, whom this token cannot see, share them"]


def test_a_tag_that_is_no_dimension_is_planned_by_the_hour(busy: World) -> None:
    answer = busy.client("read").get("/api/capacity", tags="agent=f1")
    assert answer["source"] == "hours"
    (tier,) = answer["tiers"]
    assert (tier["bursts"], tier["utilization"]) == (None, 0.65)
    assert any("told by the hour only" in reason for reason in tier["reasons"])


def test_nothing_to_plan_from_is_no_zero(world: World) -> None:
    sealed(world, AGENTS)
    hours = [("f0", hour, "task.started", 1.0) for hour in DAY]
    store(world, [Task("s1", DAY.start * HOUR_MS, 3.0, {"tier": "smart"})], hours)
    answer = world.client("read").get("/api/capacity")
    found = tiers(answer)
    assert (found["fast"]["agents"], found["fast"]["usd_per_month"]) == (None, None)
    assert found["fast"]["reasons"] == ["no task of it told how long it took: nothing to plan from"]
    assert "1 of 2 tiers are not in the sums" in answer["notes"]
    assert any("too few to test their tail" in reason for reason in found["smart"]["reasons"])


@pytest.mark.parametrize(
    ("name", "document", "path", "reason"),
    [
        ("capacity-settings", {"tiers": {"fast": {"kind": "slow"}}}, "tiers.fast.kind", "must be one of latency, batch"),
        ("capacity-settings", {"tiers": {"fast": {"utilisation": 0.5}}}, "tiers.fast.utilisation", "did you mean utilization?"),
        ("capacity-settings", {"utilization": 0}, "utilization", "must be from 0.01 to 1"),
        ("capacity-settings", {"tiers": {"fast": None}}, "tiers.fast", "has no value"),
        ("capacity-settings", {"tiers": 5}, "tiers", "must be a mapping"),
        ("provider-limits", {"limits": [{"name": "x", "provider": "y"}]}, "limits[0]", "limits nothing"),
        ("provider-limits", {"limits": [LIMIT, LIMIT]}, "limits[1].name", "there is another limit named prod"),
        ("provider-limits", {"limits": [{**LIMIT, "requests_per_minute": -1}]}, "limits[0].requests_per_minute", "must be more than 0"),
        ("provider-limits", {"limits": [{**LIMIT, "tags": "env"}]}, "limits[0].tags", "is not of the form"),
        ("provider-limits", {"limits": [{**LIMIT, "cache_reads": "no"}]}, "limits[0].cache_reads", "must be true or false"),
        ("provider-limits", {"limits": [{"provider": "y", "requests_per_minute": 1}]}, "limits[0].name", "is missing"),
    ],
)
def test_faults_of_the_documents(world: World, name: str, document: Any, path: str, reason: str) -> None:
    problem = world.client("operate").problem(422, "PUT", f"/api/{name}", json=document)
    found = {fault["path"]: fault["reason"] for fault in problem["faults"]}
    assert reason in found[path]


def test_the_documents_are_read_as_they_were_written(world: World) -> None:
    for name, document in (("capacity-settings", {"headroom": 1.5}), ("provider-limits", {"limits": [LIMIT]})):
        put(world, name, document)
        assert world.client("read").get(f"/api/{name}") == document


def test_minutes_that_are_not_sealed_are_no_lulls(world: World, day: list[Task]) -> None:
    sealed(world, AGENTS)
    store(world, day)
    known = tiers(world.client("read").get("/api/capacity"))["fast"]
    sealed(world, AGENTS, DAY.stop - 8)
    answer = world.client("read").get("/api/capacity")
    assert answer["notes"][0] == "8 of 24 hours are left out: they are not built yet, or cannot be read"
    found = tiers(answer)["fast"]
    assert found["arrival_rate"] == pytest.approx(known["arrival_rate"], rel=0.1)
    assert found["bursts"]["minutes"] == 16 * 60
