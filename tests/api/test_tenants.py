"""What a token of one tenant is told of costs, work, plans, scaling and in reports is the same whether there are other tenants or not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.domain.fleet_changes import FleetChange
from functions.domain.report import Report
from functions.domain.report_json import render
from functions.domain.rollout import Hold, HoldCause, MemberState, Phase, Wave
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.report_making import Parts, make_report
from tests.api import alerting, rolling, test_scaling
from tests.api.world import World, agent
from tests.costs.office import HOUR, Office, Points, a_task

MINE = "tenant=acme"
HOURS = 3
BUDGETS = {"tenant=acme": {"usd_per_month": 100}}
THEIR_BUDGETS = {**BUDGETS, "tenant=globex": {"usd_per_month": 777}, "": {"usd_per_month": 7777}}
LIMITS = {"limits": [{"name": "shared", "provider": "anthropic", "model": "claude-*", "requests_per_minute": 60}]}
SLOS = [{"name": "Tasks go well", "kind": "success", "target": 0.95}]
THEIR_SLO = {"name": "what globex was promised", "kind": "success", "target": 0.9, "tags": "tenant=globex"}
POLICY = {"acme": {"tags": "tenant=acme,tier=fast", "min": 1, "max": 9}}


def work(tenant: str, model: str, usd: float | None, hour: int) -> Points:
    return [
        point for number in range(5) for point in a_task(f"{tenant}-{hour}-{number}", model, (900, 90), usd, tier="fast", tenant=tenant)
    ]


def company(*, others: bool) -> World:
    """Two agents of acme, and with `others` two of globex, about whom every store has something."""
    office = Office()
    world = office.world
    for hour in range(HOURS):
        office.post("a1", work("acme", "claude-sonnet-4-5", 0.5, hour), tags={"tenant": "acme"}, info={"host": "h1"})
        office.post("a2", work("acme", "our-model", None, hour), tags={"tenant": "acme"}, info={"host": "h2"})
        if others:
            office.post("g1", work("globex", "globex-model", None, hour), tags={"tenant": "globex"}, info={"host": "globex-host"})
            office.post("g2", work("globex", "claude-sonnet-4-5", 7.0, hour), tags={"tenant": "globex"}, info={"host": "h1"})
        office.seal()
    put(world, "provider-limits", LIMITS)
    put(world, "budgets", THEIR_BUDGETS if others else BUDGETS)
    put(world, "slos", {"slos": [*SLOS, THEIR_SLO] if others else SLOS})
    test_scaling.put(world, test_scaling.decision("acme", time=world.now - 20_000), "tenant=acme,tier=fast")
    groups = {**POLICY, "globex": {"tags": "tenant=globex,tier=fast", "min": 1, "max": 9}, "all": {"tags": "tier=fast", "min": 1, "max": 9}}
    put(world, "scaling-policy", {"groups": groups if others else POLICY})
    if others:
        test_scaling.put(world, test_scaling.decision("globex", time=world.now - 20_000), "tenant=globex,tier=fast")
        test_scaling.put(world, test_scaling.decision("all", time=world.now - 20_000), "tier=fast")
        theirs = rolling.member("g1", MemberState.APPLIED, tags={"tenant": "globex"}, applied_at=(HOUR + 1) * HOUR_MS)
        rolling.rollout(world, "r000000001gg", [Wave(number=0, stage="prod", members=[theirs])], title="globex gets a model", **PAST)
        alerting.incident(world, alerting.edge("globex-is-slow", at=(HOUR + 1) * HOUR_MS, tags={"tenant": "globex"}, agent="g1"))
    return world


PAST: dict[str, Any] = {"created": HOUR * HOUR_MS, "since": (HOUR + 2) * HOUR_MS, "phase": Phase.SUCCEEDED}


def put(world: World, name: str, document: Any) -> None:
    answer = world.client("admin").call("PUT", f"/api/{name}", json=document)
    assert answer.status_code == 200, answer.json


def report(world: World, tags: str = MINE) -> Report:
    services = world.services
    parts = Parts(
        fleet=services.fleet,
        rollups=services.rollups,
        alerts=services.alerts,
        rules=services.rules,
        deliveries=services.deliveries,
        rollouts=services.rollouts,
        rotations=services.rotations,
    )
    return make_report(parts, "team", Selector.parse(tags), HOUR * HOUR_MS, (HOUR + HOURS) * HOUR_MS, world.now, "r1")


QUESTIONS = (
    *("/api/cost", "/api/cost?by=tenant,model&step=3600", "/api/cost?by=agent", "/api/cost?by=cost_source", "/api/cost?tags=tenant=globex"),
    *("/api/cost/chargeback", "/api/cost/chargeback?format=csv", "/api/cost/chargeback?format=focus&by=tenant,agent"),
    *("/api/cost/burn-down", "/api/cost/burn-down?group=tenant=acme", "/api/cost/burn-down?group=tenant=globex"),
    *("/api/cost/regressions?period=1d", "/api/cost/anomalies?by=agent", "/api/budgets/state"),
    *("/api/tracker", "/api/tracker?by=tenant,model,host,agent&bands=true", "/api/tracker?by="),
    *("/api/capacity", "/api/capacity?by=tenant,model", "/api/capacity?tags=tenant=globex"),
    *("/api/scaling", "/api/scaling/acme", "/api/scaling/acme/history", "/api/scaling-metrics"),
    "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/desired",
)


@pytest.fixture(scope="module")
def alone() -> World:
    return company(others=False)


@pytest.fixture(scope="module")
def among_others() -> World:
    return company(others=True)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_a_workspace_without_the_others(alone: World, among_others: World, question: str) -> None:
    answers = [world.client("read", tags=MINE).call("GET", question) for world in (alone, among_others)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].text == answers[1].text
    if "globex" not in question:
        assert "globex" not in answers[1].text
    if "globex" not in question and "acme" not in question:
        assert among_others.client("read").call("GET", question).text != answers[1].text, "there is something to hide"


@pytest.mark.parametrize("question", ["/api/scaling/globex", "/api/scaling/all", "/api/scaling/globex/history"])
def test_what_is_others_does_not_exist(among_others: World, question: str) -> None:
    among_others.client("read", tags=MINE).problem(404, "GET", question)
    assert among_others.client("read").call("GET", question).status_code == 200


@pytest.mark.parametrize(
    "question",
    [
        *("prices", "slos", "scaling-policy", "provider-limits", "capacity-settings", "report-schedule", "cost/reprice"),
        "cost/reconciliation?provider=anthropic",
    ],
)
def test_what_is_the_workspaces_is_not_told(among_others: World, question: str) -> None:
    among_others.client("read", tags=MINE).problem(403, "GET", f"/api/{question}")


def test_prices_are_changed_for_ones_own_tasks_only(among_others: World) -> None:
    wanted = {"range": "12h", "tags": ""}
    world = company(others=True)
    put(world, "prices", {"version": "v2", "models": [{"match": "*", "input": 1, "output": 1}]})
    done = world.client("operate", tags=MINE).call("POST", "/api/cost/reprice", json={**wanted, "dryRun": False}).json
    assert done["after"]["sources"] == [{"source": "v2", "tasks": 15, "usd": pytest.approx(15 * 990 / 1e6)}]
    unpriced = world.client("read").get("/api/cost", by="tenant")["lines"]
    assert {line["tags"]["tenant"]: line["unpricedTasks"] for line in unpriced} == {"acme": 0, "globex": 15}


def test_a_report_is_that_of_a_workspace_without_the_others(alone: World, among_others: World) -> None:
    texts = [render(report(world)) for world in (alone, among_others)]
    assert json.loads(texts[0]) == json.loads(texts[1])
    assert "globex" not in texts[1]
    whole = render(report(among_others, ""))
    for word in ("globex gets a model", "globex-is-slow", "what globex was promised"):
        assert word in whole


def test_what_concerns_others_too_is_told_without_their_part() -> None:
    world = company(others=True)
    plan = [
        Wave(
            number=0,
            stage="prod",
            members=[
                rolling.member(name, MemberState.APPLIED, tags={"tenant": tenant}, applied_at=(HOUR + 1) * HOUR_MS)
                for name, tenant in (("a1", "acme"), ("g1", "globex"))
            ],
        )
    ]
    hold = Hold(cause=HoldCause.INCONCLUSIVE, reason="g1 of globex is silent")
    rolling.rollout(world, "r000000002mm", plan, title="secret plan", **{**PAST, "phase": Phase.HELD, "hold": hold})
    at = (HOUR + 1) * HOUR_MS
    edges = [alerting.edge("slow", at=at, agent=name, tags={"tenant": tenant}) for name, tenant in (("g1", "globex"), ("a1", "acme"))]
    alerting.incident(world, *edges)
    made = report(world)
    sections = {section.id: section for section in made.sections}
    (shown,) = sections["rollouts"].tables[0].rows
    assert shown[1:3] == ["a change of these and other agents", 1]
    assert next(stat.value for stat in sections["alerts"].stats if stat.label == "Alerts") == 1
    text = render(made)
    assert [word for word in ("secret plan", "globex", "g1") if word in text] == []
    assert "secret plan" in render(report(world, ""))


def test_a_change_of_others_is_no_reason_of_a_regression() -> None:
    """A change that came to more agents than the snapshot lists may be anybody's."""
    world = company(others=True)
    states = [agent("a1", MINE), agent("g1", "tenant=globex")]
    told = [
        FleetChange(text="version prompt: theirs", at=(HOUR + 1) * HOUR_MS, until=(HOUR + 1) * HOUR_MS, agents=["g1"], more=500),
        FleetChange(text="version prompt: also theirs", at=(HOUR + 1) * HOUR_MS, until=(HOUR + 1) * HOUR_MS, agents=["g1"]),
    ]
    world.seal(*states, due_until=world.now // MINUTE_MS, changes=told)
    assert "theirs" not in world.client("read", tags=MINE).call("GET", "/api/cost/regressions?period=1d").text
    assert "theirs" not in render(report(world))
