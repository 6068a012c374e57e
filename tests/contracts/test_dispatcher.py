"""Every dispatcher keeps these promises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.sqs import QueueDispatcher
from functions.domain.errors import StoreUnavailable
from functions.ports import Dispatcher
from tests.fakes.dispatcher import MemoryDispatcher


@dataclass
class Case:
    dispatcher: Dispatcher
    received: Callable[[int, float], list[dict[str, Any]]]
    """So many messages, waiting for so many seconds at most."""


def memory(_request: Any) -> Case:
    dispatcher = MemoryDispatcher()
    return Case(dispatcher, lambda wanted, _seconds: [message for message, _ in dispatcher.sent][:wanted])


def on_sqs(request: Any) -> Case:
    client = request.getfixturevalue("localstack").client("sqs")
    url = client.create_queue(QueueName=f"ticks-{time.time_ns()}")["QueueUrl"]

    def received(wanted: int, seconds: float) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        until = time.monotonic() + seconds
        while len(found) < wanted and time.monotonic() < until:
            for message in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    return Case(QueueDispatcher(client, url), received)


@pytest.fixture(params=[memory, pytest.param(on_sqs, marks=pytest.mark.cloud)])
def case(request: pytest.FixtureRequest) -> Case:
    make: Callable[[Any], Case] = request.param
    return make(request)


def test_every_message_arrives(case: Case) -> None:
    messages = [{"workspace": f"ws-{number}", "at": number} for number in range(23)]
    case.dispatcher.send((message, 0) for message in messages)
    assert sorted(case.received(23, 20), key=lambda message: message["at"]) == messages


def test_nothing_to_send_is_fine(case: Case) -> None:
    case.dispatcher.send([])
    assert case.received(1, 0) == []


@pytest.mark.cloud
def test_a_delay_is_kept(request: pytest.FixtureRequest) -> None:
    case = on_sqs(request)
    start = time.monotonic()
    case.dispatcher.send([({"late": 1}, 3), ({"now": 1}, 0)])
    assert case.received(2, 20) == [{"now": 1}, {"late": 1}]
    assert time.monotonic() - start > 2


def test_a_message_that_was_not_taken_is_an_error() -> None:
    class Refusing:
        def send_message_batch(self, **_request: Any) -> dict[str, Any]:
            return {"Failed": [{"Id": "0", "Code": "Throttled", "SenderFault": False}]}

    client: Any = Refusing()
    with pytest.raises(StoreUnavailable, match="Throttled"):
        QueueDispatcher(client, "http://queue").send([({"workspace": "ws"}, 0)])
