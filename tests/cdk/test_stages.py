from __future__ import annotations

import json

from tests.cdk.template import Stage

NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Events::Rule": "Name",
    "AWS::Timestream::Database": "DatabaseName",
    "AWS::ApiGateway::ApiKey": "Name",
}


def test_outputs_are_those_that_others_rely_on(live: Stage) -> None:
    assert live.data.outputs == {
        "BatchesTable",
        "RollupsTable",
        "FleetTable",
        "TokensTable",
        "AlertsTable",
        "RolloutsTable",
        "RawDatabase",
        "AccessLogsBucket",
        "ReportsBucket",
    }
    assert live.app.outputs == {"ApiUrl", "BootstrapFunctionName", "SealQueueUrl", "OpsTopicArn", "ScalingTopicArn"}


def test_names_are_left_to_cloudformation(live: Stage) -> None:
    """A retained table that has a name of its own would stand in the way of the next deployment."""
    for name, found in live.resources.items():
        assert NAMES.get(found["Type"], "-") not in found.get("Properties", {}), name


def test_nothing_needs_node_in_the_cloud(live: Stage) -> None:
    kinds = {found["Type"] for found in live.resources.values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"]


def test_without_raw_history_nothing_of_timestream_is_left(live: Stage, lean: Stage) -> None:
    assert "timestream" in json.dumps(live.resources).lower()
    assert "timestream" not in json.dumps(lean.resources).lower()
    assert "RawDatabase" not in lean.data.outputs
    variables = lean.app.named("AWS::Lambda::Function", "IngestBatches")["Environment"]["Variables"]
    assert variables["CLAWPULSE_RAW_DATABASE"] == ""


def test_without_raw_history_the_rest_is_the_same(live: Stage, lean: Stage) -> None:
    def kinds(stage: Stage) -> list[str]:
        found = (resource["Type"] for name, resource in stage.resources.items() if not name.startswith("OpsRaw"))
        return sorted(kind for kind in found if not kind.startswith("AWS::Timestream"))

    assert kinds(lean) == kinds(live)


def test_data_is_protected_and_the_app_is_not(live: Stage) -> None:
    manifest = json.loads((live.folder / "manifest.json").read_text())["artifacts"]
    assert manifest["clawpulse-live-data"]["properties"].get("terminationProtection") is True
    assert manifest["clawpulse-live-app"]["properties"].get("terminationProtection", False) is False
