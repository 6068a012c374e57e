"""Lambdas of rollouts: `handler` is the task of the state machine, `sweep` runs each minute."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.adapters.batches import Batches
from functions.adapters.desired import DesiredConfigs
from functions.adapters.fleet import Fleet
from functions.adapters.keys import DesiredKeys
from functions.adapters.revisions import Revisions
from functions.adapters.rollups import Rollups
from functions.gate_evidence import GateReader
from functions.key_gate import KeyGate
from functions.rollouts.joining import Joining
from functions.rollouts.observer import Observer
from functions.rollouts.service import RolloutService
from functions.rollouts.sweep import Sweep
from functions.rollouts.targets import Targets
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.steppers import each_workspace, launch_parts, notices, stepped
from functions.runtime.wiring import client, hurried_client, now_ms


@cache
def service() -> RolloutService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet, parts = Fleet(dynamodb, settings.fleet_table), launch_parts()
    # What a step writes must not come when others think that it is over (`rollout_step.SETTLE_MS`).
    hurried = hurried_client("dynamodb")
    return RolloutService(
        rollouts=parts.rollouts,
        desired=DesiredConfigs(hurried, settings.fleet_table),
        keys=DesiredKeys(hurried, settings.fleet_table),
        executions=parts.executions,
        observer=Observer(
            fleet=fleet,
            desired=parts.desired,
            gate=GateReader(Rollups(dynamodb, settings.rollups_table, consistent=True), fleet),
            keys=DesiredKeys(dynamodb, settings.fleet_table),
            key_gate=KeyGate(Batches(dynamodb, settings.batches_table, settings.buckets), fleet),
            joining=Joining(parts.rollouts, parts.desired, Targets(Revisions(dynamodb, settings.rollouts_table))),
        ),
        notices=notices(),
        clock=now_ms,
    )


@cache
def sweeper() -> Sweep:
    """The sweep on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    revisions = Revisions(dynamodb, settings.rollouts_table)
    return Sweep(parts=launch_parts(), fleet=Fleet(dynamodb, settings.fleet_table), revisions=revisions, targets=Targets(revisions))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One step: `{"workspace", "rollout", "drive"}` and, from the second on, `"turn"`. The answer is the next step's event.

    A failure is tried again by the state machine.
    """
    return stepped(event, "rollout", service().step)


def sweep(_event: dict[str, Any], _context: object) -> None:
    """Sweep every workspace; one whose stores fail keeps none of the others waiting."""
    each_workspace(Settings.from_env().workspace_names, _sweep)


def _sweep(workspace: str) -> None:
    done = sweeper().run(workspace, now_ms())
    if done.restarted or done.adopted:
        logger("rollouts").info("sweep", extra={"workspace": workspace, **done._asdict()})
