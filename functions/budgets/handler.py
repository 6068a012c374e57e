"""Lambda behind the minute's rule: counts the budgets of every workspace, and does what they say."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from functions.adapters.alerts import Alerts
from functions.adapters.fleet import Fleet
from functions.adapters.rollups import Rollups
from functions.budgets.service import BudgetService, RunReport
from functions.domain.errors import StoreUnavailable
from functions.evidence import EvidenceReader
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.steppers import launch_parts
from functions.runtime.wiring import client, now_ms


@cache
def service() -> BudgetService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet = Fleet(dynamodb, settings.fleet_table)
    # Budgets are compared with no baseline, so nothing is ever read from the alerts.
    evidence = EvidenceReader(fleet, Rollups(dynamodb, settings.rollups_table, consistent=True), Alerts(dynamodb, settings.alerts_table))
    return BudgetService(fleet, evidence, launch_parts(), secrets.token_bytes)


def handler(_event: dict[str, Any], _context: object) -> None:
    """Run each workspace. One that fails keeps no other from it; the failure is told when all had their turn."""
    faults: list[StoreUnavailable] = []
    for workspace, report in run(Settings.from_env().workspace_names, service(), now_ms, faults):
        _log(workspace, report)
    if faults:
        raise faults[0]


def run(
    workspaces: Iterable[str], budgets: BudgetService, now: Callable[[], int], faults: list[StoreUnavailable]
) -> Iterator[tuple[str, RunReport]]:
    """One run a workspace."""
    for workspace in workspaces:
        try:
            yield workspace, budgets.run(workspace, now())
        except StoreUnavailable as error:
            logger("budgets").warning(f"the budgets were not counted: {error}", extra={"workspace": workspace})
            faults.append(error)


def _log(workspace: str, report: RunReport) -> None:
    """A line for each thing done and each warning; nothing for a run that only counted."""
    log = logger("budgets")
    for kind, ids in (("acts", report.started), ("lifts", report.lifted)):
        for id in ids:
            log.info(f"{kind} with the rollout {id}", extra={"workspace": workspace, "rollout": id})
    for key, note in report.notes.items():
        log.info(f"{key}: {note}", extra={"workspace": workspace})
    for warning in report.warnings:
        log.warning(warning, extra={"workspace": workspace})
