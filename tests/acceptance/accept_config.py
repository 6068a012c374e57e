"""A real OpenClaw that is steered by the documents that its agent fetches: another model, another prompt, and back, while it works.

Not part of the suite, like `accept_openclaw.py`; run by `scripts/accept-openclaw`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clawpulse_local import processes
from tests.acceptance.bash_agent import BashAgent
from tests.acceptance.fake_model import MODEL, FakeModel, Reply, Request
from tests.acceptance.fleet import Fleet, once
from tests.acceptance.installation import Installation
from tests.acceptance.openclaw import OpenClaw, Turn, provider
from tests.acceptance.scenario import KEY
from tests.acceptance.steering import ByApi, Steering, applied
from tests.cloud import DeployedCloud

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

AGENT = "openclaw-steered"
OTHER = "fixed-2"
PROMPT = "Every answer is a haiku about the sea."
RULES = {"[quick]": Reply(tokens_in=10, tokens_out=2), "[long]": Reply(held=True, tokens_in=10, tokens_out=2)}
CHANGED = {"model": {"primary": f"fixed/{OTHER}"}, "limits": {"concurrency": 3}, "files": {"AGENTS.md": PROMPT}}


@dataclass(frozen=True, slots=True)
class Steered:
    """A gateway and its model provider, and how it is steered."""

    gateway: OpenClaw
    model: FakeModel
    steering: Steering
    agent: BashAgent

    def asked(self, message: str = "[quick]") -> tuple[Turn, Request]:
        """A turn in a session of its own, and the request that the provider got for it."""
        known = len(self.model.requests)
        turn = self.gateway.turn(message)
        return turn, self.model.requests[known]

    def configuration(self) -> dict[str, Any]:
        """As it stands in OpenClaw's file."""
        found: dict[str, Any] = json.loads(self.gateway.config_path.read_text())
        return found

    def had(self) -> tuple[str, bool]:
        """The model and the prompt of a turn."""
        turn, request = self.asked()
        assert turn.status == 200, turn.text
        return request.model, PROMPT in request.prompt


@pytest.fixture(scope="module")
def steering(cloud: DeployedCloud) -> Steering:
    return ByApi(Fleet(cloud.api_url, cloud.token), AGENT)


@pytest.fixture(scope="module")
def steered(
    installed: Installation, cloud: DeployedCloud, steering: Steering, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Steered]:
    home = tmp_path_factory.mktemp("steered")
    with FakeModel(RULES, keys=frozenset({KEY}), models=(MODEL, OTHER)) as model:
        settings = {"models": {"mode": "replace", "providers": {"fixed": provider(model.url, KEY, None, (MODEL, OTHER))}}}
        with OpenClaw(installed, home / "openclaw", settings) as gateway:
            (home / "agent").mkdir()
            with BashAgent(home / "agent", gateway, url=cloud.api_url, token=cloud.token, agent=AGENT) as agent:
                yield Steered(gateway, model, steering, agent)


def test_before_there_is_a_document_all_is_as_it_was_installed(steered: Steered) -> None:
    assert steered.had() == (MODEL, False)
    assert once(steered.steering.config, bool).get("error") is None


def test_a_document_comes_into_force_while_a_turn_runs(steered: Steered) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(steered.asked, "[long]")
        once(lambda: steered.model.requests[-1].marker, lambda marker: marker == "[long]", 30)
        config = applied(steered.steering, CHANGED)
        assert (config["error"], config["applied"]) == (None, config["desired"]), processes.log_end(steered.agent.log)
        assert steered.had() == (OTHER, True)
        assert not running.done()
        steered.model.release.set()
        turn, request = running.result()
    assert (turn.status, request.model) == (200, MODEL)
    assert steered.configuration()["agents"]["defaults"]["maxConcurrent"] == 3


def test_what_openclaw_refuses_changes_nothing_and_is_told(steered: Steered) -> None:
    before = steered.configuration()
    config = applied(steered.steering, {"model": {"primary": f"fixed/{MODEL}"}, "openclaw": {"agents": {"defaults": {"nosuch": 1}}}})
    assert config["error"] == '50-openclaw: invalid config: agents.defaults: Unrecognized key "nosuch"'
    assert config["applied"] not in (None, config["desired"])
    assert steered.configuration() == before
    assert steered.had() == (OTHER, True)


def test_a_file_that_openclaw_refuses_takes_the_configuration_with_it(steered: Steered) -> None:
    before = steered.configuration()
    config = applied(steered.steering, {"model": {"primary": f"fixed/{MODEL}"}, "files": {"NOPE.md": "x"}})
    assert config["error"] == '50-openclaw: files: unsupported file "NOPE.md"'
    assert steered.configuration()["agents"] == before["agents"]
    assert steered.had() == (OTHER, True)


def test_a_paused_agent_takes_no_turn_until_it_goes_on(steered: Steered) -> None:
    assert applied(steered.steering, {**CHANGED, "paused": True})["error"] is None
    assert steered.gateway.turn("[quick]").status == 503
    assert applied(steered.steering, CHANGED)["error"] is None
    assert steered.had() == (OTHER, True)


def test_with_nothing_managed_the_old_ones_are_back(steered: Steered) -> None:
    assert applied(steered.steering, {})["error"] is None
    assert steered.had() == (MODEL, False)
    defaults = steered.configuration()["agents"]["defaults"]
    assert (defaults["model"], "maxConcurrent" in defaults) == (f"fixed/{MODEL}", False)
    assert steered.model.complaints == []
    assert Path(steered.gateway.log).read_text(errors="replace").count("[gateway] ready") <= 1, "it never had to start again"
