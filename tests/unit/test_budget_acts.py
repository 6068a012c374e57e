"""When budgets act, and when that is lifted: decisions over every phase, and how overlapping ones nest."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert_budgets import BudgetAct
from functions.domain.budget_acts import CLAIM_MS, Act, ActPhase, Decision, decide, decisions, key_of
from functions.domain.budget_rollouts import lift_of, patched
from functions.domain.budget_state import BudgetState, Level
from functions.domain.desired import canonical, hash_of
from functions.domain.rollout import Member
from functions.domain.times import DAY_MS, HOUR_MS

NOW = 20_000 * DAY_MS + 12 * HOUR_MS
END = 20_001 * DAY_MS
PAUSE = BudgetAct(1.2, {"paused": True}, "paused", "period", ("tokens_per_day",))


def state(level: Level | None = Level.ACT, limit: float = 1000, group: str = "tier=smart") -> BudgetState:
    return BudgetState(
        group=group,
        tags=(),
        budget="tokens_per_day",
        start=END - DAY_MS,
        end=END,
        used=None,
        limit=limit,
        share=None,
        forecast=None,
        level=level,
        reason="",
        agent=None,
        act=PAUSE,
    )


def act(phase: ActPhase, **changes: Any) -> Act:
    given = {
        "group": "tier=smart",
        "budget": "tokens_per_day",
        "end": END,
        "until": "period",
        "threshold": 1200.0,
        "done": "paused",
        "patch": {"paused": True},
        "since": NOW - HOUR_MS,
        "began": NOW - HOUR_MS,
        "rollout": "r1",
    }
    return Act(phase=phase, **given | changes)


@pytest.mark.parametrize(
    ("there", "now", "level", "wanted"),
    [
        (None, NOW, Level.ACT, Decision.START),
        (None, NOW, Level.ALERT, Decision.NOTHING),
        (None, NOW, None, Decision.NOTHING),
        (act(ActPhase.CLAIMED, since=NOW - CLAIM_MS + 1), NOW, Level.ACT, Decision.NOTHING),
        (act(ActPhase.CLAIMED), NOW, Level.OK, Decision.START),
        (act(ActPhase.WAITING), NOW, Level.ACT, Decision.START),
        (act(ActPhase.WAITING), NOW, Level.OK, Decision.FORGET),
        (act(ActPhase.IN_FORCE), NOW, Level.ACT, Decision.NOTHING),
        (act(ActPhase.IN_FORCE), NOW, Level.ALERT, Decision.NOTHING),
        (act(ActPhase.IN_FORCE), END, None, Decision.LIFT),
        (act(ActPhase.IN_FORCE), END, Level.ACT, Decision.NOTHING),
        (act(ActPhase.IN_FORCE, until="raised"), END, Level.OK, Decision.NOTHING),
        (act(ActPhase.LIFT_CLAIMED, since=NOW - 1), NOW, Level.OK, Decision.NOTHING),
        (act(ActPhase.LIFT_CLAIMED), NOW, Level.ACT, Decision.LIFT),
        (act(ActPhase.LIFT_WAITING), NOW, Level.OK, Decision.LIFT),
        (act(ActPhase.LIFTING), NOW, Level.OK, Decision.WATCH),
        (act(ActPhase.OVER), NOW, Level.ACT, Decision.NOTHING),
        (act(ActPhase.OVER), END, Level.OK, Decision.FORGET),
        (act(ActPhase.OVER), END, Level.ACT, Decision.START),
    ],
)
def test_what_each_phase_calls_for(there: Act | None, now: int, level: Level | None, wanted: Decision) -> None:
    assert decide(there, state(level), now) is wanted


@pytest.mark.parametrize(
    ("limit", "level", "in_force", "over"),
    [
        (2000, Level.ALERT, Decision.LIFT, Decision.NOTHING),
        (2000, Level.ACT, Decision.NOTHING, Decision.START),
        (2000, None, Decision.NOTHING, Decision.NOTHING),
        (500, Level.ACT, Decision.NOTHING, Decision.NOTHING),
    ],
)
def test_a_raised_budget_is_another_one(limit: float, level: Level | None, in_force: Decision, over: Decision) -> None:
    assert decide(act(ActPhase.IN_FORCE), state(level, limit), NOW) is in_force
    assert decide(act(ActPhase.OVER), state(level, limit), NOW) is over


def test_a_budget_that_is_gone_is_lifted_at_once_and_forgotten_with_its_period() -> None:
    assert decide(act(ActPhase.IN_FORCE), None, NOW) is Decision.LIFT
    assert decide(act(ActPhase.OVER), None, NOW) is Decision.NOTHING
    assert decide(act(ActPhase.OVER), None, END) is Decision.FORGET


def both(mine: Act, other: Act | None, calling: Level | None = None, *, overlap: bool = True) -> tuple[Decision, str]:
    """What is decided of an act whose budget is gone, beside another one of the workspace's budget."""
    key, workspace = key_of("tier=smart", "tokens_per_day"), key_of("", "tokens_per_day")
    acts = {key: mine} | ({workspace: other} if other else {})
    states = {workspace: state(calling, group="")} if calling else {}
    return decisions(acts, states, lambda one, another: overlap, NOW)[key]


