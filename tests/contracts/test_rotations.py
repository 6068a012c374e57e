"""Every store of rotations keeps these promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.rollouts import RolloutTable
from functions.adapters.rotations import Rotations
from functions.domain.rollout import Action, Entry, Hold, HoldCause, Notice
from functions.domain.rotation import FINAL_ROTATION, Check, Rotation, RotationPhase, RotationPolicy
from functions.ports import RotationStore
from tests.fakes.rotations import MemoryRotations
from tests.tables import create_tables

NOW = 1_795_478_400_000


@dataclass
class Case:
    store: RotationStore
    audit: Callable[[], list[Entry]]
    """The log of rollouts, of the workspace `ws`."""


def memory(_request: Any) -> Case:
    log: list[Entry] = []
    return Case(MemoryRotations(lambda workspace, entry: log.append(entry)), lambda: log)


def on_boto3(request: Any) -> Case:
    client = request.getfixturevalue("localstack").client("dynamodb")
    table, clock = create_tables(client).rollouts, lambda: NOW / 1000
    rollouts = RolloutTable(client, table, now=clock)
    return Case(Rotations(client, table, now=clock), lambda: rollouts.audit("ws", 0, NOW * 2))


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def case(request: pytest.FixtureRequest) -> Case:
    make: Callable[[Any], Case] = request.param
    return make(request)


def rotation(id: str = "k1", **more: Any) -> Rotation:
    given = {"provider": "anthropic", "created": NOW, "by": "t-1", "new": "0000000a-00000000000000aa", "version": 1, "since": NOW, **more}
    return Rotation(id=id, **given)


def entry(at: int = NOW, text: str = "größer", id: str = "k1") -> Entry:
    return Entry(at=at, rollout=id, by="t-1", action="created", text=text, title="key of anthropic")


def test_nothing_is_there_at_first(case: Case) -> None:
    assert (case.store.rotation_queue("ws"), case.store.rotation("ws", "k1"), case.store.rotations("ws", 5)) == ((), None, [])
    assert not case.store.save_rotation("ws", rotation(version=2), [entry()])
    assert case.audit() == []


def test_a_rotation_is_read_back_with_everything_in_it(case: Case) -> None:
    full = rotation(
        policy=RotationPolicy(wave_size=3, order=("a", "b")),
        phase=RotationPhase.HELD,
        hold=Hold(cause=HoldCause.VAULT, reason="versiegelt"),
        resume_to=RotationPhase.STAGING,
        checks=[Check(name="differs", ok=True, detail="another key")],
        notices=[Notice(key="1-held", event="held", text="…", at=NOW)],
        rollout="r1",
        look_at=NOW + 5,
        drive=3,
    )
    assert case.store.create_rotation("ws", full, [entry()])
    assert case.store.rotation("ws", "k1") == full
    assert case.store.rotation("other", "k1") is None
    assert case.audit() == [entry()]


def test_they_queue_in_the_order_of_their_start(case: Case) -> None:
    for id in ("k3", "k1", "k2"):
        assert case.store.create_rotation("ws", rotation(id), [])
    assert case.store.rotation_queue("ws") == ("k3", "k1", "k2")
    assert case.store.rotation_queue("other") == ()


def test_emergencies_go_before_all_that_wait_but_each_other(case: Case) -> None:
    for id in ("k1", "k2", "k3e", "k4", "k5e"):
        assert case.store.create_rotation("ws", rotation(id, emergency=id.endswith("e")), [])
    assert case.store.rotation_queue("ws") == ("k1", "k3e", "k5e", "k2", "k4")
    assert case.store.save_rotation("ws", rotation("k3e", version=2, phase=RotationPhase.ABORTED, emergency=True), [])
    assert case.store.create_rotation("ws", rotation("k6e", emergency=True), [])
    assert case.store.rotation_queue("ws") == ("k1", "k5e", "k6e", "k2", "k4")


def test_an_id_that_is_known_is_not_put_again(case: Case) -> None:
    assert case.store.create_rotation("ws", rotation(), [])
    assert not case.store.create_rotation("ws", rotation(provider="openai"), [entry()])
    assert case.store.rotation("ws", "k1") == rotation()
    assert case.store.rotation_queue("ws") == ("k1",)
    assert case.audit() == []


def test_all_who_start_at_once_are_queued(case: Case) -> None:
    ids = [f"k{number}" for number in range(6)]
    with ThreadPoolExecutor(len(ids)) as pool:
        assert all(pool.map(lambda id: case.store.create_rotation("ws", rotation(id), []), ids))
    assert sorted(case.store.rotation_queue("ws")) == ids


def test_of_two_who_save_the_same_version_one_does(case: Case) -> None:
    case.store.create_rotation("ws", rotation(), [])
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(lambda by: case.store.save_rotation("ws", rotation(version=2, by=by), [entry(text=by)]), ("t-2", "t-3"))
        assert sorted(both) == [False, True]
    found = case.store.rotation("ws", "k1")
    assert found is not None
    assert [line.text for line in case.audit()] == [found.by]
    assert not case.store.save_rotation("ws", rotation(version=2), [])
    assert not case.store.save_rotation("ws", rotation(version=4), [])
    assert case.store.save_rotation("ws", rotation(version=3), [])


@pytest.mark.parametrize("phase", sorted(FINAL_ROTATION))
def test_one_that_is_over_leaves_the_queue_when_people_were_told(case: Case, phase: RotationPhase) -> None:
    for id in ("k1", "k2", "k3"):
        case.store.create_rotation("ws", rotation(id), [])
    notice = Notice(key="2-over", event=phase.value, text="", at=NOW)
    assert case.store.save_rotation("ws", rotation(version=2, phase=phase, notices=[notice]), [])
    assert case.store.rotation_queue("ws") == ("k1", "k2", "k3")
    assert case.store.save_rotation("ws", rotation("k2", version=2, phase=phase), [])
    assert case.store.rotation_queue("ws") == ("k1", "k3")
    assert case.store.save_rotation("ws", rotation(version=3, phase=phase), [entry(text="over")])
    assert case.store.rotation_queue("ws") == ("k3",)
    assert case.store.save_rotation("ws", rotation(version=4, phase=phase), [])
    assert case.store.rotation_queue("ws") == ("k3",)
    assert [line.text for line in case.audit()] == ["over"]


def test_one_that_is_over_and_was_saved_by_somebody_else_stays_in_the_queue(case: Case) -> None:
    case.store.create_rotation("ws", rotation(), [])
    assert not case.store.save_rotation("ws", rotation(version=3, phase=RotationPhase.ABORTED), [])
    assert case.store.rotation_queue("ws") == ("k1",)


def test_all_leave_the_queue_who_are_over_at_once(case: Case) -> None:
    ids = [f"k{number}" for number in range(6)]
    for id in ids:
        case.store.create_rotation("ws", rotation(id), [])
    with ThreadPoolExecutor(len(ids)) as pool:
        saved = pool.map(lambda id: case.store.save_rotation("ws", rotation(id, version=2, phase=RotationPhase.REFUSED), []), ids[1:])
        assert all(saved)
    assert case.store.rotation_queue("ws") == ("k0",)


def test_pages_go_from_the_newest_to_the_oldest(case: Case) -> None:
    for number in range(5):
        case.store.create_rotation("ws", rotation(f"k{number}"), [])
    assert [one.id for one in case.store.rotations("ws", 2)] == ["k4", "k3"]
    assert [one.id for one in case.store.rotations("ws", 2, before="k3")] == ["k2", "k1"]
    assert [one.id for one in case.store.rotations("ws", 9, before="k1")] == ["k0"]
    assert case.store.rotations("other", 5) == []


def test_a_command_is_logged_beside_what_rollouts_log(case: Case) -> None:
    case.store.create_rotation("ws", rotation(), [entry()])
    lines = [entry(NOW + 1, "paused"), entry(NOW + 1, "and told")]
    assert case.store.save_rotation("ws", rotation(version=2, reason=Action.PAUSE.value), lines)
    assert case.audit() == [entry(), *lines]
