"""Data of the local cloud outlive a restart, also one that nobody announced."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clawpulse_local import localstack as process
from clawpulse_local.cloud import LocalCloud
from clawpulse_local.ports import free_ports
from clawpulse_local.settings import LocalSettings
from tests.cloud import BareCloud
from tests.localstack.support import eventually, function

pytestmark = pytest.mark.cloud

TABLE, BUCKET = "things", "reports-bucket"
SINGLE = "single"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A LocalStack that these tests may kill."""
    port, vault_port = free_ports(2)
    local = LocalCloud(LocalSettings(state=tmp_path_factory.mktemp("own"), port=port, vault_port=vault_port), tie=True, with_vault=False)
    yield local
    local.stop_localstack()


def _deploy(local: LocalCloud) -> None:
    """What a deployment does: the same tables and bucket, empty."""
    local.start_localstack()
    client = local.client("dynamodb")
    for name, keys in {TABLE: ("p", "s"), SINGLE: ("p",)}.items():
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})
    local.client("s3").create_bucket(Bucket=BUCKET)


def _start(local: LocalCloud) -> dict[str, int]:
    _deploy(local)
    return process.restore(local.settings)


def _items(local: LocalCloud, table: str = TABLE) -> dict[str, Any]:
    found = local.client("dynamodb").scan(TableName=table)["Items"]
    return {"/".join(item[key]["S"] for key in ("p", "s") if key in item): item for item in found}


def _put(local: LocalCloud, sort: str, **more: Any) -> dict[str, Any]:
    item = {"p": {"S": "a"}, "s": {"S": sort}, **more}
    local.client("dynamodb").put_item(TableName=TABLE, Item=item)
    return item


def _written(settings: LocalSettings) -> set[str]:
    """What the file holds, as another process sees it."""
    database = sqlite3.connect(f"file:{settings.state / 'data' / 'cloud.sqlite'}?mode=ro", uri=True)
    try:
        return {item for (item,) in database.execute("SELECT item FROM items")}
    finally:
        database.close()


def test_every_way_of_writing_survives_a_stop(own: LocalCloud) -> None:
    _start(own)
    client = own.client("dynamodb")
    every = {
        "B": {"B": b"\x00\xff"},
        "N": {"N": "1.50"},
        "M": {"M": {"x": {"L": [{"S": "é"}, {"BOOL": True}, {"NULL": True}]}}},
        "SS": {"SS": ["q"]},
    }
    put = _put(own, "put", **every)
    for sort in ("updated", "deleted", "undone"):
        _put(own, sort)
    key = {"p": {"S": "a"}, "s": {"S": "updated"}}
    client.update_item(TableName=TABLE, Key=key, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "2"}})
    client.delete_item(TableName=TABLE, Key={"p": {"S": "a"}, "s": {"S": "deleted"}})
    client.batch_write_item(
        RequestItems={
            TABLE: [
                {"PutRequest": {"Item": {"p": {"S": "a"}, "s": {"S": "batched"}}}},
                {"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"S": "undone"}}}},
            ]
        }
    )
    client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": {"p": {"S": "a"}, "s": {"S": "transacted"}}}}])
    client.put_item(TableName=SINGLE, Item={"p": {"S": "only"}, "h": {"S": "hash"}})
    own.client("s3").put_object(Bucket=BUCKET, Key="r/1.html", Body=b"<p>", ContentType="text/html", Metadata={"made": "today"})

    own.stop_localstack()
    assert _start(own) == {"items": 5, "objects": 1}
    found = _items(own)
    assert set(found) == {"a/put", "a/updated", "a/batched", "a/transacted"}
    assert found["a/put"] == put
    assert found["a/updated"]["n"] == {"N": "2"}
    assert _items(own, SINGLE) == {"only": {"p": {"S": "only"}, "h": {"S": "hash"}}}
    page = own.client("s3").get_object(Bucket=BUCKET, Key="r/1.html")
    assert (page["Body"].read(), page["ContentType"], page["Metadata"]) == (b"<p>", "text/html", {"made": "today"})


def test_a_kill_loses_seconds_at_most_and_no_process_stays(own: LocalCloud) -> None:
    item = _put(own, "before-the-kill")
    eventually(lambda: any("before-the-kill" in row for row in _written(own.settings)), seconds=10)
    source = "import os, time\ndef handler(event, context):\n    open(event, 'w').write(str(os.getpid()))\n    time.sleep(60)"
    busy, note = function(BareCloud(own), source, timeout=60), own.settings.state / "pid"
    own.client("lambda").invoke(FunctionName=busy.name, InvocationType="Event", Payload=f'"{note}"'.encode())
    pid = eventually(lambda: note.exists() and note.read_text())

    own.kill_localstack()
    eventually(lambda: not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    _start(own)
    assert _items(own)["a/before-the-kill"] == item


def test_what_expired_meanwhile_does_not_come_back(own: LocalCloud) -> None:
    _put(own, "short", x={"N": str(int(time.time()) + 1)})
    _put(own, "long", x={"N": str(int(time.time()) + 600)})
    own.stop_localstack()
    time.sleep(1)
    _start(own)
    assert "a/long" in _items(own)
    assert "a/short" not in _items(own)


def test_a_cloud_that_was_not_restored_does_not_replace_the_snapshot(own: LocalCloud) -> None:
    _put(own, "precious")
    own.stop_localstack()
    _deploy(own)
    _put(own, "half-deployed")
    own.stop_localstack()
    _start(own)
    assert "a/precious" in _items(own)
    assert "a/half-deployed" not in _items(own)


def test_a_second_restore_changes_nothing(own: LocalCloud) -> None:
    before = _items(own)
    assert process.restore(own.settings) == {"items": 0, "objects": 0}
    assert _items(own) == before


def test_a_deleted_table_is_forgotten(own: LocalCloud) -> None:
    _put(own, "gone")
    process.save(own.settings)
    own.client("dynamodb").delete_table(TableName=TABLE)
    assert not any("gone" in row for row in _written(own.settings))


def test_only_loopback_is_listened_on(own: LocalCloud) -> None:
    own.start_localstack()
    pid = json.loads((own.settings.state / "localstack.pid").read_text())["pid"]
    inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if os.path.lexists(link)}
    listening = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                listening.append(fields[1].split(":")[0])
    assert listening
    assert set(listening) == {"0100007F"}
