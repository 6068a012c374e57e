"""A state machine that steps one thing until it is over, and the minute's rule for what no execution does by itself.

    Step ─▶ Next ─┬─▶ a wait, called after what the thing is doing ─▶ Step
                  └─▶ an end, called after how it ended

All logic is in the step, a function that answers as `functions.stepping.Answer` says; the machine waits as long as it says, and tries again
what fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from cdk.components import grants
from cdk.components.function import Function, Runtime
from functions.stepping import LONGEST_WAIT_S, MAX_TURNS, Next

ROLLOUTS, ROTATIONS = "rollouts", "rotations"
"""What has a state machine."""
TIMEOUT = Duration.seconds(60)
"""Of a step, and of a sweep."""
LONGEST = Duration.seconds(2 * MAX_TURNS * LONGEST_WAIT_S)
"""An execution hands over before: one that is older hangs, and the sweep starts another."""
FIRST_RETRY, LONGEST_RETRY = Duration.seconds(2), Duration.minutes(2)
RETRIES = 40
"""2, 4, 8 … 120 s apart: together more than an hour. After that the execution fails, which is an alarm, and the sweep starts others."""
TELLS = "Telling"
"""Over, and people still have to be told."""
OTHER_ENDS = {Next.HELD: "Held", Next.SUPERSEDED: "Superseded", Next.HANDOVER: "HandedOver"}
"""Whatever the phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the machine's states are called."""

    waits: Mapping[StrEnum, str]
    """By phase."""
    ends: Mapping[tuple[Next, StrEnum], str]


class Stepper(Construct):
    """The parts; a feature adds the functions."""

    def __init__(self, scope: Construct, name: str, *, stage: str, noun: str) -> None:
        super().__init__(scope, name)
        self.arn = machine_arn(self, stage, noun)
        self._name = machine_name(stage, noun)

    def step_with(self, step: Function, words: Words, *, comment: str, runtime: Runtime) -> sfn.StateMachine:
        """The state machine, whose task is a function."""
        role = self._role(step)
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self._name,
            comment=comment,
            definition_body=sfn.DefinitionBody.from_chainable(self._definition(step, words)),
            role=role.without_policy_updates(),
            timeout=LONGEST,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(self, "Logs", retention=runtime.log_retention, removal_policy=RemovalPolicy.DESTROY),
                level=sfn.LogLevel.ALL,
            ),
        )
        # It is refused if its role may not write its log yet.
        machine.node.add_dependency(role)
        return machine

    def sweep_with(self, sweep: Function, missed: sqs.IQueue, *, description: str) -> None:
        """Call a function each minute."""
        target = targets.LambdaFunction(sweep.function, dead_letter_queue=missed, retry_attempts=1, max_event_age=Duration.minutes(1))
        events.Rule(self, "EachMinute", description=description, schedule=events.Schedule.rate(Duration.minutes(1)), targets=[target])

    def _role(self, step: Function) -> iam.Role:
        service = iam.ServicePrincipal("states.amazonaws.com", conditions={"ArnEquals": {"aws:SourceArn": self.arn}})
        role = iam.Role(self, "Role", assumed_by=service)
        grants.invoke(step.function)(role)
        grants.sampled_tracing(role)
        grants.log_delivery(role)
        return role

    def _definition(self, function: Function, words: Words) -> sfn.IChainable:
        step = tasks.LambdaInvoke(
            self,
            "Step task",
            state_name="Step",
            lambda_function=function.function,
            # The input is the event, and the answer the output: the next step's event.
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        step.add_retry(errors=[sfn.Errors.ALL], interval=FIRST_RETRY, backoff_rate=2, max_delay=LONGEST_RETRY, max_attempts=RETRIES)
        # One choice a turn: each state is two events, and an execution may have so many only.
        choice = sfn.Choice(self, "Next")
        for phase, name in words.waits.items():
            choice.when(_is({"next": Next.WAIT, "phase": phase}), self._wait(name).next(step))
        choice.when(_is({"next": Next.WAIT}), self._wait(TELLS).next(step))
        for (answer, phase), name in words.ends.items():
            choice.when(_is({"next": answer, "phase": phase}), sfn.Succeed(self, name))
        for answer, name in OTHER_ENDS.items():
            choice.when(_is({"next": answer}), sfn.Succeed(self, name))
        return step.next(choice.otherwise(sfn.Fail(self, "Unknown", cause="The step's answer is none that the state machine knows")))

    def _wait(self, name: str) -> sfn.Wait:
        return sfn.Wait(self, name, time=sfn.WaitTime.seconds_path("$.seconds"))


def _is(fields: Mapping[str, str]) -> sfn.Condition:
    conditions = [sfn.Condition.string_equals(f"$.{name}", str(value)) for name, value in fields.items()]
    return conditions[0] if len(conditions) == 1 else sfn.Condition.and_(*conditions)


def machine_name(stage: str, noun: str = ROLLOUTS) -> str:
    """The name of a stage's state machine, fixed: its functions start executions of it, and it invokes them."""
    return f"clawpulse-{stage}-{noun}"


def machine_arn(scope: Construct, stage: str, noun: str = ROLLOUTS) -> str:
    """The ARN of a stage's state machine."""
    return Stack.of(scope).format_arn(
        service="states", resource="stateMachine", resource_name=machine_name(stage, noun), arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
