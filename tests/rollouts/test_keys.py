"""Rollouts in a channel of keys: beside those of configurations, with fingerprints for hashes and assigned keys for documents."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.errors import Conflict
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.rollout import UNMANAGED, Action, Entry, MemberState, Phase, Policy, Rollout
from functions.domain.rollout_story import with_rollouts
from functions.domain.rotation_view import LaunchRollout
from functions.domain.wire import KeyReport
from functions.rollout_launch import launch_keys
from tests.api.alerting import incident
from tests.api.world import World
from tests.rollouts.workshop import FAIL, WS, Workshop

OLD, NEW = (f"0000000a-{digit * 16}" for digit in "ab")
ONE_WAVE = Policy(waves=("100%",), bake_s=10, apply_s=30)


class Shop(Workshop):
    """Agents also take the key that they are to use, unless they refuse it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reports: dict[str, KeyReport] = {}
        self.refuse: set[str] = set()

    def snapshot(self) -> None:
        for agent in self.agents:
            wanted = self.keys.keys_of(WS, agent).get("anthropic")
            before = self.reports.get(agent, KeyReport())
            refused = wanted is not None and agent in self.refuse and wanted == NEW
            self.reports[agent] = KeyReport(before.fingerprint, f"{NEW}: 401") if refused else KeyReport(wanted)
        states = {
            agent: AgentState(id=agent, name=agent, first_seen=1, last_seen=self.now, keys={"anthropic": self.reports[agent]})
            for agent in self.agents
        }
        self.fleet.put_snapshot(WS, encode_snapshot(Snapshot(workspace=WS, time=self.now, agents=states)))

    def bring(self, id: str = "r1", provider: str = "anthropic", **members: tuple[str, str]) -> Rollout | None:
        given = {agent.replace("_", "-"): change for agent, change in members.items()}
        wanted = LaunchRollout(id, "key", given, {}, ONE_WAVE, {"provider": provider}, "t-1")
        return launch_keys(self.rollouts, self.keys, self.executions, WS, provider, wanted, self.now)


@pytest.fixture
def shop() -> Shop:
    made = Shop.of(3)
    assert isinstance(made, Shop)
    for agent in made.agents:
        assert made.keys.assign(WS, agent, "anthropic", OLD, None)
    made.snapshot()
    return made


def finish(shop: Shop, id: str = "r1") -> Phase:
    shop.run(3600, until=lambda: shop.head(id).phase in (Phase.SUCCEEDED, Phase.REVERTED) and not shop.running)
    return shop.head(id).phase


def assigned(shop: Shop) -> dict[str, str | None]:
    return {agent: shop.keys.keys_of(WS, agent).get("anthropic") for agent in shop.agents}


def test_a_key_is_brought_to_agents_and_no_configuration_changes(shop: Shop) -> None:
    before = shop.hashes()
    made = shop.bring(a_0=(OLD, NEW), a_1=(OLD, NEW))
    assert made
    assert made.channel == "keys:anthropic"
    assert finish(shop) is Phase.SUCCEEDED
    assert assigned(shop) == {"a-0": NEW, "a-1": NEW, "a-2": OLD}
    assert shop.hashes() == before
    assert shop.notices.told == {}


def test_an_agent_that_refuses_it_brings_all_back(shop: Shop) -> None:
    shop.refuse.add("a-1")
    shop.bring(a_0=(OLD, NEW), a_1=(OLD, NEW))
    assert finish(shop) is Phase.REVERTED
    assert set(assigned(shop).values()) == {OLD}


def test_who_had_none_has_none_again(shop: Shop) -> None:
    for agent in shop.agents:
        shop.keys.assign(WS, agent, "anthropic", None, OLD)
    shop.gate.say = lambda rollout, waves, now: FAIL
    shop.bring(a_0=(UNMANAGED, NEW))
    assert finish(shop) is Phase.REVERTED
    assert assigned(shop)["a-0"] is None


def test_an_agent_may_be_in_one_rollout_of_each_channel(shop: Shop) -> None:
    shop.launch("r1")
    assert shop.bring("r2", a_0=(OLD, NEW))
    assert shop.bring("r3", "openai", a_0=(UNMANAGED, NEW))
    with pytest.raises(Conflict, match="rollout r2 is not over and has a-0"):
        shop.bring("r4", a_0=(OLD, NEW), a_1=(OLD, NEW))
    assert shop.bring("r5", a_1=(OLD, NEW))
    shop.command(Action.STOP, "r1")
    shop.run(60)
    assert shop.launch("r6", text='{"other":1}')


def test_nothing_is_started_twice_or_over_a_key_that_was_not_seen(shop: Shop) -> None:
    assert shop.bring(a_0=(NEW, OLD)) is None
    assert shop.bring(a_0=(OLD, OLD)) is None
    assert shop.bring() is None
    assert shop.bring(a_0=(OLD, NEW))
    assert shop.bring(a_0=(OLD, NEW)) is None
    assert [head.id for head in shop.rollouts.heads(WS, 9)] == ["r1"]


def test_agents_that_match_join_none_of_them(shop: Shop) -> None:
    shop.bring(a_0=(OLD, NEW))
    shop.add("a-9")
    assert finish(shop) is Phase.SUCCEEDED
    found = shop.rollouts.read(WS, "r1")
    assert found
    assert [(member.agent, member.state) for wave in found[1] for member in wave.members] == [("a-0", MemberState.APPLIED)]


def test_no_freeze_holds_a_key(shop: Shop) -> None:
    freeze: dict[str, Any] = {"reason": "sale", "starts": shop.now - 1, "ends": shop.now + 10**9}
    shop.fleet.put_settings(WS, "freezes", {"freezes": [freeze]})
    shop.bring(a_0=(OLD, NEW))
    assert finish(shop) is Phase.SUCCEEDED


def test_incidents_tell_rotations_from_rollouts() -> None:
    entries = [Entry(at=2, rollout=id, by="t-1", action="created", text="begins", title="key") for id in ("r1", "k1")]
    told = with_rollouts(incident(World()), entries).timeline
    assert [line.text for line in told if "begins" in line.text] == [
        "rollout r1: key: begins (by t-1)",
        "rotation k1: key: begins (by t-1)",
    ]
