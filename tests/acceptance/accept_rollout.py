"""A real OpenClaw that a rollout brings to another model and prompt while it works, and that gets the old ones back when the gate fails.

Not part of the suite, like `accept_openclaw.py`; run by `scripts/accept-openclaw`. Its own turns are what the gate judges it by. They
take the way of an installed host, from OpenClaw's plugin to the agent's intake: work and configuration are one agent's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from clawpulse_local import processes
from tests.acceptance.bash_agent import BashAgent
from tests.acceptance.fake_model import MODEL, FakeModel, Reply
from tests.acceptance.fleet import Fleet, once
from tests.acceptance.installation import Installation
from tests.acceptance.openclaw import OpenClaw, merged, provider
from tests.acceptance.scenario import KEY, PRICES, settings
from tests.acceptance.steering import APPLIED_WITHIN_S
from tests.acceptance.work import MARKER, Done, Work
from tests.cloud import DeployedCloud

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1_800)]

AGENT, TAGS = "openclaw-rolled", "env=prod,tier=rolled"
BETTER, BROKEN = "fixed-2", "fixed-3"
MODELS = (MODEL, BETTER, BROKEN)
HAIKU, SONNET = "Every answer is a haiku about the sea.", "Every answer is a sonnet about the moon."
RULES = {MARKER: Reply(tokens_in=10, tokens_out=2), "[long]": Reply(held=True, tokens_in=10, tokens_out=2)}
# OpenClaw asks again for more than a minute after a 500, and avoids the provider for one after a 401.
FAULT = Reply(status=400, message="this model takes no such request")
ENOUGH = 20
"""Tasks: fewer before a change are nothing to compare with, fewer after it no reason to pass."""
SETTLING_MINUTES = 2
"""Before a change; the gate looks away from them."""
PAST_WITHIN_S = 600.0
ROLLOUT_WITHIN_S = 600.0
POLICY = {
    # A minute counts once it is sealed, up to two minutes after it began: the bake is extended until enough of them have been.
    "bake_s": 60,
    "extend_s": 30,
    "max_extensions": 10,
    # Not the latency: that is the machine's, which may have other things to do.
    "gate": {"metrics": ["task.errors", "task.cost_usd", "task.tokens_out"], "min_tasks": ENOUGH},
}
OVER = ("succeeded", "reverted", "stopped", "held")
"""Phases in which nothing more happens by itself."""
SURE = 500.0
"""The e-value that a gate needs, 1/alpha of the default policy."""
CLI = (sys.executable, "-c", "from clawpulse.cli.main import main; main()")
CLI_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Rolled:
    """A gateway at work with its agent, and the fleet that they are part of."""

    gateway: OpenClaw
    model: FakeModel
    work: Work
    agent: BashAgent
    fleet: Fleet
    environment: Mapping[str, str] = field(repr=False)
    """Of the command line."""

    def start(self, model: str, prompt: str) -> str:
        """Start a rollout of a model and a prompt to this agent; its id."""
        wanted = {"title": model, "agents": [AGENT], "model": f"fixed/{model}", "files": {"AGENTS.md": prompt}, "policy": POLICY}
        return str(self.fleet.post("/api/rollouts", wanted)["rollout"]["id"])

    def until(self, id: str, *phases: str, seconds: float = ROLLOUT_WITHIN_S) -> dict[str, Any]:
        """The rollout once it is in one of the phases, or over; what it was last when that takes too long."""
        told: list[str] = []

        def look() -> dict[str, Any]:
            view: dict[str, Any] = self.fleet.get(f"/api/rollouts/{id}")
            if view["phase"] not in told[-1:]:
                told.append(view["phase"])
                print(f"{time.strftime('%T')} {view['title']}: {view['phase']}: {view['reason']}", flush=True)
            return view

        return once(look, lambda view: view["phase"] in (*phases, *OVER), seconds)

    def shown(self) -> Mapping[str, Any]:
        """The agent's configuration as `clawpulse` shows it: `desired`, `written`, `applied`, `error`."""
        command = [*CLI, "agents", "show", AGENT, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=CLI_SECONDS, check=True)
        return dict(json.loads(done.stdout)["config"] or {})

    def past(self) -> list[Done]:
        """The turns that a gate has to compare with if a change comes now."""
        settling = time.time() // 60 * 60 - SETTLING_MINUTES * 60
        return [turn for turn in self.work.since(0) if turn.ended < settling]


