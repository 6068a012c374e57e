"""Rollouts: a state machine that steps each of them until it is over, and a sweep that makes good what no execution does.

    Step ─▶ Next ─┬─▶ Waiting, Applying, Baking, Holding, Reverting, Telling ─▶ Step
                  └─▶ Succeeded, Reverted, Stopped, Held, Paused, AwaitingApproval, Superseded, HandedOver

All logic is in the step (`functions/rollouts`); the machine waits as long as it says, and tries again what fails.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue
from cdk.data_stack import DataStack
from functions.domain.rollout import Phase
from functions.stepping import LONGEST_WAIT_S, MAX_TURNS, Next

ROLLOUTS, ROTATIONS = "rollouts", "rotations"
"""What has a state machine."""
TIMEOUT = Duration.seconds(60)
LONGEST = Duration.seconds(2 * MAX_TURNS * LONGEST_WAIT_S)
"""An execution hands over before: one that is older hangs, and the sweep starts another."""
FIRST_RETRY, LONGEST_RETRY = Duration.seconds(2), Duration.minutes(2)
RETRIES = 40
"""2, 4, 8 … 120 s apart: together more than an hour. After that the execution fails, which is an alarm, and the sweep starts others."""

WAITS = {
    Phase.WAITING: "Waiting",
    Phase.APPLYING: "Applying",
    Phase.BAKING: "Baking",
    Phase.HELD: "Holding",
    Phase.REVERTING: "Reverting",
}
TELLS = "Telling"
"""Over, and people still have to be told."""
ENDS = {
    (Next.DONE, Phase.SUCCEEDED): "Succeeded",
    (Next.DONE, Phase.REVERTED): "Reverted",
    (Next.DONE, Phase.STOPPED): "Stopped",
    (Next.HELD, Phase.PAUSED): "Paused",
    (Next.HELD, Phase.WAITING): "AwaitingApproval",
}
OTHER_ENDS = {Next.HELD: "Held", Next.SUPERSEDED: "Superseded", Next.HANDOVER: "HandedOver"}
"""Whatever the phase."""


class Rollouts(Construct):
    """The state machine with its task, and the sweep."""

    def __init__(self, scope: Construct, *, stage: str, runtime: Runtime, data: DataStack, deliveries: sqs.IQueue) -> None:
        super().__init__(scope, "Rollouts")
        start = grants.start_execution(machine_arn(self, stage))
        self.step = Function(
            self,
            "Step",
            runtime=runtime,
            handler="functions.rollouts.handler.handler",
            description="Steps a rollout",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            can=[
                grants.table(data.rollouts, *grants.ROLLOUTS),
                grants.table(data.fleet, "GetItem", "PutItem", "Query"),
                grants.table(data.rollups, "Query"),
                grants.table(data.alerts, "GetItem", "PutItem"),
                grants.send(deliveries),
                start,
            ],
            traced=True,
        )
        self.missed = dead_letter_queue(self, "MissedSweeps")
        self.sweep = Function(
            self,
            "Sweep",
            runtime=runtime,
            handler="functions.rollouts.handler.sweep",
            description="Restarts rollouts that were left alone, and configures agents that are new",
            memory_mb=1024,
            timeout=TIMEOUT,
            can=[
                grants.table(data.rollouts, "GetItem", "PutItem", "Query"),
                grants.table(data.fleet, "GetItem", "PutItem", "Query"),
                start,
            ],
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=Duration.minutes(1)),
            traced=True,
        )
        events.Rule(
            self,
            "EachMinute",
            description="Sweeps rollouts",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    self.sweep.function, dead_letter_queue=self.missed, retry_attempts=1, max_event_age=Duration.minutes(1)
                )
            ],
        )
        self.machine = self._machine(stage, runtime)

    def _machine(self, stage: str, runtime: Runtime) -> sfn.StateMachine:
        role = self._role(stage)
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=machine_name(stage),
            comment="Steps one rollout until it is over",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
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

    def _role(self, stage: str) -> iam.Role:
        service = iam.ServicePrincipal("states.amazonaws.com", conditions={"ArnEquals": {"aws:SourceArn": machine_arn(self, stage)}})
        role = iam.Role(self, "Role", assumed_by=service)
        grants.invoke(self.step.function)(role)
        grants.sampled_tracing(role)
        grants.log_delivery(role)
        return role

    def _definition(self) -> sfn.IChainable:
        step = tasks.LambdaInvoke(
            self,
            "Step task",
            state_name="Step",
            lambda_function=self.step.function,
            # The input is the event, and the answer the output: the next step's event.
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        step.add_retry(errors=[sfn.Errors.ALL], interval=FIRST_RETRY, backoff_rate=2, max_delay=LONGEST_RETRY, max_attempts=RETRIES)
        # One choice a turn: each state is two events, and an execution may have so many only.
        choice = sfn.Choice(self, "Next")
        for phase, name in WAITS.items():
            choice.when(_is({"next": Next.WAIT, "phase": phase}), self._wait(name).next(step))
        choice.when(_is({"next": Next.WAIT}), self._wait(TELLS).next(step))
        for (answer, phase), name in ENDS.items():
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
