"""What a report says of a fleet with known troubles."""

from __future__ import annotations

import pytest

from functions.domain.report import Finding, Report, Severity
from functions.domain.rollout import Member, MemberState, Phase, Policy, Rollout, Wave
from functions.domain.times import HOUR_MS
from tests.reports.fleet import WS, section, stat, table
from tests.reports.weeks import FIRST, HALF, LAST, WEEK, Weeks, Worker

CALM = [Worker(id=f"a{number}", tier=("fast", "smart")[number % 2]) for number in range(6)]


def finding(report: Report, id: str, word: str) -> Finding:
    return next(one for one in section(report, id).findings if word in one.title)


def headline(report: Report, label: str) -> float:
    value = next(one.value for one in report.headline if one.label == label)
    assert isinstance(value, int | float)
    return float(value)


@pytest.fixture(scope="module")
def calm() -> Report:
    return Weeks(CALM).report()


def test_a_calm_week_has_nothing_to_tell(calm: Report) -> None:
    assert [one for part in calm.sections for one in part.findings] == []
    assert section(calm, "recommendations").summary == "Nothing has to be done."
    assert calm.notes == []
    assert headline(calm, "Health score") == 100
    cost = f"${headline(calm, 'Cost'):,.2f}"
    assert calm.summary == (
        "6 agents finished 7,560 tasks, all of them well; health 100 of 100, as before. "
        f"The models cost {cost}, about as much as the week before. Nothing has to be done."
    )


def test_sections_are_in_the_order_in_which_people_read(calm: Report) -> None:
    assert [one.id for one in calm.sections][:4] == ["recommendations", "fleet", "slos", "cost"]
    assert len({one.id for one in calm.sections}) == len(calm.sections)


def test_health_is_the_mean_of_time_in_colours() -> None:
    sick = Worker(id="sick", red=lambda hour: 0.5 if hour >= HALF else 0.0)
    report = Weeks([*CALM, sick]).report()
    score = next(one for one in report.headline if one.label == "Health score")
    assert score.value == pytest.approx(100 * (6 + 0.5) / 7)
    assert score.before == 100
    assert "health 93 of 100, 7 less than the week before" in section(report, "fleet").summary.lower()
    assert [row[:2] for row in table(report, "fleet", "Least healthy agents").rows] == [["sick", 50.0]]
    assert finding(report, "slos", "Agents are not in trouble").severity is Severity.CRITICAL


def test_a_leak_is_told_with_the_days_that_are_left() -> None:
    leaky = Worker(id="leaky", memory=lambda hour: 30 + (hour - FIRST) * 60 / (2 * WEEK))
    report = Weeks([*CALM, leaky]).report()
    assert finding(report, "leaks", "leaky leaks memory").severity is Severity.CRITICAL
    (row,) = table(report, "leaks", "Leaks").rows
    assert row[2] == pytest.approx(60 / 14, rel=0.05)
    assert row[5] == pytest.approx(10 / (60 / 14), rel=0.3)


def test_an_expensive_night_is_unusual_and_says_who() -> None:
    night = range(LAST - 30, LAST - 24)
    wild = Worker(id="wild", usd=lambda hour: 0.2 if hour in night else 0.01)
    report = Weeks([*CALM, wild]).report()
    ((since, hours, who, what, *_),) = section(report, "anomalies").tables[0].rows
    assert (who, what) == ("wild", "Cost")
    assert int(since or 0) <= night[0] * HOUR_MS
    assert int(since or 0) // HOUR_MS + int(hours or 0) >= night[-1] + 1
    assert "an hour" in finding(report, "anomalies", "Cost of wild").evidence


@pytest.mark.parametrize(("weeks", "unusual"), [(1, True), (5, False)])
def test_a_weekly_job_that_was_left_out_once_is_unusual_only_to_who_does_not_know_the_weeks_before(weeks: int, unusual: bool) -> None:
    left_out = range(HALF - WEEK, HALF)
    job = Worker(id="job", usd=lambda hour: 0.3 if hour % WEEK in range(50, 56) and hour not in left_out else 0.01)
    report = Weeks([job, *(Worker(id=f"a{number}") for number in range(3))]).report(hours=range(HALF - weeks * WEEK, LAST))
    titles = [finding.title for finding in section(report, "anomalies").findings]
    assert ("Cost of job was higher than usual" in titles) is unusual


