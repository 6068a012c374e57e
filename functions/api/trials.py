"""Rules put to the proof: replayed on what is stored, run against unit tests, audited by what they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, JsonValue

from functions.api import documents
from functions.api.alerts import RULE_PATTERN
from functions.api.documents import Document
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import settings_of
from functions.api.history import read_history
from functions.api.models import Answer, Asked, Body, Instant, Moment, milliseconds
from functions.api.times import duration_ms
from functions.domain.alert import Severity
from functions.domain.alert_audit import Record, audit
from functions.domain.alert_backtest import Episode, Spent, backtest, unreplayable
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_case_run import run_case
from functions.domain.alert_cases import Case, parse_cases
from functions.domain.alert_faults import Fault, Faults, InvalidDocument, Node
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_past import past_episodes
from functions.domain.alert_picture import MAX_LINES, Painter
from functions.domain.alert_rules import Rule, agent_metrics, names
from functions.domain.errors import InvalidInput, NotFound
from functions.domain.rollup_codec import Table
from functions.domain.spans import HOURS_KEPT_MS
from functions.domain.times import DAY_MS, HOUR_MS, SECOND_MS
from functions.domain.token import Scope
from functions.ports import Resolution

noun = Noun("trials")

MAX_EPISODES = 1_000
MAX_EVALUATIONS = 10_000
"""Of all tests of a request together."""
RUNNING_MS = 18 * SECOND_MS
"""Tests that would begin later are not run: the gateway waits 29 s."""
AUDITED_MS = 30 * DAY_MS
MAX_SPAN_MS = HOURS_KEPT_MS - DAY_MS


class BacktestWanted(Body):
    """What to replay, and when."""

    rule: str = Field(pattern=RULE_PATTERN, description="Name of a rule: of `document`, else of those in force.")
    document: dict[str, JsonValue] | None = Field(None, description="Rules that are not stored, as `POST /api/rules/check` takes them.")
    range: str = Field("7d", pattern=r"^[1-9][0-9]{0,4}[mhd]$", description="How far back from `end`, at most 34 days.")
    end: Instant | None = Field(None, strict=False, description="Now unless given.")
    picture: bool = Field(False, description="Whether to tell what was measured over time, too.")


class SpentAnswer(Answer):
    """What the series used; null where nobody reported any."""

    tokens: float | None
    usd: float | None


class EpisodeAnswer(Answer):
    """One alert that would have been, and have been told."""

    series: dict[str, str]
    severity: Severity
    since: Moment = Field(description="Since when the condition held.")
    fired: Moment
    resolved: Moment | None = Field(description="Null when it still fires at the end.")
    value: float | None
    threshold: float | None
    reason: str
    coarse: bool = Field(description="From hours alone: its times are true to the hour only.")
    to_page: SpentAnswer = Field(description="Used from the start of the window that first showed it until it was told.")
    in_all: SpentAnswer = Field(description="Used until it was resolved, or the end.")


class LineAnswer(Answer):
    """One series as the rule measured it."""

    series: dict[str, str]
    points: list[tuple[int, float | None, float | None]] = Field(
        description="Middle of each step in ms since 1970, the value nearest to firing in it, and what it was compared with."
    )


class Picture(Answer):
    """What was measured over time."""

    step: int = Field(description="Seconds that each point stands for.")
    lines: list[LineAnswer] = Field(description=f"Those that fired most often first, at most {MAX_LINES}.")


class Backtest(Answer):
    """What a rule would have done."""

    rule: str
    start: Moment
    end: Moment
    minutes_from: Moment = Field(description="Before this only hours are stored.")
    step_minutes: int = Field(
        description="Minutes between two evaluations where there are minutes; more than 1 when there is much to read."
    )
    total: int
    episodes: list[EpisodeAnswer] = Field(description=f"The first {MAX_EPISODES}.")
    notes: list[str] = Field(description="What of the past is not known.")
    picture: Picture | None = Field(description="When it was asked for.")


class TestsDocument(Document):
    """Tests, and rules beside those in force: `{"rules": [{…}], "tests": [{"name", "given", "expect"}], "budgets": {…}}`."""


class TestAnswer(Answer):
    """What became of a test."""

    name: str
    passed: bool
    failures: list[str]


class Tests(Answer):
    """All tests, in their order."""

    passed: int
    failed: int
    tests: list[TestAnswer]


class AuditAsked(Asked):
    """Over which time."""

    since: Instant | None = Field(None, description="30 days ago unless given, at most 34.")


class FindingAnswer(Answer):
    """One thing about one rule, and what to do."""

    rule: str
    fault: str = Field(
        description="never fired, always firing, flapping, never acknowledged, stale (nothing of its name comes), overlapping or expired."
    )
    text: str
    proposal: str
    others: list[str] = Field(description="Rules that it concerns, too.")


class Audit(Answer):
    """Findings, in the order of the rules."""

    start: Moment
    end: Moment
    rules: int
    findings: list[FindingAnswer]


@noun.endpoint(
    "POST", "/api/alerts/backtest", scope=Scope.READ, takes=BacktestWanted, answers=Backtest, may_miss=True, max_body=documents.MAX_BYTES
)
def replay(call: Call, body: BacktestWanted) -> Backtest:
    """Replay a rule on stored rollups: which alerts it would have sent, when, for how long, and what was spent until then.

    Minutes are stored for 3 days, hours for 35; what rules read of the snapshot (heartbeat, health, gauges) is not stored.
    """
    call.caller.need_whole_workspace("a replay")
    rule = _wanted(call, body)
    reason = unreplayable(rule)
    if reason:
        raise InvalidInput(f"{rule.name} cannot be replayed: {reason}", "rule")
    end = min(call.now, call.now if body.end is None else milliseconds(body.end))
    start = (end - duration_ms(body.range)) // HOUR_MS * HOUR_MS
    if start < call.now - MAX_SPAN_MS:
        raise InvalidInput("reaches back more than 34 days: hours are kept for 35", "range")
    found = read_history(call, rule, start, end)
    painter = Painter(rule, found.history, found.step_minutes) if body.picture else None
    episodes = backtest([rule], found.history, found.step_minutes, painter.see if painter else None)
    return Backtest(
        rule=rule.name,
        start=start,
        end=found.history.end,
        minutes_from=max(start, min(found.history.minutes_from, found.history.end)),
        step_minutes=found.step_minutes,
        total=len(episodes),
        episodes=[_episode(one) for one in episodes[:MAX_EPISODES]],
        notes=found.notes + _unknown(call, rule),
        picture=_picture(painter, episodes) if painter else None,
    )


@noun.endpoint("POST", "/api/alerts/test", scope=Scope.READ, takes=TestsDocument, answers=Tests, max_body=documents.MAX_BYTES)
def test(call: Call, body: TestsDocument) -> Tests:
    """Run unit tests of rules: given series, expect alerts at times. Nothing that is stored is read but the rules in force."""
    call.caller.need_whole_workspace("rules")
    dimensions = settings_of(call).dimensions
    cases, own, budgets = _checked(body.root, dimensions)
    known = {rule.name: rule for rule in call.services.rules.rules(call.caller.workspace)} | {rule.name: rule for rule in own}
    results = []
    for case in cases:
        if call.services.now() > call.now + RUNNING_MS:
            failures = ["was not run: the tests before it took all the time that a request has"]
        else:
            failures = list(run_case(case, list(known.values()), dimensions=dimensions, budgets=budgets).failures)
        results.append(TestAnswer(name=case.name, passed=not failures, failures=failures))
    passed = sum(result.passed for result in results)
    return Tests(passed=passed, failed=len(results) - passed, tests=results)


@noun.endpoint("GET", "/api/alerts/audit", scope=Scope.READ, asks=AuditAsked, answers=Audit)
def examine(call: Call, asked: AuditAsked) -> Audit:
    """Rules in force that do not earn their keep, and a proposal for each."""
    call.caller.need_whole_workspace("an audit")
    start = call.now - AUDITED_MS if asked.since is None else milliseconds(asked.since)
    if not call.now - MAX_SPAN_MS <= start < call.now:
        raise InvalidInput("must be in the past, at most 34 days ago: hours are kept for 35", "since")
    rules = call.services.rules.rules(call.caller.workspace)
    at_hand = {found.id: found for found in call.services.alerts.incidents(call.caller.workspace) if found.closed is None}
    incidents = at_hand | {found.id: found for found in call.services.alerts.history(call.caller.workspace, start)}
    record = Record(start=start, end=call.now, episodes=past_episodes(incidents.values()), names=_names(call, start))
    findings = [
        FindingAnswer(rule=found.rule, fault=found.fault, text=found.text, proposal=found.proposal, others=list(found.others))
        for found in audit(rules, record)
    ]
    return Audit(start=start, end=call.now, rules=len(rules), findings=findings)


def _wanted(call: Call, body: BacktestWanted) -> Rule:
    if body.document is not None:
        given = {key: value for key, value in body.document.items() if key != "packs"} if "rules" in body.document else body.document
        own = {rule.name: rule for rule in parse_rules(given)}
        if body.rule in own:
            return own[body.rule]
    for rule in call.services.rules.rules(call.caller.workspace):
        if rule.name == body.rule:
            return rule
    raise NotFound(f"no rule {body.rule}")


def _unknown(call: Call, rule: Rule) -> list[str]:
    """What a rule asks of single agents that nothing has stored for it yet."""
    dimensions = settings_of(call).dimensions
    if not rule.reads_agents(dimensions):
        return []
    missing = names(rule) - agent_metrics(call.services.rules.rules(call.caller.workspace), dimensions)
    return [f"of single agents {name} is stored only from the moment that a rule in force asks for it" for name in sorted(missing)]


def _episode(one: Episode) -> EpisodeAnswer:
    return EpisodeAnswer(
        series=one.fired.series,
        severity=one.fired.severity,
        since=one.fired.since,
        fired=one.fired.at,
        resolved=one.resolved.at if one.resolved else None,
        value=one.fired.value,
        threshold=one.fired.threshold,
        reason=one.fired.reason,
        coarse=one.coarse,
        to_page=_spent(one.to_page),
        in_all=_spent(one.in_all),
    )


def _picture(painter: Painter, episodes: Sequence[Episode]) -> Picture:
    lines = [LineAnswer(series=line.series, points=line.points) for line in painter.lines(episodes)]
    return Picture(step=painter.width // SECOND_MS, lines=lines)


def _spent(spent: Spent) -> SpentAnswer:
    return SpentAnswer(tokens=spent.tokens, usd=spent.usd)


def _checked(
    document: Mapping[str, Any], dimensions: Sequence[str]
) -> tuple[tuple[Case, ...], tuple[Rule, ...], Mapping[str, Mapping[str, float]]]:
    """Tests, rules and budgets of a document; raises `InvalidDocument` with every fault of all three."""
    faults = Faults()
    Node(document, "", faults).keys(("tests", "rules", "budgets"))
    cases: tuple[Case, ...] = ()
    rules: tuple[Rule, ...] = ()
    budgets: Mapping[str, Mapping[str, float]] = {}
    try:
        cases = parse_cases(document)
        faults.found += _too_much(cases)
    except InvalidDocument as error:
        faults.found += error.faults
    try:
        rules = parse_rules({"rules": document.get("rules", [])})
    except InvalidDocument as error:
        faults.found += error.faults
    try:
        budgets = parse_budgets(document.get("budgets", {}), dimensions)
    except InvalidDocument as error:
        faults.found += [Fault(f"budgets{fault.path}", fault.reason) for fault in error.faults]
    faults.raise_any()
    return cases, rules, budgets


def _too_much(cases: Sequence[Case]) -> list[Fault]:
    wanted = sum(max((expected.at for expected in case.expect), default=0) // case.every + 1 for case in cases)
    if wanted <= MAX_EVALUATIONS:
        return []
    return [
        Fault("tests", f"take {wanted} evaluations, at most {MAX_EVALUATIONS} are possible at once: use a longer every, or fewer tests")
    ]


def _names(call: Call, start: int) -> set[str]:
    """Metrics and events that came since then."""
    found = call.services.rollups.read_group(call.caller.workspace, Resolution.HOUR, start // HOUR_MS, call.now // HOUR_MS + 1)
    return {name for data in found.values() for name in Table(data).names}
