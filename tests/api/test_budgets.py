"""How groups stand to their budgets, as the API tells it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from functions.domain.budget_acts import Act, ActPhase, Acts
from functions.domain.budget_use import Counted, Use
from functions.domain.times import MINUTE_MS
from tests.api.world import NOW, ApiClient, World

DOCUMENT = {
    "": {"usd_per_day": 100},
    "tier=smart": {"tokens_per_day": 1000, "usd_per_day": 5, "act": {"at": 1.2, "do": "pause", "budgets": ["tokens_per_day"]}},
    "shard=acme": {"tokens_per_day": 50},
    "shard=acme,tier=smart": {"tokens_per_day": 50},
}
USE = {
    "": {"usd_per_day": Use(10.0)},
    "tier=smart": {"tokens_per_day": Use(1240.0), "usd_per_day": Use()},
    "shard=acme": {"tokens_per_day": Use(45.0)},
    "shard=acme,tier=smart": {"tokens_per_day": Use(1.0)},
}


@pytest.fixture
def counted(world: World) -> World:
    world.fleet.put_settings("team", "budgets", DOCUMENT)
    notes = {"tier=smart|tokens_per_day": "waits: the rollout r1 is not over and has a-1"}
    store(world, "budget-use", Counted(at=NOW - MINUTE_MS, use=USE, notes=notes))
    return world


def store(world: World, name: str, value: Any) -> None:
    world.fleet.put_settings("team", name, msgspec.to_builtins(value))


def groups(client: ApiClient, **query: Any) -> list[tuple[str, str]]:
    return [(found["group"], found["budget"]) for found in client.get("/api/budgets/state", **query)["budgets"]]


def test_every_budget_with_its_state(counted: World) -> None:
    answer = counted.client("read").get("/api/budgets/state")
    assert (answer["asOf"], answer["stale"]) == ("2026-11-23T19:59:30.000Z", False)
    by_key = {(found["group"], found["budget"]): found for found in answer["budgets"]}
    assert list(by_key) == sorted(by_key)
    smart = by_key["tier=smart", "tokens_per_day"]
    assert (smart["used"], smart["limit"], smart["share"], smart["level"]) == (1240, 1000, 1.24, "act")
    assert (smart["start"], smart["end"]) == ("2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z")
    assert smart["forecast"] == pytest.approx(1240 * 24 * 60 / (20 * 60 - 0.5), rel=1e-6)
    assert smart["act"] == {
        "at": 1.2,
        "does": "paused",
        "until": "period",
        "state": None,
        "rollout": None,
        "detail": "waits: the rollout r1 is not over and has a-1",
    }
    unpriced = by_key["tier=smart", "usd_per_day"]
    assert (unpriced["used"], unpriced["share"], unpriced["forecast"], unpriced["level"], unpriced["act"]) == (None, None, None, None, None)
    assert unpriced["reason"] == "no task of this day has a known cost"


def test_what_is_done_is_named_with_its_rollout(counted: World) -> None:
    act = Act(
        group="tier=smart",
        budget="tokens_per_day",
        end=NOW,
        until="period",
        threshold=1200,
        done="paused",
        patch={"paused": True},
        phase=ActPhase.IN_FORCE,
        since=NOW,
        began=NOW,
        rollout="r123",
    )
    store(counted, "budget-acts", Acts({"tier=smart|tokens_per_day": act}))
    (found,) = [one for one in counted.client("read").get("/api/budgets/state", tags="tier=smart")["budgets"] if one["act"]]
    assert (found["act"]["state"], found["act"]["rollout"]) == ("in force", "r123")


def test_a_token_with_a_tag_scope_sees_the_groups_inside_of_it(counted: World) -> None:
    inside = [("shard=acme", "tokens_per_day"), ("shard=acme,tier=smart", "tokens_per_day")]
    client = counted.client("read", tags="shard=acme")
    assert groups(client) == inside
    assert [found["group"] for found in client.get("/api/dashboard/summary")["budgets"]] == ["shard=acme"]
    assert groups(counted.client("read"), tags="shard=acme") == inside


def test_before_anything_is_counted_and_when_it_is_old(world: World) -> None:
    client = world.client("read")
    assert client.get("/api/budgets/state") == {"budgets": [], "asOf": None, "stale": False}
    world.fleet.put_settings("team", "budgets", {"": {"usd_per_day": 1}})
    answer = client.get("/api/budgets/state")
    assert (answer["asOf"], answer["stale"], answer["budgets"][0]["reason"]) == (None, True, "not counted yet")
    store(world, "budget-use", Counted(at=NOW - 6 * MINUTE_MS, use={"": {"usd_per_day": Use(3.0)}}))
    answer = client.get("/api/budgets/state")
    assert (answer["stale"], answer["budgets"][0]["used"]) == (True, 3.0)
    world.fleet.put_settings("team", "budget-use", {"at": "of a later release"})
    assert client.get("/api/budgets/state")["asOf"] is None


def test_budgets_that_are_not_valid_any_more_are_told_and_cost_the_summary_nothing(counted: World) -> None:
    counted.fleet.put_settings("team", "budgets", {"colour=red": {"usd_per_day": 1}})
    found = counted.client("read").problem(422, "GET", "/api/budgets/state")
    assert "colour is no dimension" in found["detail"]
    assert counted.client("read").get("/api/dashboard/summary")["budgets"] == []


def test_the_summary_has_those_that_warn_the_gravest_first(counted: World) -> None:
    found = counted.client("read").get("/api/dashboard/summary")["budgets"]
    assert [(one["group"], one["level"]) for one in found] == [("tier=smart", "act"), ("shard=acme", "warn")]
    counted.fleet.put_settings("team", "budgets", {f"tier=t{n}": {"tokens_per_day": 1} for n in range(30)})
    store(counted, "budget-use", Counted(at=NOW, use={f"tier=t{n}": {"tokens_per_day": Use(5.0)} for n in range(30)}))
    assert len(counted.client("read").get("/api/dashboard/summary")["budgets"]) == 20


def test_an_edit_shows_at_once(counted: World) -> None:
    raised = {"tier=smart": {"tokens_per_day": 10_000}}
    assert counted.client("operate").call("PUT", "/api/budgets", json=raised).status_code == 200
    (found,) = counted.client("read").get("/api/budgets/state")["budgets"]
    assert (found["level"], found["share"]) == ("ok", 0.124)
