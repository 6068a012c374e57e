"""Lambda behind the evaluate queue: each message is one run for one workspace, sent by seal after a tick."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from functions.adapters.alerts import Alerts
from functions.adapters.deliveries import Deliveries
from functions.adapters.fleet import Fleet
from functions.adapters.http_poster import WebPoster
from functions.adapters.rollups import Rollups
from functions.adapters.sqs import QueueDispatcher
from functions.alerts.pulse import Pulse
from functions.alerts.service import AlertService, Parts, RunReport
from functions.evidence import EvidenceReader
from functions.runtime.alert_setup import setup_reader
from functions.runtime.metrics import metric_line
from functions.runtime.observability import logger
from functions.runtime.rule_book import RuleBook
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, now_ms

LAG = "EvaluationLag"
"""Metric: seconds from the end of the last whole minute to its evaluation."""


@cache
def service() -> AlertService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet, alerts = Fleet(dynamodb, settings.fleet_table), Alerts(dynamodb, settings.alerts_table)
    return AlertService(
        Parts(
            rules=RuleBook(fleet),
            evidence=EvidenceReader(fleet, Rollups(dynamodb, settings.rollups_table, consistent=True), alerts),
            alerts=alerts,
            deliveries=Deliveries(dynamodb, settings.alerts_table),
            setup=setup_reader(fleet, alerts),
            queue=QueueDispatcher(client("sqs"), settings.notify_queue_url),
        )
    )


@cache
def pulse() -> Pulse:
    """The dead man's switch; raises `MissingSetting`."""
    settings = Settings.from_env()
    return Pulse(Fleet(client("dynamodb"), settings.fleet_table), WebPoster(private=settings.reaches_private))


def handler(event: dict[str, Any], _context: object) -> None:
    """Evaluate. A failure brings the message back; the next tick makes it good too."""
    for workspace, report in run(event, service(), now_ms):
        _log(workspace, report)
        fault = None if report.skipped else pulse().beat(workspace, now_ms())
        if fault:
            logger("evaluate").warning(fault, extra={"workspace": workspace})


def run(event: Mapping[str, Any], alerts: AlertService, now: Callable[[], int]) -> Iterator[tuple[str, RunReport]]:
    """One run a message `{"workspace", "at"}`."""
    for record in event["Records"]:
        message = json.loads(record["body"])
        yield message["workspace"], alerts.run(message["workspace"], int(message["at"]), now())


def _log(workspace: str, report: RunReport) -> None:
    """A line for each edge and warning; nothing for a run that found all as it was."""
    log = logger("evaluate")
    for edge in report.edges:
        extra = {"workspace": workspace, "rule": edge.rule, "series": edge.series, "episode": edge.episode}
        log.info(f"{edge.rule} is {edge.kind}: {edge.reason}", extra=extra)
    for warning in report.warnings:
        log.warning(warning, extra={"workspace": workspace})
    if report.lag_s is not None:
        print(metric_line(LAG, report.lag_s, "Seconds", int(time.time() * 1000)), flush=True)  # noqa: T201  CloudWatch reads metrics from the log
