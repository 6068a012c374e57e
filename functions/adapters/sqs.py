"""Messages for other functions over SQS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import batched
from typing import TYPE_CHECKING, Any

from functions.adapters.faults import store_faults
from functions.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_BATCH = 10


class QueueDispatcher:
    """`Dispatcher`."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url
        self._store = f"queue {url.rpartition('/')[2]}"

    def send(self, messages: Iterable[tuple[Mapping[str, Any], int]]) -> None:
        """Queue each message after its delay in seconds; raises `StoreUnavailable` if one was not taken."""
        for batch in batched(messages, _BATCH, strict=False):
            entries: Any = [
                {"Id": str(index), "MessageBody": json.dumps(message), "DelaySeconds": delay}
                for index, (message, delay) in enumerate(batch)
            ]
            with store_faults(self._store):
                failed = self._client.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed")
            if failed:
                why = failed[0].get("Message", failed[0]["Code"])
                raise StoreUnavailable(f"{self._store}: {len(failed)} messages were not taken: {why}")
