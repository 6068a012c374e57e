"""What the Lambdas that step, sweep and start rollouts and rotations have in common, on the deployed stores."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from functions.adapters.approval_links import ApprovalLinks
from functions.adapters.deliveries import Deliveries
from functions.adapters.desired import DesiredConfigs
from functions.adapters.executions import StateMachine
from functions.adapters.fleet import Fleet
from functions.adapters.rollouts import RolloutTable
from functions.adapters.sqs import QueueDispatcher
from functions.domain.errors import StoreError
from functions.notices import Notices
from functions.rollout_launch import Parts
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.wiring import client
from functions.stepping import Answer


@cache
def launch_parts() -> Parts:
    """What starts and steers rollouts; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    return Parts(
        rollouts=RolloutTable(dynamodb, settings.rollouts_table),
        desired=DesiredConfigs(dynamodb, settings.fleet_table),
        executions=StateMachine(client("stepfunctions"), settings.rollout_machine_arn),
    )


@cache
def notices() -> Notices:
    """What tells people of rollouts and rotations; raises `MissingSetting`."""
    settings, dynamodb = Settings.from_env(), client("dynamodb")
    return Notices(
        Fleet(dynamodb, settings.fleet_table),
        Deliveries(dynamodb, settings.alerts_table),
        QueueDispatcher(client("sqs"), settings.notify_queue_url),
        ApprovalLinks(dynamodb, settings.rollouts_table),
        secrets.token_bytes,
    )


def stepped(event: Mapping[str, Any], noun: str, step: Callable[[str, str, int, int], Answer]) -> dict[str, Any]:
    """One step of what the event names under `noun`; `step` takes workspace, id, drive and turn. The answer is the next step's event."""
    turn = int(event.get("turn", 0))
    answer = step(event["workspace"], event[noun], int(event["drive"]), turn)
    told = {"workspace": event["workspace"], noun: event[noun], "phase": answer.phase and answer.phase.value}
    for entry in answer.entries:
        logger(f"{noun}s").info(f"{entry.action}: {entry.text}", extra=told)
    return {**told, "drive": event["drive"], "turn": turn + 1, "next": answer.next.value, "seconds": answer.seconds}


def each_workspace(workspaces: Iterable[str], work: Callable[[str], None]) -> None:
    """Each gets its turn: one whose stores fail keeps no other from it. The first failure is raised when all had theirs."""
    failed: list[StoreError] = []
    for workspace in workspaces:
        try:
            work(workspace)
        except StoreError as error:
            failed.append(error)
    if failed:
        raise failed[0]