def test_what_began_later_is_lifted_first() -> None:
    mine = act(ActPhase.IN_FORCE)
    later = act(ActPhase.IN_FORCE, group="", began=NOW)
    blocked = (Decision.NOTHING, "kept while the budget of the workspace tokens_per_day acts on some of its agents")
    assert both(mine, later, Level.ACT) == blocked
    assert both(mine, act(ActPhase.LIFTING, group="", began=NOW)) == blocked
    assert both(mine, act(ActPhase.OVER, group="", began=NOW), Level.ALERT) == (Decision.LIFT, "")
    assert both(mine, act(ActPhase.IN_FORCE, group="", began=1), Level.ACT) == (Decision.LIFT, "")
    assert both(mine, later, Level.ACT, overlap=False) == (Decision.LIFT, "")


def test_nothing_is_lifted_that_another_budget_asks_for() -> None:
    mine = act(ActPhase.IN_FORCE)
    assert both(mine, None, Level.ACT)[0] is Decision.NOTHING
    assert both(mine, None, Level.ALERT)[0] is Decision.LIFT


def test_lifts_come_before_starts() -> None:
    acts = {"b|tokens_per_day": act(ActPhase.IN_FORCE, group="b")}
    found = decisions(acts, {"a|tokens_per_day": state(group="a")}, lambda one, other: False, NOW)
    assert [decision for decision, _ in found.values()] == [Decision.LIFT, Decision.START]


def test_a_patch_leaves_the_rest_and_costs_only_what_cannot_take_it() -> None:
    targets, faults = patched({"model": {"primary": "b"}}, {"a": '{"model":{"primary":"a","fallbacks":["c"]},"x":1}', "b": "{}", "c": ""})
    assert targets == {"a": '{"model":{"fallbacks":["c"],"primary":"b"},"x":1}', "b": '{"model":{"primary":"b"}}'}
    assert len(faults) == 1
    assert "the configuration of c cannot be changed now" in faults[0]


def test_the_way_back_leaves_alone_what_somebody_changed() -> None:
    before, after = canonical({"a": 1}), canonical({"a": 1, "paused": True})
    members = [Member(agent=id, before=hash_of(before), after=hash_of(after), tags={"tier": "x"}) for id in ("same", "changed", "gone")]
    lost = Member(agent="lost", before="0" * 32, after=hash_of(after))
    desired = {"same": hash_of(after), "changed": hash_of("{}"), "lost": hash_of(after)}
    way = lift_of([*members, lost], desired, {hash_of(before): before})
    assert (way.targets, way.tags) == ({"same": before}, {"same": {"tier": "x"}})
    assert way.faults == ["what lost had before is not known any more"]
