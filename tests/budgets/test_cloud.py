"""The function as it is deployed: it counts what agents report, and its rollout is one of the API's."""

from __future__ import annotations

import json

import pytest

from clawpulse import Client
from clawpulse.cli._api import Api
from tests.cli.live import wait_for
from tests.cloud import DeployedCloud

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]
TAGS = {"team": "budget-e2e"}


def test_a_budget_is_counted_and_acts(cloud: DeployedCloud) -> None:
    api = Api(cloud.api_url, cloud.token)
    token = api.send("POST", "api/tokens", {"name": "budgets", "scopes": ["ingest"]})["token"]
    act = {"at": 1.2, "do": {"model": "haiku"}}
    limits = {"tokens_per_day": 1000, "tokens_per_month": 9000, "usd_per_day": 1}
    api.send("PUT", "api/budgets", {"team=budget-e2e": {**limits, "act": act}})
    try:
        with Client(url=cloud.api_url, token=token, agent="budget-agent", tags=TAGS, spool="off") as client:
            client.metric("task.tokens_in", 1240, tags={"task_id": "t-1", "model": "claude-sonnet-4-5"})
            assert client.flush(timeout=60)
        acting = wait_for(lambda: counted(cloud, api))
        assert (acting["used"], acting["level"], acting["act"]["state"]) == (1240, "act", "in force")
        assert "1,240 tokens of 1,000 tokens (124 %)" in acting["reason"]
        states = {one["budget"]: one for one in api.get("api/budgets/state", tags="team=budget-e2e")["budgets"]}
        assert states["usd_per_day"]["used"] == states["usd_per_day"]["priced"] == pytest.approx(1240 * 3 / 1e6)
        rollout = api.get(f"api/rollouts/{acting['act']['rollout']}")
        assert rollout["title"] == "budget team=budget-e2e: 1.24 of tokens_per_day: model haiku"
        wait_for(lambda: api.get("api/agents/budget-agent")["config"]["desired"])
        assert api.get("api/agents/budget-agent/desired")["document"] == {"model": {"primary": "haiku"}}
    finally:
        api.send("PUT", "api/budgets", {})
        count(cloud)


def count(cloud: DeployedCloud) -> None:
    """A run now, without waiting for the minute."""
    client = cloud.client("lambda")
    names = [found["FunctionName"] for page in client.get_paginator("list_functions").paginate() for found in page["Functions"]]
    (name,) = [name for name in names if "BudgetsCount" in name]
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, json.loads(answer["Payload"].read())


def counted(cloud: DeployedCloud, api: Api) -> dict[str, object] | None:
    count(cloud)
    found = api.get("api/budgets/state", tags="team=budget-e2e")["budgets"]
    return next((one for one in found if one["budget"] == "tokens_per_day" and one["act"]["state"] == "in force"), None)
