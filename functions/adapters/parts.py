"""DynamoDB requests that are answered in parts: every page of a query, every item of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from functions.adapters.faults import store_faults
from functions.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 8
"""Of what DynamoDB has no capacity for."""
PAUSE_S = 0.05
"""Before the first of them; twice as long before each further one."""


def query(client: DynamoDBClient, request: dict[str, Any], store: str) -> Iterator[Any]:
    """The items of all pages; a page is asked for when its items are. Raises `StoreUnavailable`."""
    page: Any = {"LastEvaluatedKey": None}
    while "LastEvaluatedKey" in page:
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page["LastEvaluatedKey"] else {}
        with store_faults(store):
            page = client.query(**request, **start)
        yield from page["Items"]


def put_batch(client: DynamoDBClient, table: str, items: Iterable[Any], store: str, sleep: Callable[[float], None]) -> None:
    """Put at most 25 items, and again what was not taken for lack of capacity. Raises `StoreUnavailable` when some never are."""
    left: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(ATTEMPTS):
        with store_faults(store):
            left = client.batch_write_item(RequestItems=left).get("UnprocessedItems")
        if not left:
            return
        sleep(PAUSE_S * 2**attempt)
    raise StoreUnavailable(f"{store}: {sum(map(len, left.values()))} items were not taken after {ATTEMPTS} attempts")
