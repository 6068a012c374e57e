"""Lambda behind the minute's rule: decides how many agents the groups of every workspace should have."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.adapters.alerts import Alerts
from functions.adapters.fleet import Fleet
from functions.adapters.rollups import Rollups
from functions.adapters.scaling import ScalingTable
from functions.adapters.scaling_asg import AutoScalingGroups
from functions.adapters.scaling_events import ScalingEvents
from functions.domain.errors import StoreError
from functions.evidence import EvidenceReader
from functions.runtime.observability import logger
from functions.runtime.scaling_settings import ScalingSettings
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, hurried_client, now_ms
from functions.scaling.service import Parts, RunReport, ScalingService, run_all


@cache
def service() -> ScalingService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet, rollups = Fleet(dynamodb, settings.fleet_table), Rollups(dynamodb, settings.rollups_table, consistent=True)
    alerts = Alerts(dynamodb, settings.alerts_table)
    return ScalingService(
        Parts(
            fleet=fleet,
            rollups=rollups,
            evidence=EvidenceReader(fleet, rollups, alerts),
            scaling=ScalingTable(dynamodb, settings.alerts_table),
            alerts=alerts,
            announcer=ScalingEvents(hurried_client("events"), hurried_client("sns"), ScalingSettings.from_env().scaling_topic_arn),
            target=AutoScalingGroups(hurried_client("autoscaling")),
        )
    )


def handler(_event: dict[str, Any], _context: object) -> None:
    """Run each workspace. One that fails keeps no other from it; the failure is told when all had their turn."""
    faults: list[StoreError] = []
    for workspace, report in run_all(Settings.from_env().workspace_names, service(), now_ms, faults):
        _log(workspace, report)
    if faults:
        raise faults[0]


def _log(workspace: str, report: RunReport) -> None:
    """A line for each change, each thing told and each warning; nothing for a run that found all as it was."""
    log = logger("scaling")
    for decision in report.decisions:
        if decision.desired != decision.before:
            extra = {"workspace": workspace, "group": decision.group, "desired": decision.desired, "current": decision.current}
            log.info(f"{decision.group}: {decision.reason}", extra=extra)
    for group, told in report.told:
        log.info(f"{group}: {told.signal} {'began' if told.began else 'is over'}: {told.text}", extra={"workspace": workspace})
    for warning in report.warnings:
        log.warning(warning, extra={"workspace": workspace})
