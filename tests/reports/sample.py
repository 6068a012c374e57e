"""An invented week of an invented fleet, with every kind of block in it: what renderers are looked at with."""

from __future__ import annotations

import math
from collections.abc import Callable

from functions.domain.report import (
    Chart,
    ChartKind,
    Column,
    Finding,
    Line,
    Mark,
    Report,
    Section,
    Severity,
    Stat,
    Table,
    Unit,
)
from functions.domain.times import DAY_MS, HOUR_MS

START = 1_763_337_600_000
"""Monday 17 November 2025, 00:00 UTC."""
END = START + 7 * DAY_MS
HOURS = tuple(range(START, END, HOUR_MS))
DAYS = tuple(range(START, END, DAY_MS))
_SILENT = range(76, 84)
"""Hours of which nothing is known."""


def sample() -> Report:
    """The report; the same each time."""
    return Report(
        id="w20251124-fleet",
        workspace="acme",
        tags="env=prod",
        title="Weekly report",
        start=START,
        end=END,
        made=END + 7 * HOUR_MS,
        summary=(
            "48 agents did 412,300 tasks for $3,412, which is 18 % more money than the week before for 2 % more tasks. "
            "Tasks of the tier smart cost 31 % more each since Thursday's rollout. "
            "Doing what is recommended below saves about $1,020 a month."
        ),
        headline=_headline(),
        sections=(_fleet(), _cost(), _latency(), _advice(), _quiet()),
        notes=("8 hours of Thursday are unknown: no agent was heard.", "Two providers did not say what they charged."),
    )


def _headline() -> tuple[Stat, ...]:
    return (
        Stat(label="Agents", value=48, unit=Unit.COUNT, before=46, note="44 green now"),
        Stat(label="Health score", value=96.4, unit=Unit.SCORE, before=97.9, better="up"),
        Stat(label="Tasks", value=412_300, unit=Unit.COUNT, before=404_100),
        Stat(label="Failed tasks", value=0.0123, unit=Unit.FRACTION, before=0.0187, better="down"),
        Stat(label="Cost", value=3412.4, unit=Unit.USD, before=2891.0, better="down"),
        Stat(label="Cost per task", value=0.00828, unit=Unit.USD, before=0.00715, better="down"),
        Stat(label="Tokens", value=1.93e9, unit=Unit.TOKENS, before=1.88e9),
        Stat(label="95 % of tasks within", value=8_420.0, unit=Unit.MS, before=8_560.0, better="down"),
        Stat(label="Could be saved", value=1020.0, unit=Unit.USD_PER_MONTH),
        Stat(label="Queue wait", value=None, unit=Unit.MS, note="no agent reports it"),
    )


