"""The synthesised stacks on the local cloud: everything in them is really made, under names that stay."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from clawpulse_local import stacks
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings
from clawpulse_local.stacks import Deployer, Stack
from tests.cloud import BareCloud, DeployedCloud
from tests.localstack.support import fresh

BUCKET = "cdk-hnb659fds-assets-000000000000-us-east-1"


def _stack(folder: Path, resources: dict[str, object]) -> Stack:
    name = fresh("stack")
    template = folder / f"{name}.template.json"
    template.write_text(json.dumps({"Resources": resources}))
    return Stack(name=name, template=template, assets={(BUCKET, f"{name}.json"): template})


@pytest.mark.cloud
@pytest.mark.parametrize("part", ["data", "app"])
def test_no_resource_was_passed_over(cloud: DeployedCloud, part: str) -> None:
    run = cloud.local.run()
    assert run is not None
    client, name = cloud.client("cloudformation"), f"clawpulse-{run.stage}-{part}"
    made = [
        item for page in client.get_paginator("list_stack_resources").paginate(StackName=name) for item in page["StackResourceSummaries"]
    ]
    template = json.loads((LocalSettings(state=Path("/")).repository / "cdk.out" / f"{name}.template.json").read_text())
    assert {item["LogicalResourceId"] for item in made} == set(template["Resources"])
    assert stacks.unsupported(client, name) == []


@pytest.mark.cloud
def test_tables_have_names_that_a_restart_gives_again(cloud: DeployedCloud) -> None:
    names = [value for name, value in cloud.outputs.items() if name.endswith("Table")]
    assert len(names) == 6
    assert all(re.fullmatch(r"clawpulse-[a-z]+-data-[A-Za-z0-9]+-[0-9a-f]{8}", name) for name in names)
    assert cloud.settings.tokens_table in names


@pytest.mark.cloud
def test_a_type_that_the_local_cloud_cannot_make_fails_the_deployment(localstack: BareCloud, tmp_path: Path) -> None:
    stack = _stack(tmp_path, {"Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {}}})
    with pytest.raises(LocalCloudError, match=r"cannot make these resources of .*: Cluster \(AWS::ECS::Cluster\)"):
        Deployer(client=localstack.client, layer=tmp_path).deploy(stack)


@pytest.mark.cloud
def test_a_resource_that_fails_is_named_with_the_reason(localstack: BareCloud, tmp_path: Path) -> None:
    table = {"Type": "AWS::Timestream::Table", "Properties": {"DatabaseName": "nowhere", "TableName": "points"}}
    with pytest.raises(LocalCloudError, match=r"- Points \(AWS::Timestream::Table\): .*The database nowhere does not exist"):
        Deployer(client=localstack.client, layer=tmp_path).deploy(_stack(tmp_path, {"Points": table}))


@pytest.mark.cloud
def test_timestream_resources_are_taken_over_and_changed(localstack: BareCloud, tmp_path: Path) -> None:
    def resources(hours: str) -> dict[str, object]:
        retention = {"MemoryStoreRetentionPeriodInHours": hours, "MagneticStoreRetentionPeriodInDays": "35"}
        table = {"DatabaseName": {"Ref": "Raw"}, "TableName": "points", "RetentionProperties": retention}
        return {
            "Raw": {"Type": "AWS::Timestream::Database", "Properties": {"DatabaseName": database}},
            "Points": {"Type": "AWS::Timestream::Table", "Properties": table},
        }

    database, deployer = fresh("raw"), Deployer(client=localstack.client, layer=tmp_path)
    for hours in ("12", "26"):  # the second stack meets the first one's database, as after a restart
        deployer.deploy(_stack(tmp_path, resources(hours)))
    found = localstack.client("timestream-write").describe_table(DatabaseName=database, TableName="points")["Table"]
    assert found["RetentionProperties"]["MemoryStoreRetentionPeriodInHours"] == 26


@pytest.mark.cloud
def test_dashboards_can_be_made(localstack: BareCloud, tmp_path: Path) -> None:
    name = fresh("dashboard")
    properties = {"DashboardName": name, "DashboardBody": json.dumps({"widgets": []})}
    Deployer(client=localstack.client, layer=tmp_path).deploy(
        _stack(tmp_path, {"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}})
    )
    assert json.loads(localstack.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]) == {"widgets": []}


def test_a_synthesis_without_the_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="has no stack whose name ends in -data"):
        stacks.read(tmp_path, "data")
