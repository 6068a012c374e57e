"""Every store of scaling decisions keeps these promises; so does everything that can be given a size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.scaling import ScalingTable
from functions.adapters.scaling_asg import AutoScalingGroups
from functions.domain.errors import StoreUnavailable, TargetRefused
from functions.domain.scaling import Action, Decision, Memory, Seen, Signal, SignalState, Told, Usual, Zone
from functions.domain.scaling_state import GroupState, Setting, without_memory
from functions.ports import ScalingStore, ScalingTarget
from tests.fakes.scaling import MemoryScaling, MemoryTarget
from tests.scaling.asg_server import AutoScalingServer
from tests.tables import create_tables

NOW = 1_795_478_400_000


def memory(_request: Any) -> ScalingStore:
    return MemoryScaling()


def on_boto3(request: Any) -> ScalingStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return ScalingTable(client, create_tables(client).alerts, now=lambda: NOW / 1000)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> ScalingStore:
    make: Callable[[Any], ScalingStore] = request.param
    return make(request)


def decision(time: int = NOW, before: int = 5, desired: int = 7, group: str = "fast", **more: Any) -> Decision:
    return Decision(
        group=group,
        time=time,
        action=Action.GROW,
        before=before,
        desired=desired,
        current=5,
        wanted=12,
        min=2,
        max=20,
        reason="größer",
        signals=[SignalState(signal=Signal.QUEUE, zone=Zone.HIGH, since=NOW, value=31.0, level=6.2)],
        **more,
    )


def state(version: int = 1, group: str = "fast", desired: int = 7, **more: Any) -> GroupState:
    kept = Memory(time=NOW, desired=desired, changed=NOW, seen={Signal.QUEUE: Seen(Zone.HIGH, NOW, NOW)}, wanted=[(NOW, 12)])
    made = decision(desired=desired, group=group, memory=kept)
    return GroupState(group=group, tags="tier=fast", decided=NOW, decision=made, version=version, stale_after_s=180, **more)


def test_nothing_is_there_at_first(store: ScalingStore) -> None:
    assert (store.scaling_states("ws"), store.scaling_state("ws", "fast")) == ([], None)
    assert store.scaling_history("ws", "fast", 0, NOW * 2, 10, changes=False) == []
    assert not store.save_scaling("ws", state(version=2))
    assert not store.forget_scaling("ws", state())


def test_a_state_is_read_back_with_everything_in_it(store: ScalingStore) -> None:
    told = Told(signal=Signal.COST, began=True, at=NOW, since=NOW, text="teurer")
    full = state(
        usual=Usual(hour=7, tags="tier=fast", latency_ms=812.5, usd_per_hour=2.0),
        unannounced=[decision()],
        untold=[told],
        target=Setting(asg="agents", capacity=7, action=Action.GROW, error="no"),
    )
    assert store.save_scaling("ws", full, full.decision)
    assert store.save_scaling("ws", state(group="slow"))
    assert store.scaling_state("ws", "fast") == full
    assert [found.group for found in store.scaling_states("ws")] == ["fast", "slow"]
    assert store.scaling_states("other") == []


def test_of_two_who_save_the_same_version_one_does_and_enters_the_history(store: ScalingStore) -> None:
    assert store.save_scaling("ws", state())
    with ThreadPoolExecutor(2) as pool:
        saves = pool.map(lambda n: store.save_scaling("ws", state(version=2, desired=n), decision(desired=n)), (8, 9))
        assert sorted(saves) == [False, True]
    found = store.scaling_state("ws", "fast")
    assert found is not None
    assert [one.desired for one in store.scaling_history("ws", "fast", 0, NOW + 1, 10, changes=False)] == [found.decision.desired]


def test_the_history_is_newest_first_and_has_changes_apart(store: ScalingStore) -> None:
    told = Told(signal=Signal.COST, began=True, at=NOW, since=NOW, text="x")
    entries = [
        decision(NOW - 3),
        decision(NOW - 2, before=7),
        decision(NOW - 1, before=7, told=[told]),
        decision(NOW, memory=Memory(time=7)),
    ]
    for version, entry in enumerate(entries, 1):
        assert store.save_scaling("ws", state(version=version), entry)
    every = store.scaling_history("ws", "fast", 0, NOW + 1, 10, changes=False)
    assert every == [without_memory(entry) for entry in reversed(entries)]
    assert [one.time for one in store.scaling_history("ws", "fast", 0, NOW + 1, 10, changes=True)] == [NOW, NOW - 1, NOW - 3]
    assert [one.time for one in store.scaling_history("ws", "fast", NOW - 3, NOW, 2, changes=False)] == [NOW - 1, NOW - 2]
    assert store.scaling_history("ws", "other", 0, NOW + 1, 10, changes=False) == []


def test_a_state_is_forgotten_at_its_version_only(store: ScalingStore) -> None:
    store.save_scaling("ws", state(), decision())
    store.save_scaling("ws", state(version=2))
    assert not store.forget_scaling("ws", state())
    assert store.forget_scaling("ws", state(version=2))
    assert store.scaling_state("ws", "fast") is None
    assert len(store.scaling_history("ws", "fast", 0, NOW + 1, 10, changes=False)) == 1
    assert store.save_scaling("ws", state())


@dataclass
class Sized:
    target: ScalingTarget
    capacities: Callable[[], dict[str, int]]
    server: AutoScalingServer | None = None


@pytest.fixture(params=["memory", "asg"])
def sized(request: pytest.FixtureRequest) -> Iterator[Sized]:
    if request.param == "memory":
        fake = MemoryTarget({"agents": 5})
        yield Sized(fake, lambda: fake.capacities)
        return
    with AutoScalingServer({"agents": (1, 5, 20)}) as server:
        yield Sized(AutoScalingGroups(server.client()), server.capacities, server)


def test_a_capacity_is_read_and_set(sized: Sized) -> None:
    assert sized.target.capacity("agents") == 5
    sized.target.set_capacity("agents", 7)
    assert (sized.target.capacity("agents"), sized.capacities()) == (7, {"agents": 7})


def test_what_is_not_there_refuses(sized: Sized) -> None:
    with pytest.raises(TargetRefused, match="no Auto Scaling group other"):
        sized.target.capacity("other")
    with pytest.raises(TargetRefused):
        sized.target.set_capacity("other", 7)


@pytest.fixture
def asg() -> Iterator[AutoScalingServer]:
    with AutoScalingServer({"agents": (1, 5, 20)}) as server:
        yield server


def test_the_bounds_of_an_auto_scaling_group_are_its_own(asg: AutoScalingServer) -> None:
    with pytest.raises(TargetRefused, match="above max value 20"):
        AutoScalingGroups(asg.client()).set_capacity("agents", 21)
    assert asg.capacities() == {"agents": 5}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", TargetRefused),
        (400, "ScalingActivityInProgress", StoreUnavailable),
        (400, "Throttling", StoreUnavailable),
        (500, "InternalFailure", StoreUnavailable),
    ],
)
def test_faults_say_whether_trying_again_may_help(asg: AutoScalingServer, status: int, code: str, error: type[Exception]) -> None:
    asg.fault = (status, code)
    target = AutoScalingGroups(asg.client())
    for call in (lambda: target.capacity("agents"), lambda: target.set_capacity("agents", 7)):
        with pytest.raises(error, match=code):
            call()


def test_no_answer_may_be_tried_again(asg: AutoScalingServer) -> None:
    client = asg.client()
    asg.stop()
    with pytest.raises(StoreUnavailable):
        AutoScalingGroups(client).capacity("agents")
