"""The deployed state machine in LocalStack's Step Functions: rollouts to their ends, and an execution that somebody stops.

All at once, each in a workspace of its own that no seal serves: the test plays agents and seal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.desired import DesiredConfigs
from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.revisions import Revisions
from functions.adapters.rollouts import RolloutTable
from functions.domain.desired import canonical, hash_of
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.rollout import FINAL, UNMANAGED, Action, MemberState, Phase, Policy, Rollout
from functions.domain.times import minute_of
from functions.rollout_launch import Launch, Parts, command, launch
from functions.rollouts.sweep import Sweep
from functions.rollouts.targets import Targets
from functions.runtime.wiring import now_ms
from tests.cloud import DeployedCloud
from tests.localstack.support import fresh

pytestmark = pytest.mark.cloud

TEXT = canonical({"model": {"primary": "x/b"}})
NO_GATES = Policy(waves=("1", "100%"), gates=False)
UNSURE = Policy(waves=("1", "100%"), bake_s=1, max_extensions=0, unreadable_s=0)
PATIENCE_S = 120
AGENTS = ("a-1", "a-2", "a-3")


class Site:
    """A workspace with three agents that apply whatever is desired."""

    def __init__(self, cloud: DeployedCloud) -> None:
        dynamodb, settings = cloud.client("dynamodb"), cloud.settings
        self.workspace = fresh("site")
        self.machine, self.arn = cloud.client("stepfunctions"), settings.rollout_machine_arn
        self.fleet = Fleet(dynamodb, settings.fleet_table)
        self.desired = DesiredConfigs(dynamodb, settings.fleet_table)
        self.rollouts = RolloutTable(dynamodb, settings.rollouts_table)
        self.parts = Parts(rollouts=self.rollouts, desired=self.desired, executions=StateMachine(self.machine, self.arn))
        revisions = Revisions(dynamodb, settings.rollouts_table)
        self.sweep = Sweep(parts=self.parts, fleet=self.fleet, revisions=revisions, targets=Targets(revisions))
        self.id = ""
        self.live()

    def live(self) -> None:
        """Agents report what they have been told, and seal makes a snapshot."""
        now, hashes = now_ms(), self.desired.hashes(self.workspace)
        has = {agent: hashes.get(agent) for agent in AGENTS}
        states = {
            agent: AgentState(
                id=agent, name=agent, first_seen=1, last_seen=now, config_written=has[agent], config_applied=has[agent] or UNMANAGED
            )
            for agent in AGENTS
        }
        snapshot = Snapshot(workspace=self.workspace, time=now, agents=states, sealed_until=minute_of(now))
        self.fleet.put_snapshot(self.workspace, encode_snapshot(snapshot))

    def launch(self, policy: Policy) -> None:
        self.id = fresh("r")
        targets = dict.fromkeys(AGENTS, TEXT)
        wanted = Launch(title="model: a → b", by="t-1", targets=targets, tags={}, policy=policy)
        assert launch(self.parts, self.workspace, wanted, id=self.id, now=now_ms())

    def head(self) -> Rollout:
        found = self.rollouts.head(self.workspace, self.id)
        assert found
        return found

    def execution(self, drive: int) -> dict[str, Any]:
        arn = self.arn.replace(":stateMachine:", ":execution:") + f":{self.id}-{drive}-{self.workspace}"
        found: dict[str, Any] = self.machine.describe_execution(executionArn=arn)
        return found

    def ended(self, drive: int) -> str | None:
        """The last state of an execution that is over."""
        found = self.execution(drive)
        return None if found["status"] == "RUNNING" else self.states(drive)[-1]

    def states(self, drive: int) -> list[str]:
        """Names of the states that an execution entered, in order."""
        pages = self.machine.get_paginator("get_execution_history").paginate(executionArn=self.execution(drive)["executionArn"])
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def wait(sites: list[Site], until: Callable[[], object]) -> None:
    """Let the agents live until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end, [(site.head(), site.states(site.head().drive)) for site in sites]
        for site in sites:
            site.live()
        time.sleep(0.3)


@pytest.fixture(scope="module")
def sites(cloud: DeployedCloud) -> dict[str, Site]:
    """Three stories, told at once, each up to its end."""
    good, unsure, stopped = (Site(cloud) for _ in range(3))
    every = [good, unsure, stopped]
    for site, policy in zip(every, (NO_GATES, UNSURE, NO_GATES), strict=True):
        site.launch(policy)
    wait(every, lambda: stopped.head().phase is Phase.APPLYING)
    stopped.machine.stop_execution(executionArn=stopped.execution(1)["executionArn"], cause="somebody pulls the plug")
    wait(every, lambda: unsure.ended(1))
    command(unsure.parts, unsure.workspace, unsure.id, Action.ABORT, by="t-2", now=now_ms())
    wait(every, lambda: good.ended(1))
    assert stopped.sweep.run(stopped.workspace, now_ms()).restarted == []
    assert stopped.sweep.run(stopped.workspace, now_ms() + 300_000).restarted == [stopped.id]
    wait(every, lambda: unsure.ended(2) and stopped.ended(2))
    return {"good": good, "unsure": unsure, "stopped": stopped}


def test_a_rollout_goes_to_its_end(sites: dict[str, Site]) -> None:
    site = sites["good"]
    assert site.head().phase is Phase.SUCCEEDED
    assert set(site.desired.hashes(site.workspace).values()) == {hash_of(TEXT)}
    assert site.states(1)[-1] == "Succeeded"
    assert {"Step", "Next", "Applying"} <= set(site.states(1))
    answer = json.loads(site.execution(1)["output"])
    assert (answer["next"], answer["phase"], answer["turn"]) == ("done", "succeeded", site.states(1).count("Step"))
    assert site.rollouts.registry(site.workspace).rollouts == frozenset()


def test_one_that_is_held_ends_its_execution_and_the_abort_starts_another(sites: dict[str, Site]) -> None:
    site = sites["unsure"]
    assert site.head().phase is Phase.REVERTED
    assert set(site.desired.hashes(site.workspace).values()) == {hash_of("{}")}
    found = site.rollouts.read(site.workspace, site.id)
    assert found
    assert {member.state for wave in found[1] for member in wave.members} == {MemberState.REVERTED, MemberState.WAITING}
    assert {"Applying", "Baking"} <= set(site.states(1))
    assert site.states(1)[-1] in ("Held", "Superseded")
    assert "Reverting" in site.states(2)
    assert site.states(2)[-1] == "Reverted"


def test_an_execution_that_was_stopped_is_replaced_by_the_sweep(sites: dict[str, Site]) -> None:
    site = sites["stopped"]
    assert site.execution(1)["status"] == "ABORTED"
    assert site.head().phase in FINAL
    assert site.head().phase is Phase.SUCCEEDED
    assert site.head().drive == 2
    assert site.states(2)[-1] == "Succeeded"
    assert set(site.desired.hashes(site.workspace).values()) == {hash_of(TEXT)}
