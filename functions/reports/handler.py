"""Lambdas of reports: `handler` makes those in its queue, `tick` queues what the schedules want, a few times an hour."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

from functions.adapters.alerts import Alerts
from functions.adapters.deliveries import Deliveries
from functions.adapters.fleet import Fleet
from functions.adapters.raw import RawQueries
from functions.adapters.rollouts import RolloutTable
from functions.adapters.rollups import Rollups
from functions.adapters.rotations import Rotations
from functions.adapters.sqs import QueueDispatcher
from functions.domain.report import Report
from functions.domain.report_record import ReportPhase, ReportRecord
from functions.report_making import Parts, make_report
from functions.reports.service import Outcome, ReportService
from functions.reports.telling import Telling
from functions.reports.tick import Tick
from functions.runtime.observability import logger
from functions.runtime.report_setup import report_queue, report_store
from functions.runtime.rule_book import RuleBook
from functions.runtime.settings import Settings
from functions.runtime.steppers import each_workspace
from functions.runtime.wiring import client, now_ms

ATTEMPTS = 3
"""Of a report: the queue's setting. What fails as often is noted as failed."""


@cache
def service() -> ReportService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet, deliveries = Fleet(dynamodb, settings.fleet_table), Deliveries(dynamodb, settings.alerts_table)
    parts = Parts(
        fleet=fleet,
        rollups=Rollups(dynamodb, settings.rollups_table),
        alerts=Alerts(dynamodb, settings.alerts_table),
        rules=RuleBook(fleet),
        deliveries=deliveries,
        rollouts=RolloutTable(dynamodb, settings.rollouts_table),
        rotations=Rotations(dynamodb, settings.rollouts_table),
        raw=RawQueries(client("timestream-query")) if settings.raw_history else None,
        raw_database=settings.raw_database,
    )

    def make(workspace: str, record: ReportRecord, now: int) -> Report:
        return make_report(parts, workspace, record.selector, record.start, record.end, now, record.id)

    telling = Telling(
        store=report_store(),
        settings=fleet,
        deliveries=deliveries,
        queue=QueueDispatcher(client("sqs"), settings.notify_queue_url),
        random=secrets.token_bytes,
    )
    return ReportService(store=report_store(), make=make, telling=telling, clock=now_ms)


@cache
def ticker() -> Tick:
    """The tick on the deployed stores; raises `MissingSetting`."""
    settings = Settings.from_env()
    return Tick(store=report_store(), settings=Fleet(client("dynamodb"), settings.fleet_table), queue=report_queue())


def handler(event: dict[str, Any], _context: object) -> None:
    """Make the reports of an SQS event, one a message `{"workspace", "report"}`. A failure brings the message back."""
    for record in event["Records"]:
        run(json.loads(record["body"]), record["messageId"], int(record["attributes"]["ApproximateReceiveCount"]), service())


def run(message: Mapping[str, str], id: str, attempt: int, reports: ReportService) -> None:
    """One report, by a message's id and how often it came. The last attempt that fails is noted, so that nobody waits for it."""
    workspace, report = message["workspace"], message["report"]
    try:
        _log(message, reports.run(workspace, report, id))
    except Exception as error:
        logger("reports").exception("the report was not made", extra=dict(message))
        if attempt < ATTEMPTS:
            raise
        reports.give_up(workspace, report, id, f"given up after {attempt} tries: {error}")
        raise


def tick(_event: dict[str, Any], _context: object) -> None:
    """Queue what is due, in every workspace; one whose stores fail keeps none of the others waiting."""
    each_workspace(Settings.from_env().workspace_names, _tick)


def _tick(workspace: str) -> None:
    report = ticker().run(workspace, now_ms())
    log = logger("reports")
    if report.warning:
        log.warning(report.warning, extra={"workspace": workspace})
    for id in report.queued:
        log.info("due", extra={"workspace": workspace, "report": id})
    for id in report.again:
        log.warning("its run was lost; queued again", extra={"workspace": workspace, "report": id})


def _log(message: Mapping[str, str], outcome: Outcome) -> None:
    told = logger("reports").warning if outcome.phase is ReportPhase.FAILED else logger("reports").info
    told(f"{outcome.phase or 'nothing'}: {outcome.text}", extra=dict(message))
