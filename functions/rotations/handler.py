"""Lambdas of rotations: `handler` is the task of their state machine, `sweep` runs each minute.

What comes in, goes out and is logged has fingerprints: no key is in any of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.keys import DesiredKeys
from functions.adapters.rollouts import RolloutTable
from functions.adapters.rotations import Rotations
from functions.rotation_launch import Parts
from functions.rotations.effects import Effects
from functions.rotations.observer import Observer, Providers
from functions.rotations.schedule import Schedule
from functions.rotations.service import RotationService
from functions.rotations.sweep import Sweep
from functions.runtime.key_setup import key_providers, key_vault
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.steppers import each_workspace, notices, stepped
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
        notices=notices(),
        clock=now_ms,
    )


@cache
def sweeper() -> Sweep:
    """The sweep on the deployed stores; raises `MissingSetting`."""
    settings = Settings.from_env()
    fleet = Fleet(client("dynamodb"), settings.fleet_table)
    schedule = Schedule(parts=_parts(), settings=fleet, provider=key_providers(settings), notices=notices())
    return Sweep(parts=_parts(), fleet=fleet, keys=DesiredKeys(client("dynamodb"), settings.fleet_table), schedule=schedule)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One step: `{"workspace", "rotation", "drive"}` and, from the second on, `"turn"`. The answer is the next step's event.

    A failure is tried again by the state machine.
    """
    return stepped(event, "rotation", service().step)


def sweep(_event: dict[str, Any], _context: object) -> None:
    """Sweep every workspace; one whose stores fail keeps none of the others waiting."""
    each_workspace(Settings.from_env().workspace_names, _sweep)


def _sweep(workspace: str) -> None:
    done = sweeper().run(workspace, now_ms())
    if any(done):
        logger("rotations").info("sweep", extra={"workspace": workspace, **done._asdict()})


@cache
def _parts() -> Parts:
    settings = Settings.from_env()
    return Parts(
        vault=key_vault(),
        rotations=Rotations(client("dynamodb"), settings.rollouts_table),
        executions=StateMachine(client("stepfunctions"), settings.rotation_machine_arn, "rotation"),
    )
