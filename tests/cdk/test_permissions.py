"""What each function may do: a change here is a change of what an attacker could."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cdk.template import Stage, as_list

SAMPLED = {"xray:GetSamplingRules", "xray:GetSamplingTargets"}
LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
NO_RESOURCE = {"timestream:DescribeEndpoints", "xray:PutTelemetryRecords", "xray:PutTraceSegments"} | SAMPLED | LOG_DELIVERY
"""Actions for which AWS knows no resource."""
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
KEY_READ = {"kms:Decrypt", "kms:DescribeKey"}
KEY_WRITE = KEY_READ | {"kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
FLEET = {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"}
QUEUE = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
TRANSACTION = {"dynamodb:ConditionCheckItem"}
STORED = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}
ROLLOUTS = STORED | {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"}
SENDS = QUEUE | {"sqs:SendMessage"}
STARTS = {"sqs:SendMessage", "states:StartExecution"}
SECRETS = {"secretsmanager:GetSecretValue"}
OUTSIDE = {"secretsmanager:GetSecretValue", "ses:SendEmail", "sns:Publish"}
"""What channels need; on resources that operators make later."""
OBJECTS = {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
"""Of the bucket of reports."""
RAW = {"timestream:Select", "timestream:DescribeTable", "timestream:DescribeEndpoints"}
"""Raw history, read."""

WANTED = {
    "AuthorizerAuthorizeRole": LOGS | KEY_READ | {"dynamodb:GetItem"},
    "AuthorizerBootstrapRole": LOGS | KEY_WRITE | {"dynamodb:PutItem"},
    "IngestBatchesRole": LOGS
    | KEY_WRITE
    | {"dynamodb:GetItem", "dynamodb:PutItem", "timestream:WriteRecords", "timestream:DescribeEndpoints"},
    "OtlpTakeRole": LOGS | KEY_WRITE | {"dynamodb:GetItem", "dynamodb:PutItem", "timestream:WriteRecords", "timestream:DescribeEndpoints"},
    "SealTickRole": LOGS | {"sqs:SendMessage"},
    "SealRole": LOGS | KEY_WRITE | FLEET | {"dynamodb:BatchWriteItem", "sqs:SendMessage"} | QUEUE | TRACES,
    "AlertsEvaluateRole": LOGS | KEY_WRITE | (FLEET - {"dynamodb:UpdateItem"}) | TRANSACTION | {"dynamodb:BatchWriteItem"} | SENDS | TRACES,
    "NotifySendRole": LOGS | KEY_WRITE | {"dynamodb:GetItem", "dynamodb:PutItem"} | TRANSACTION | SENDS | TRACES | OUTSIDE,
    "RolloutsStepRole": LOGS | KEY_WRITE | ROLLOUTS | TRACES | {"sqs:SendMessage", "states:StartExecution"},
    "RolloutsSweepRole": LOGS | KEY_WRITE | STORED | TRACES | {"sqs:SendMessage", "states:StartExecution"},
    "RotationsStepRole": LOGS | KEY_WRITE | ROLLOUTS | TRACES | STARTS | SECRETS,
    "RotationsSweepRole": LOGS | KEY_WRITE | STORED | TRACES | STARTS | SECRETS | {"dynamodb:UpdateItem"},
    "RotationsRole": LOG_DELIVERY | TRACES | SAMPLED | {"lambda:InvokeFunction"},
    "BudgetsCountRole": LOGS | KEY_WRITE | ROLLOUTS | TRACES | {"sqs:SendMessage", "states:StartExecution"},
    "ScalingDecideRole": LOGS | KEY_WRITE | STORED | TRACES | {"dynamodb:DeleteItem", "events:PutEvents", "sns:Publish", "sqs:SendMessage"},
    "ReportsMakeRole": LOGS | KEY_WRITE | STORED | {"dynamodb:BatchGetItem"} | SENDS | TRACES | OBJECTS | RAW,
    "ReportsTickRole": LOGS | KEY_READ | {"dynamodb:GetItem", "sqs:SendMessage"} | TRACES | OBJECTS,
    "RolloutsRole": LOG_DELIVERY | TRACES | SAMPLED | {"lambda:InvokeFunction"},
    "ApiReadRole": LOGS | KEY_WRITE | FLEET | ROLLOUTS | TRANSACTION | TRACES | STARTS | SECRETS | OBJECTS | RAW,
}


@pytest.mark.parametrize("role", WANTED)
def test_each_role_may_do_this_and_nothing_else(live: Stage, role: str) -> None:
    assert set(live.app.allowed(role)) == WANTED[role]


def test_every_policy_belongs_to_a_known_role(live: Stage) -> None:
    policies = {name for name, _ in live.app.statements()}
    assert {next((role for role in WANTED if name.startswith(role)), name) for name in policies} == set(WANTED)


def test_no_action_is_a_wildcard(live: Stage) -> None:
    for stack in (live.data, live.app):
        assert not [(name, action) for name, statement in stack.statements() for action in as_list(statement["Action"]) if "*" in action]


def test_resources_are_exact_but_where_aws_knows_none(live: Stage) -> None:
    for stack in (live.data, live.app):
        for name, statement in stack.statements():
            if "*" in json.dumps(statement["Resource"]):
                assert set(as_list(statement["Action"])) <= NO_RESOURCE | OUTSIDE | OBJECTS, name


@pytest.mark.parametrize(
    ("role", "action", "where"),
    [
        ("IngestBatchesRole", "GetItem", {"Batches", "Fleet"}),
        ("IngestBatchesRole", "PutItem", {"Batches"}),
        ("OtlpTakeRole", "GetItem", {"Batches", "Fleet"}),
        ("OtlpTakeRole", "PutItem", {"Batches"}),
        ("SealRole", "Query", {"Batches", "Rollups", "Fleet"}),
        ("SealRole", "DeleteItem", {"Batches", "Fleet"}),
        ("SealRole", "BatchWriteItem", {"Rollups"}),
        ("SealRole", "PutItem", {"Rollups", "Fleet"}),
        ("AlertsEvaluateRole", "PutItem", {"Alerts"}),
        ("AlertsEvaluateRole", "Query", {"Rollups", "Fleet", "Alerts"}),
        ("NotifySendRole", "PutItem", {"Alerts"}),
        ("NotifySendRole", "GetItem", {"Alerts", "Fleet"}),
        ("RolloutsStepRole", "PutItem", {"Rollouts", "Fleet", "Alerts"}),
        ("RolloutsStepRole", "Query", {"Rollouts", "Fleet", "Rollups", "Batches"}),
        ("RolloutsStepRole", "UpdateItem", {"Rollouts", "Fleet"}),
        ("RolloutsStepRole", "BatchWriteItem", {"Rollouts"}),
        ("RolloutsSweepRole", "PutItem", {"Rollouts", "Fleet"}),
        ("RolloutsStepRole", "GetItem", {"Rollouts", "Fleet", "Alerts"}),
        ("RotationsStepRole", "PutItem", {"Rollouts", "Alerts"}),
        ("RotationsStepRole", "UpdateItem", {"Rollouts", "Fleet"}),
        ("RotationsStepRole", "Query", {"Rollouts", "Fleet"}),
        ("RotationsSweepRole", "PutItem", {"Rollouts", "Alerts"}),
        ("RotationsSweepRole", "GetItem", {"Rollouts", "Fleet", "Alerts"}),
        ("RotationsSweepRole", "Query", {"Rollouts", "Fleet"}),
        ("RotationsSweepRole", "UpdateItem", {"Fleet"}),
        ("BudgetsCountRole", "PutItem", {"Rollouts", "Fleet"}),
        ("ScalingDecideRole", "PutItem", {"Alerts"}),
        ("ScalingDecideRole", "DeleteItem", {"Alerts"}),
        ("ScalingDecideRole", "Query", {"Rollups", "Fleet", "Alerts"}),
        ("ReportsMakeRole", "PutItem", {"Alerts"}),
        ("ReportsTickRole", "GetItem", {"Fleet"}),
        ("BudgetsCountRole", "Query", {"Rollouts", "Fleet", "Rollups"}),
        ("ApiReadRole", "PutItem", {"Rollups", "Fleet", "Tokens", "Alerts", "Rollouts"}),
        ("ApiReadRole", "Query", {"Rollups", "Fleet", "Tokens", "Alerts", "Rollouts"}),
        ("ApiReadRole", "DeleteItem", {"Fleet", "Alerts"}),
        ("ApiReadRole", "BatchWriteItem", {"Rollouts"}),
    ],
)
def test_actions_reach_only_these_tables(live: Stage, role: str, action: str, where: set[str]) -> None:
    assert tables(live.app.allowed(role)[f"dynamodb:{action}"]) == where


def test_only_auto_scaling_groups_that_the_stage_names_are_set(live: Stage, disposable: Stage) -> None:
    assert not [action for action in live.app.allowed("ScalingDecideRole") if action.startswith("autoscaling:")]
    allowed = disposable.app.allowed("ScalingDecideRole")
    assert ":autoScalingGroup:*:autoScalingGroupName/agents-fast" in json.dumps(allowed["autoscaling:SetDesiredCapacity"])
    assert json.dumps(allowed["autoscaling:SetDesiredCapacity"]).count("autoScalingGroup:") == 1
    assert "autoscaling:DescribeAutoScalingGroups" in allowed


def test_channels_reach_only_what_is_called_theirs(live: Stage) -> None:
    assert ":clawpulse_*" in json.dumps(live.app.allowed("NotifySendRole")["sns:Publish"])


@pytest.mark.parametrize("role", ["NotifySendRole", "RotationsStepRole", "RotationsSweepRole", "ApiReadRole"])
def test_secrets_of_others_stay_theirs(live: Stage, role: str) -> None:
    (reached,) = live.app.allowed(role)["secretsmanager:GetSecretValue"]
    assert ":secret:clawpulse/*" in json.dumps(reached)


def test_tokens_are_queried_through_their_index_only(live: Stage) -> None:
    of_tokens = [resource for resource in live.app.allowed("ApiReadRole")["dynamodb:Query"] if "Tokens" in json.dumps(resource)]
    assert ["/index/workspace" in json.dumps(resource) for resource in of_tokens] == [True]


def test_only_the_authorizer_the_bootstrap_and_the_api_reach_tokens(live: Stage) -> None:
    reaching = {name for name, statement in live.app.statements() if "Tokens" in json.dumps(statement["Resource"])}
    assert {next(role for role in WANTED if name.startswith(role)) for name in reaching} == {
        "AuthorizerAuthorizeRole",
        "AuthorizerBootstrapRole",
        "ApiReadRole",
    }


@pytest.mark.parametrize(
    ("role", "machines"),
    [
        ("ApiReadRole", ["rollouts", "rotations"]),
        ("RolloutsStepRole", ["rollouts"]),
        ("RolloutsSweepRole", ["rollouts"]),
        ("RotationsStepRole", ["rotations", "rollouts"]),
        ("RotationsSweepRole", ["rotations"]),
    ],
)
def test_only_this_stages_state_machines_are_started(live: Stage, role: str, machines: list[str]) -> None:
    started = [json.dumps(machine) for machine in live.app.allowed(role)["states:StartExecution"]]
    assert sorted(one.partition(":stateMachine:")[2].partition('"')[0] for one in started) == sorted(
        f"clawpulse-live-{noun}" for noun in machines
    )


@pytest.mark.parametrize("noun", ["rollouts", "rotations"])
def test_a_state_machine_calls_its_step_only_and_nobody_else_may_have_its_role(live: Stage, noun: str) -> None:
    (function,) = live.app.allowed(f"{noun.capitalize()}Role")["lambda:InvokeFunction"]
    assert function["Fn::GetAtt"][0].startswith(f"{noun.capitalize()}StepFunction")
    (trusted,) = live.app.named("AWS::IAM::Role", f"{noun.capitalize()}Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "states.amazonaws.com"}
    assert f":stateMachine:clawpulse-live-{noun}" in json.dumps(trusted["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_the_only_managed_policy_is_the_gateways(live: Stage) -> None:
    managed = [role["ManagedPolicyArns"] for role in live.app.of("AWS::IAM::Role").values() if "ManagedPolicyArns" in role]
    assert len(managed) == 1
    assert "AmazonAPIGatewayPushToCloudWatchLogs" in json.dumps(managed)


def test_functions_are_invoked_only_from_named_sources(live: Stage) -> None:
    permissions = live.app.of("AWS::Lambda::Permission")
    assert permissions
    for name, permission in permissions.items():
        assert permission["SourceArn"], name
        assert permission["Principal"] in {"apigateway.amazonaws.com", "events.amazonaws.com"}
    assert not [name for name in permissions if "Bootstrap" in name]


def tables(resources: list[Any]) -> set[str]:
    """Names of the data stack's tables among ARNs that are imported from it."""
    text = json.dumps(resources)
    return {name for name in ("Batches", "Rollups", "Fleet", "Tokens", "Alerts", "Rollouts") if f"FnGetAtt{name}" in text}
