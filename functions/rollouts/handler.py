"""Lambdas of rollouts: `handler` is the task of the state machine, `sweep` runs each minute."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from functions.adapters.approval_links import ApprovalLinks
from functions.adapters.batches import Batches
from functions.adapters.deliveries import Deliveries
from functions.adapters.desired import DesiredConfigs
from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.keys import DesiredKeys
from functions.adapters.revisions import Revisions
from functions.adapters.rollouts import RolloutTable
from functions.adapters.rollups import Rollups
from functions.adapters.sqs import QueueDispatcher
from functions.domain.errors import StoreError
from functions.gate_evidence import GateReader
from functions.key_gate import KeyGate
from functions.notices import Notices
from functions.rollout_launch import Parts
from functions.rollouts.joining import Joining
from functions.rollouts.observer import Observer
from functions.rollouts.service import RolloutService
from functions.rollouts.sweep import Sweep
from functions.rollouts.targets import Targets
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, hurried_client, now_ms


@cache
def service() -> RolloutService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    fleet, parts = Fleet(dynamodb, settings.fleet_table), _parts()
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
        notices=Notices(
            fleet,
            Deliveries(dynamodb, settings.alerts_table),
            QueueDispatcher(client("sqs"), settings.notify_queue_url),
            ApprovalLinks(dynamodb, settings.rollouts_table),
            secrets.token_bytes,
        ),
        clock=now_ms,
    )


@cache
def sweeper() -> Sweep:
    """The sweep on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    revisions = Revisions(dynamodb, settings.rollouts_table)
    return Sweep(parts=_parts(), fleet=Fleet(dynamodb, settings.fleet_table), revisions=revisions, targets=Targets(revisions))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One step: `{"workspace", "rollout", "drive"}` and, from the second on, `"turn"`. The answer is the next step's event.

    A failure is tried again by the state machine.
    """
    turn = int(event.get("turn", 0))
    answer = service().step(event["workspace"], event["rollout"], int(event["drive"]), turn)
    told = {"workspace": event["workspace"], "rollout": event["rollout"], "phase": answer.phase and answer.phase.value}
    for entry in answer.entries:
        logger("rollouts").info(f"{entry.action}: {entry.text}", extra=told)
    return {**told, "drive": event["drive"], "turn": turn + 1, "next": answer.next.value, "seconds": answer.seconds}


def sweep(_event: dict[str, Any], _context: object) -> None:
    """Sweep every workspace; one whose stores fail keeps none of the others waiting."""
    failed: list[StoreError] = []
    for workspace in Settings.from_env().workspace_names:
        try:
            done = sweeper().run(workspace, now_ms())
        except StoreError as error:
            failed.append(error)
            continue
        if done.restarted or done.adopted:
            logger("rollouts").info("sweep", extra={"workspace": workspace, **done._asdict()})
    if failed:
        raise failed[0]


@cache
def _parts() -> Parts:
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    return Parts(
        rollouts=RolloutTable(dynamodb, settings.rollouts_table),
        desired=DesiredConfigs(dynamodb, settings.fleet_table),
        executions=StateMachine(client("stepfunctions"), settings.rollout_machine_arn),
    )
