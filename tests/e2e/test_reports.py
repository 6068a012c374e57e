"""A report on the local cloud: asked for over the gateway, made by its function, kept in S3, told to a channel, opened by its link."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from functions.adapters.fleet import Fleet
from tests.cloud import DeployedCloud
from tests.notify.vendors.base import serving
from tests.notify.vendors.slack import CHANNEL, TOKEN, Slack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]

WORKSPACE = "default"
WITHIN_S = 120


@pytest.fixture
def slack(cloud: DeployedCloud) -> Iterator[Slack]:
    """A stand-in for Slack, which the workspace has as the channel `report-chat`."""
    vendor, secrets, name = Slack(), cloud.client("secretsmanager"), f"clawpulse/{WORKSPACE}/e2e-report-slack"
    secrets.create_secret(Name=name, SecretString=json.dumps({"token": TOKEN}))
    fleet = Fleet(cloud.client("dynamodb"), cloud.settings.fleet_table)
    before = fleet.settings(WORKSPACE, "channels") or {}
    with serving(vendor):
        channel = {"kind": "slack", "channel": CHANNEL, "api": vendor.api, "secret": {"secretsmanager": name, "key": "token"}}
        fleet.put_settings(WORKSPACE, "channels", {**before, "report-chat": channel})
        yield vendor
    fleet.put_settings(WORKSPACE, "channels", before)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def made(cloud: DeployedCloud, report: str) -> Any:
    """The report once it is over."""
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        found = called(cloud, "GET", f"/api/reports/{report}").json()
        if found["state"] in ("done", "failed"):
            return found
        time.sleep(1)
    pytest.fail(f"not made within {WITHIN_S} s: {found}")


def called(cloud: DeployedCloud, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {cloud.token}"}
    return requests.request(method, cloud.api_url + path, headers=headers, timeout=30, **options)


def test_a_report_is_made_kept_told_and_opened(cloud: DeployedCloud, slack: Slack) -> None:
    answer = called(cloud, "POST", "/api/reports", json={"range": "24h", "channels": ["report-chat"]})
    assert answer.status_code == 202, answer.text
    found = made(cloud, answer.json()["id"])
    assert found["state"] == "done", found
    texts = {file["format"]: requests.get(file["url"], timeout=30) for file in found["files"]}
    assert {format: text.status_code for format, text in texts.items()} == {"html": 200, "markdown": 200, "json": 200}
    assert texts["json"].json()["id"] == found["id"]
    assert texts["html"].headers["Content-Type"] == "text/html; charset=utf-8"
    assert {file["format"]: file["bytes"] for file in found["files"]} == {format: len(text.content) for format, text in texts.items()}
    _opened_by_link(cloud, found, slack)


def _opened_by_link(cloud: DeployedCloud, found: Any, slack: Slack) -> None:
    end = time.monotonic() + WITHIN_S
    while not slack.requests and time.monotonic() < end:
        time.sleep(0.5)
    told = json.dumps([str(request) for request in slack.requests])
    start = told.index("/shared/reports/")
    link = told[start : told.index("|Open the report")]
    page = requests.get(cloud.api_url + link, timeout=30)
    assert page.status_code == 200
    assert [hop.status_code for hop in page.history] == [302]
    assert found["id"] in page.text
    assert requests.get(cloud.api_url + link[:-1] + ("0" if link[-1] != "0" else "1"), timeout=30).status_code == 404


def test_the_clock_makes_what_the_schedule_wants(cloud: DeployedCloud) -> None:
    functions = cloud.client("lambda").get_paginator("list_functions").paginate()
    name = next(f["FunctionName"] for page in functions for f in page["Functions"] if f["Handler"] == "functions.reports.handler.tick")
    # Due now, whatever the hour is: it waits for the end of its day's last hour only.
    hour = time.gmtime().tm_hour
    wanted = {"reports": [{"name": "e2e", "every": "day", "hour": max(hour - 1, 0), "channels": [], "formats": ["markdown"]}]}
    assert called(cloud, "PUT", "/api/report-schedule", json=wanted).status_code == 200
    try:
        for _ in range(2):
            run = cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
            assert "FunctionError" not in run, run["Payload"].read()
        listed = called(cloud, "GET", "/api/reports", params={"schedule": "e2e"}).json()["reports"]
        assert len(listed) == 1
        assert made(cloud, listed[0]["id"])["state"] == "done"
    finally:
        called(cloud, "PUT", "/api/report-schedule", json={})
