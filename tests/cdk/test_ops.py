from __future__ import annotations

from tests.cdk.template import Stage

WATCHED = {
    "GatewayErrors",
    "GatewaySlow",
    "IngestErrors",
    "IngestThrottles",
    "OtlpErrors",
    "OtlpThrottles",
    "AuthorizerErrors",
    "AuthorizerThrottles",
    "ApiErrors",
    "ApiThrottles",
    "SealErrors",
    "SealThrottles",
    "SealSilent",
    "TicksLate",
    "SealDeadLetters",
    "TickDeadLetters",
    "BatchesThrottled",
    "RollupsThrottled",
    "FleetThrottled",
    "TokensThrottled",
    "AlertsThrottled",
    "EvaluateErrors",
    "EvaluateThrottles",
    "EvaluateSilent",
    "EvaluateDeadLetters",
    "EvaluationLag",
    "NotifyErrors",
    "NotifyThrottles",
    "NotifyDeadLetters",
    "DeliveriesLate",
    "RolloutsThrottled",
    "RolloutsFailed",
    "RolloutsTimedOut",
    "RolloutStepErrors",
    "RolloutStepThrottles",
    "RolloutSweepErrors",
    "RolloutSweepThrottles",
    "RolloutSweepSilent",
    "RolloutSweepDeadLetters",
    "RotationsFailed",
    "RotationsTimedOut",
    "RotationStepErrors",
    "RotationStepThrottles",
    "RotationSweepErrors",
    "RotationSweepThrottles",
    "RotationSweepSilent",
    "RotationSweepDeadLetters",
    "ReportErrors",
    "ReportThrottles",
    "ReportDeadLetters",
    "ReportTickErrors",
    "ReportTickThrottles",
    "ReportTickDeadLetters",
    "BudgetsErrors",
    "BudgetsThrottles",
    "BudgetsSilent",
    "BudgetsDeadLetters",
    "ScalingErrors",
    "ScalingThrottles",
    "ScalingSilent",
    "ScalingDeadLetters",
}
RAW = {"RawWriteRecordsErrors", "RawQueryErrors"}


def alarms(stage: Stage) -> set[str]:
    return {name.removeprefix("Ops")[:-8] for name in stage.app.of("AWS::CloudWatch::Alarm")}


def test_what_is_watched(live: Stage, lean: Stage) -> None:
    assert alarms(live) == WATCHED | RAW
    assert alarms(lean) == WATCHED


def test_every_alarm_tells_the_topic_and_says_what_is_wrong(live: Stage) -> None:
    (topic,) = ({"Ref": name} for name in live.app.of("AWS::SNS::Topic") if name.startswith("Ops"))
    for name, alarm in live.app.of("AWS::CloudWatch::Alarm").items():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([topic], [topic]), name
        assert alarm["AlarmDescription"].startswith("ClawPulse live: "), name


SILENT = (
    "OpsSealSilent",
    "OpsEvaluateSilent",
    "OpsRolloutSweepSilent",
    "OpsRotationSweepSilent",
    "OpsBudgetsSilent",
    "OpsScalingSilent",
)


def test_silence_of_what_runs_always_is_an_alarm_and_silence_elsewhere_is_not(live: Stage) -> None:
    for name, alarm in live.app.of("AWS::CloudWatch::Alarm").items():
        assert (alarm["TreatMissingData"] == "breaching") is name.startswith(SILENT), name
    for name in SILENT:
        silent = live.app.named("AWS::CloudWatch::Alarm", name)
        assert (silent["Period"], silent["EvaluationPeriods"], silent["ComparisonOperator"]) == (60, 5, "LessThanThreshold")


def test_topics_are_encrypted_and_refuse_plain_http(live: Stage) -> None:
    for name in ("Ops", "Scaling"):
        assert "KmsMasterKeyId" in live.app.named("AWS::SNS::Topic", name)
        statements = live.app.named("AWS::SNS::TopicPolicy", name)["PolicyDocument"]["Statement"]
        assert [statement for statement in statements if statement["Effect"] == "Deny"]


def test_alarms_of_this_account_may_publish(live: Stage) -> None:
    """A topic's own policy takes the place of the default one, which would let them."""
    statements = live.app.named("AWS::SNS::TopicPolicy", "Ops")["PolicyDocument"]["Statement"]
    assert [(found["Action"], found["Principal"], found["Condition"]) for found in statements if found["Effect"] == "Allow"] == [
        ("sns:Publish", {"Service": "cloudwatch.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})
    ]
    key = next(found for found in live.data.only("AWS::KMS::Key")["KeyPolicy"]["Statement"] if "Service" in found["Principal"])
    assert (key["Principal"], key["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, ["kms:Decrypt", "kms:GenerateDataKey"])


def test_a_mailbox_can_be_told(disposable: Stage) -> None:
    subscription = disposable.app.only("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
