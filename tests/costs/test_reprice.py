"""The past priced anew: dry at first, by source, under seal's lease, in as many requests as it takes."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.times import HOUR_MS, SECOND_MS
from tests.costs.office import HOUR, WORKSPACE, Office, a_task

OWN = {"version": "contract 1", "models": [{"match": "our-*", "input": 2, "output": 10}]}


@pytest.fixture
def office() -> Office:
    """Two hours of a model that no list knows, and a reported cost."""
    office = Office()
    for _ in range(2):
        office.post("a1", [*a_task("t1", "our-model", (1_000_000, 100_000), tenant="x"), *a_task("t2", "our-model", (5, 5), cost=0.25)])
        office.post("a2", a_task("t3", "our-model", (500_000, 0), tenant="y"))
        office.seal()
    return office


def reprice(office: Office, **wanted: Any) -> Any:
    answer = office.world.client("operate").call("POST", "/api/cost/reprice", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json


def put_prices(office: Office, document: Any = OWN) -> None:
    assert office.world.client("operate").call("PUT", "/api/prices", json=document).status_code == 200


def test_a_dry_run_tells_before_and_after_and_changes_nothing(office: Office) -> None:
    put_prices(office)
    before = office.ledger()
    told = reprice(office)
    assert (told["dryRun"], told["hoursChanged"], told["next"]) == (True, 2, None)
    assert told["before"] == {"usd": None, "sources": [], "unpricedTasks": 4, "unpricedTokens": 3_200_000}
    assert told["after"] == {
        "usd": pytest.approx(8.0),
        "sources": [{"source": "contract 1", "tasks": 4, "usd": pytest.approx(8.0)}],
        "unpricedTasks": 0,
        "unpricedTokens": 0,
    }
    assert office.ledger() == before
    assert office.world.client("read").get("/api/cost/reprice") == {"repricings": []}


def test_applied_it_is_what_the_ledger_says_and_reported_costs_stay(office: Office) -> None:
    put_prices(office)
    reprice(office, dryRun=False)
    total = office.ledger()["total"]
    assert (total["reportedUsd"], total["pricedUsd"], total["unpricedTasks"]) == (0.5, pytest.approx(8.0), 0)
    again = reprice(office, dryRun=False)
    assert (again["hoursChanged"], again["before"]) == (0, again["after"])
    (line,) = office.world.client("read").get("/api/cost/reprice")["repricings"]
    assert (line["hoursChanged"], line["before"]["unpricedTasks"], line["after"]["usd"]) == (2, 4, pytest.approx(8.0))


def test_only_some_tags_and_only_an_old_source(office: Office) -> None:
    put_prices(office)
    reprice(office, dryRun=False, tags="tenant=x")
    lines = {line["tags"].get("tenant"): line for line in office.ledger(by="tenant")["lines"]}
    assert (lines["x"]["pricedUsd"], lines["y"]["pricedUsd"], lines["y"]["unpricedTasks"]) == (pytest.approx(6.0), None, 2)
    put_prices(office, {**OWN, "version": "contract 2"})
    reprice(office, dryRun=False, tags="cost_source=contract 1")
    lines = {line["tags"].get("tenant"): line for line in office.ledger(by="tenant")["lines"]}
    assert [source["source"] for source in lines["x"]["sources"]] == ["contract 2"]
    assert lines["y"]["unpricedTasks"] == 2


def test_what_does_not_fit_into_one_request_goes_on_with_a_cursor(office: Office) -> None:
    put_prices(office)
    world, read = office.world, office.world.rollups.read_usage
    # Each piece that is read takes three seconds.
    world.rollups.read_usage = lambda *given: (setattr(world, "now", world.now + 3 * SECOND_MS), read(*given))[1]  # type: ignore[method-assign]
    wanted = {"start": "2026-11-23T16:00:00Z", "end": "2026-11-23T20:00:00Z", "dryRun": False}
    answers = [reprice(office, **wanted)]
    while answers[-1]["next"]:
        answers.append(reprice(office, **wanted, cursor=answers[-1]["next"]))
    assert len(answers) > 1
    assert [one["end"] for one in answers[:-1]] == [one["start"] for one in answers[1:]]
    assert sum(one["after"]["usd"] or 0 for one in answers) == pytest.approx(8.0)
    world.rollups.read_usage = read  # type: ignore[method-assign]
    assert office.ledger()["total"]["pricedUsd"] == pytest.approx(8.0)


def test_while_seal_works_nothing_is_written(office: Office) -> None:
    put_prices(office)
    now = office.world.now
    assert office.world.lease.acquire(WORKSPACE, "seal", "a tick", now, now + HOUR_MS)
    problem = office.world.client("operate").problem(503, "POST", "/api/cost/reprice", json={"dryRun": False})
    assert "try again" in problem["detail"]
    assert office.ledger()["total"]["pricedUsd"] is None
    assert reprice(office)["hoursChanged"] == 2, "a dry run needs no lease"


def test_a_cursor_of_another_question_and_one_that_is_none(office: Office) -> None:
    client = office.world.client("operate")
    assert client.problem(422, "POST", "/api/cost/reprice", json={"cursor": "bm9uZQ"})["field"] == "cursor"


def test_an_hour_that_is_built_again_keeps_its_prices(office: Office) -> None:
    put_prices(office)
    reprice(office, dryRun=False)
    office.post("a2", a_task("t9", "our-model", (500_000, 0), tenant="y"), at=HOUR * HOUR_MS + HOUR_MS // 2)
    office.seal()
    lines = {line["tags"].get("tenant"): line for line in office.ledger(by="tenant")["lines"]}
    assert (lines["y"]["pricedTasks"], lines["y"]["pricedUsd"]) == (3, pytest.approx(3.0))
    assert (lines["x"]["pricedTasks"], lines["x"]["pricedUsd"]) == (2, pytest.approx(4.0 + 2.0))
