"""An agent is killed, and somebody hears of it in time: rules, evaluation, incidents and delivery on the local cloud.

The message goes to a strict stand-in for Slack, with a token from Secrets Manager, as it would when deployed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.fleet import Fleet
from tests.cloud import DeployedCloud
from tests.notify.vendors.base import serving
from tests.notify.vendors.slack import CHANNEL, TOKEN, Slack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]

ROOT = Path(__file__).parents[2]
WORKSPACE = "default"
WITHIN_S = 60
AGENT = """
import os, time
from clawpulse import cp_event, cp_metric
cp_metric("fleet.active_workers", 1)
if os.environ["ROLE"] == "zombie":
    cp_event("task.started", tags={"task_id": "stuck"})
while True:
    if os.environ["ROLE"] == "worker":
        cp_event("task.started", tags={"task_id": str(time.time_ns())})
        cp_metric("task.latency_ms", 500)
        cp_event("task.completed")
    time.sleep(3)
"""
MINE = {"per": "agent", "select": "agent=~e2e-.*"}
RULES = [
    {"name": "e2e-dead", "severity": "critical", "when": {"field": "heartbeat_age_s", "above": 35}, **MINE},
    {"name": "e2e-zombie", "when": {"health": ["red"]}, "for": "15s", **MINE},
]


@pytest.fixture
def slack() -> Iterator[Slack]:
    vendor = Slack()
    with serving(vendor):
        yield vendor


@pytest.fixture
def watched(cloud: DeployedCloud, slack: Slack) -> Iterator[Fleet]:
    """The workspace watches agents called e2e-… and tells the stand-in."""
    secrets = cloud.client("secretsmanager")
    name = f"clawpulse/{WORKSPACE}/e2e-slack"
    secrets.create_secret(Name=name, SecretString=json.dumps({"token": TOKEN}))
    fleet = Fleet(cloud.client("dynamodb"), cloud.settings.fleet_table)
    channel = {"kind": "slack", "channel": CHANNEL, "api": slack.api, "secret": {"secretsmanager": name, "key": "token"}}
    documents: dict[str, Any] = {
        "channels": {"chat": channel},
        "routes": {"routes": [{"name": "e2e", "channels": ["chat"], "group_by": ["rule", "agent"], "group_wait": "0s"}]},
        "rules": {"packs": [], "rules": RULES},
    }
    for document, value in documents.items():
        fleet.put_settings(WORKSPACE, document, value)
    fleet.put_settings(WORKSPACE, "workspace", {"health": {"zombie_after_s": 30}})
    yield fleet
    for document in documents:
        fleet.put_settings(WORKSPACE, document, {})
    fleet.put_settings(WORKSPACE, "workspace", {})
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


class Agents:
    """Processes of the SDK."""

    def __init__(self, cloud: DeployedCloud) -> None:
        self._cloud = cloud
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, role: str) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "sdk" / "src"),
            "CLAWPULSE_URL": self._cloud.api_url,
            "CLAWPULSE_TOKEN": self._cloud.token,
            "CLAWPULSE_AGENT": name,
            "CLAWPULSE_SPOOL": "off",
            "CLAWPULSE_FLUSH_SECONDS": "5",
            "ROLE": role,
        }
        self._processes[name] = subprocess.Popen([sys.executable, "-c", AGENT], env=env)

    def kill(self, name: str) -> float:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        return time.monotonic()

    def end(self) -> None:
        for name in list(self._processes):
            self.kill(name)


def texts(slack: Slack) -> str:
    return json.dumps(list(slack.messages.values()), ensure_ascii=False)


def wait(what: str, holds: Callable[[], bool], seconds: float) -> float:
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            pytest.fail(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.25)
    return time.monotonic() - started


def test_a_killed_agent_is_told_within_a_minute_and_so_is_its_return(cloud: DeployedCloud, watched: Fleet, slack: Slack) -> None:
    agents = Agents(cloud)
    try:
        agents.start("e2e-a", "worker")
        agents.start("e2e-b", "worker")
        agents.start("e2e-stuck", "zombie")
        wait("the agents are known", lambda: {"e2e-a", "e2e-b", "e2e-stuck"} <= set(watched.agents(WORKSPACE)), 90)
        time.sleep(5)
        assert "e2e-dead" not in texts(slack)
        agents.kill("e2e-a")
        took = wait("the death of e2e-a is told", lambda: "e2e-dead" in texts(slack), WITHIN_S)
        assert "e2e-a" in texts(slack)
        assert "e2e-b" not in texts(slack), "the other one lives"
        print(f"told {took:.0f} s after the kill")
        agents.start("e2e-a", "worker")
        wait("its return is told", lambda: "resolved" in texts(slack).lower(), 90)
        wait("the zombie is found", lambda: "e2e-zombie" in texts(slack) and "e2e-stuck" in texts(slack), 120)
        assert "e2e-b" not in texts(slack)
        assert slack.refusals == [], "every message is one that Slack takes"
    finally:
        agents.end()
