"""What came of the keys that were rotated (`rotation_story`): no task failed, and no key is anywhere but where it may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import DeployedCloud
from tests.e2e.rotation_story import SIZE, RotationStory

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def story(cloud: DeployedCloud) -> RotationStory:
    told = RotationStory(cloud)
    told.start()
    told.wait()
    return told


def test_a_key_is_rotated_under_load_and_no_task_fails(story: RotationStory) -> None:
    assert story.rotations["main"]["phase"] == "succeeded", story.rotations["main"]["reason"]
    assert story.took["main"] < 600
    assert set(story.outcomes["main"]) == {"completed"}, "all tasks, of all agents, from the first to the last"
    assert story.outcomes["main"]["completed"] > 10 * SIZE
    assert story.sealed, "Vault was sealed in the middle"


def test_the_old_key_is_revoked_and_everybody_has_the_new_one(story: RotationStory) -> None:
    assert not story.provider.keys[story.first.value].active
    assert story.provider.keys[story.second.value].active
    assert story.fleet.holders(story.second.value) == SIZE
    assert story.rotations["main"]["promoted"]
    assert story.rotations["main"]["revokedAt"]


def test_a_key_that_nobody_made_is_stopped_before_anything_is_changed(story: RotationStory) -> None:
    assert story.rotations["refused"]["phase"] == "refused"
    assert [check["name"] for check in story.rotations["refused"]["checks"] if not check["ok"]] == ["accepted"]
    assert story.fleet.holders(story.invented) == 0


def test_a_key_that_breaks_one_agent_goes_no_further_than_its_wave(story: RotationStory) -> None:
    assert story.rotations["broken"]["phase"] == "aborted", story.rotations["broken"]["reason"]
    plan = story.rotations["broken"]["plan"]["plan"]
    told = [member["agent"] for wave in plan for member in wave["members"] if member["state"] != "waiting"]
    assert 1 <= len(told) <= 10
    assert "key-000" in told
    assert story.fleet.holders(story.third.value) == 0
    assert story.provider.keys[story.second.value].active


def test_another_rotation_waits_until_the_first_is_over(story: RotationStory) -> None:
    assert set(story.queued) == {"queued"}


def test_no_key_is_in_logs_histories_tables_or_metrics(story: RotationStory, cloud: DeployedCloud) -> None:
    keys = [*(key.encode() for key in story.provider.keys), story.invented.encode(), story.provider.admin.encode()]
    looked = 0
    for where, text in (*_tables(cloud), *_logs(cloud), *_histories(cloud), *_files(cloud)):
        looked += 1
        found = [number for number, key in enumerate(keys) if key in text]
        assert not found, f"{where} has a key"
    assert looked > 20


def _tables(cloud: DeployedCloud) -> Iterator[tuple[str, bytes]]:
    client = cloud.client("dynamodb")
    for table in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=table):
            yield table, json.dumps(page["Items"], default=_plain).encode()


def _plain(value: Any) -> str:
    """Binary attributes as text; zipped ones, too."""
    import zlib

    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return bytes(value).decode("utf-8", "replace")


def _logs(cloud: DeployedCloud) -> Iterator[tuple[str, bytes]]:
    client = cloud.client("logs")
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for events in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                yield group["logGroupName"], json.dumps(events["events"]).encode()


def _histories(cloud: DeployedCloud) -> Iterator[tuple[str, bytes]]:
    client = cloud.client("stepfunctions")
    for machine in client.list_state_machines()["stateMachines"]:
        for execution in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            for page in client.get_paginator("get_execution_history").paginate(executionArn=execution["executionArn"]):
                yield execution["name"], json.dumps(page["events"], default=str).encode()


def _files(cloud: DeployedCloud) -> Iterator[tuple[str, bytes]]:
    """What the processes of the local cloud wrote, and raw history; Vault's own data are encrypted."""
    for path in cloud.local.settings.state.rglob("*"):
        if path.is_file() and "snapshot" not in path.as_posix() and path.stat().st_size < 200_000_000:
            yield str(path), path.read_bytes()
