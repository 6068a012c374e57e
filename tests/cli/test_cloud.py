"""The command line against the local cloud: what an agent reports is what the commands show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clawpulse.cli._api import Api
from tests.cli.conftest import run_cli
from tests.cli.live import report, wait_for
from tests.cloud import DeployedCloud

pytestmark = pytest.mark.cloud

Run = Callable[..., str]
ENV = "cli-test"


@pytest.fixture(scope="module")
def run(cloud: DeployedCloud, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command that must succeed, with the env file that `clawpulse local up` writes."""
    folder: Path = tmp_path_factory.mktemp("project")
    cloud.access.write(folder / ".clawpulse" / "env")

    def command(*arguments: str) -> str:
        done = run_cli(*arguments, cwd=folder, COLUMNS="200")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


@pytest.fixture(scope="module")
def agent(cloud: DeployedCloud, run: Run) -> dict[str, Any]:
    report(Api(cloud.api_url, cloud.token), "cli-agent", ENV)
    return wait_for(lambda: next(iter(json.loads(run("agents", "--tags", f"env={ENV}", "--json"))["instances"]), None))


def test_the_agent_is_listed_and_shown(run: Run, agent: dict[str, Any]) -> None:
    assert (agent["id"], agent["tags"]["env"], agent["model"]) == ("cli-agent", ENV, "swift-1")
    assert "cli-agent" in run("agents", "--tags", f"env={ENV}")
    assert "swift-1" in run("agents", "show", "cli-agent")


def test_summary_and_series_have_its_tasks(run: Run, agent: dict[str, Any]) -> None:
    def window() -> Any:
        found = json.loads(run("summary", "--tags", f"env={ENV}", "--range", "5m", "--json"))["window"]
        return found if found["tasks"] == 2 else None

    found = wait_for(window)
    assert (found["errors"], found["costUsd"], found["tiers"]["fast"]["tasks"]) == (1, 0.25, 2)
    assert found["latency"]["p50"] == pytest.approx(812.5, rel=0.01)
    assert "fast" in run("summary", "--tags", f"env={ENV}", "--range", "5m")
    points = json.loads(run("series", "task.cost_usd", "-a", "sum", "--tags", f"env={ENV}", "--json"))["series"][0]["points"]
    assert sum(value for _, value in points if value is not None) == 0.25


def test_tasks_and_events_are_fed_from_raw_history(run: Run, agent: dict[str, Any]) -> None:
    tasks = {task["id"]: task for task in json.loads(run("tasks", "--agent", "cli-agent", "--json"))["tasks"]}
    assert {task: found["status"] for task, found in tasks.items()} == {"cli-agent-1": "completed", "cli-agent-2": "failed"}
    assert tasks["cli-agent-1"]["latencyMs"] == 812.5
    assert [task["id"] for task in json.loads(run("tasks", "--agent", "cli-agent", "--errors", "--json"))["tasks"]] == ["cli-agent-2"]
    assert '{"err": "boom"}' in run("events", "--agent", "cli-agent", "--name", "task.failed")
    assert len(json.loads(run("tasks", "--agent", "cli-agent", "--limit", "1", "--json"))["tasks"]) == 1


def test_an_agent_is_tagged_retired_and_forgotten(run: Run, agent: dict[str, Any]) -> None:
    assert "team=blue" in run("agents", "tag", "cli-agent", "team=blue")
    assert "cli-agent" in run("agents", "--tags", f"env={ENV},team=blue")
    assert "team=blue" not in run("agents", "tag", "cli-agent", "team-")
    run("agents", "retire", "cli-agent")
    assert "○ grey" in run("agents", "--tags", f"env={ENV}")
    run("agents", "retire", "cli-agent", "--undo")
    run("agents", "expect", "cli-to-come")
    assert "never seen" in run("agents", "show", "cli-to-come")
    run("agents", "forget", "cli-to-come", "--yes")
    assert "cli-to-come" not in run("agents")


def test_settings_are_changed_and_put_back(run: Run) -> None:
    before = json.loads(run("settings", "get", "--json"))
    run("settings", "set", "health.zombie_after_s=120")
    assert json.loads(run("settings", "get", "--json"))["health"]["zombie_after_s"] == 120
    run("settings", "set", f"health.zombie_after_s={before['health']['zombie_after_s']}")
    assert json.loads(run("settings", "get", "--json")) == before


def test_a_token_does_what_its_scopes_say_until_it_is_revoked(run: Run, cloud: DeployedCloud, tmp_path: Path) -> None:
    made = json.loads(run("token", "create", "--scope", "read", "--expires", "1h", "--name", "reader", "--json"))
    done = run_cli("agents", "retire", "x", cwd=tmp_path, CLAWPULSE_URL=cloud.api_url, CLAWPULSE_TOKEN=made["token"])
    assert (done.returncode, "operate" in done.stderr) == (1, True)
    assert made["id"] in run("token", "list")
    assert made["token"] not in run("token", "list", "--json")
    run("token", "revoke", made["id"])
    assert next(found["state"] for found in json.loads(run("token", "list", "--json"))["tokens"] if found["id"] == made["id"]) == "revoked"


def test_a_token_that_is_none_is_refused(cloud: DeployedCloud, tmp_path: Path) -> None:
    done = run_cli("agents", cwd=tmp_path, CLAWPULSE_URL=cloud.api_url, CLAWPULSE_TOKEN="cp_nonsense")
    assert done.returncode == 1
    assert "not accepted" in done.stderr