def test_a_night_that_a_whole_tier_spends_is_told_once() -> None:
    night = range(LAST - 30, LAST - 24)
    wild = [Worker(id=f"w{number}", tier="smart", usd=lambda hour: 0.2 if hour in night else 0.01) for number in range(6)]
    report = Weeks([*(worker for worker in CALM if worker.tier == "fast"), *wild]).report()
    assert [row[2:4] for row in section(report, "anomalies").tables[0].rows] == [["tier smart", "Cost"]]


def test_tasks_that_got_dearer_are_laid_to_the_rollout_that_brought_it() -> None:
    at = HALF + 24
    dearer = [Worker(id=f"s{number}", tier="smart", usd=lambda hour: 0.02 if hour >= at else 0.01) for number in range(4)]
    weeks = Weeks([*(worker for worker in CALM if worker.tier == "fast"), *dearer])
    members = [
        Member(agent=worker.id, before="x", after="y", state=MemberState.APPLIED, applied_at=at * HOUR_MS - 60_000) for worker in dearer
    ]
    rollout = Rollout(
        id="r7",
        title="prompt v8",
        created=at * HOUR_MS - 120_000,
        by="t",
        policy=Policy(),
        waves=1,
        members=4,
        phase=Phase.SUCCEEDED,
        since=at * HOUR_MS,
    )
    store = weeks.company.rollouts
    assert store.create(WS, rollout, [Wave(number=0, members=members)], {}, [], store.registry(WS))
    report = weeks.report()
    worse = finding(report, "regressions", "Tasks of tier smart cost")
    week = 4 * 7.5 * WEEK
    assert worse.usd_per_month == pytest.approx(week * 6 / 7 * 0.01 / 7 * 30, rel=0.05)
    assert "prompt v8" in worse.action
    assert "r7" in worse.action
    assert report.sections[0].tables[0].rows[0][0] == worse.title
    assert "more than the week before" in report.summary
    assert "First of all: tasks of tier smart cost" in report.summary


def test_more_tasks_are_no_regression() -> None:
    busy = [Worker(id=f"b{number}", tasks=lambda hour: 20 if hour >= HALF else 6) for number in range(4)]
    report = Weeks(busy).report()
    assert section(report, "regressions").findings == []
    ((_, _, _, _, traffic, _, dearer, verdict),) = table(report, "regressions", "Cost per task").rows
    assert traffic == pytest.approx(4 * 14 * WEEK * 0.01, rel=0.05)
    assert dearer == pytest.approx(0, abs=0.01 * float(traffic or 0))
    assert verdict == "no clear change"


def test_idle_agents_are_told_of() -> None:
    idle = Worker(id="idle", tasks=lambda hour: 0 if hour >= HALF - 24 else 6)
    report = Weeks([*CALM, idle]).report()
    assert finding(report, "waste", "idle is idle").action.startswith("stop it")
    assert stat(report, "waste", "Idle agents").value == 1


def test_hours_that_are_not_built_are_unknown_and_not_zero() -> None:
    weeks = Weeks(CALM, snapshot={"due_until": (LAST - 20) * 60})
    report = weeks.report(hours=range(FIRST, LAST - 20))
    assert report.notes[0].startswith("20 of 168 hours are not known")
    assert "Nothing is compared" in report.notes[1]
    assert next(one.before for one in report.headline if one.label == "Cost") is None
    assert section(report, "cost").charts[0].lines[0].points[-1] is not None
    assert "less than" not in report.summary


def test_a_week_without_anything_says_so() -> None:
    report = Weeks([]).report()
    assert report.summary == "No agent reported anything in this week."
    assert next(one.value for one in report.headline if one.label == "Cost") is None
