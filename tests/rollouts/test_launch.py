"""Rollouts are started once, with everything they need, and never two over one agent."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from functions.domain.desired import hash_of
from functions.domain.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from functions.domain.rollout import UNMANAGED, UNMANAGED_TEXT, Action, Member, MemberState, Phase, Policy, Reversibility
from functions.rollout_launch import Parts, launch, preview
from tests.rollouts.workshop import AFTER, BEFORE, NEW, NEW_TEXT, OLD_TEXT, WS, Chance, Mortal, Workshop


def test_a_rollout_has_waves_documents_a_first_execution_and_a_line_in_the_log() -> None:
    shop = Workshop.of(8)
    made = shop.launch(selector="env=prod")
    assert made
    found = shop.rollouts.read(WS, "r1")
    assert found
    head, waves = found
    assert head == made
    assert (head.title, head.by, head.selector, head.change) == ("model: a → b", "t-1", "env=prod", {"patch": NEW})
    assert [len(wave.members) for wave in waves] == [1, 4, 3]
    assert waves[0].members[0] == Member(agent="a-0", before=BEFORE, after=AFTER)
    assert shop.rollouts.documents(WS, [BEFORE, AFTER]) == {BEFORE: OLD_TEXT, AFTER: NEW_TEXT}
    assert shop.executions.started == [(WS, "r1", 1)]
    (entry,) = shop.rollouts.audit(WS, 0, shop.now + 1)
    assert (entry.action, entry.by) == ("created", "t-1")


def test_agents_that_have_it_already_are_no_members_and_none_at_all_is_no_rollout() -> None:
    shop = Workshop.of(3)
    shop.set("a-1", NEW_TEXT)
    made = shop.launch()
    assert made
    assert made.members == 2
    other = Workshop()
    other.add("a-1", NEW_TEXT)
    other.add("a-2")
    assert launch(other.parts, WS, other.wanted(["a-1"]), id="r1", now=other.now) is None
    assert other.executions.started == []
    assert other.rollouts.heads(WS, 9) == []


def test_an_agent_without_a_configuration_goes_back_to_one_that_manages_nothing() -> None:
    shop = Workshop()
    shop.add("a-1")
    shop.launch()
    found = shop.rollouts.read(WS, "r1")
    assert found
    assert found[1][0].members[0].before == UNMANAGED
    assert shop.rollouts.documents(WS, [UNMANAGED]) == {UNMANAGED: UNMANAGED_TEXT}


def test_what_agents_have_is_kept_however_many_documents_that_are() -> None:
    shop = Workshop()
    texts = [f'{{"n":{number}}}' for number in range(30)]
    for number, text in enumerate(texts):
        shop.add(f"a-{number}", text)
    shop.launch()
    assert shop.rollouts.documents(WS, map(hash_of, texts)) == {hash_of(text): text for text in texts}


def test_a_preview_is_what_would_be_started_and_stores_nothing() -> None:
    shop = Workshop.of(8)
    wanted = shop.wanted(irreversible=True, backup_by="t-7")
    rollout, waves = preview(wanted, shop.hashes(), shop.now)
    assert [len(wave.members) for wave in waves] == [1, 4, 3]
    assert (rollout.members, rollout.reversibility, rollout.backup_by) == (8, Reversibility.IRREVERSIBLE, "t-7")
    assert shop.rollouts.heads(WS, 9) == []
    nothing, none = preview(shop.wanted(["a-1"]), {"a-1": AFTER}, shop.now)
    assert (nothing.phase, nothing.members, nothing.reason, none) == (Phase.SUCCEEDED, 0, "no agent would change", [])


def test_an_irreversible_change_wants_a_backup() -> None:
    with pytest.raises(InvalidInput, match="backup"):
        Workshop.of(1).launch(irreversible=True)


def test_a_second_rollout_over_an_agent_is_refused_with_the_name_of_the_first() -> None:
    shop = Workshop.of(9)
    shop.launch("r1", agents=["a-0", "a-1", "a-2", "a-3", "a-4", "a-5", "a-6"])
    shop.launch("r2", agents=["a-8"])
    reason = "the rollout r1 is not over and has a-0, a-1, a-2, a-3, a-4 and 2 more; the rollout r2 is not over and has a-8"
    with pytest.raises(Conflict, match=reason):
        shop.launch("r3")
    assert shop.launch("r3", agents=["a-7"])


def test_an_agent_that_is_out_of_its_rollout_may_be_in_the_next() -> None:
    shop = Workshop.of(4)
    shop.launch("r1", policy=Policy(waves=("100%",), bake_s=600))
    shop.run(10)
    shop.set("a-3", '{"by":"hand"}')
    shop.run(60)
    found = shop.rollouts.read(WS, "r1")
    assert found
    states = {member.agent: member.state for wave in found[1] for member in wave.members}
    assert states["a-3"] is MemberState.OVERRIDDEN
    assert shop.launch("r2", agents=["a-3"])
    with pytest.raises(Conflict, match="r1 is not over and has a-2"):
        shop.launch("r3", agents=["a-2"], text=OLD_TEXT)


def test_one_that_is_over_holds_nobody_though_its_notices_wait() -> None:
    shop = Workshop.of(2)
    shop.notices.send = lambda workspace, rollout: unavailable()  # type: ignore[method-assign]
    shop.launch("r1", policy=Policy(gates=False))
    shop.run(300)
    assert shop.head().phase is Phase.SUCCEEDED
    assert shop.rollouts.registry(WS).rollouts == {"r1"}
    assert shop.launch("r2", text=OLD_TEXT)


def unavailable() -> None:
    raise StoreUnavailable("no queue")


def test_of_many_who_start_at_once_each_agent_is_in_one_rollout() -> None:
    shop = Workshop.of(6)
    made: list[str] = []
    refused: list[str] = []

    def start(number: int) -> None:
        agents = [f"a-{number}", f"a-{(number + 1) % 6}"]
        try:
            rollout = shop.launch(f"r{number}", agents=agents)
        except (Conflict, StoreUnavailable) as error:
            refused.append(str(error))
        else:
            assert rollout
            made.append(rollout.id)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    members = [
        member.agent for id in made for found in [shop.rollouts.read(WS, id)] if found for wave in found[1] for member in wave.members
    ]
    assert made
    assert len(members) == len(set(members)) == 2 * len(made)
    assert len(made) + len(refused) == 6


class Meddled:
    """A store in which somebody else does something just before one creates."""

    def __init__(self, real: Any, meddle: Any) -> None:
        self._real = real
        self._meddle = meddle

    def create(self, *given: Any) -> Any:
        meddle, self._meddle = self._meddle, lambda: None
        meddle()
        return self._real.create(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize(("taken", "starts"), [("a-3", True), ("a-1", False)])
def test_who_was_overtaken_looks_again(taken: str, starts: bool) -> None:
    shop = Workshop.of(4)
    parts = shop.parts
    rollouts: Any = Meddled(parts.rollouts, lambda: shop.launch("r9", agents=[taken]))
    meddled = Parts(rollouts=rollouts, desired=parts.desired, executions=parts.executions)
    wanted = shop.wanted(["a-0", "a-1"])
    if starts:
        assert launch(meddled, WS, wanted, id="r1", now=shop.now)
    else:
        with pytest.raises(Conflict, match="r9 is not over and has a-1"):
            launch(meddled, WS, wanted, id="r1", now=shop.now)


def test_what_somebody_sets_while_one_starts_is_kept() -> None:
    shop = Workshop.of(2)
    by_hand = '{"by":"hand"}'

    class Slow(Mortal):
        """Somebody is faster between hash and text."""

        def get(self, workspace: str, agent: str) -> Any:
            if shop.desired.hash_of(WS, "a-1") == BEFORE:
                shop.set("a-1", by_hand)
            return shop.desired.get(workspace, agent)

    parts = shop.parts
    desired: Any = Slow(shop.desired, Chance())
    # One document each, so that both are read.
    shop.set("a-0", '{"n":0}')
    assert launch(Parts(rollouts=parts.rollouts, desired=desired, executions=parts.executions), WS, shop.wanted(), id="r1", now=shop.now)
    assert set(shop.rollouts.documents(WS, [hash_of(by_hand)]).values()) == {by_hand}


def test_what_cannot_be_started_now_is_started_by_the_sweep() -> None:
    shop = Workshop.of(2, chance=Chance(frozenset({1})))
    assert shop.launch()
    assert shop.executions.started == []
    shop.run(130)
    assert shop.executions.started == []
    shop.run(120)
    assert shop.executions.started[0] == (WS, "r1", 2)


def test_a_command_is_written_down_and_carried_out_by_a_new_execution() -> None:
    shop = Workshop.of(2)
    shop.launch()
    shop.run(30)
    assert shop.command(Action.PAUSE).phase is Phase.PAUSED
    assert shop.executions.started == [(WS, "r1", 1), (WS, "r1", 2)]
    shop.run(60)
    assert [execution.drive for execution in shop.over] == [2, 1]
    assert [entry.action for entry in shop.rollouts.audit(WS, 0, shop.now)][-1] == "pause"


def test_a_command_that_is_not_possible_or_meets_no_rollout_says_so() -> None:
    shop = Workshop.of(2)
    with pytest.raises(NotFound, match="r1"):
        shop.command(Action.PAUSE)
    shop.launch()
    with pytest.raises(Conflict, match="resume is not possible: the rollout is waiting; possible are"):
        shop.command(Action.RESUME)