def _fleet() -> Section:
    health = Chart(
        title="Agents by health",
        kind=ChartKind.STACKED,
        unit=Unit.COUNT,
        times=HOURS,
        lines=[
            _hourly("green", lambda hour: 44 - hour % 5),
            _hourly("yellow", lambda hour: hour % 5),
            _hourly("red", lambda hour: hour // 90),
        ],
        note="One bar an hour; eight hours of Thursday are unknown.",
    )
    return Section(
        id="fleet",
        title="Fleet",
        summary="48 agents, two more than the week before. The fleet was healthy for 96.4 % of its hours.",
        stats=(
            Stat(label="New agents", value=3, unit=Unit.COUNT, before=0),
            Stat(label="Retired", value=1, unit=Unit.COUNT, before=1),
            Stat(label="Restarts", value=7, unit=Unit.COUNT, before=2, better="down"),
        ),
        charts=(health,),
        findings=(
            Finding(
                severity=Severity.CRITICAL,
                title="Memory of agent-17 grows until it is full",
                evidence="+38 MB a day over 7 days without a step back (Mann-Kendall p < 0.001); 92 % now, full on Friday.",
                about=("agent-17",),
                action="clawpulse agents show agent-17",
            ),
        ),
        tables=(_slowest(),),
    )


def _slowest() -> Table:
    rows = [(f"agent-{n}", ("smart", "fast")[n % 2], 9000 - 310 * n, 0.12 - n / 60, 8.1 / (n + 1), 4100 + n * 77) for n in range(9)]
    return Table(
        title="Slowest agents",
        columns=(
            Column(label="Agent"),
            Column(label="Tier"),
            Column(label="p95", unit=Unit.MS),
            Column(label="Change", unit=Unit.FRACTION, change=True),
            Column(label="Cost", unit=Unit.USD),
            Column(label="Tasks", unit=Unit.COUNT),
        ),
        rows=[*rows, ("agent-44", "fast", None, None, None, 0)],
        note="Of those with at least 100 tasks.",
        more=38,
    )


def _cost() -> Section:
    tiers = ("smart", "fast", "batch")
    by_day = Chart(
        title="Cost a day by tier",
        kind=ChartKind.STACKED,
        unit=Unit.USD,
        times=DAYS,
        lines=[Line(tier, [(300, 120, 40)[n] + 55 * (n == 0 and day > 2) + day * 3 for day in range(7)]) for n, tier in enumerate(tiers)],
        marks=(Mark(START + 3 * DAY_MS + 9 * HOUR_MS, "rollout rdk2…: prompt v12 for tier=smart"),),
    )
    dearest = Chart(
        title="Cost by tenant",
        kind=ChartKind.BARS,
        unit=Unit.USD,
        labels=("globex", "initech", "umbrella", "wayne & sons <b>", "hooli"),
        lines=[Line("this week", [1210, 822.5, 640, 410, None]), Line("the week before", [900, 840, 655, 380, 12])],
    )
    return Section(
        id="cost",
        title="Cost and tokens",
        summary="$3,412 in seven days, $521 more than before. Nearly all of it is the tier smart, whose tasks got dearer, not more.",
        charts=(by_day, dearest),
        findings=(
            Finding(
                severity=Severity.WARNING,
                title="Tasks of tier=smart cost 31 % more each",
                evidence="$0.0142 instead of $0.0108 per task (95 % interval +27 % to +35 %) with 1 % more tasks; "
                "likeliest cause: rollout rdk2…, 20 minutes before.",
                about=("tier=smart",),
                usd_per_month=640.0,
                action="clawpulse rollout show rdk2kq0f1a",
            ),
        ),
        tables=(
            Table(
                title="By tier",
                columns=(
                    Column(label="Tier"),
                    Column(label="Cost", unit=Unit.USD),
                    Column(label="Change", unit=Unit.FRACTION, change=True),
                    Column(label="Tokens", unit=Unit.TOKENS),
                    Column(label="Per task", unit=Unit.USD),
                ),
                rows=(
                    ("smart", 2415.1, 0.33, 1.2e9, 0.0142),
                    ("fast", 741.2, -0.02, 6.1e8, 0.0031),
                    ("batch", 256.1, 0.0, 1.2e8, None),
                ),
            ),
        ),
        notes=("Tokens of 312 tasks have no price: their model is not in the list.",),
    )


def _latency() -> Section:
    band = Chart(
        title="How long tasks take",
        kind=ChartKind.BAND,
        unit=Unit.MS,
        times=HOURS,
        lines=[
            _hourly("half of them", lambda hour: 2100 + 200 * math.sin(hour / 4)),
            _hourly("95 %", lambda hour: 8400 + 900 * math.sin(hour / 4)),
            _hourly("99 %", lambda hour: 14_000 + 2500 * math.sin(hour / 4)),
        ],
    )
    rates = Chart(
        title="Failed tasks",
        kind=ChartKind.LINE,
        unit=Unit.FRACTION,
        times=HOURS,
        lines=[
            _hourly("smart", lambda hour: 0.012 + 0.03 * (hour in range(50, 55))),
            _hourly("fast", lambda hour: 0.006 + 0.002 * math.cos(hour / 5)),
        ],
        marks=(Mark(START + 50 * HOUR_MS, "incident: errors doubled"), Mark(START + 55 * HOUR_MS, "resolved")),
    )
    return Section(
        id="latency",
        title="Speed and errors",
        summary="As fast as the week before. One incident on Wednesday: the provider refused tasks for five hours.",
        charts=(band, rates),
    )


def _advice() -> Section:
    return Section(
        id="recommendations",
        title="Recommendations",
        summary="Three things to do, worth $1,020 a month.",
        findings=(
            Finding(
                severity=Severity.INFO,
                title="Four agents have done nothing for 14 days",
                evidence="Their heartbeats alone took 31 M tokens in the week.",
                about=("agent-31", "agent-32", "agent-33", "agent-40"),
                usd_per_month=380.0,
                action="clawpulse agents retire agent-31",
            ),
            Finding(severity=Severity.GOOD, title="All keys are younger than 90 days", evidence="The oldest: anthropic, 61 days."),
        ),
    )


def _quiet() -> Section:
    columns = (Column(label="Rule"), Column(label="Pages", unit=Unit.COUNT), Column(label="Last", unit=Unit.TIME))
    return Section(
        id="alerts",
        title="Alerts",
        summary="One page in seven days.",
        tables=(
            Table(title="Pages by rule", columns=columns, rows=(("task-errors", 1, START + 50 * HOUR_MS),)),
            Table(title="Silenced", columns=columns, rows=(), empty="Nothing was silenced."),
        ),
    )


def _hourly(name: str, at: Callable[[int], float]) -> Line:
    return Line(name, [None if hour in _SILENT else at(hour) for hour in range(len(HOURS))])
