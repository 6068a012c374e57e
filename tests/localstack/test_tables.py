"""DynamoDB as the functions need it: conditions, expiry."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cloud import BareCloud
from tests.localstack.support import table

pytestmark = pytest.mark.cloud


def _item(p: str, s: str, **more: Any) -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"S": s}, **more}


def post(cloud: BareCloud, action: str, **headers: str) -> Any:
    request = urllib.request.Request(f"{cloud.endpoint}/_clawpulse/{action}", method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_failed_condition_shows_the_item_in_its_way(localstack: BareCloud) -> None:
    client, name = localstack.client("dynamodb"), table(localstack)
    client.put_item(TableName=name, Item=_item("a", "1", h={"S": "digest"}, d={"B": b"\x00\xff"}))
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        client.put_item(
            TableName=name,
            Item=_item("a", "1"),
            ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert failed.value.response["Item"] == _item("a", "1", h={"S": "digest"}, d={"B": b"\x00\xff"})


def test_a_deletion_on_condition_keeps_what_changed_meanwhile(localstack: BareCloud) -> None:
    client, name = localstack.client("dynamodb"), table(localstack)
    client.put_item(TableName=name, Item=_item("a", "1", stamp={"S": "new"}))
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.delete_item(
            TableName=name, Key=_item("a", "1"), ConditionExpression="stamp = :s", ExpressionAttributeValues={":s": {"S": "old"}}
        )
    assert client.get_item(TableName=name, Key=_item("a", "1"))["Item"]["stamp"] == {"S": "new"}


def test_of_many_writers_at_once_one_wins(localstack: BareCloud) -> None:
    client, name = localstack.client("dynamodb"), table(localstack)

    def claim(number: int) -> bool:
        try:
            client.put_item(TableName=name, Item=_item("a", "1", n={"N": str(number)}), ConditionExpression="attribute_not_exists(p)")
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(40))) == 1


def test_expired_items_are_swept_and_others_are_kept(localstack: BareCloud) -> None:
    client, name, now = localstack.client("dynamodb"), table(localstack, ttl=True), int(time.time())
    kept = {"later": {"N": str(now + 600)}, "never": {"S": str(now - 600)}, "ancient": {"N": str(now - 6 * 365 * 86_400)}}
    for sort, expiry in {"over": {"N": str(now - 1)}, **kept}.items():
        client.put_item(TableName=name, Item=_item("a", sort, x=expiry))
    client.put_item(TableName=name, Item=_item("a", "without"))
    assert post(localstack, "sweep")["expired"] >= 1
    found = client.query(TableName=name, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "a"}})["Items"]
    assert {item["s"]["S"] for item in found} == {*kept, "without"}


def test_a_page_from_elsewhere_cannot_call_the_local_cloud(localstack: BareCloud) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(localstack, "sweep", Origin="https://elsewhere.example")
    with refused.value as error:
        assert error.code == 403