@pytest.fixture(scope="module")
def rolled(installed: Installation, cloud: DeployedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rolled]:
    home = tmp_path_factory.mktemp("rolled")
    (home / "agent").mkdir()
    fleet = Fleet(cloud.api_url, cloud.token)
    connection = {**os.environ, "CLAWPULSE_URL": cloud.api_url, "CLAWPULSE_TOKEN": cloud.token}
    with FakeModel(RULES, keys=frozenset({KEY}), models=MODELS) as model:
        model.broken[BROKEN] = FAULT
        providers = {"models": {"providers": {"fixed": provider(model.url, KEY, PRICES, MODELS)}}}
        # Where the agent keeps its state, and so its intake.
        environment = {"CLAWPULSE_HOME": str(home / "agent" / "state")}
        with (
            OpenClaw(installed, home / "openclaw", merged(settings(model.url, PRICES, {}), providers), environment=environment) as gateway,
            BashAgent(home / "agent", gateway, url=cloud.api_url, token=cloud.token, agent=AGENT, tags=TAGS) as agent,
            Work(gateway, model) as work,
        ):
            yield Rolled(gateway, model, work, agent, fleet, connection)


def had(turn: Done) -> tuple[int, str, bool, bool]:
    """Of a turn: its status, the model, and which of the prompts was there."""
    return turn.status, turn.model, HAIKU in turn.prompt, SONNET in turn.prompt


AS_INSTALLED, WITH_BETTER, WITH_BROKEN = (200, MODEL, False, False), (200, BETTER, True, False), (400, BROKEN, False, True)


def member(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """The only agent of a rollout."""
    ((found,),) = [wave["members"] for wave in view["plan"]]
    assert found["agent"] == AGENT
    return dict(found)


def findings(view: Mapping[str, Any]) -> dict[str, Any]:
    """Of its gate, by metric."""
    return {finding["metric"]: finding for finding in view["plan"][0]["verdict"]["findings"]}


def test_it_works_for_some_minutes_as_it_was_installed(rolled: Rolled) -> None:
    assert had(rolled.work.next()) == AS_INSTALLED
    past = once(rolled.past, lambda turns: len(turns) >= ENOUGH, PAST_WITHIN_S)
    assert len(past) >= ENOUGH
    assert {had(turn) for turn in rolled.work.since(0)} == {AS_INSTALLED}
    assert rolled.shown().get("desired") is None


def test_a_rollout_brings_another_model_and_prompt_while_a_turn_runs(rolled: Rolled) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rolled.gateway.turn, "[long]")
        once(lambda: [request.marker for request in rolled.model.requests], lambda markers: "[long]" in markers, 60)
        id = rolled.start(BETTER, HAIKU)
        view = rolled.until(id, "baking", seconds=APPLIED_WITHIN_S)
        try:
            assert (view["phase"], member(view)["state"]) == ("baking", "applied"), processes.log_end(rolled.agent.log)
            assert had(rolled.work.next()) == WITH_BETTER
            assert not running.done()
        finally:
            rolled.model.release.set()
        assert running.result().status == 200
    assert [request.model for request in rolled.model.requests if request.marker == "[long]"] == [MODEL]

    view = rolled.until(id)
    assert view["phase"] == "succeeded", view["reason"]
    verdict = view["plan"][0]["verdict"]
    assert (verdict["outcome"], verdict["tasks"] >= ENOUGH) == ("pass", True), verdict
    assert [(one["outcome"], one["wave"], one["past"]) for one in (findings(view)["task.errors"],)] == [("pass", 0, 0)]
    print(verdict["reason"])
    hashes, after = rolled.shown(), member(view)["after"]
    assert (hashes["desired"], hashes["applied"], hashes["error"]) == (after, after, None)


def test_when_the_gate_fails_the_old_ones_are_back(rolled: Rolled) -> None:
    before = rolled.shown()["applied"]
    id = rolled.start(BROKEN, SONNET)
    view = rolled.until(id, "baking", seconds=APPLIED_WITHIN_S)
    assert (view["phase"], member(view)["state"]) == ("baking", "applied"), processes.log_end(rolled.agent.log)
    assert rolled.shown()["applied"] == member(view)["after"] != before
    assert had(rolled.work.next()) == WITH_BROKEN

    assert rolled.until(id, "reverting")["phase"] in ("reverting", "reverted")
    view = rolled.until(id)
    assert view["phase"] == "reverted", view["reason"]
    found = findings(view)["task.errors"]
    assert (view["plan"][0]["verdict"]["outcome"], found["outcome"], found["wave"], found["past"]) == ("fail", "fail", 1, 0), found
    assert found["evidence"] >= SURE
    assert "worse than its own past" in found["reason"]
    print(found["reason"])

    assert (member(view)["state"], member(view)["before"]) == ("reverted", before)
    hashes = rolled.shown()
    assert (hashes["desired"], hashes["applied"], hashes["error"]) == (before, before, None)
    assert had(rolled.work.next()) == WITH_BETTER


def test_it_was_the_same_gateway_all_the_time_and_told_no_nonsense(rolled: Rolled) -> None:
    assert rolled.gateway.log.read_text(errors="replace").count("[gateway] ready") == 1
    assert rolled.model.complaints == []
    assert {(turn.status, turn.model) for turn in rolled.work.since(0)} == {(200, MODEL), (200, BETTER), (400, BROKEN)}
