"""Costs on the local cloud: tasks of past hours are posted, their hours built, and every answer about them equals plain arithmetic."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from clawpulse import Usage, price
from functions.domain.times import HOUR_MS, MINUTE_MS
from tests.cli.conftest import run_cli
from tests.cloud import DeployedCloud
from tests.e2e.test_api import Api

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]

WITHIN_S = 150
HOURS = (-3, -2)
"""Before the hour under way; both have points in two of their minutes."""
MINUTES = (7, 38)
KNOWN, UNKNOWN = "claude-sonnet-4-5", "e2e-own-model"
USD_PER_MILLION = {"in": 3.0, "out": 15.0, "cache_read": 0.3}
"""What the maker asks for `KNOWN`, written down apart from the price list."""
OWN = {"version": "e2e contract 1", "models": [{"match": UNKNOWN, "input": 2, "output": 10}]}
TASKS = 30
"""Of each agent in each of the minutes."""

type Run = Callable[..., str]


class Fleet:
    """Three agents of a run: one tells costs, one tokens of a known model, one those of a model that no list has."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.run = uuid4().hex[:6]
        now = time.time_ns() // 1_000_000
        self.hour = now // HOUR_MS
        self.start, self.end = ((self.hour + at) * HOUR_MS for at in (HOURS[0], HOURS[-1] + 1))
        self.tags = f"team=e2e-{self.run}"
        self.period = {"start": moment(self.start), "end": moment(self.end)}

    def post(self) -> None:
        self._post("teller", "acme", "fast", KNOWN, {"task.cost_usd": 0.25, "task.tokens_in": 1000.0, "task.tokens_out": 100.0})
        self._post("counter", "globex", "fast", KNOWN, {f"task.tokens_{kind}": float(n) for kind, n in COUNTED.items()})
        self._post("stranger", "globex", "smart", UNKNOWN, {"task.tokens_in": 500_000.0, "task.tokens_out": 10_000.0})

    def _post(self, name: str, tenant: str, tier: str, model: str, measures: dict[str, float]) -> None:
        now = time.time_ns() // 1_000_000
        starts = [(self.hour + hour) * HOUR_MS + minute * MINUTE_MS for hour in HOURS for minute in MINUTES]
        times = [start + 1_000 * task - now for start in starts for task in range(TASKS)]
        ids = [f"{self.run}-{name}-{number}" for number in range(len(times))]
        own = {"tags": {"tier": tier, "model": model}, "times": times, "attributes": {"task_id": ids}}
        values = {"task.latency_ms": [2_000.0] * len(times), **{metric: [each] * len(times) for metric, each in measures.items()}}
        said = {"cost_source": "e2e meter"}
        series = [
            {**own, "name": metric, "values": found, "tags": {**own["tags"], **(said if metric == "task.cost_usd" else {})}}
            for metric, found in values.items()
        ]
        batch = {"v": 1, "agent": f"{name}-{self.run}", "epoch": "e", "seq": 0, "time": now, "series": series}
        labels = {"team": f"e2e-{self.run}", "tenant": f"{tenant}-{self.run}"}
        events = [{**own, "name": "task.completed"}]
        answer = self.api.call("POST", "/v1/batches", json={**batch, "tags": labels, "events": events})
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejectedCount"] == 0, answer.text

    def get(self, path: str, **query: Any) -> Any:
        return self.api.get(path, **{"tags": self.tags, **self.period, **query})

    def ledger(self, **query: Any) -> Any:
        return self.get("/api/cost", **query)


COUNTED = {"in": 2_000, "out": 300, "cache_read": 5_000}
"""Tokens of a task that tells no cost. Input is without what came from the cache."""
ALL = TASKS * len(HOURS) * len(MINUTES)
REPORTED = 0.25 * ALL
PRICED = ALL * sum(COUNTED[kind] * usd for kind, usd in USD_PER_MILLION.items()) / 1e6
TOKENS = {"stranger": 510_000 * ALL, "teller": 1_100 * ALL, "counter": sum(COUNTED.values()) * ALL}
STRANGER_USD = ALL * (500_000 * 2 + 10_000 * 10) / 1e6


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def api(cloud: DeployedCloud) -> Iterator[Api]:
    found = Api(cloud.api_url, cloud.token)
    yield found
    found.session.close()


@pytest.fixture(scope="module")
def fleet(api: Api) -> Fleet:
    """Posted, and built."""
    made = Fleet(api)
    made.post()
    end = time.monotonic() + WITHIN_S
    while (found := made.ledger()["total"])["tasks"] < 3 * ALL:
        assert time.monotonic() < end, f"not built within {WITHIN_S} s: {found}"
        time.sleep(2)
    return made


