"""Budgets that are used up do what they say, once, and put everything back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.budgets.handler import run
from functions.budgets.service import BudgetService
from functions.domain import budget_use
from functions.domain.budget_acts import ActPhase
from functions.domain.budget_state import Level
from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import Phase
from functions.domain.rollup import Rollup
from functions.domain.times import MINUTE_MS
from functions.ports import Resolution
from tests.budgets.office import DAY, PAUSE, WS, Hooked, Office, point

KEY = "tier=smart|tokens_per_day"
SMART_DOCUMENT = {"model": {"primary": "opus", "fallbacks": ["sonnet"]}}


@pytest.fixture
def office() -> Office:
    found = Office()
    found.budgets(PAUSE)
    return found


def spend(office: Office, amount: float = 1240, **more: Any) -> None:
    office.now += MINUTE_MS
    office.use(amount, **more)


def test_what_is_used_is_counted_from_hours_and_minutes_and_stored(office: Office) -> None:
    for hour, amount in ((3, 100.0), (10, 50.0)):
        number = (DAY // 3_600_000) + hour
        office.rollups.put_group(WS, Resolution.HOUR, number, point("task.tokens_out", (("tier", "smart"),), amount, number * 60), 1)
    office.rollups.put_group(WS, Resolution.HOUR, DAY // 3_600_000 - 1, point("task.tokens_out", (("tier", "smart"),), 9999, 0), 1)
    spend(office, 7)
    found = office.state(office.run())
    assert (found.used, found.level) == (157, Level.OK)
    counted = budget_use.decode(office.fleet.settings(WS, budget_use.DOCUMENT))
    assert counted
    assert counted.use["tier=smart"]["tokens_per_day"].used == 157
    assert office.now - 2 * MINUTE_MS < counted.at <= office.now


def test_a_budget_that_is_used_up_pauses_its_agents_once(office: Office) -> None:
    spend(office)
    report = office.run()
    assert office.titles() == ["budget tier=smart: 1.24 of tokens_per_day: paused"]
    (rollout,) = office.started()
    assert report.started == [rollout.id]
    assert (rollout.by, rollout.members, rollout.waves, rollout.policy.gates) == ("clawpulse", 2, 1, False)
    assert (rollout.selector, rollout.change["patch"]) == ("tier=smart", {"paused": True}), "nobody else may join it"
    office.settle()
    assert (office.wants("a-1"), office.wants("a-2"), office.wants("b-1")) == ({**SMART_DOCUMENT, "paused": True}, {"paused": True}, None)
    for _ in range(3):
        assert not office.run().started
    assert office.acts()[KEY].phase is ActPhase.IN_FORCE


def test_a_new_day_lifts_it(office: Office) -> None:
    spend(office)
    office.run()
    office.settle()
    office.tomorrow()
    (lift,) = office.run().lifted
    assert office.titles()[1] == "budget tier=smart: tokens_per_day: paused lifted, the period is over"
    assert "patch" not in office.started()[1].change, "nobody may join it"
    assert office.acts()[KEY].phase is ActPhase.LIFTING
    office.settle()
    assert (office.wants("a-1"), office.wants("a-2")) == (SMART_DOCUMENT, {})
    office.run()
    office.run()
    assert office.acts() == {}
    assert [rollout.id for rollout in office.started()][1:] == [lift]
    spend(office)
    office.run()
    assert len(office.started()) == 3, "the new day has a budget of its own"


def test_a_raised_budget_lifts_it_and_acts_once_more_when_that_is_used_up(office: Office) -> None:
    spend(office)
    office.run()
    office.settle()
    office.budgets({"tier=smart": {"tokens_per_day": 2000, "act": {"at": 1.2, "do": "pause"}}})
    office.run()
    assert office.titles()[1].endswith("paused lifted, the budget allows more")
    office.settle()
    office.run()
    assert office.wants("a-1") == SMART_DOCUMENT
    office.budgets(PAUSE)
    office.run()
    assert len(office.started()) == 2, "it acted on as much already"
    office.budgets({"tier=smart": {"tokens_per_day": 2000, "act": {"at": 1.2, "do": "pause"}}})
    spend(office)
    office.run()
    assert office.titles()[2] == "budget tier=smart: 1.24 of tokens_per_day: paused"


@pytest.mark.parametrize("document", [{}, {"tier=smart": {"tokens_per_day": 1000}}, {"tier=fast": PAUSE["tier=smart"]}])
def test_a_budget_that_is_taken_back_lifts_what_it_did(office: Office, document: dict[str, Any]) -> None:
    spend(office)
    office.run()
    office.settle()
    office.budgets(document)
    office.run()
    office.settle()
    assert (office.wants("a-1"), office.wants("a-2")) == (SMART_DOCUMENT, {})


def test_until_raised_stays_over_the_period(office: Office) -> None:
    office.budgets({"tier=smart": {"tokens_per_day": 1000, "act": {"at": 1.2, "do": "pause", "until": "raised"}}})
    spend(office)
    office.run()
    office.settle()
    office.tomorrow()
    assert not office.run().lifted
    office.budgets({"tier=smart": {"tokens_per_day": 1500, "act": {"at": 1.2, "do": "pause", "until": "raised"}}})
    spend(office, 1)
    office.run()
    assert len(office.started()) == 2


def test_the_model_is_switched_and_the_rest_of_the_configuration_stays(office: Office) -> None:
    office.budgets({"": {"usd_per_month": 10, "act": {"at": 1.0, "do": {"model": "haiku"}}}})
    spend(office, 10.5, name="task.cost_usd", tags=())
    office.run()
    assert office.titles() == ["budget of the workspace: 1.05 of usd_per_month: model haiku"]
    office.settle()
    assert office.wants("a-1") == {"model": {"primary": "haiku", "fallbacks": ["sonnet"]}}
    assert office.wants("b-1") == {"model": {"primary": "haiku"}}


def test_agents_whose_configuration_somebody_changed_since_are_left_alone(office: Office) -> None:
    spend(office)
    office.run()
    office.settle()
    office.set("a-1", {"mine": True})
    office.tomorrow()
    office.run()
    office.settle()
    assert (office.wants("a-1"), office.wants("a-2")) == ({"mine": True}, {})


def test_a_rollout_that_somebody_took_back_is_not_repeated_nor_lifted(office: Office) -> None:
    spend(office)
    office.run()
    office.settle()
    office.set("a-1", SMART_DOCUMENT)
    office.set("a-2", {})
    assert not office.run().started
    office.tomorrow()
    office.run()
    assert office.acts()[KEY].phase is ActPhase.OVER
    assert len(office.started()) == 1


def test_agents_in_another_rollout_are_waited_for(office: Office) -> None:
    office.roll("a-2", document={"new": 1})
    spend(office)
    report = office.run()
    assert not report.started
    assert report.notes[KEY] == "waits: the rollout r000000000000 is not over and has a-2"
    assert office.acts()[KEY].phase is ActPhase.WAITING
    counted = budget_use.decode(office.fleet.settings(WS, budget_use.DOCUMENT))
    assert counted
    assert counted.notes == report.notes
    office.settle()
    assert office.run().started
    office.settle()
    assert (office.wants("a-1"), office.wants("a-2")) == ({**SMART_DOCUMENT, "paused": True}, {"new": 1, "paused": True})


def test_what_waits_is_dropped_when_the_period_is_over_first(office: Office) -> None:
    office.roll("a-2", document={"new": 1})
    spend(office)
    office.run()
    office.tomorrow()
    office.run()
    office.settle()
    office.run()
    assert (office.acts(), office.titles()) == ({}, ["other"])


def test_a_lift_waits_for_other_rollouts_too(office: Office) -> None:
    spend(office)
    office.run()
    office.settle()
    office.roll("a-1", document={"new": 1})
    office.tomorrow()
    report = office.run()
    assert office.acts()[KEY].phase is ActPhase.LIFT_WAITING
    assert "r000000000000" in report.notes[KEY]
    office.settle()
    office.run()
    office.settle()
    office.run()
    assert (office.wants("a-1"), office.wants("a-2")) == ({"new": 1}, {})


def test_a_rollout_under_way_is_turned_around(office: Office) -> None:
    spend(office)
    office.run()
    office.budgets({})
    office.run()
    (rollout,) = office.started()
    assert rollout.phase in (Phase.REVERTING, Phase.REVERTED)
    office.settle()
    office.run()
    assert office.wants("a-1") == SMART_DOCUMENT
    assert office.acts()[KEY].phase is ActPhase.OVER


def test_nothing_is_done_for_a_budget_without_act_or_for_faulty_ones(office: Office) -> None:
    office.budgets({"tier=smart": {"tokens_per_day": 1000}})
    spend(office, 99_999)
    assert office.state(office.run()).level is Level.ALERT
    office.budgets({"tier=smart": {"tokens_per_day": 1, "act": {"at": 1, "do": "explode"}}})
    assert "not valid" in " ".join(office.run().warnings)
    assert office.started() == []


def test_a_group_without_agents_says_so(office: Office) -> None:
    office.budgets({"tier=none": PAUSE["tier=smart"]})
    spend(office, tags=(("tier", "none"),))
    assert office.run().notes == {"tier=none|tokens_per_day": "no agent has the tags of the group"}
    assert office.acts() == {}


def test_acts_of_overlapping_groups_nest(office: Office) -> None:
    office.budgets(
        {
            "": {"tokens_per_month": 1000, "act": {"at": 1.0, "do": {"model": "haiku"}}},
            "tier=smart": {"tokens_per_day": 1000, "act": {"at": 1.2, "do": "pause"}},
        }
    )
    spend(office, 1100)
    office.run()
    office.settle()
    spend(office, 200)
    office.run()
    office.settle()
    assert office.wants("a-2") == {"model": {"primary": "haiku"}, "paused": True}
    office.budgets({"tier=smart": {"tokens_per_day": 1000, "act": {"at": 1.2, "do": "pause"}}})
    report = office.run()
    assert report.notes["|tokens_per_month"] == "kept while the budget tier=smart tokens_per_day acts on some of its agents"
    office.tomorrow()
    for _ in range(6):
        office.run()
        office.settle()
    assert (office.wants("a-1"), office.wants("a-2"), office.wants("b-1")) == (SMART_DOCUMENT, {}, {})


def test_what_two_budgets_ask_for_stays_until_both_are_content(office: Office) -> None:
    office.budgets(
        {"tier=smart": {"tokens_per_day": 1000, "tokens_per_month": 1000, "act": {"at": 1.2, "do": "pause"}}},
    )
    spend(office)
    office.run()
    office.settle()
    report = office.run()
    assert len(office.started()) == 1
    assert list(report.notes.values()) == ["no agent of the group would change"]
    office.tomorrow()
    report = office.run()
    assert not report.lifted
    assert "kept while the budget tier=smart tokens_per_month" in report.notes[KEY]


def test_without_budgets_nothing_is_read_or_written(office: Office) -> None:
    office.budgets({})
    assert office.run().states == []
    assert office.fleet.settings(WS, budget_use.DOCUMENT) is None


def test_a_resource_is_the_mean_of_the_agent_that_uses_most(office: Office) -> None:
    office.budgets({"tier=smart": {"cpu_percent": 80}})
    office.now += MINUTE_MS
    for back in range(15):
        minute = office.now // MINUTE_MS - 1 - back
        rollup: Rollup = {}
        for agent, value in (("a-1", 30.0), ("a-2", 76.0), ("b-1", 99.0)):
            rollup |= point("agent.cpu", (("agent", agent),), value, minute)
        office.rollups.put_matrix(WS, Resolution.MINUTE, minute, rollup, 1)
    office.now -= MINUTE_MS
    state = office.state(office.run(), "cpu_percent")
    assert (state.used, state.agent, state.level) == (76.0, "a-2", Level.WARN)


def test_one_workspace_that_fails_keeps_no_other_from_its_turn(office: Office) -> None:
    class Down:
        def run(self, workspace: str, now: int) -> Any:
            if workspace == "bad":
                raise StoreUnavailable("down")
            return office.service.run(workspace, now)

    faults: list[StoreUnavailable] = []
    office.snapshot()
    done = [workspace for workspace, _ in run(("bad", WS), Down(), lambda: office.now, faults)]  # type: ignore[arg-type]
    assert (done, len(faults)) == ([WS], 1)


class Crash(Exception):
    """The process died."""


class Accident:
    """A workspace whose runs die before and after writes, as a script says, and are overtaken by others there."""

    def __init__(self, script: list[str]) -> None:
        self.office = Office()
        self.office.budgets(PAUSE)
        spend(self.office)
        self._script = iter(script)

    def _hook(self, _: str) -> None:
        match next(self._script, "go"):
            case "crash":
                raise Crash
            case "other":
                self._process().run(WS, self.office.now)

    def _process(self) -> BudgetService:
        fleet = Hooked(self.office.fleet, self._hook, "replace_settings", "put_settings")
        return self.office.another(fleet, Hooked(self.office.rollouts, self._hook, "create", "save"))

    def live(self, minutes: int, *, settled: bool, most: int) -> None:
        self.office.now += minutes * MINUTE_MS
        self.office.snapshot()
        with suppress(Crash):
            self._process().run(WS, self.office.now)
        assert len(self.office.started()) <= most, self.office.titles()
        if settled:
            self.office.settle()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["go", "go", "go", "crash", "other"]), max_size=40), st.lists(st.booleans(), min_size=10, max_size=10))
def test_it_acts_at_most_once_a_period_and_puts_all_back_whatever_happens(script: list[str], settling: list[bool]) -> None:
    """Rollouts take their time; when accidents are over, all is as it should be."""
    found = Accident(script)
    office = found.office
    for settled in settling:
        found.live(1, settled=settled, most=1)
    for _ in range(22):
        found.live(4, settled=True, most=1)
    assert len(office.started()) == 1
    assert (office.wants("a-1"), office.wants("a-2")) == ({**SMART_DOCUMENT, "paused": True}, {"paused": True})
    office.tomorrow()
    for settled in settling:
        found.live(1, settled=settled, most=2)
    for _ in range(22):
        found.live(4, settled=True, most=2)
    assert (office.wants("a-1"), office.wants("a-2")) == (SMART_DOCUMENT, {})
    assert (len(office.started()), office.over(), office.acts()) == (2, True, {})


STEPS = ("smart", "smart", "fast", "wait", "tomorrow", "raise", "lower", "drop smart", "back")


def document(scale: float, *without: str) -> dict[str, Any]:
    found = {
        "": {"tokens_per_month": 3000 * scale, "act": {"at": 1.0, "do": {"model": "haiku"}}},
        "tier=smart": {"tokens_per_day": 1000 * scale, "tokens_per_month": 2500 * scale, "act": {"at": 1.2, "do": "pause"}},
        "tier=fast": {"tokens_per_hour": 900 * scale, "act": {"at": 1.0, "do": "pause", "until": "raised"}},
    }
    return {group: entry for group, entry in found.items() if group not in without}


def take(office: Office, step: str) -> None:
    match step:
        case "smart" | "fast":
            spend(office, 1300, tags=(("tier", step),))
        case "tomorrow":
            office.tomorrow()
        case "raise" | "lower" | "back":
            office.budgets(document({"raise": 2.0, "lower": 0.5, "back": 1.0}[step]))
        case "drop smart":
            office.budgets(document(1.0, "tier=smart"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([True, True, False])), max_size=25))
def test_whatever_overlapping_budgets_did_comes_to_an_end(steps: list[tuple[str, bool]]) -> None:
    """When no budget is left, every agent has what it had before, and nothing waits for anything."""
    office = Office()
    office.budgets(document(1.0))
    for step, settled in steps:
        take(office, step)
        office.run()
        if settled:
            office.settle()
    office.budgets({})
    for _ in range(14):
        office.run()
        office.settle()
    assert [office.wants(agent) or {} for agent in ("a-1", "a-2", "b-1")] == [SMART_DOCUMENT, {}, {}]
    assert office.over()
    assert {act.phase for act in office.acts().values()} <= {ActPhase.OVER}
