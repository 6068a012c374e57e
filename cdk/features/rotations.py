"""Rotations of API keys: a state machine that steps each of them until it is over, and a sweep that restarts, schedules and reminds.

Both functions reach Vault and the providers; what goes into the state machine, and comes out of it, has fingerprints only.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.components import grants
from cdk.components.function import ONE_CPU_MB, Function, OnFailure, Runtime
from cdk.components.queue import dead_letter_queue
from cdk.components.stepper import ROTATIONS, TIMEOUT, Stepper, Words, machine_arn
from cdk.data_stack import DataStack
from cdk.features.notify import SECRETS
from cdk.settings import StageSettings
from functions.domain.rotation import RotationPhase
from functions.stepping import Next

WORDS = Words(
    waits={
        RotationPhase.QUEUED: "Queued",
        RotationPhase.PREFLIGHT: "Preflight",
        RotationPhase.STAGING: "Staging",
        RotationPhase.ROLLING: "Rolling",
        RotationPhase.PROMOTING: "Promoting",
        RotationPhase.DRAINING: "Draining",
        RotationPhase.RETIRING: "Retiring",
        RotationPhase.ABORTING: "Aborting",
        RotationPhase.HELD: "Holding",
        RotationPhase.PAUSED: "Pausing",
    },
    ends={
        (Next.DONE, RotationPhase.SUCCEEDED): "Succeeded",
        (Next.DONE, RotationPhase.ABORTED): "Aborted",
        (Next.DONE, RotationPhase.REFUSED): "Refused",
        (Next.HELD, RotationPhase.PAUSED): "Paused",
    },
)


class Rotations(Stepper):
    """The state machine with its task, and the sweep."""

    def __init__(self, scope: Construct, *, settings: StageSettings, runtime: Runtime, data: DataStack, deliveries: sqs.IQueue) -> None:
        super().__init__(scope, "Rotations", stage=settings.name, noun=ROTATIONS)
        start, vault = grants.start_execution(self.arn), settings.vault.environment()
        self.step = Function(
            self,
            "Step",
            runtime=runtime,
            handler="functions.rotations.handler.handler",
            description="Steps a rotation of a key",
            memory_mb=ONE_CPU_MB,
            timeout=TIMEOUT,
            variables=vault,
            can=[
                grants.table(data.rollouts, *grants.ROLLOUTS),
                grants.table(data.fleet, "GetItem", "Query", "UpdateItem"),
                grants.table(data.alerts, "GetItem", "PutItem"),
                grants.send(deliveries),
                # Providers' admin keys.
                grants.secrets(SECRETS),
                start,
                grants.start_execution(machine_arn(self, settings.name)),
            ],
            traced=True,
        )
        self.missed = dead_letter_queue(self, "MissedSweeps")
        self.sweep = Function(
            self,
            "Sweep",
            runtime=runtime,
            handler="functions.rotations.handler.sweep",
            description="Restarts rotations that were left alone, assigns keys to agents without, rotates or tells of keys that get old",
            memory_mb=1024,
            timeout=TIMEOUT,
            variables=vault,
            can=[
                grants.table(data.rollouts, "GetItem", "PutItem", "Query"),
                grants.table(data.fleet, "GetItem", "Query", "UpdateItem"),
                grants.table(data.alerts, "GetItem", "PutItem"),
                grants.send(deliveries),
                grants.secrets(SECRETS),
                start,
            ],
            on_failure=OnFailure(queue=self.missed, retries=0, max_age=Duration.minutes(1)),
            traced=True,
        )
        self.sweep_with(self.sweep, self.missed, description="Sweeps rotations of keys")
        self.machine = self.step_with(self.step, WORDS, comment="Steps one rotation of a key until it is over", runtime=runtime)
