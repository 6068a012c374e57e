"""The function as it is deployed: it decides by what agents report, the API tells it, and rate limits become an incident."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clawpulse import Client
from clawpulse.cli._api import Api
from tests.cli.live import wait_for
from tests.cloud import DeployedCloud

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]
TAGS = {"team": "scaling-e2e"}
# Levels hold from the first look on: the minutes of the usual policy are other tests' matter.
AT_ONCE = {"up_for_s": 0, "up_cooldown_s": 0}
POLICY = {
    "groups": {"e2e": {"tags": "team=scaling-e2e", "min": 2, "max": 9, "step_up": "4", "queue": AT_ONCE, "rate_limited": {"above": 5}}}
}


def test_agents_are_decided_upon(cloud: DeployedCloud) -> None:
    api = Api(cloud.api_url, cloud.token)
    token = api.send("POST", "api/tokens", {"name": "scaling", "scopes": ["ingest"]})["token"]
    api.send("PUT", "api/scaling-policy", POLICY)
    try:
        with Client(url=cloud.api_url, token=token, agent="scaling-agent", tags=TAGS, spool="off") as client:
            client.metric("queue.depth", 31)
            for _ in range(9):
                client.metric("llm.rate_limited", 1)
            assert client.flush(timeout=60)
            decided = wait_for(lambda: decision(cloud, api))
        assert (decided["group"], decided["queueDepth"], decided["current"]) == ("e2e", 31, 1)
        assert 2 <= decided["desired"] <= 9
        changes = wait_for(lambda: api.get("api/scaling/e2e/history", range="1h")["decisions"])
        assert changes[-1]["desired"] == 2
        assert changes[-1]["reason"].endswith(" to 2: there may be from 2 to 9")
        external = api.get("apis/external.metrics.k8s.io/v1beta1/namespaces/x/desired", labelSelector="group=e2e")
        assert int(external["items"][0]["value"]) >= 2
        incident = wait_for(lambda: paged(cloud, api))
        assert incident["severity"] == "critical"
    finally:
        api.send("PUT", "api/scaling-policy", {})
        decide(cloud)
    assert [one["group"] for one in api.get("api/scaling")["groups"]] == []


def decide(cloud: DeployedCloud) -> None:
    """A run now, without waiting for the minute."""
    client = cloud.client("lambda")
    names = [found["FunctionName"] for page in client.get_paginator("list_functions").paginate() for found in page["Functions"]]
    (name,) = [name for name in names if "ScalingDecide" in name]
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, json.loads(answer["Payload"].read())


def decision(cloud: DeployedCloud, api: Api) -> dict[str, Any] | None:
    decide(cloud)
    found = next((one for one in api.get("api/scaling")["groups"] if one["group"] == "e2e"), None)
    return found if found and found["queueDepth"] is not None else None


def paged(cloud: DeployedCloud, api: Api) -> dict[str, Any] | None:
    decide(cloud)
    found = api.get("api/incidents")["incidents"]
    return next((one for one in found if "scaling-rate-limited" in json.dumps(one)), None)
