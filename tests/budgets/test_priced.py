"""Money that no task reported: budgets count what is priced from tokens as the ledger does, with its minute, and say what has no price."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.budgets.service import BudgetService
from functions.domain import budget_use, usage
from functions.domain.alert_columns import Columns, TagSets
from functions.domain.alert_data import Buckets, Evidence
from functions.domain.alert_memo import Memo
from functions.domain.budget_state import BudgetState
from functions.domain.cost_burn_down import burn_down
from functions.domain.cost_group import priced_minute, settled_hour
from functions.domain.cost_prices import parse_prices, prices
from functions.domain.cost_pricing import Tokens, list_price, priced, with_models
from functions.domain.fleet import Snapshot
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, merge_into
from functions.domain.rollup_codec import decode, encode
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.domain.usage_frame import UsageFrame
from functions.evidence import EvidenceReader
from functions.ports import Resolution
from functions.rollout_launch import Parts
from functions.seal.service import Limits, SealService
from tests.budgets.office import DAY
from tests.costs.office import WORKSPACE, Office, a_task

FIRST = DAY // HOUR_MS
HOURS = 3
"""Of the day: two are built, of the third there are minutes."""
USD = {"m1": (2.0, 10.0), "m2": (0.5, 0.25)}
"""Per million tokens in and out."""
PRICES = prices(parse_prices({"version": "v", "models": [{"match": m, "input": i, "output": o} for m, (i, o) in USD.items()]}))
MODELS = {"a": "m1", "b": None}
"""Of agents, where a task names none."""
BUDGETS = {"": {"usd_per_day": 1.0}, "tier=x": {"usd_per_day": 1.0}, "model=m1": {"usd_per_day": 1.0}, "model=m3": {"usd_per_day": 1.0}}


class Task(NamedTuple):
    hour: int
    minute: int
    agent: str
    tier: str
    model: str
    tokens: tuple[int, int]
    cost: float | None

    @property
    def paid(self) -> str:
        """The model that it is priced by; empty for none."""
        return self.model or MODELS[self.agent] or ""

    @property
    def tags(self) -> dict[str, str]:
        return {"tier": self.tier, **({"model": self.model} if self.model else {})}

    def belongs(self, group: str) -> bool:
        """What was reported is in the cell that its task named; what is priced has the model that it was priced by."""
        tags = {"tier": self.tier, "model": self.model if self.cost is not None else self.paid}
        return Selector.parse(group).matches({key: value for key, value in tags.items() if value})

    @property
    def usd(self) -> float | None:
        if self.cost is not None:
            return self.cost
        rates = USD.get(self.paid)
        return None if rates is None else sum(n * usd for n, usd in zip(self.tokens, rates, strict=True)) / 1e6


def rollup(tasks: list[Task]) -> Rollup:
    """What intake makes of them."""
    made: Rollup = {}
    for task in tasks:
        at = DAY + task.hour * HOUR_MS + task.minute * MINUTE_MS
        figures = {"task.tokens_in": task.tokens[0], "task.tokens_out": task.tokens[1]}
        own = {"task.cost_usd": task.cost} if task.cost is not None else {usage.WITHOUT_COST[name]: n for name, n in figures.items()}
        for name, value in {**figures, **own}.items():
            made.setdefault(SeriesKey(name, tuple(sorted(task.tags.items()))), Aggregate()).add(float(value), at)
    return made


class Sealed(NamedTuple):
    """The rollups that seal makes of tasks."""

    group: dict[tuple[str, int], Rollup]
    usage: dict[int, Rollup]


def sealed(tasks: list[Task]) -> Sealed:
    minutes: dict[int, dict[str, list[Task]]] = defaultdict(lambda: defaultdict(list))
    for task in tasks:
        minutes[FIRST * 60 + task.hour * 60 + task.minute][task.agent].append(task)
    group: dict[tuple[str, int], Rollup] = {}
    for minute, by_agent in minutes.items():
        agents = {agent: rollup(mine) for agent, mine in by_agent.items()}
        together = merge_into({}, agents.values())
        group["m", minute] = priced_minute(together, agents, MODELS, minute // 60 * HOUR_MS, PRICES)
    rows: dict[int, Rollup] = {}
    for hour in range(FIRST, FIRST + HOURS):
        agents = {agent: rollup([task for task in tasks if task.hour + FIRST == hour and task.agent == agent]) for agent in MODELS}
        rows[hour] = priced(with_models(usage.usage_of(agents), MODELS), hour * HOUR_MS, PRICES)
        merged = merge_into({}, [one for (unit, minute), one in group.items() if unit == "m" and minute // 60 == hour])
        group["h", hour] = settled_hour(merged, [encode(rows[hour])])
    return Sealed(group, rows)


def evidence(found: Sealed) -> Evidence:
    tags = TagSets()
    now = (FIRST + HOURS) * HOUR_MS + 30_000
    minutes = range((FIRST + HOURS - 1) * 60, (FIRST + HOURS) * 60)
    wanted = [("h", hour) for hour in range(FIRST, FIRST + HOURS - 1)] + [("m", minute) for minute in minutes]
    columns = {bucket: Columns(encode(found.group.get(bucket, {})), tags) for bucket in wanted}
    snapshot = Snapshot(workspace="w", time=now)
    return Evidence(now=now, settled=minutes[-1], snapshot=snapshot, group=Buckets(tags, columns), budgets=BUDGETS)  # type: ignore[arg-type]


tasks = st.lists(
    st.builds(
        Task,
        hour=st.integers(0, HOURS - 1),
        minute=st.sampled_from((0, 31, 59)),
        agent=st.sampled_from(sorted(MODELS)),
        tier=st.sampled_from(("x", "y")),
        model=st.sampled_from(("m1", "m2", "m3", "")),
        tokens=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
        cost=st.none() | st.integers(0, 40).map(lambda quarters: quarters / 4),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(tasks)
def test_a_budget_counts_what_the_burn_down_and_a_loop_count(told: list[Task]) -> None:
    found = sealed(told)
    counted = budget_use.count(evidence(found), Memo()).use
    frame = UsageFrame(FIRST, FIRST + HOURS, names={"task.cost_usd", usage.PRICED})
    for hour, rows in found.usage.items():
        frame.add(hour, encode(rows))
    for group in BUDGETS:
        mine = [task for task in told if task.belongs(group)]
        known = [task.usd for task in mine if task.usd is not None]
        use = counted[group]["usd_per_day"]
        burnt = burn_down(frame, "usd", (FIRST, FIRST + 24), None, Selector.parse(group), {})
        assert (use.used is None) == (not known)
        used = use.used or 0.0
        assert used == pytest.approx(sum(known))
        if not group.startswith("model="):
            # There the ledger has more: it gives reported costs, too, the model of their agent.
            assert used == pytest.approx(burnt.total)
        assert use.priced == pytest.approx(burnt.total - burnt.reported, abs=1e-9)
        without = [task.paid for task in mine if task.usd is None]
        assert (use.unpriced, set(use.models)) == (len(without), set(without))


@pytest.fixture
def office() -> Office:
    return Office()


class Budgets:
    """The minute's function on an office's stores, in one process that remembers what it read."""

    def __init__(self, office: Office, **limits: float) -> None:
        world = self._world = office.world
        world.fleet.put_settings(WORKSPACE, "budgets", {"": limits})
        parts = Parts(rollouts=world.rollouts, desired=world.desired, executions=world.executions)
        evidence = EvidenceReader(world.fleet, world.rollups, world.alerts)
        self._service = BudgetService(world.fleet, evidence, parts, lambda size: b"0" * size)

    def state(self) -> BudgetState:
        report = self._service.run(WORKSPACE, self._world.now)
        assert not report.warnings
        (found,) = report.states
        return found


def tick(office: Office, seconds: int, **limits: int) -> None:
    for _ in range(seconds // 15):
        office.world.now += 15_000
        service = SealService(
            office.batches, office.world.rollups, office.world.fleet, office.world.lease, limits=Limits(catch_up_minutes=100, **limits)
        )
        service.tick(WORKSPACE, office.world.now, office.world.now, "test")


def burnt(office: Office, budget: str = "usd_per_day") -> dict[str, Any]:
    found: dict[str, Any] = office.world.client("read").get("/api/cost/burn-down", budget=budget)
    return found


OWN = {"version": "contract 1", "models": [{"match": "our-*", "input": 2, "output": 10}]}


def test_tokens_alone_use_up_a_budget_within_their_minute_and_go_on_as_the_ledger(office: Office) -> None:
    world = office.world
    world.client("operate").call("PUT", "/api/prices", json=OWN)
    budgets = Budgets(office, usd_per_day=10)
    office.post("a1", [*a_task("t1", "our-model", (1_000_000, 100_000)), *a_task("t2", "our-model", (5, 5), cost=9.5)])
    office.post("a2", [*a_task("t3", "mystery", (7, 7)), ("cost.priced_usd", 99.0, {}, None)])
    tick(office, 150)
    now = budgets.state()
    assert (now.used, now.priced, now.unpriced, now.level) == (pytest.approx(12.5), pytest.approx(3.0), 1, "alert")
    assert now.reason.startswith("$12.5 of $10 (125 %) in the day since ")
    assert "; $3 of it priced from tokens; 1 task of model mystery has no price" in now.reason
    (shown,) = world.client("read").get("/api/budgets/state")["budgets"]
    assert (shown["priced"], shown["unpricedTasks"], shown["reason"]) == (pytest.approx(3.0), 1, now.reason)
    office.seal()
    world.now += 10 * MINUTE_MS
    tick(office, 60)
    assert budgets.state().used == pytest.approx(burnt(office)["used"]) == pytest.approx(12.5)


def test_prices_of_the_past_count_once_it_is_priced_anew(office: Office) -> None:
    budgets = Budgets(office, usd_per_month=10)
    office.post("a1", a_task("t1", "our-model", (1_000_000, 100_000)))
    office.seal()
    office.world.now += 10 * MINUTE_MS
    tick(office, 60)
    before = budgets.state()
    assert (before.used, before.level) == (None, None)
    assert before.reason == "no task of this month has a known cost; 1 task of model our-model has no price"
    client = office.world.client("operate")
    client.call("PUT", "/api/prices", json=OWN)
    assert client.call("POST", "/api/cost/reprice", json={"range": "1d", "dryRun": False}).json["notes"] == []
    tick(office, 15)
    assert budgets.state().used == pytest.approx(burnt(office, "usd_per_month")["used"]) == pytest.approx(3.0)


def test_hours_whose_group_has_no_costs_yet_get_them_by_pricing_anew(office: Office) -> None:
    office.post("a1", a_task("t1", "claude-sonnet-4-5", (1_000_000, 100_000)))
    office.seal()
    rollups = office.world.rollups
    ((hour, data),) = rollups.read_group(WORKSPACE, Resolution.HOUR, 0, 10**7).items()
    rollups.put_group(WORKSPACE, Resolution.HOUR, hour, {key: one for key, one in decode(data).items() if key.name != usage.PRICED}, 0)
    office.world.now += 10 * MINUTE_MS
    tick(office, 60)
    budgets = Budgets(office, usd_per_day=10)
    assert budgets.state().used is None
    answer = office.world.client("operate").call("POST", "/api/cost/reprice", json={"range": "1d", "dryRun": False}).json
    assert answer["hoursChanged"] == 0
    tick(office, 15)
    assert budgets.state().used == pytest.approx(burnt(office)["used"])


def test_an_hour_that_is_built_piece_by_piece_ends_with_the_ledgers_figures(office: Office) -> None:
    """By the list, large requests of this model cost more: a minute's mean is below that size, an agent's hour is above it."""
    budgets = Budgets(office, usd_per_day=10)
    office.post("a1", a_task("t1", "claude-sonnet-4-5", (250_000, 0)))
    for number in range(2, 6):
        office.post(f"a{number}", a_task("t1", "claude-sonnet-4-5", (10_000, 0)))
    tick(office, 150)
    mean = list_price("claude-sonnet-4-5", Tokens(input=290_000), 5, office.world.now)
    assert mean is not None
    assert budgets.state().used == pytest.approx(mean.usd)
    office.world.now = (office.world.now // HOUR_MS + 1) * HOUR_MS
    tick(office, 180, hour_rollups=2)
    office.world.now += 5 * MINUTE_MS
    tick(office, 30)
    ledger = burnt(office)["used"]
    assert ledger > 1.5 * mean.usd
    assert budgets.state().used == pytest.approx(ledger)