@pytest.fixture
def run(cloud: DeployedCloud, tmp_path: Path) -> Run:
    """Runs a command that must succeed; returns what it prints."""

    def command(*arguments: str) -> str:
        done = run_cli(*arguments, cwd=tmp_path, COLUMNS="200", CLAWPULSE_URL=cloud.api_url, CLAWPULSE_TOKEN=cloud.token)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


@pytest.fixture
def prices(api: Api) -> Iterator[None]:
    """Prices of the workspace's own, until the test is over."""
    before = api.get("/api/prices")
    assert api.call("PUT", "/api/prices", json=OWN).status_code == 200
    yield
    assert api.call("PUT", "/api/prices", json=before).status_code == 200


def source_of_list() -> str:
    found = price(KNOWN, Usage(1, 1))
    assert found is not None
    return found.source


def test_reported_priced_and_unpriced_costs_are_apart_and_add_up(fleet: Fleet) -> None:
    found = fleet.ledger(by="tenant,model")
    total = found["total"]
    assert (total["tasks"], total["reportedTasks"], total["pricedTasks"], total["unpricedTasks"]) == (3 * ALL, ALL, ALL, ALL)
    assert total["reportedUsd"] == pytest.approx(REPORTED, rel=1e-12)
    assert total["pricedUsd"] == pytest.approx(PRICED, rel=1e-12)
    assert total["usd"] == pytest.approx(REPORTED + PRICED, rel=1e-12)
    assert total["unpricedTokens"] == TOKENS["stranger"]
    assert {(one["how"], one["source"]) for one in total["sources"]} == {("reported", "e2e meter"), ("priced", source_of_list())}
    assert found["unpricedModels"] == [{"model": UNKNOWN, "tasks": ALL, "tokens": TOKENS["stranger"]}]
    lines = {(line["tags"]["tenant"].split("-")[0], line["tags"]["model"]): line["usd"] for line in found["lines"]}
    assert lines == {
        ("acme", KNOWN): pytest.approx(REPORTED, rel=1e-12),
        ("globex", KNOWN): pytest.approx(PRICED, rel=1e-12),
        ("globex", UNKNOWN): None,
    }
    assert found["notes"] == []


def test_each_task_tells_its_cost_and_whose_figure_it_is(fleet: Fleet) -> None:
    told = {}
    for name in ("teller", "counter", "stranger"):
        period = {"start": fleet.period["start"], "end": fleet.period["end"]}
        found = fleet.api.get("/api/tasks", agent=f"{name}-{fleet.run}", limit=1, **period)["tasks"]
        told[name] = found[0]["cost"]
    assert (told["teller"]["how"], told["teller"]["usd"], told["teller"]["source"]) == ("reported", 0.25, "e2e meter")
    assert (told["counter"]["how"], told["counter"]["source"]) == ("priced", source_of_list())
    assert told["counter"]["usd"] == pytest.approx(PRICED / ALL, rel=1e-9)
    assert (told["stranger"]["how"], told["stranger"]["usd"]) == ("unpriced", None)


def test_a_tenants_token_sees_its_own_costs_only(cloud: DeployedCloud, fleet: Fleet) -> None:
    wanted = {"name": "e2e", "scopes": ["read"], "tags": {"tenant": f"acme-{fleet.run}"}}
    answer = fleet.api.call("POST", "/api/tokens", json=wanted)
    assert answer.status_code == 201, answer.text
    tenant = Api(cloud.api_url, answer.json()["token"])
    total = tenant.get("/api/cost", **fleet.period)["total"]
    assert (total["tasks"], total["usd"]) == (ALL, pytest.approx(REPORTED))
    assert [one["tasks"] for one in tenant.get("/api/tracker", **fleet.period, by="")["groups"]] == [ALL]
    assert tenant.call("GET", "/api/prices").status_code == 403
    tenant.session.close()


def test_costs_over_time_add_up_too(fleet: Fleet) -> None:
    (line,) = fleet.ledger(step=3600)["lines"]
    assert [usd for _, usd in line["points"]] == pytest.approx([(REPORTED + PRICED) / len(HOURS)] * len(HOURS), rel=1e-12)


def test_the_command_line_shows_the_ledger(fleet: Fleet, run: Run) -> None:
    shown = run("cost", "show", "--tags", fleet.tags, "--by", "tenant", "--range", "5h")
    assert f"reported: ${REPORTED:.2f} of {ALL} tasks (e2e meter)" in shown
    assert f"priced: ${PRICED:.2f} of {ALL} tasks ({source_of_list()})" in shown
    assert f"unpriced: {ALL} tasks, {TOKENS['stranger']:,} tokens of {UNKNOWN}" in shown


