from __future__ import annotations

import json

import pytest

from functions.runtime.settings import Settings
from tests.cdk.template import Stage

FUNCTIONS = {
    "AuthorizerAuthorize": ("functions.authorizer.handler.handler", 5),
    "AuthorizerBootstrap": ("functions.authorizer.bootstrap.handler", 10),
    "IngestBatches": ("functions.ingest.handler.handler", 10),
    "OtlpTake": ("functions.otlp.handler.handler", 10),
    "SealTick": ("functions.seal.tick.handler", 10),
    "SealFunction": ("functions.seal.handler.handler", 55),
    "AlertsEvaluate": ("functions.alerts.handler.handler", 55),
    "NotifySend": ("functions.notify.handler.handler", 60),
    "RolloutsStep": ("functions.rollouts.handler.handler", 60),
    "RolloutsSweep": ("functions.rollouts.handler.sweep", 60),
    "RotationsStep": ("functions.rotations.handler.handler", 60),
    "RotationsSweep": ("functions.rotations.handler.sweep", 60),
    "BudgetsCount": ("functions.budgets.handler.handler", 60),
    "ScalingDecide": ("functions.scaling.handler.handler", 55),
    "ReportsMake": ("functions.reports.handler.handler", 300),
    "ReportsTick": ("functions.reports.handler.tick", 60),
    "ApiRead": ("functions.api.app.app", 29),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_built_alike(live: Stage, name: str) -> None:
    function = live.app.named("AWS::Lambda::Function", name)
    layer = next(iter(live.app.of("AWS::Lambda::LayerVersion")))
    assert (function["Handler"], function["Timeout"]) == FUNCTIONS[name]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["Layers"] == [{"Ref": layer}]
    assert function["LoggingConfig"]["LogGroup"]["Ref"] in live.app.of("AWS::Logs::LogGroup")


def test_there_are_no_other_functions(live: Stage) -> None:
    assert len(live.app.of("AWS::Lambda::Function")) == len(FUNCTIONS)


def test_functions_find_every_setting_in_their_environment(live: Stage) -> None:
    for function in live.app.of("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        settings = Settings.from_env(
            {name: value if isinstance(value, str) else "from another resource" for name, value in variables.items()}
        )
        assert settings.stage == "live"
        assert settings.workspace_names == ("default",)
        assert settings.raw_history


def test_logs_are_kept_as_long_as_the_stage_says(live: Stage, lean: Stage) -> None:
    for stage, days in ((live, 30), (lean, 14)):
        assert {group["RetentionInDays"] for group in stage.app.of("AWS::Logs::LogGroup").values()} == {days}


def test_a_run_that_goes_well_leaves_no_line_of_lambdas_own(live: Stage) -> None:
    for function in live.app.of("AWS::Lambda::Function").values():
        assert (function["LoggingConfig"]["LogFormat"], function["LoggingConfig"]["SystemLogLevel"]) == ("JSON", "WARN")


@pytest.mark.parametrize(
    ("feature", "event", "times"),
    [
        ("Seal", "SealTick", 1),
        ("Rollouts", "RolloutsSweep", 0),
        ("Rotations", "RotationsSweep", 0),
        ("Budgets", "BudgetsCount", 0),
        ("Scaling", "ScalingDecide", 0),
    ],
)
def test_what_runs_each_minute_keeps_its_failures(live: Stage, feature: str, event: str, times: int) -> None:
    rule = live.app.named("AWS::Events::Rule", f"{feature}EachMinute")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    (target,) = rule["Targets"]
    assert event in json.dumps(target["Arn"])
    assert target["DeadLetterConfig"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
    asynchronous = live.app.named("AWS::Lambda::EventInvokeConfig", event)
    assert asynchronous["DestinationConfig"]["OnFailure"]["Destination"] == target["DeadLetterConfig"]["Arn"]
    assert asynchronous["MaximumRetryAttempts"] == times


@pytest.mark.parametrize(
    ("source", "queue", "function", "size", "times", "attempts"),
    [
        ("SealFunction", "SealQueueTicks", "SealFunction", 1, 6, 3),
        ("AlertsEvaluate", "EvaluateQueueRuns", "AlertsEvaluate", 1, 1, 2),
        ("NotifySend", "NotifyQueueDeliveries", "NotifySend", 2, 6, 5),
        ("ReportsMake", "ReportQueueWanted", "ReportsMake", 1, 1, 3),
    ],
)
def test_workers_of_queues_have_time_to_finish(
    live: Stage, source: str, queue: str, function: str, size: int, times: int, attempts: int
) -> None:
    mapping = live.app.named("AWS::Lambda::EventSourceMapping", source)
    assert mapping["BatchSize"] == size
    found = live.app.named("AWS::SQS::Queue", queue)
    assert found["VisibilityTimeout"] >= times * FUNCTIONS[function][1]
    assert found["RedrivePolicy"]["maxReceiveCount"] == attempts


def test_a_delivery_that_fails_brings_back_no_other(live: Stage) -> None:
    assert live.app.named("AWS::Lambda::EventSourceMapping", "NotifySend")["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_queues_are_encrypted_and_refuse_plain_http(live: Stage) -> None:
    queues = live.app.of("AWS::SQS::Queue")
    assert {queue["SqsManagedSseEnabled"] for queue in queues.values()} == {True}
    guarded = {
        reference["Ref"]
        for policy in live.app.of("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        for reference in policy["Queues"]
    }
    assert guarded == set(queues)
