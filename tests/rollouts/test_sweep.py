"""What the sweep takes up: rollouts that were left alone, and agents that nobody has configured."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.desired import hash_of
from functions.domain.errors import StoreUnavailable
from functions.domain.revision import Revision
from functions.domain.rollout import Action, Phase, Policy
from functions.rollouts.sweep import MAX_ADOPTED, Swept
from functions.stepping import Next
from tests.rollouts.workshop import AFTER, BEFORE, FAIL, PASS, WS, Workshop

FILES = {"agents/_base.yaml": "model: {primary: x/b}\n", "agents/tier-none.yaml": "model: null\n"}


def swept(shop: Workshop, after_s: int) -> Swept:
    """A run of the sweep so many seconds from now, nobody else doing anything."""
    return shop.sweep().run(WS, shop.now + after_s * 1000)


def apply_revision(shop: Workshop, rollout: str | None = None, version: int = 1, files: dict[str, str] = FILES) -> None:
    assert shop.revisions.put(WS, Revision(number=1, digest="d1", by="t-1", at=shop.now, rollout=rollout, version=version), files)


def test_a_rollout_that_nobody_stepped_for_two_minutes_longer_than_it_waits_gets_a_new_execution() -> None:
    shop = Workshop.of(1)
    shop.launch()
    shop.run(3)
    head = shop.head()
    assert head.look_at
    due = (head.look_at - shop.now) // 1000
    assert swept(shop, due + 119) == Swept([], [])
    assert swept(shop, due + 121) == Swept(["r1"], [])
    assert shop.executions.started == [(WS, "r1", 1), (WS, "r1", 2)]
    shop.run(60)
    assert [(execution.drive, execution.answer and execution.answer.next) for execution in shop.over] == [(1, Next.SUPERSEDED)]


def test_one_that_waits_for_people_is_left_alone() -> None:
    shop = Workshop.of(1)
    shop.launch(policy=Policy(approve=("start",)))
    shop.run(10)
    assert swept(shop, 7 * 86_400) == Swept([], [])
    shop.command(Action.PAUSE)
    shop.run(10)
    assert swept(shop, 7 * 86_400) == Swept([], [])


def test_notices_that_no_execution_queues_any_more_are_queued() -> None:
    shop = Workshop.of(1)
    told = shop.notices.send

    def refuse(workspace: str, rollout: Any) -> None:
        raise StoreUnavailable("no queue")

    shop.notices.send = refuse  # type: ignore[method-assign]
    shop.launch(policy=Policy(gates=False))
    shop.run(120)
    assert shop.head().phase is Phase.SUCCEEDED
    shop.running.clear()
    shop.notices.send = told  # type: ignore[method-assign]
    shop.run(300)
    assert list(shop.notices.told.values()) == ["succeeded"]
    assert shop.rollouts.registry(WS).rollouts == frozenset()


def test_a_rollout_that_cannot_be_read_keeps_no_other_waiting() -> None:
    shop = Workshop.of(2)
    shop.launch("r1", agents=["a-0"])
    shop.launch("r2", agents=["a-1"])
    real = shop.rollouts.head

    def head(workspace: str, rollout: str) -> Any:
        if rollout == "r1":
            raise StoreUnavailable("r1 cannot be read")
        return real(workspace, rollout)

    shop.rollouts.head = head  # type: ignore[method-assign]
    assert swept(shop, 300).restarted == ["r2"]


@pytest.mark.parametrize("rollout", [None, "r1"])
def test_agents_without_a_configuration_get_that_of_the_revision_in_force(rollout: str | None) -> None:
    shop = Workshop.of(1)
    apply_revision(shop, rollout)
    if rollout:
        shop.launch(revision=1, policy=Policy(gates=False))
        shop.run(60)
        assert shop.head().phase is Phase.SUCCEEDED
    shop.add("a-7")
    shop.add("a-8", tier="none")
    shop.add("a-9").retired = True
    shop.snapshot()
    assert swept(shop, 0).adopted == ["a-7"]
    found = shop.desired.get(WS, "a-7")
    assert found
    assert (found.hash, found.by) == (AFTER, "revision 1")
    assert swept(shop, 60).adopted == []


def test_nobody_gets_a_revision_that_is_not_in_force() -> None:
    shop = Workshop.of(1)
    apply_revision(shop, "r1")
    shop.add("a-7")
    assert swept(shop, 0).adopted == []
    shop.launch(revision=1, agents=["a-0"], policy=Policy(approve=("start",)))
    assert swept(shop, 0).adopted == []
    shop.command(Action.APPROVE)
    shop.command(Action.ABORT)
    shop.run(120)
    assert shop.head().phase is Phase.REVERTED
    assert swept(shop, 0).adopted == []


def test_nobody_gets_a_revision_that_is_still_being_applied() -> None:
    shop = Workshop()
    apply_revision(shop, version=0)
    shop.add("a-7")
    assert swept(shop, 0).adopted == []


def test_members_of_a_rollout_are_its_business() -> None:
    shop = Workshop()
    shop.add("a-7")
    apply_revision(shop)
    shop.launch(text='{"other":1}', policy=Policy(approve=("start",)))
    assert swept(shop, 0).adopted == []


def test_a_run_adopts_so_many_and_the_next_goes_on() -> None:
    shop = Workshop()
    apply_revision(shop)
    for number in range(MAX_ADOPTED + 20):
        shop.add(f"a-{number}")
    assert [len(swept(shop, at).adopted) for at in (0, 60, 120)] == [MAX_ADOPTED, 20, 0]


def test_without_revision_or_snapshot_there_is_nothing_to_do() -> None:
    shop = Workshop()
    assert swept(shop, 0) == Swept([], [])
    shop.add("a-1")
    assert swept(shop, 0) == Swept([], [])


def test_a_rollout_goes_back_though_its_execution_dies_again_and_again() -> None:
    shop = Workshop.of(6)
    shop.gate.say = lambda rollout, waves, now: FAIL if rollout.wave else PASS
    shop.launch(policy=Policy(waves=("2", "100%"), bake_s=30, apply_s=600))
    for _ in range(200):
        shop.run(7)
        shop.running.clear()
        if not shop.rollouts.registry(WS).rollouts:
            break
    assert shop.head().phase is Phase.REVERTED
    assert set(shop.runs().values()) == set(shop.hashes().values()) == {BEFORE}
    assert hash_of("{}") not in shop.hashes().values()
