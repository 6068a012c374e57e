"""How deliveries and their threads look in the alerts table. `new` is for whoever writes a delivery within a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.delivery import KEEP_MS, Delivery, Thread
from functions.domain.times import SECOND_MS

type Attributes = dict[str, dict[str, Any]]

_DELIVERY = msgspec.json.Decoder(Delivery)
_THREAD = msgspec.json.Decoder(Thread)


def partition(workspace: str) -> str:
    """Partition key of a workspace's deliveries; their ids are the sort keys."""
    return f"{workspace}|delivery"


def key(workspace: str, delivery: str) -> Attributes:
    """The key of a delivery."""
    return {"p": {"S": partition(workspace)}, "s": {"S": delivery}}


def thread_key(workspace: str, thread: str) -> Attributes:
    """The key of a thread."""
    return {"p": {"S": f"{workspace}|thread"}, "s": {"S": thread}}


def new(table: str, workspace: str, delivery: Delivery) -> dict[str, Any]:
    """The put of a new delivery, on condition that there is none of its id."""
    return {"TableName": table, "Item": item(workspace, delivery), "ConditionExpression": "attribute_not_exists(p)"}


def item(workspace: str, delivery: Delivery) -> Attributes:
    """A delivery as an item."""
    return {**key(workspace, delivery.id), **_content(delivery, delivery.created), "state": {"S": delivery.state}}


def thread_item(workspace: str, delivery: Delivery, thread: Thread) -> Attributes:
    """A delivery's thread as an item; it lives as long as the last of its deliveries."""
    return {**thread_key(workspace, delivery.thread), **_content(thread, delivery.created)}


def delivery_of(attributes: Mapping[str, Mapping[str, Any]]) -> Delivery:
    """The delivery of an item."""
    return _DELIVERY.decode(attributes["d"]["S"])


def thread_of(attributes: Mapping[str, Mapping[str, Any]]) -> Thread:
    """The thread of an item."""
    return _THREAD.decode(attributes["d"]["S"])


def _content(value: Delivery | Thread, created: int) -> Attributes:
    return {
        "d": {"S": msgspec.json.encode(value).decode()},
        "v": {"N": str(value.version)},
        "x": {"N": str((created + KEEP_MS) // SECOND_MS)},
    }
