"""Executions of the state machines that step rollouts and rotations, in Step Functions."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults

_LONGEST_NAME = 80


class StateMachine:
    """`Executions`."""

    def __init__(self, client: Any, arn: str, steps: str = "rollout") -> None:
        """`steps` says what the machine steps, as its input names it: `rollout` or `rotation`."""
        self._client = client
        self._arn = arn
        self._steps = steps

    def start(self, workspace: str, id: str, drive: int) -> None:
        """Start the execution of this drive, unless it has been started: its name says which one it is."""
        # The workspace last: it is the part that may be cut.
        name = f"{id}-{drive}-{workspace}"[:_LONGEST_NAME]
        message = json.dumps({"workspace": workspace, self._steps: id, "drive": drive})
        with store_faults(f"state machine of {self._steps}s"):
            try:
                self._client.start_execution(stateMachineArn=self._arn, name=name, input=message)
            except ClientError as error:
                if code_of(error) != "ExecutionAlreadyExists":
                    raise
