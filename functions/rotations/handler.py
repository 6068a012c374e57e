"""Lambdas of rotations: `handler` is the task of their state machine, `sweep` runs each minute.

What comes in, goes out and is logged has fingerprints: no key is in any of it.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from functions.adapters.approval_links import ApprovalLinks
from functions.adapters.deliveries import Deliveries
from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.keys import DesiredKeys
from functions.adapters.rollouts import RolloutTable
from functions.adapters.rotations import Rotations
from functions.adapters.sqs import QueueDispatcher
from functions.domain.errors import StoreError
from functions.notices import Notices
from functions.rotation_launch import Parts
from functions.rotations.effects import Effects
from functions.rotations.observer import Observer, Providers
from functions.rotations.schedule import Schedule
from functions.rotations.service import RotationService
from functions.rotations.sweep import Sweep
from functions.runtime.key_setup import key_providers, key_vault
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, hurried_client, now_ms


@cache
def service() -> RotationService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    # What a step asks for must not come when others think that it is over (`rotation_view.SETTLE_MS`).
    hurried = hurried_client("dynamodb")
    parts, fleet = _parts(), Fleet(dynamodb, settings.fleet_table)
    providers = Providers(fleet, key_providers(settings))
    return RotationService(
        parts=parts,
        observer=Observer(
            rotations=parts.rotations,
            rollouts=RolloutTable(dynamodb, settings.rollouts_table),
            fleet=fleet,
            keys=DesiredKeys(dynamodb, settings.fleet_table),
            vault=parts.vault,
            providers=providers,
        ),
        effects=Effects(
            vault=parts.vault,
            keys=DesiredKeys(hurried, settings.fleet_table),
            rollouts=RolloutTable(hurried, settings.rollouts_table),
            executions=StateMachine(client("stepfunctions"), settings.rollout_machine_arn),
            providers=providers,
            clock=now_ms,
        ),
        notices=_notices(settings),
        clock=now_ms,
    )


@cache
def sweeper() -> Sweep:
    """The sweep on the deployed stores; raises `MissingSetting`."""
    settings = Settings.from_env()
    fleet = Fleet(client("dynamodb"), settings.fleet_table)
    schedule = Schedule(parts=_parts(), settings=fleet, provider=key_providers(settings), notices=_notices(settings))
    return Sweep(parts=_parts(), fleet=fleet, keys=DesiredKeys(client("dynamodb"), settings.fleet_table), schedule=schedule)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One step: `{"workspace", "rotation", "drive"}` and, from the second on, `"turn"`. The answer is the next step's event.

    A failure is tried again by the state machine.
    """
    turn = int(event.get("turn", 0))
    answer = service().step(event["workspace"], event["rotation"], int(event["drive"]), turn)
    told = {"workspace": event["workspace"], "rotation": event["rotation"], "phase": answer.phase and answer.phase.value}
    for entry in answer.entries:
        logger("rotations").info(f"{entry.action}: {entry.text}", extra=told)
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
        if any(done):
            logger("rotations").info("sweep", extra={"workspace": workspace, **done._asdict()})
    if failed:
        raise failed[0]


@cache
def _parts() -> Parts:
    settings = Settings.from_env()
    return Parts(
        vault=key_vault(),
        rotations=Rotations(client("dynamodb"), settings.rollouts_table),
        executions=StateMachine(client("stepfunctions"), settings.rotation_machine_arn, "rotation"),
    )


def _notices(settings: Settings) -> Notices:
    dynamodb = client("dynamodb")
    return Notices(
        Fleet(dynamodb, settings.fleet_table),
        Deliveries(dynamodb, settings.alerts_table),
        QueueDispatcher(client("sqs"), settings.notify_queue_url),
        ApprovalLinks(dynamodb, settings.rollouts_table),
        secrets.token_bytes,
    )
