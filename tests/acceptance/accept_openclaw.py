"""A real OpenClaw with our plugin, a model provider of ours, and a fleet that shows its turns.

Not part of the suite, which the name of this file keeps it out of: it needs 0.9 GB of packages, 2 GB of memory and some minutes.
Run it by `scripts/accept-openclaw`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from clawpulse_local import processes
from tests.acceptance.fake_model import FakeModel
from tests.acceptance.fleet import Fleet, once
from tests.acceptance.installation import OPENCLAW, Installation
from tests.acceptance.openclaw import OpenClaw, Turn
from tests.acceptance.scenario import AGENT, FAILED_PAYLOAD, PRICES, SAID, TAGS, TURNS, private_file, settings
from tests.cloud import DeployedCloud

FINISHED = ("completed", "failed")
# A gateway takes 20 s to start on a quiet machine, the cloud a minute.
pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Ran:
    """The turns that were taken, and the gateway that took them, which still runs."""

    gateway: OpenClaw
    turns: list[Turn]


@pytest.fixture(scope="module")
def fleet(cloud: DeployedCloud) -> Fleet:
    return Fleet(cloud.api_url, cloud.token)


@pytest.fixture(scope="module")
def ran(installed: Installation, model: FakeModel, cloud: DeployedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    home = tmp_path_factory.mktemp("openclaw")
    token = private_file(home / "token", cloud.token)
    plugin = {"url": cloud.api_url, "tokenFile": str(token), "agent": AGENT, "tags": TAGS}
    with OpenClaw(installed, home, settings(model.url, PRICES, plugin)) as gateway:
        yield Ran(gateway, [gateway.turn(expected.message) for expected in TURNS])


@pytest.fixture(scope="module")
def tasks(ran: Ran, fleet: Fleet) -> list[dict[str, Any]]:
    """The tasks that the fleet shows, in the order in which they began."""

    def look() -> list[dict[str, Any]]:
        return list(fleet.get("/api/tasks", agent=AGENT)["tasks"])

    found = once(look, lambda shown: [task["status"] in FINISHED for task in shown].count(True) >= len(TURNS))
    return sorted(found, key=lambda task: str(task["firstTime"]))


def test_openclaw_answers_as_without_a_plugin(ran: Ran, model: FakeModel) -> None:
    assert [turn.status == 200 for turn in ran.turns] == [expected.status == "completed" for expected in TURNS]
    assert model.complaints == []


def test_every_turn_is_a_task_with_its_tokens_cost_and_error(tasks: list[dict[str, Any]]) -> None:
    fields = ("status", "error", "tokensIn", "tokensOut")
    assert [tuple(task[field] for field in fields) for task in tasks] == [
        (expected.status, expected.error, expected.tokens_in, expected.tokens_out) for expected in TURNS
    ]
    assert [task["costUsd"] for task in tasks] == [expected.cost_usd and pytest.approx(expected.cost_usd) for expected in TURNS]


def test_the_latency_of_a_task_is_what_its_caller_waited_for(tasks: list[dict[str, Any]], ran: Ran) -> None:
    for task, expected, turn in zip(tasks, TURNS, ran.turns, strict=True):
        assert expected.at_least_ms <= task["latencyMs"] <= turn.seconds * 1_000


def test_a_failed_task_says_why(ran: Ran, fleet: Fleet) -> None:
    found = once(lambda: fleet.get("/api/events", agent=AGENT, name="task.failed")["events"], bool)
    assert [event["payload"] for event in found] == [FAILED_PAYLOAD]


@pytest.mark.usefixtures("tasks")
def test_the_summary_adds_them_up(fleet: Fleet) -> None:
    found = once(
        lambda: fleet.get("/api/dashboard/summary", tags="env=accept", range="1h"),
        lambda summary: summary["window"]["tasks"] == len(TURNS) and summary["queueDepth"] is not None,
    )
    window = found["window"]
    assert (found["agents"], window["tasks"], window["errors"], window["pricedTasks"]) == (1, 5, 1, 4)
    assert (window["tokensIn"], window["tokensOut"]) == (3_500, 117)
    assert window["costUsd"] == pytest.approx(2 * 0.00357 + 0.00306 + 0.002235)
    assert found["queueDepth"] == 0


@pytest.mark.usefixtures("tasks")
def test_the_agent_is_there_with_its_versions_and_at_rest(fleet: Fleet) -> None:
    found = once(
        lambda: fleet.get("/api/dashboard/instances", tags="tier=smart")["instances"],
        lambda instances: bool(instances) and instances[0]["activeWorkers"] == 0,
    )
    assert [(agent["id"], agent["versions"]["openclaw"]) for agent in found] == [(AGENT, OPENCLAW.removeprefix("openclaw@"))]
    assert found[0]["tags"] == TAGS
    assert (found[0]["activeWorkers"], found[0]["queueDepth"]) == (0, 0)


def test_the_gateway_ends_by_itself_and_no_secret_or_text_got_out(ran: Ran, fleet: Fleet, cloud: DeployedCloud) -> None:
    assert ran.gateway.stop()
    log = ran.gateway.log.read_text(errors="replace")
    assert cloud.token not in log
    assert "[clawpulse]" in processes.log_end(ran.gateway.log, 100_000)
    shown = str([fleet.get(path, agent=AGENT) for path in ("/api/tasks", "/api/events")])
    assert SAID not in shown


@pytest.fixture(scope="module")
def lines(installed: Installation, model: FakeModel, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What a gateway without a URL wrote to the local agent's intake, in fields: one turn, then three at once."""
    home = tmp_path_factory.mktemp("openclaw-local")
    intake = home / "clawpulse" / "intake"
    intake.mkdir(parents=True)
    environment = {"CLAWPULSE_HOME": str(home / "clawpulse")}
    with OpenClaw(installed, home, settings(model.url, None, {}), environment=environment) as gateway:
        messages = ["[quick]", "[slow] 1", "[slow] 2", "[slow] 3"]
        turns = [gateway.turn(messages[0])]
        with ThreadPoolExecutor(3) as pool:
            turns += pool.map(gateway.turn, messages[1:])
    assert [turn.status for turn in turns] == [200] * 4
    return [line.split("\t") for line in (intake / "lines").read_text().splitlines()]


def test_without_a_url_the_local_agent_gets_it_and_no_price_is_no_cost(lines: list[list[str]]) -> None:
    first = next(field for line in lines if line[2] == "task.started" for field in line if field.startswith("task_id="))
    told = {name: value for _, _, name, value, *labels in lines if first in labels}
    assert (told["task.tokens_in"], told["task.tokens_out"], told["task.tokens_cache_read"]) == ("1000", "34", "200")
    assert "task.completed" in told
    assert "task.cost_usd" not in told


def test_runs_at_once_are_tasks_of_their_own(lines: list[list[str]]) -> None:
    assert [line[3] for line in lines if line[2] == "task.tokens_in"] == ["1000", "700", "700", "700"]
    assert len({field for line in lines for field in line if field.startswith("task_id=")}) == 4
    workers = [float(line[3]) for line in lines if line[2] == "fleet.active_workers"]
    assert (max(workers), workers[-1]) == (3, 0)
