"""The state machines of rollouts and rotations as they are synthesised, walked without Step Functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.domain.rollout import FINAL, Phase
from functions.domain.rotation import FINAL_ROTATION, RotationPhase
from functions.stepping import MAX_TURNS, Next
from tests.cdk.template import Stage

HISTORY = 20_000
"""Events of an execution at which it should be over; AWS ends it at 25,000."""
NOUNS = ("Rollouts", "Rotations")


def definition(stage: Stage, noun: str = "Rollouts") -> dict[str, Any]:
    """The Amazon States Language of one, references to other resources left out."""
    parts = stage.app.named("AWS::StepFunctions::StateMachine", noun)["DefinitionString"]["Fn::Join"][1]
    found: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))
    return found


def after(stage: Stage, answer: str, phase: str | None, noun: str = "Rollouts") -> str:
    """The state that follows a step's answer."""
    choice = definition(stage, noun)["States"]["Next"]
    state = {"next": answer, "phase": phase}

    def holds(condition: dict[str, Any]) -> bool:
        return bool(state[condition["Variable"].removeprefix("$.")] == condition["StringEquals"])

    fitting = (rule["Next"] for rule in choice["Choices"] if all(map(holds, rule.get("And", [rule]))))
    return str(next(fitting, choice["Default"]))


@pytest.mark.parametrize(
    ("noun", "phase", "final"),
    [
        *(("Rollouts", phase.value, phase in FINAL) for phase in Phase),
        *(("Rotations", phase.value, phase in FINAL_ROTATION) for phase in RotationPhase),
    ],
)
@pytest.mark.parametrize("answer", [answer.value for answer in Next])
def test_every_answer_is_understood(live: Stage, noun: str, answer: str, phase: str, final: bool) -> None:
    states = definition(live, noun)["States"]
    found = after(live, answer, phase, noun)
    if answer == Next.WAIT:
        assert (states[found]["Type"], states[found]["SecondsPath"], states[found]["Next"]) == ("Wait", "$.seconds", "Step")
        assert found == "Telling" or not final
    elif answer == Next.DONE and not final:
        assert states[found]["Type"] == "Fail"
    else:
        assert states[found]["Type"] == "Succeed"


@pytest.mark.parametrize(
    ("answer", "phase", "state"),
    [
        ("wait", "queued", "Queued"),
        ("wait", "rolling", "Rolling"),
        ("wait", "paused", "Pausing"),
        ("held", "paused", "Paused"),
        ("held", "held", "Held"),
        ("done", "aborted", "Aborted"),
        ("done", "refused", "Refused"),
        ("superseded", None, "Superseded"),
    ],
)
def test_states_are_called_after_what_the_rotation_does(live: Stage, answer: str, phase: str | None, state: str) -> None:
    assert after(live, answer, phase, "Rotations") == state


@pytest.mark.parametrize(
    ("answer", "phase", "state"),
    [
        ("wait", "waiting", "Waiting"),
        ("wait", "applying", "Applying"),
        ("wait", "baking", "Baking"),
        ("wait", "reverting", "Reverting"),
        ("wait", "held", "Holding"),
        ("wait", "succeeded", "Telling"),
        ("done", "succeeded", "Succeeded"),
        ("done", "reverted", "Reverted"),
        ("done", "stopped", "Stopped"),
        ("held", "held", "Held"),
        ("held", "paused", "Paused"),
        ("held", "waiting", "AwaitingApproval"),
        ("superseded", "baking", "Superseded"),
        ("superseded", None, "Superseded"),
        ("handover", "baking", "HandedOver"),
        ("what", "baking", "Unknown"),
    ],
)
def test_states_are_called_after_what_the_rollout_does(live: Stage, answer: str, phase: str | None, state: str) -> None:
    assert after(live, answer, phase) == state


@pytest.mark.parametrize("noun", NOUNS)
def test_a_step_that_fails_is_tried_again_for_an_hour(live: Stage, noun: str) -> None:
    (retry,) = definition(live, noun)["States"]["Step"]["Retry"]
    assert retry["ErrorEquals"] == ["States.ALL"]
    pauses = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"]) for attempt in range(retry["MaxAttempts"])
    ]
    assert sum(pauses) >= 3600
    assert pauses[0] <= 5


def test_an_execution_hands_over_before_its_history_is_full(live: Stage) -> None:
    states = definition(live)["States"]
    # Entered and exited each; the task is scheduled, started and succeeds besides.
    events = 2 * len({"Step", "Next", "Applying"} & states.keys()) + 3
    assert events * MAX_TURNS < HISTORY
    assert definition(live)["TimeoutSeconds"] <= 365 * 86_400


@pytest.mark.parametrize("noun", NOUNS)
def test_it_has_its_stages_name_and_is_watched(live: Stage, noun: str) -> None:
    machine = live.app.named("AWS::StepFunctions::StateMachine", noun)
    assert machine["StateMachineName"] == f"clawpulse-live-{noun.lower()}"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    for function in live.app.of("AWS::Lambda::Function").values():
        arn = function["Environment"]["Variables"][f"CLAWPULSE_{noun[:-1].upper()}_MACHINE_ARN"]
        assert json.dumps(arn).count(f":stateMachine:clawpulse-live-{noun.lower()}") == 1
