"""What single agents use of resources is kept in the matrix only where a budget asks for it: it costs the size of the matrix again."""

from __future__ import annotations

from functions.domain.rollup_codec import decode
from functions.ports import Resolution
from functions.runtime.rule_book import RuleBook
from tests.seal.world import WS, World, a_task


def names(world: World) -> set[str]:
    world.run(180, ("a-1", [*a_task(), ("agent.cpu", 40.0), ("agent.memory", 50.0)]))
    stored = world.rollups.read_matrix(WS, Resolution.MINUTE, 0, 10**9)
    return {key.name for key in decode(stored[max(stored)])}


def test_resources_are_kept_by_agent_only_where_a_budget_asks_for_them() -> None:
    world = World()
    world.rules = RuleBook(world.fleet)
    assert "task.latency_ms" in names(world)
    assert not names(world) & {"agent.cpu", "agent.memory"}
    world.fleet.put_settings(WS, "budgets", {"tier=smart": {"cpu_percent": 80}})
    assert names(world) & {"agent.cpu", "agent.memory"} == {"agent.cpu"}


def test_a_budget_document_that_makes_no_sense_stops_no_tick() -> None:
    world = World()
    world.rules = RuleBook(world.fleet)
    world.fleet.put_settings(WS, "budgets", {"tier=smart": 7, "x": {"cpu_percent": "much"}})
    assert "task.latency_ms" in names(world)
