"""The deployed state machines in LocalStack, a real OpenBao and a strict provider: one rotation to its end, one that waits for it.

In a workspace of its own that no seal serves: the test plays agents and seal. Each agent works with the key that it has, all the time.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.key_vault import VaultKeys
from functions.adapters.keys import DesiredKeys
from functions.adapters.rollouts import RolloutTable
from functions.adapters.rotations import Rotations
from functions.adapters.vault_entries import Entries, connector
from functions.domain.fleet import AgentState, Health, Snapshot, Status, encode_snapshot
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import FINAL_ROTATION, Alias, Rotation, RotationPhase, RotationPolicy, StoredKey
from functions.domain.times import minute_of
from functions.domain.wire import KeyReport
from functions.rotation_launch import Parts, launch
from functions.runtime.wiring import now_ms
from tests.cloud import DeployedCloud
from tests.localstack.support import fresh
from tests.rotations.providers.anthropic import AnthropicServer
from tests.rotations.providers.base import ServerKey, running

pytestmark = pytest.mark.cloud

PROVIDER = "anthropic"
POLICY = RotationPolicy(wave_size=2, cooldown_s=1, unused_s=2, apply_s=60, asleep_s=60)
PATIENCE_S = 240
AGENTS = ("a-1", "a-2", "a-3")


class Site:
    """A workspace with three agents that take whatever key they are to use."""

    def __init__(self, cloud: DeployedCloud, server: AnthropicServer) -> None:
        dynamodb, settings = cloud.client("dynamodb"), cloud.settings
        self.workspace, self.server = fresh("keyed"), server
        self.machine, self.arn = cloud.client("stepfunctions"), settings.rotation_machine_arn
        self.fleet, self.keys = Fleet(dynamodb, settings.fleet_table), DesiredKeys(dynamodb, settings.fleet_table)
        self.rollouts = RolloutTable(dynamodb, settings.rollouts_table)
        entries = Entries(connector(cloud.local.settings.vault_url, "", {"VAULT_TOKEN": cloud.access.vault_token}))
        self.vault = VaultKeys(entries)
        executions = StateMachine(self.machine, self.arn, "rotation")
        self.parts = Parts(vault=self.vault, rotations=Rotations(dynamodb, settings.rollouts_table), executions=executions)
        self.salt = self.vault.salt(self.workspace)
        self.has: dict[str, str] = {}
        self.statuses: list[int] = []
        """Of all calls of agents."""
        admin = f"clawpulse/{self.workspace}/admin"
        cloud.client("secretsmanager").create_secret(Name=admin, SecretString=server.admin)
        document = {PROVIDER: {"kind": "anthropic", "base_url": server.url, "admin": {"secretsmanager": admin}}}
        self.fleet.put_settings(self.workspace, "key-settings", document)

    def print(self, key: str) -> str:
        return fingerprint(key, self.salt)

    def stored(self, key: ServerKey) -> StoredKey:
        return StoredKey(key.value, self.print(key.value), key.id, 0, now_ms())

    def settle(self, key: ServerKey) -> None:
        """All agents use a key that is the current one."""
        assert self.vault.write(self.workspace, PROVIDER, Alias.CURRENT, self.stored(key), 0)
        for agent in AGENTS:
            self.has[agent] = key.value
            assert self.keys.assign(self.workspace, agent, PROVIDER, self.print(key.value), None)
        self.live()

    def live(self) -> None:
        """Agents do a task, take the key that they are told, and seal makes a snapshot."""
        found = [key for alias in Alias if (key := self.vault.read(self.workspace, PROVIDER, alias))]
        for agent, keys in self.keys.all_keys(self.workspace).items():
            self.statuses.append(self._call(self.has[agent]))
            wanted = next((key.key for key in found if key.fingerprint == keys[PROVIDER]), self.has[agent])
            if wanted != self.has[agent] and self._call(wanted) == 200:
                self.has[agent] = wanted
        now = now_ms()
        states = {
            agent: AgentState(
                id=agent,
                name=agent,
                first_seen=1,
                last_seen=now,
                health=Health(Status.GREEN),
                keys={PROVIDER: KeyReport(self.print(key))},
            )
            for agent, key in self.has.items()
        }
        snapshot = Snapshot(workspace=self.workspace, time=now, agents=states, sealed_until=minute_of(now))
        self.fleet.put_snapshot(self.workspace, encode_snapshot(snapshot))

    def launch(self, id: str, key: StoredKey) -> None:
        rotation = Rotation(id=id, provider=PROVIDER, created=now_ms(), by="t-1", policy=POLICY, new="")
        launch(self.parts, self.workspace, rotation, key, now=now_ms())

    def head(self, id: str) -> Rotation:
        found = self.parts.rotations.rotation(self.workspace, id)
        assert found
        return found

    def executions(self, id: str) -> list[str]:
        """ARNs of all executions that stepped a rotation."""
        arn = self.arn.replace(":stateMachine:", ":execution:")
        return [f"{arn}:{id}-{drive}-{self.workspace}" for drive in range(1, self.head(id).drive + 1)]

    def events(self, id: str) -> list[dict[str, Any]]:
        pages = self.machine.get_paginator("get_execution_history")
        return [event for arn in self.executions(id) for page in pages.paginate(executionArn=arn) for event in page["events"]]

    def over(self, id: str) -> bool:
        """Whether a rotation is over, and no execution runs any more."""
        if self.head(id).phase not in FINAL_ROTATION:
            return False
        return all(self.machine.describe_execution(executionArn=arn)["status"] != "RUNNING" for arn in self.executions(id))

    def _call(self, key: str) -> int:
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.server.url}/v1/models", headers=headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


class Told:
    """What came of two rotations that were started at once."""

    def __init__(self, site: Site, old: ServerKey, new: ServerKey, unknown: str) -> None:
        self.site, self.old, self.new, self.unknown = site, old, new, unknown
        self.waited: set[RotationPhase] = set()
        """Phases of the second while the first one ran."""
        site.settle(old)
        self.first, self.second = fresh("k1"), fresh("k2")
        site.launch(self.first, site.stored(new))
        site.launch(self.second, StoredKey(unknown, site.print(unknown), None, 0, now_ms()))
        end = time.monotonic() + PATIENCE_S
        while not (site.over(self.first) and site.over(self.second)):
            assert time.monotonic() < end, (site.head(self.first), site.head(self.second))
            second = site.head(self.second).phase
            if site.head(self.first).phase not in FINAL_ROTATION:
                self.waited.add(second)
            site.live()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def told(cloud: DeployedCloud) -> Iterator[Told]:
    with running(AnthropicServer()) as server:
        yield Told(Site(cloud, server), server.add("former"), server.add("newest"), "sk-ant-api03-that-nobody-has-made")


def test_a_key_is_rotated_to_its_end_without_a_failed_call(told: Told) -> None:
    site, head = told.site, told.site.head(told.first)
    assert head.phase is RotationPhase.SUCCEEDED, head
    assert set(site.has.values()) == {told.new.value}
    assert set(site.statuses) == {200}
    state = site.vault.state(site.workspace, PROVIDER)
    assert (state.current, state.next, state.old) == (site.print(told.new.value), None, None)
    assert (told.old.active, told.new.active) == (False, True)
    assert site.vault.take_incoming(site.workspace, told.first) is None
    assert site.parts.rotations.rotation_queue(site.workspace) == ()


def test_the_second_waits_and_ends_as_it_would_alone(told: Told) -> None:
    assert told.waited == {RotationPhase.QUEUED}
    assert told.site.head(told.second).phase is RotationPhase.REFUSED
    assert told.site.vault.take_incoming(told.site.workspace, told.second) is None


def test_the_states_of_the_machine_are_those_of_the_rotation(told: Told) -> None:
    entered = [event["stateEnteredEventDetails"]["name"] for event in told.site.events(told.first) if "stateEnteredEventDetails" in event]
    assert {"Step", "Next", "Rolling", "Draining"} <= set(entered)
    assert entered[-1] == "Succeeded"
    assert "Queued" in {
        event["stateEnteredEventDetails"]["name"] for event in told.site.events(told.second) if "stateEnteredEventDetails" in event
    }


def test_no_key_is_in_the_history_of_the_machine_or_in_the_log(told: Told) -> None:
    site = told.site
    history = json.dumps([site.events(id) for id in (told.first, told.second)], default=str)
    entries = site.rollouts.audit(site.workspace, 0, now_ms() + 1)
    everything = history + repr(entries)
    assert told.first in everything
    for key in (told.old.value, told.new.value, told.unknown, site.server.admin):
        assert key not in everything
    assert {entry.rollout for entry in entries} >= {told.first, told.second}
