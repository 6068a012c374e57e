"""Every starter of executions keeps these promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.adapters.executions import StateMachine
from functions.domain.errors import StoreUnavailable
from functions.ports import Executions
from tests.fakes.executions import MemoryExecutions
from tests.localstack.support import fresh


@dataclass
class Case:
    executions: Executions
    started: Callable[[], list[tuple[str, str, int]]]
    """(workspace, rollout, drive) of each that was started."""


def memory(_request: Any) -> Case:
    executions = MemoryExecutions()
    return Case(executions, lambda: sorted(executions.started))


def on_step_functions(request: Any) -> Case:
    client = request.getfixturevalue("localstack").client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = "arn:aws:iam::000000000000:role/states"
    arn = client.create_state_machine(name=fresh("machine"), definition=definition, roleArn=role)["stateMachineArn"]

    def started() -> list[tuple[str, str, int]]:
        found = client.list_executions(stateMachineArn=arn)["executions"]
        inputs = [json.loads(client.describe_execution(executionArn=each["executionArn"])["input"]) for each in found]
        return sorted((each["workspace"], each["rollout"], each["drive"]) for each in inputs)

    return Case(StateMachine(client, arn), started)


@pytest.fixture(params=[memory, pytest.param(on_step_functions, marks=pytest.mark.cloud)])
def case(request: pytest.FixtureRequest) -> Case:
    make: Callable[[Any], Case] = request.param
    return make(request)


def test_a_drive_is_started_once(case: Case) -> None:
    for _ in range(2):
        case.executions.start("ws", "r1", 1)
    case.executions.start("ws", "r1", 2)
    case.executions.start("other", "r1", 1)
    assert case.started() == [("other", "r1", 1), ("ws", "r1", 1), ("ws", "r1", 2)]


def test_the_longest_workspace_fits_into_the_name(case: Case) -> None:
    case.executions.start("w" * 63, "r1aevo4v5k2ab3", 10_000)
    assert case.started() == [("w" * 63, "r1aevo4v5k2ab3", 10_000)]


class Refusing:
    def __init__(self, code: str) -> None:
        self._code = code

    def start_execution(self, **_request: Any) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "StartExecution")


def test_one_that_ran_already_is_started() -> None:
    StateMachine(Refusing("ExecutionAlreadyExists"), "arn").start("ws", "r1", 1)


def test_a_machine_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(StoreUnavailable, match=r"state machine of rollouts: .*ThrottlingException"):
        StateMachine(Refusing("ThrottlingException"), "arn").start("ws", "r1", 1)
