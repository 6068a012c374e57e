"""The API on the local cloud: gateway, authorizer, Lambda, DynamoDB and Timestream; what agents post is what it shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.cloud import DeployedCloud

pytestmark = pytest.mark.cloud

SEALED_S = 100
"""Within this a tick has run: the rule fires each minute, its ticks are 15 s apart."""


class Api:
    """Calls with a token."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **options)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def api(cloud: DeployedCloud) -> Iterator[Api]:
    found = Api(cloud.api_url, cloud.token)
    yield found
    found.session.close()


@pytest.fixture(scope="module")
def names(api: Api) -> tuple[str, str]:
    """Two agents of this run: the first finishes nine tasks and fails one, the second only lives."""
    run = uuid4().hex[:6]
    first, second = f"e2e-{run}-1", f"e2e-{run}-2"
    tags = {"env": run, "tier": "fast", "rack": "r1"}
    ids = [f"{run}-t{number}" for number in range(10)]
    times = [-100 * number for number in range(10)]
    done = {"tags": {}, "times": times[:9], "attributes": {"task_id": ids[:9]}}
    failed = {"tags": {}, "times": times[9:], "attributes": {"task_id": ids[9:]}, "payloads": [{"err": "boom"}]}
    measured = [("task.latency_ms", [100.0 * (number + 1) for number in range(9)]), ("task.cost_usd", [0.01] * 9)]
    batch = {
        "series": [{"name": name, "values": values, **done} for name, values in measured],
        "events": [{"name": "task.completed", **done}, {"name": "task.failed", **failed}],
    }
    for agent, content in ((first, batch), (second, {})):
        body = {"v": 1, "agent": agent, "epoch": "e", "seq": 0, "time": time.time_ns() // 1_000_000, "tags": tags, **content}
        answer = api.call("POST", "/v1/batches", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejectedCount"] == 0
    until(lambda: len(api.get("/api/dashboard/instances", tags=f"env={run}")["instances"]) == 2)
    return first, second


def until(holds: Callable[[], bool]) -> None:
    """Wait until a tick has made something true."""
    end = time.monotonic() + SEALED_S
    while not holds():
        assert time.monotonic() < end, "no tick did it"
        time.sleep(1)


def env(names: tuple[str, str]) -> str:
    return f"env={names[0].split('-')[1]}"


def test_agents_are_listed_with_their_health(api: Api, names: tuple[str, str]) -> None:
    found = api.get("/api/dashboard/instances", tags=env(names))["instances"]
    assert [each["id"] for each in found] == list(names)
    assert {each["health"]["status"] for each in found} <= {"green", "yellow", "red"}
    assert found[0]["tags"]["rack"] == "r1"


def test_the_feed_of_tasks(api: Api, names: tuple[str, str]) -> None:
    found = api.get("/api/tasks", tags=env(names))["tasks"]
    assert len(found) == 10
    assert [each["status"] for each in found if each["errors"] or each["status"] == "failed"] == ["failed"]
    assert api.get("/api/tasks", tags=f"{env(names)},rack=r1", errors="true")["tasks"][0]["error"] == "boom"
    band = api.get("/api/tasks", tags=env(names), band="p50-p100")
    assert {each["latencyMs"] for each in band["tasks"]} == {500.0, 600.0, 700.0, 800.0, 900.0}


def test_the_feed_of_tasks_page_by_page(api: Api, names: tuple[str, str]) -> None:
    seen, cursor = [], None
    for _ in range(5):
        page = api.get("/api/tasks", agent=names[0], limit=4, cursor=cursor)
        seen += [each["id"] for each in page["tasks"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 10


def test_the_feed_of_events(api: Api, names: tuple[str, str]) -> None:
    found = api.get("/api/events", agent=names[0], name="task.failed")["events"]
    assert [each["payload"] for each in found] == [{"err": "boom"}]


def test_series_of_the_group_and_of_single_agents(api: Api, names: tuple[str, str]) -> None:
    def total(**query: Any) -> float:
        lines = api.get("/api/series", metric="task.cost_usd", aggregation="count", range="10m", **query)["series"]
        return sum(value or 0 for line in lines for _, value in line["points"])

    until(lambda: total(tags=env(names)) == 9)
    until(lambda: total(tags=f"{env(names)},rack=r1", by="agent") == 9)


def test_the_summary_counts_what_was_posted(api: Api, names: tuple[str, str]) -> None:
    until(lambda: api.get("/api/dashboard/summary", tags=env(names), range="1h")["window"]["tasks"] == 10)
    found = api.get("/api/dashboard/summary", tags=env(names), range="1h")
    assert (found["agents"], found["stale"]) == (2, False)
    window = found["window"]
    assert (window["errors"], window["errorRate"], window["costUsd"]) == (1, 0.1, pytest.approx(0.09))
    assert window["latency"]["p50"] == pytest.approx(500, rel=0.011)
    assert window["tiers"]["fast"]["tasks"] == 10


def test_what_failed_is_an_error_and_new_once(api: Api, names: tuple[str, str]) -> None:
    def errors() -> Any:
        return api.get("/api/errors", tags=env(names), range="10m")["errors"]

    until(lambda: bool(errors()))
    (found,) = errors()
    assert (found["message"], found["count"], found["new"], found["agents"], found["tiers"]) == (
        "boom",
        1,
        True,
        {names[0]: 1},
        {"fast": 1},
    )
    assert found["sample"]["payload"] == '{"err":"boom"}'
    shown = api.get(f"/api/errors/{found['fingerprint']}", range="10m", agent=names[0])
    assert sum(count for _, count in shown["points"]) == 1
    for link, feed in ((shown["links"]["tasks"], "tasks"), (shown["links"]["events"], "events")):
        assert len(api.get(link)[feed]) == 1
    (line,) = api.get("/api/series", metric="task.new_errors", aggregation="sum", range="10m", tags=env(names))["series"]
    assert sum(value or 0 for _, value in line["points"]) == 1


def test_an_edit_is_seen_at_once(api: Api, names: tuple[str, str]) -> None:
    edited = api.call("PATCH", f"/api/agents/{names[1]}", json={"tags": {"team": "red"}, "owner": "eve"})
    assert edited.status_code == 200, edited.text
    found = api.get("/api/dashboard/instances", tags=f"{env(names)},team=red")["instances"]
    assert [(each["id"], each["owner"]) for each in found] == [(names[1], "eve")]
    assert api.get(f"/api/agents/{names[1]}")["remoteTags"] == {"team": "red"}


def test_an_expected_agent_comes_and_goes(api: Api, names: tuple[str, str]) -> None:
    agent = f"{names[0]}-expected"
    assert api.call("POST", "/api/agents", json={"id": agent, "tags": {"env": agent}}).status_code == 201
    assert [each["id"] for each in api.get("/api/dashboard/instances", tags=f"env={agent}")["instances"]] == [agent]
    assert api.call("DELETE", f"/api/agents/{agent}").status_code == 204
    assert api.get("/api/dashboard/instances", tags=f"env={agent}")["instances"] == []
    assert api.call("GET", f"/api/agents/{agent}").status_code == 404


def test_a_scoped_token_from_creation_to_revocation(api: Api, cloud: DeployedCloud, names: tuple[str, str]) -> None:
    key, value = env(names).split("=")
    made = api.call("POST", "/api/tokens", json={"name": "e2e", "scopes": ["read"], "tags": {key: value}})
    assert made.status_code == 201, made.text
    scoped = Api(cloud.api_url, made.json()["token"])
    assert [each["id"] for each in scoped.get("/api/dashboard/instances")["instances"]] == list(names)
    assert {each["agent"] for each in scoped.get("/api/tasks")["tasks"]} == {names[0]}
    refused = scoped.call("GET", "/api/tokens")
    assert (refused.status_code, "admin" in refused.json()["detail"]) == (403, True)
    assert api.call("DELETE", f"/api/tokens/{made.json()['id']}").status_code == 200
    listed = {each["id"]: each["state"] for each in api.get("/api/tokens")["tokens"]}
    assert listed[made.json()["id"]] == "revoked"


def test_an_etag_is_known_again(api: Api) -> None:
    first = api.call("GET", "/api/settings")
    again = api.call("GET", "/api/settings", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_settings_are_replaced(api: Api) -> None:
    before = api.get("/api/settings")
    changed = api.call("PUT", "/api/settings", json=before | {"health": before["health"] | {"zombie_after_s": 301}})
    assert changed.json()["health"]["zombie_after_s"] == 301
    assert api.call("PUT", "/api/settings", json=before).json() == before


def test_open_routes_need_no_token(cloud: DeployedCloud) -> None:
    visitor = Api(cloud.api_url, None)
    assert visitor.get("/healthz") == {"status": "ok"}
    assert visitor.get("/api/openapi.json")["openapi"].startswith("3.1")
    page = visitor.call("GET", "/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    files = re.findall(r'"(assets/[^"]+)"', page.text)
    assert len(files) >= 3
    for file in files:
        assert visitor.call("GET", f"/{file}").status_code == 200


@pytest.mark.parametrize("token", [None, "cp_0000000000000_" + "0" * 43, "nonsense"])
def test_without_a_good_token(cloud: DeployedCloud, token: str | None) -> None:
    refused = Api(cloud.api_url, token).call("GET", "/api/dashboard/summary")
    assert (refused.status_code, refused.headers["Content-Type"]) == (401, "application/problem+json")
    assert refused.json()["status"] == 401


def test_what_does_not_fit_names_its_field(api: Api) -> None:
    refused = api.call("GET", "/api/series?metric=1x")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert refused.json()["field"] == "metric"
