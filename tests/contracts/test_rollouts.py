"""Every store of rollouts keeps these promises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from functions.adapters import rollout_table
from functions.adapters.rollouts import RolloutTable
from functions.domain.desired import MAX_BYTES, hash_of
from functions.domain.errors import InvalidInput
from functions.domain.gate_policy import GatePolicy
from functions.domain.rollout import (
    MAX_WAVE,
    Approval,
    Entry,
    Finding,
    Hold,
    HoldCause,
    Member,
    MemberState,
    Notice,
    Outcome,
    Phase,
    Policy,
    Rollout,
    Verdict,
    Wave,
)
from functions.ports import Registry, RolloutStore
from tests.fakes.rollouts import MemoryRollouts
from tests.tables import create_tables

NOW = 1_795_478_400_000
NONE = Registry(version=0, rollouts=frozenset())


def memory(_request: Any) -> RolloutStore:
    return MemoryRollouts()


def on_boto3(request: Any) -> RolloutStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return RolloutTable(client, create_tables(client).rollouts, now=lambda: NOW / 1000)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> RolloutStore:
    make: Callable[[Any], RolloutStore] = request.param
    return make(request)


def rollout(id: str = "r1", waves: int = 2, **more: Any) -> Rollout:
    made = Rollout(
        id=id, title="model: a → b", created=NOW, by="token1", policy=Policy(), waves=waves, members=2 * waves, since=NOW, version=1
    )
    return msgspec.structs.replace(made, **more)


def wave(number: int = 0, members: int = 2, **more: Any) -> Wave:
    return Wave(number=number, members=[Member(agent=f"a{number}-{i}", before="b" * 32, after="a" * 32, **more) for i in range(members)])


def entry(at: int = NOW, text: str = "größer", rollout: str = "r1") -> Entry:
    return Entry(at=at, rollout=rollout, by="token1", action="wave", text=text, title="t", tags={"env": "prod"})


def begin(store: RolloutStore, id: str = "r1", waves: int = 2, seen: Registry | None = None, **more: Any) -> bool:
    documents = more.pop("documents", {})
    seen = seen or store.registry("ws")
    return store.create("ws", rollout(id, waves, **more), [wave(n) for n in range(waves)], documents, [entry(rollout=id)], seen)


def test_nothing_is_there_at_first(store: RolloutStore) -> None:
    assert (store.registry("ws"), store.read("ws", "r1"), store.head("ws", "r1")) == (NONE, None, None)
    assert (store.heads("ws", 5), store.documents("ws", ["h"]), store.audit("ws", 0, NOW * 2)) == ([], {}, [])
    assert not store.save("ws", rollout(version=2), [], [])


def test_a_rollout_is_read_back_with_everything_in_it(store: RolloutStore) -> None:
    verdict = Verdict(outcome=Outcome.FAIL, reason="3 % > 1 %", findings=[Finding(metric="task.errors", outcome=Outcome.FAIL, wave=0.5)])
    full = rollout(
        change={"patch": {"model": {"primary": "ä"}}},
        policy=Policy(waves=("1", "50%"), approve=("start",), gate=GatePolicy(metrics=("task.errors",))),
        phase=Phase.HELD,
        hold=Hold(cause=HoldCause.INCONCLUSIVE, reason="too few", until=NOW),
        resume_to=Phase.BAKING,
        approvals=[Approval(by="t", at=NOW, wave=0)],
        verdicts=[verdict],
        counts={"waiting": 4},
        notices=[Notice(key="k", event="held", text="t", at=NOW)],
    )
    waves = [wave(0, state=MemberState.FAILED, detail="größer", tags={"env": "prod"}), wave(1)]
    assert store.create("ws", full, waves, {}, [], NONE)
    assert store.read("ws", "r1") == (full, waves)
    assert store.head("ws", "r1") == full
    assert store.read("other", "r1") is None


def test_of_two_who_saw_the_same_registry_one_starts(store: RolloutStore) -> None:
    assert begin(store, "r1", seen=NONE)
    assert not begin(store, "r2", seen=NONE)
    assert store.registry("ws") == Registry(version=1, rollouts=frozenset({"r1"}))
    assert store.head("ws", "r2") is None
    assert store.audit("ws", 0, NOW * 2) == [entry()]
    assert begin(store, "r2")
    assert store.registry("ws") == Registry(version=2, rollouts=frozenset({"r1", "r2"}))
    assert store.registry("other") == NONE


def test_of_many_who_start_at_once_one_does(store: RolloutStore) -> None:
    won: list[bool] = []
    threads = [threading.Thread(target=lambda n=n: won.append(begin(store, f"r{n}", seen=NONE))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    assert len(store.registry("ws").rollouts) == 1


def test_one_that_lost_leaves_nothing_in_the_way_of_its_second_try(store: RolloutStore) -> None:
    assert begin(store, "r1", seen=NONE)
    assert not begin(store, "r2", waves=3, seen=NONE)
    assert begin(store, "r2", waves=1)
    found = store.read("ws", "r2")
    assert found
    assert found[1] == [wave(0)]


def test_a_second_start_under_the_same_id_leaves_the_first_alone(store: RolloutStore) -> None:
    assert begin(store, "r1", seen=NONE)
    for seen in (NONE, store.registry("ws")):
        assert not begin(store, "r1", waves=3, seen=seen, created=NOW + 1)
    assert store.read("ws", "r1") == (rollout(), [wave(0), wave(1)])
    assert store.registry("ws").version == 1


def test_a_save_replaces_head_and_waves_and_appends_to_the_log(store: RolloutStore) -> None:
    begin(store)
    after = rollout(version=2, phase=Phase.APPLYING, stepped_at=NOW + 1)
    assert store.save("ws", after, [wave(1, state=MemberState.SENT)], [entry(NOW + 5, "b"), entry(NOW + 5, "c")])
    assert store.read("ws", "r1") == (after, [wave(0), wave(1, state=MemberState.SENT)])
    assert store.audit("ws", 0, NOW * 2) == [entry(), entry(NOW + 5, "b"), entry(NOW + 5, "c")]


@pytest.mark.parametrize("version", [1, 3])
def test_a_save_of_another_version_changes_nothing(store: RolloutStore, version: int) -> None:
    begin(store)
    over = rollout(version=version, phase=Phase.STOPPED)
    assert not store.save("ws", over, [wave(0, state=MemberState.SENT)], [entry(NOW + 5)])
    assert store.read("ws", "r1") == (rollout(), [wave(0), wave(1)])
    assert store.audit("ws", 0, NOW * 2) == [entry()]
    assert store.registry("ws").version == 1


def test_of_many_who_save_the_same_version_one_does(store: RolloutStore) -> None:
    begin(store)
    won: list[str] = []

    def save(by: str) -> None:
        if store.save("ws", rollout(version=2, reason=by), [wave(0, detail=by)], [entry(NOW + 1, by)]):
            won.append(by)

    threads = [threading.Thread(target=save, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert store.read("ws", "r1") == (rollout(version=2, reason=winner), [wave(0, detail=winner), wave(1)])
    assert [found.text for found in store.audit("ws", NOW + 1, NOW + 2)] == [winner]


def test_waves_may_be_added(store: RolloutStore) -> None:
    begin(store)
    assert store.save("ws", rollout(version=2, waves=3), [wave(2)], [])
    assert store.read("ws", "r1") == (rollout(version=2, waves=3), [wave(0), wave(1), wave(2)])


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.REVERTED, Phase.STOPPED])
def test_one_that_is_over_leaves_the_registry_once_its_notices_are_queued(store: RolloutStore, phase: Phase) -> None:
    begin(store, "r1")
    begin(store, "r2")
    notice = Notice(key="k", event="succeeded", text="t", at=NOW)
    assert store.save("ws", rollout(version=2, phase=phase, notices=[notice]), [], [])
    assert store.registry("ws").rollouts == {"r1", "r2"}
    assert store.save("ws", rollout(version=3, phase=phase), [], [])
    assert store.registry("ws") == Registry(version=3, rollouts=frozenset({"r2"}))
    assert store.save("ws", rollout("r2", version=2, phase=phase), [], [])
    assert store.registry("ws") == Registry(version=4, rollouts=frozenset())
    assert begin(store, "r3")
    assert store.registry("ws") == Registry(version=5, rollouts=frozenset({"r3"}))


def test_agents_join_only_if_no_rollout_began_since_one_looked(store: RolloutStore) -> None:
    begin(store, "r1")
    seen = store.registry("ws")
    begin(store, "r2")
    assert not store.save("ws", rollout(version=2, waves=3), [wave(2)], [], seen)
    assert store.read("ws", "r1") == (rollout(), [wave(0), wave(1)])
    seen = store.registry("ws")
    assert store.save("ws", rollout(version=2, waves=3), [wave(2)], [], seen)
    assert store.registry("ws") == Registry(version=3, rollouts=frozenset({"r1", "r2"}))
    assert not begin(store, "r3", seen=seen)


def test_a_reader_never_sees_two_versions_mixed(store: RolloutStore) -> None:
    begin(store, waves=5)
    mixed: list[Any] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            found = store.read("ws", "r1")
            assert found
            if {member.since for each in found[1] for member in each.members} != {found[0].stepped_at}:
                mixed.append(found)

    thread = threading.Thread(target=look)
    thread.start()
    for version in range(2, 22):
        assert store.save("ws", rollout(waves=5, version=version, stepped_at=version), [wave(n, since=version) for n in range(5)], [])
    over.set()
    thread.join()
    assert mixed == []


def test_heads_come_newest_first_in_pages(store: RolloutStore) -> None:
    for number in range(5):
        begin(store, f"r{number}")
    assert [head.id for head in store.heads("ws", 2)] == ["r4", "r3"]
    assert [head.id for head in store.heads("ws", 2, before="r3")] == ["r2", "r1"]
    assert [head.id for head in store.heads("ws", 9, before="r1")] == ["r0"]
    assert store.heads("other", 9) == []


def test_documents_are_found_by_hash_however_large_and_many(store: RolloutStore) -> None:
    texts = [f'{{"größe":{number}}}' for number in range(130)] + ['{"a":"' + "ä" * (MAX_BYTES // 2 - 4) + '"}']
    documents = {hash_of(text): text for text in texts}
    assert begin(store, documents=documents)
    assert store.documents("ws", [*documents, "unknown"]) == documents
    assert store.documents("other", documents) == {}
    store.put_documents("ws", {hash_of("{}"): "{}"})
    assert store.documents("ws", [hash_of("{}")]) == {hash_of("{}"): "{}"}


def test_the_log_is_read_by_time_and_rollout(store: RolloutStore) -> None:
    begin(store, "r1")
    begin(store, "r2")
    store.save("ws", rollout("r1", version=2), [], [entry(NOW + 10), entry(NOW + 20)])
    store.save("ws", rollout("r2", version=2), [], [entry(NOW + 15, rollout="r2")])
    assert [found.at - NOW for found in store.audit("ws", NOW, NOW + 20)] == [0, 0, 10, 15]
    assert [found.at - NOW for found in store.audit("ws", NOW + 10, NOW + 21, "r1")] == [10, 20]
    assert store.audit("ws", NOW + 21, NOW + 22) == []


def test_many_waves_and_entries_are_saved_at_once(store: RolloutStore) -> None:
    begin(store, waves=120)
    found = store.read("ws", "r1")
    assert found
    assert [each.number for each in found[1]] == list(range(120))
    over = rollout(waves=120, version=2, phase=Phase.STOPPED)
    assert store.save("ws", over, [wave(n, state=MemberState.SENT) for n in range(80)], [entry(NOW + n) for n in range(1, 11)])
    found = store.read("ws", "r1")
    assert found
    assert [each.members[0].state for each in found[1]] == [MemberState.SENT] * 80 + [MemberState.WAITING] * 40


def large(size: int, *, tags: int, details: int = 0) -> Wave:
    """A wave whose texts compress as badly as real ones: hashes, host names, ids."""

    def words(*parts: object) -> str:
        return sha256(repr(parts).encode()).hexdigest()

    return Wave(
        number=0,
        members=[
            Member(
                agent=f"agent-{words(i)[:12]}",
                before=words("b", i)[:32],
                after=words("a", i)[:32],
                state=MemberState.FAILED,
                since=NOW + i * 7919 % 60_000,
                applied_at=NOW + i * 104_729 % 60_000,
                detail="".join(words("d", i, part) for part in range(details)),
                tags={f"tag{t}": words(t, i)[:10] if t == 0 else f"value{i % (t + 2)}" for t in range(tags)},
            )
            for i in range(size)
        ],
    )


def test_a_wave_of_the_most_members_is_one_item_with_room_to_spare(store: RolloutStore) -> None:
    whole = large(MAX_WAVE, tags=8)
    assert store.create("ws", rollout(waves=1), [whole], {}, [], NONE)
    assert store.read("ws", "r1") == (rollout(waves=1), [whole])
    item = rollout_table.wave_item("ws", rollout(), whole, NOW, spare=True)
    assert len(item["d"]["B"]) < 200_000


def test_a_wave_that_learns_too_much_is_stored_with_less_detail() -> None:
    talkative = large(MAX_WAVE, tags=8, details=4)
    item = rollout_table.wave_item("ws", rollout(), talkative, NOW)
    assert len(item["d"]["B"]) <= rollout_table.LARGEST
    found = rollout_table.wave_of(item)
    assert [member.agent for member in found.members] == [member.agent for member in talkative.members]
    assert found.members[0].detail
    assert talkative.members[0].detail.startswith(found.members[0].detail)


def test_a_wave_that_is_too_large_from_the_start_is_refused_with_what_to_do() -> None:
    unlike = [{f"t{tag}": sha256(f"{agent}{tag}".encode()).hexdigest() for tag in range(8)} for agent in range(MAX_WAVE)]
    members = [Member(agent=f"a{agent}", before="", after="", tags=tags) for agent, tags in enumerate(unlike)]
    with pytest.raises(InvalidInput, match="wave 1 has 2000 agents with too many tags to be stored: use smaller waves"):
        rollout_table.wave_item("ws", rollout(), Wave(number=0, members=members), NOW, spare=True)
