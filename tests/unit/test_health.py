"""Health: each colour with its reason, and nothing held against an agent that it never reported."""

from dataclasses import asdict

import pytest

from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState, Gauges, Health, Progress, Rates, Status
from functions.domain.health import HealthVerdict, Policy, assess, duration, shadow_reason, transition
from functions.domain.times import DAY_MS

NOW = 1_795_464_000_000
POLICY = Policy()


def state(age_s: float | None = 1, **fields) -> AgentState:
    seen = None if age_s is None else NOW - int(age_s * 1000)
    return AgentState(id="a1", name="a1", first_seen=seen and seen - DAY_MS, last_seen=seen, **fields)


def rates(tasks: int, errors: int) -> Rates:
    return Rates(minutes=5, tasks=tasks, errors=errors, tokens_in=0, tokens_out=0, cost_usd=None, priced=0, latency=None)


def stuck(seconds: int, **fields) -> Progress:
    return Progress(work_since=NOW - seconds * 1000, **fields)


@pytest.mark.parametrize(
    ("agent", "status", "reason"),
    [
        (state(), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (state(last_5_minutes=rates(40, 1)), Status.GREEN, "heartbeat fresh, 1 of 40 tasks failed in 5 min"),
        (state(-5), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (state(30), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (state(31), Status.YELLOW, "heartbeat late: 31 s"),
        (state(60), Status.YELLOW, "heartbeat late: 60 s"),
        (state(61), Status.RED, "no heartbeat for 61 s"),
        (state(3 * 3600), Status.RED, "no heartbeat for 3 h"),
        (state(86_400), Status.RED, "no heartbeat for 24 h"),
        (state(86_401), Status.GREY, "silent for 24 h"),
        (state(5 * 86_400), Status.GREY, "silent for 5 days"),
        (state(None), Status.GREY, "never seen"),
        (state(retired=True), Status.GREY, "retired"),
        (state(90, retired=True), Status.GREY, "retired"),
        (state(last_5_minutes=rates(20, 1)), Status.YELLOW, "1 of 20 tasks failed in 5 min (5%)"),
        (state(last_5_minutes=rates(5, 1)), Status.RED, "1 of 5 tasks failed in 5 min (20%)"),
        (state(last_5_minutes=rates(4, 4)), Status.GREEN, "heartbeat fresh, 4 of 4 tasks failed in 5 min"),
        (state(progress=stuck(300, open_tasks=1)), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (state(progress=stuck(301, open_tasks=1)), Status.RED, "no progress for 5 min while 1 task is open"),
        (state(progress=stuck(360, open_tasks=3)), Status.RED, "no progress for 6 min while 3 tasks are open"),
        (state(progress=stuck(900, open_tasks=3, last_progress=NOW - 10_000)), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (
            state(progress=stuck(400), gauges=Gauges(active_workers=2.0)),
            Status.RED,
            "no progress for 6 min while 2 workers are active",
        ),
        (state(progress=stuck(400), gauges=Gauges(queue_depth=7.0)), Status.RED, "no progress for 6 min while its queue holds 7"),
        (state(progress=Progress(last_progress=NOW - 10**9)), Status.GREEN, "heartbeat fresh, no task finished in 5 min"),
        (
            state(40, progress=stuck(360, open_tasks=2), last_5_minutes=rates(10, 5)),
            Status.RED,
            "no progress for 6 min while 2 tasks are open; 5 of 10 tasks failed in 5 min (50%)",
        ),
        (state(40, last_5_minutes=rates(20, 1)), Status.YELLOW, "heartbeat late: 40 s; 1 of 20 tasks failed in 5 min (5%)"),
    ],
)
def test_the_worst_finding_gives_the_colour_and_its_peers_the_reason(agent, status, reason):
    verdict = assess(agent, NOW, POLICY)
    assert (verdict.status, verdict.reason) == (status, reason)


def test_evidence_holds_the_figures_and_leaves_out_what_is_unknown():
    agent = state(12, last_5_minutes=rates(10, 0), gauges=Gauges(queue_depth=0.0))
    assert assess(agent, NOW, POLICY).evidence == {"heartbeat_age_s": 12, "tasks_5m": 10, "errors_5m": 0, "queue_depth": 0}
    assert assess(state(None), NOW, POLICY).evidence == {}


def test_since_stays_while_the_colour_does():
    red = transition(Health(Status.GREEN, "fine", 5), HealthVerdict(Status.RED, "dead", {"a": 1}), 100)
    assert red == Health(Status.RED, "dead", 100, {"a": 1})
    assert transition(red, HealthVerdict(Status.RED, "deader", {}), 200) == Health(Status.RED, "deader", 100, {})
    assert transition(None, HealthVerdict(Status.RED, "dead", {}), 300).since == 300


@pytest.mark.parametrize(
    ("fields", "inventory", "reason"),
    [
        ({}, "open", None),
        ({}, "strict", "unknown to the inventory: it registered itself"),
        ({"expected": True}, "strict", None),
        ({"expected": False}, "open", "not expected: marked so in the inventory"),
        ({"expected": False, "retired": True}, "strict", None),
    ],
)
def test_shadows_are_those_whom_the_inventory_does_not_want(fields, inventory, reason):
    assert shadow_reason(state(**fields), NOW, POLICY, inventory) == reason


def test_shadows_are_those_without_a_task_for_days_too():
    agent = state()
    agent.first_seen = NOW - 8 * DAY_MS
    assert shadow_reason(agent, NOW, POLICY, "open") == "no task for 8 days"
    agent.progress = Progress(last_task=NOW - 6 * DAY_MS)
    assert shadow_reason(agent, NOW, POLICY, "open") is None
    agent.first_seen, agent.progress = NOW - 30 * DAY_MS, Progress(last_task=NOW - 9 * DAY_MS)
    assert shadow_reason(agent, NOW, POLICY, "open") == "no task for 9 days"
    assert shadow_reason(state(None), NOW, POLICY, "strict") is None


def test_tasks_that_nobody_watched_are_not_missed():
    agent = state(watched_since=NOW - DAY_MS)
    agent.first_seen = NOW - 30 * DAY_MS
    assert shadow_reason(agent, NOW, POLICY, "open") is None


@pytest.mark.parametrize(
    ("document", "field", "reason"),
    [
        ([], "health", "must be an object"),
        ({"zombie": 5}, "health.zombie", "is not known; known are error_min_tasks"),
        ({"zombie_after_s": "5"}, "health.zombie_after_s", "must be a number above 0, not '5'"),
        ({"zombie_after_s": 0}, "health.zombie_after_s", "must be a number above 0"),
        ({"zombie_after_s": True}, "health.zombie_after_s", "must be a number above 0"),
        ({"zombie_after_s": float("nan")}, "health.zombie_after_s", "must be a number above 0"),
        ({"heartbeat_dead_s": 10}, "health.heartbeat_dead_s", "must be ordered"),
        ({"error_rate_red": 1.5}, "health.error_rate_red", "must be ordered"),
        ({"error_rate_yellow": 0.5}, "health.error_rate_red", "must be ordered"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_field(document, field, reason):
    with pytest.raises(InvalidInput) as caught:
        Policy.parse(document)
    assert caught.value.field == field
    assert reason in caught.value.reason


def test_a_policy_keeps_its_defaults_where_nothing_is_said():
    assert Policy.parse(None) == Policy()
    assert Policy.parse({"zombie_after_s": 600}) == Policy(zombie_after_s=600.0)
    assert Policy.parse(asdict(Policy())) == Policy()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_799, "47 h"), (172_800, "2 days")],
)
def test_durations_are_for_people(seconds, text):
    assert duration(seconds) == text
