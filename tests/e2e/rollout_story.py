"""The story of four rollouts at once: one to the end, one that turns around, one that nobody can judge, one that agents refuse.

Simulated agents work and beat on the real wire; Step Functions drives the rollouts; gates read what seal made of the agents' batches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cloud import DeployedCloud
from tests.e2e.simulated_fleet import Behaviour, SimulatedAgent, SimulatedFleet
from tests.e2e.test_api import Api

OLD, GOOD, BAD, REFUSED = "acme/old", "acme/good", "acme/bad", "acme/no-such-model"
SIZE = 40
QUIET = 5
ASLEEP = "roll-good-17"
LATE = "roll-good-late"
FIRST = "roll-bad-00"
PATIENCE_S = 1_500.0
FINAL = ("succeeded", "reverted", "stopped")
POLICY = {"bake_s": 60, "extend_s": 30, "max_extensions": 4, "asleep_s": 60, "unreadable_s": 600}
"""A minute counts once it is sealed, up to two minutes after it began: so the bakes may be extended until there is one."""
OWN = {
    "good": {"waves": ["25%"]},
    # Long enough for a minute in which all of a wave have changed: what passes on the tasks of one of them says little.
    "bad": {"bake_s": 160},
}
"""Of a rollout's policy; else the common one, and the default waves."""


def behave(id: str, document: Mapping[str, Any]) -> Behaviour:
    """The bad model fails four times as often, but for the agent that gets it first; one model nobody knows."""
    model = document.get("model", {}).get("primary")
    if model == REFUSED:
        return Behaviour(refuses=f"unknown model {REFUSED}")
    return Behaviour(error_rate=0.4 if model == BAD and id != FIRST else 0.1)


def agents_of(group: str, count: int, tasks_a_beat: int) -> list[SimulatedAgent]:
    """Agents of one rollout: all of one tier and stage, so that they are each other's control."""
    tags = {"env": "prod", "tier": group}
    return [SimulatedAgent(f"roll-{group}-{number:02d}", tags, tasks_a_beat, behave) for number in range(count)]


@dataclass
class Story:
    """What happens, and what came of it."""

    cloud: DeployedCloud
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By group: the rollout's view at each change of phase or wave."""
    audits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)
    """What each agent ran when its rollout began."""
    fault: BaseException | None = None

    def __post_init__(self) -> None:
        groups = {"good": (SIZE, 6), "bad": (SIZE, 6), "quiet": (QUIET, 0), "refused": (QUIET, 2)}
        agents = [agent for group, (count, tasks) in groups.items() for agent in agents_of(group, count, tasks)]
        self.fleet = SimulatedFleet(self.cloud.api_url, self.cloud.token, agents)
        self.api = Api(self.cloud.api_url, self.cloud.token)
        self._thread = threading.Thread(target=self._tell, daemon=True, name="rollout story")

    def start(self) -> None:
        """Begin, beside whatever else is done."""
        self._thread.start()

    def wait(self) -> None:
        """Until it is told; raises what went wrong."""
        self._thread.join(PATIENCE_S)
        still = self._thread.is_alive()
        self.fleet.stop()
        self.api.session.close()
        if self.fault:
            raise self.fault
        assert not still, f"not told within {PATIENCE_S:.0f} s: {[views[-1] for views in self.seen.values() if views]}"

    def agent(self, id: str) -> SimulatedAgent:
        """One of the simulated agents."""
        return self.fleet.agents[id]

    def _tell(self) -> None:
        try:
            self._run()
        except BaseException as fault:
            self.fault = fault

    def _run(self) -> None:
        self._equip()
        self.fleet.start()
        self._until("all agents are known", lambda: len(self._instances("env=prod,tier=~good|bad|quiet|refused")) == 2 * SIZE + 2 * QUIET)
        self._until("all run what they were given", lambda: all(agent.applied for agent in self._equipped()))
        self.agent(ASLEEP).silent = True
        # Until it is asleep, and the others have a past to compare with.
        time.sleep(75)
        self.before = {agent.id: agent.applied for agent in self.fleet.agents.values()}
        ids = {group: self._start(group, model) for group, model in (("good", GOOD), ("bad", BAD), ("quiet", GOOD), ("refused", REFUSED))}
        self._follow(ids)

    def _equip(self) -> None:
        """Half of the agents are given a configuration before; the others have what they were installed with."""
        for agent in self._equipped():
            answer = self.api.call("PUT", f"/api/agents/{agent.id}/desired", json={"model": {"primary": OLD}})
            assert answer.status_code == 200, answer.text

    def _equipped(self) -> list[SimulatedAgent]:
        return list(self.fleet.agents.values())[::2]

    def _instances(self, tags: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/api/dashboard/instances", tags=tags, limit=500)["instances"]
        return found

    def _start(self, group: str, model: str) -> str:
        wanted = {
            "title": f"model for {group}",
            "tags": f"tier={group}",
            "patch": {"model": {"primary": model}},
            "policy": POLICY | OWN.get(group, {}),
        }
        answer = self.api.call("POST", "/api/rollouts", json=wanted)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["rollout"]["id"]
        return id

    def _follow(self, ids: Mapping[str, str]) -> None:
        """Until all are over; meanwhile an agent joins, a sleeper wakes, the store of rollups is gone for a while, a human decides."""
        done: set[str] = set()
        begun = time.monotonic()
        joined = broken = mended = woken = False
        while len(done) < len(ids):
            for group, id in ids.items():
                view = self.api.get(f"/api/rollouts/{id}")
                mark = (view["phase"], view["wave"])
                views = self.seen.setdefault(group, [])
                if not views or (views[-1]["phase"], views[-1]["wave"]) != mark:
                    views.append(view)
                    print(f"{time.monotonic() - begun:4.0f} s  {group}: {view['phase']}, wave {view['wave']}: {view['reason']}")
                if view["phase"] in FINAL and group not in done:
                    done.add(group)
                    views[-1] = view
                    self.audits[group] = self.api.get(f"/api/rollouts/{id}/audit")["entries"]
                if group == "quiet" and view["phase"] == "held":
                    self.api.call("POST", f"/api/rollouts/{id}/abort", json={"comment": "too quiet to tell"})
            good = self.seen["good"][-1]
            if good["wave"] >= 1 and not joined:
                joined = True
                self.fleet.add(SimulatedAgent(LATE, {"env": "prod", "tier": "good"}, 6, behave))
            if good["phase"] == "baking" and not broken:
                broken = self._lose_rollups(True)
                lost_at = time.monotonic()
            if broken and not mended and time.monotonic() - lost_at > 60:
                mended = not self._lose_rollups(False)
            if good["wave"] == 1 and not woken:
                woken = True
                self.agent(ASLEEP).silent = False
            time.sleep(3)

    def _lose_rollups(self, lost: bool) -> bool:
        """Have the function that steps rollouts look for a table that is not there, or for the right one again."""
        client = self.cloud.client("lambda")
        name = next(
            f["FunctionName"]
            for page in client.get_paginator("list_functions").paginate()
            for f in page["Functions"]
            if f["Handler"] == "functions.rollouts.handler.handler"
        )
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        table = self.cloud.settings.rollups_table
        variables["CLAWPULSE_ROLLUPS_TABLE"] = f"{table}-gone" if lost else table
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        return lost

    def _until(self, what: str, holds: Any, seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
            time.sleep(2)