def test_bills_as_json_csv_and_focus(fleet: Fleet, run: Run) -> None:
    months = sorted({moment(at)[:7] for at in (fleet.start, fleet.end - 1)})
    bills: dict[str, float] = {}
    focus = []
    for month in months:
        for row in csv.DictReader(io.StringIO(run("cost", "chargeback", "--tags", fleet.tags, "--month", month, "--format", "csv"))):
            bills[row["tenant"]] = bills.get(row["tenant"], 0.0) + float(row["usd"])
        text = run("cost", "chargeback", "--tags", fleet.tags, "--month", month, "--format", "focus")
        focus += list(csv.DictReader(io.StringIO(text)))
    assert bills == {f"acme-{fleet.run}": pytest.approx(REPORTED), f"globex-{fleet.run}": pytest.approx(PRICED)}
    assert math.fsum(float(row["BilledCost"]) for row in focus) == pytest.approx(REPORTED + PRICED, rel=1e-12)
    assert {(row["x_CostHow"], row["SkuId"], row["SubAccountId"]) for row in focus} == {
        ("reported", KNOWN, f"tenant=acme-{fleet.run}"),
        ("priced", KNOWN, f"tenant=globex-{fleet.run}"),
    }
    assert sum(float(row["ConsumedQuantity"]) for row in focus) == TOKENS["teller"] + TOKENS["counter"]


def test_the_tracker_and_the_planner_read_the_same_tasks(fleet: Fleet, run: Run) -> None:
    groups = {one["tags"]["tier"]: one for one in fleet.get("/api/tracker", by="tier")["groups"]}
    assert {tier: one["tasks"] for tier, one in groups.items()} == {"fast": 2 * ALL, "smart": ALL}
    seconds = (fleet.end - fleet.start) / 1000
    assert groups["fast"]["arrivalRate"] == pytest.approx(2 * ALL / seconds, rel=1e-9)
    assert groups["fast"]["service"]["mean"] == pytest.approx(2.0, rel=1e-9)
    assert "fast" in run("tracker", "--tags", fleet.tags, "--range", "5h")
    plan = json.loads(run("capacity", "plan", "--tags", fleet.tags, "--range", "5h", "--json"))
    tiers = {tier["tags"]["tier"]: tier for tier in plan["tiers"]}
    for tier in tiers.values():
        needed = tier["arrival_rate"] * tier["service_time"] / (tier["utilization"] * tier["concurrency"])
        assert tier["agents"] == math.ceil(needed - 1e-9)
        assert tier["wanted"] == math.ceil(tier["agents"] * 1.3 - 1e-9)
    assert tiers["fast"]["arrival_rate"] >= tiers["smart"]["arrival_rate"] > 0


def test_a_report_on_these_hours_has_the_same_cost(fleet: Fleet) -> None:
    wanted = {**fleet.period, "tags": fleet.tags, "formats": ["json", "markdown"]}
    answer = fleet.api.call("POST", "/api/reports", json=wanted)
    assert answer.status_code == 202, answer.text
    path, end = f"/api/reports/{answer.json()['id']}", time.monotonic() + WITHIN_S
    while (found := fleet.api.get(path))["state"] not in ("done", "failed"):
        assert time.monotonic() < end, f"not made within {WITHIN_S} s"
        time.sleep(1)
    assert found["state"] == "done", found
    files = {file["format"]: requests.get(file["url"], timeout=30) for file in found["files"]}
    stats = {stat["label"]: stat["value"] for stat in files["json"].json()["headline"]}
    assert stats["Agents"] == 3
    assert stats["Tasks"] == 3 * ALL
    assert stats["Cost"] == pytest.approx(REPORTED + PRICED, rel=1e-12)
    assert UNKNOWN in files["markdown"].text


def test_prices_of_ones_own_are_applied_to_the_past(fleet: Fleet, run: Run, prices: None) -> None:
    reprice = ("cost", "reprice", "--tags", fleet.tags, "--range", "5h", "--json")
    dry = json.loads(run(*reprice))
    assert (dry["dryRun"], dry["hoursChanged"]) == (True, len(HOURS))
    assert dry["before"]["unpricedTasks"] == ALL
    assert dry["after"]["unpricedTasks"] == 0
    assert fleet.ledger()["total"]["unpricedTasks"] == ALL, "a dry run changes nothing"
    done = json.loads(run(*reprice, "--apply"))
    assert (done["hoursChanged"], done["after"]) == (dry["hoursChanged"], dry["after"])
    total = fleet.ledger()["total"]
    sums = {one["source"]: one["usd"] for one in total["sources"]}
    assert sums == {
        "e2e meter": pytest.approx(REPORTED),
        source_of_list(): pytest.approx(PRICED),
        OWN["version"]: pytest.approx(STRANGER_USD),
    }
    assert total["unpricedTasks"] == 0
    assert json.loads(run(*reprice, "--apply"))["hoursChanged"] == 0, "the same prices change nothing twice"
    kept = fleet.api.get("/api/cost/reprice")["repricings"][0]
    assert (kept["tags"], kept["hoursChanged"]) == (fleet.tags, len(HOURS))
