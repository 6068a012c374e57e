"""On the local cloud: a configuration goes to its agent and its report comes back; the agent's files are served to everybody."""

from __future__ import annotations

import hashlib
import time
from typing import Any
from uuid import uuid4

import pytest

from tests.cloud import DeployedCloud
from tests.e2e.test_api import Api, until

pytestmark = pytest.mark.cloud


def test_a_configuration_goes_to_its_agent_and_its_report_comes_back(cloud: DeployedCloud) -> None:
    api, agent = Api(cloud.api_url, cloud.token), f"config-{uuid4().hex[:6]}"
    sequence = iter(range(100))

    def post(**config: str) -> Any:
        body = {"v": 1, "agent": agent, "epoch": "e", "seq": next(sequence), "time": time.time_ns() // 1_000_000}
        answer = api.call("POST", "/v1/batches", json={**body, "info": {"config": config}})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert post()["desired"] is None
    made = api.call("PUT", f"/api/agents/{agent}/desired", json={"größe": 1, "a": "x" * 250_000}, headers={"If-None-Match": "*"})
    assert made.status_code == 200, made.text
    wanted = made.json()["hash"]
    assert post()["desired"] == wanted

    fetched = api.call("GET", "/v1/config", params={"agent": agent})
    assert (fetched.status_code, fetched.headers["X-ClawPulse-Config"]) == (200, wanted)
    assert hashlib.sha256(fetched.content).hexdigest()[:32] == wanted
    again = api.call("GET", "/v1/config", params={"agent": agent}, headers={"If-None-Match": fetched.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    post(written=wanted, error="no such model")
    until(lambda: config_of(api, agent) == {"desired": wanted, "written": wanted, "applied": None, "error": "no such model"})
    conditions = {"If-Match": f'"{wanted}"'}
    assert api.call("PUT", f"/api/agents/{agent}/desired", json={}, headers=conditions).status_code == 200
    assert api.call("PUT", f"/api/agents/{agent}/desired", json={"b": 1}, headers=conditions).status_code == 412
    assert api.call("DELETE", f"/api/agents/{agent}/desired").status_code == 204
    assert post()["desired"] is None
    api.session.close()


def config_of(api: Api, agent: str) -> Any:
    return next((each["config"] for each in api.get("/api/dashboard/instances")["instances"] if each["id"] == agent), None)


def test_the_installer_has_the_address_that_it_came_from(cloud: DeployedCloud) -> None:
    visitor = Api(cloud.api_url, None)
    script = visitor.call("GET", "/install.sh")
    assert (script.status_code, script.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert cloud.api_url in script.text
    agent = visitor.call("GET", "/agent/clawpulse-agent")
    assert hashlib.sha256(agent.content).hexdigest() in script.text
    assert visitor.call("GET", "/agent/clawpulse-agent.sha256").text.split()[0] in script.text
    assert "cp_metric" in visitor.call("GET", "/agent/clawpulse.sh").text
    assert visitor.call("GET", "/agent/install.sh").status_code == 404
    visitor.session.close()
