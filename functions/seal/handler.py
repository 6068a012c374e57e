"""Lambda behind the seal queue: each message is one tick of one workspace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from functions.adapters.batches import Batches
from functions.adapters.fleet import Fleet
from functions.adapters.lease import Leases
from functions.adapters.rollups import Rollups
from functions.adapters.sqs import QueueDispatcher
from functions.runtime.observability import logger
from functions.runtime.rule_book import RuleBook
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, now_ms
from functions.seal.service import SealService, TickReport

FINISHING_MS = 20_000
"""With less time left, a tick judges and stores what it has: the minutes that wait go to the next."""


@cache
def service() -> SealService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet = Fleet(dynamodb, settings.fleet_table)
    return SealService(
        Batches(dynamodb, settings.batches_table, settings.buckets),
        Rollups(dynamodb, settings.rollups_table, consistent=True),
        fleet,
        Leases(dynamodb, settings.fleet_table),
        rules=RuleBook(fleet),
    )


@cache
def evaluations() -> QueueDispatcher:
    """Where runs of evaluation are queued; raises `MissingSetting`."""
    return QueueDispatcher(client("sqs"), Settings.from_env().evaluate_queue_url)


def handler(event: dict[str, Any], context: Any) -> None:
    """Run the ticks of an SQS event. A failure brings the message back; the next tick makes it good too."""
    for workspace, report in run(event, service(), now_ms, lambda: context.get_remaining_time_in_millis() > FINISHING_MS):
        _log(workspace, report)
        if not report.skipped:
            evaluations().send([({"workspace": workspace, "at": now_ms()}, 0)])


def run(event: dict[str, Any], seal: SealService, now: Callable[[], int], has_time: Callable[[], bool]) -> Iterator[tuple[str, TickReport]]:
    """One tick a message `{"workspace", "at"}`."""
    for record in event["Records"]:
        message = json.loads(record["body"])
        yield message["workspace"], seal.tick(message["workspace"], int(message["at"]), now(), uuid.uuid4().hex, has_time)


def _log(workspace: str, report: TickReport) -> None:
    """A line for each change of colour and each warning, and one for a tick that did more than usual."""
    log = logger("seal")
    for change in report.transitions:
        log.info(
            f"{change.agent} is {change.after.status}: {change.after.reason}",
            extra={"workspace": workspace, "agent": change.agent, "before": change.before and str(change.before.status)},
        )
    for warning in report.warnings:
        log.warning(warning, extra={"workspace": workspace})
    if report.reopened or report.hours or report.unsealed or report.skipped:
        log.info("tick", extra={"workspace": workspace, **_figures(report)})


def _figures(report: TickReport) -> dict[str, Any]:
    return {
        "skipped": report.skipped,
        "items": report.items,
        "agents": report.agents,
        "sealed": report.sealed,
        "reopened": report.reopened,
        "hours": report.hours,
        "unsealed": report.unsealed,
    }
