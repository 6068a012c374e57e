"""The fast client over a real socket: kept connections, what is tried again and for how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functions.adapters.fast_client import ATTEMPTS, BUDGET_S, DYNAMODB, MAX_IDLE_S, TIMESTREAM_WRITE, FastClient, ServiceError, endpoint_of
from functions.domain.errors import StoreUnavailable
from tests.adapters.aws_server import HANG_UP, OK, Server, serving

ENV = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}')
REFUSED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":{"h":{"S":"x"}}}')


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Client(FastClient):
    def __init__(self, server: Server) -> None:
        self.time = Time()
        super().__init__(DYNAMODB, env=ENV, endpoint=server.url, clock=self.time, sleep=self.time.sleep)


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.close()


def connect(clients: list[Client], server: Server) -> Client:
    clients.append(Client(server))
    return clients[-1]


def test_calls_share_a_connection_and_are_signed(clients: list[Client]) -> None:
    with serving((200, b'{"a":1}')) as server:
        client = connect(clients, server)
        assert [client.call("PutItem", {"B": b"\x00\xff"}) for _ in range(3)] == [{"a": 1}] * 3
        assert server.connections == 1
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"B":"AP8="}'
    assert b"x-amz-target: DynamoDB_20120810.PutItem" in head
    assert b"/eu-west-1/dynamodb/aws4_request" in head


def test_a_refusal_is_told_at_once(clients: list[Client]) -> None:
    with serving(REFUSED) as server:
        with pytest.raises(ServiceError) as caught:
            connect(clients, server).call("PutItem", {})
        assert len(server.requests) == 1
    assert caught.value.code == "ConditionalCheckFailedException"
    assert caught.value.document["Item"] == {"h": {"S": "x"}}


@pytest.mark.parametrize("fault", [THROTTLED, (500, b""), (503, b"<html>no</html>"), HANG_UP])
def test_what_may_help_is_tried_again(clients: list[Client], fault: tuple[int, bytes] | None) -> None:
    with serving(fault, fault, OK) as server:
        client = connect(clients, server)
        assert client.call("PutItem", {}) == {}
        assert len(server.requests) == 3
    assert len(client.time.slept) == 2


def test_a_kept_connection_that_was_closed_is_opened_again_without_a_pause(clients: list[Client]) -> None:
    with serving(OK, HANG_UP, OK) as server:
        client = connect(clients, server)
        client.call("PutItem", {})
        client.call("PutItem", {})
        assert server.connections == 2
    assert client.time.slept == [0.0]


def test_an_old_connection_is_not_trusted(clients: list[Client]) -> None:
    with serving(OK) as server:
        client = connect(clients, server)
        client.call("PutItem", {})
        client.time.now += MAX_IDLE_S + 1
        client.call("PutItem", {})
        assert server.connections == 2


def test_attempts_and_time_are_bounded(clients: list[Client]) -> None:
    with serving(THROTTLED) as server:
        client = connect(clients, server)
        with pytest.raises(StoreUnavailable, match="dynamodb: ThrottlingException") as caught:
            client.call("PutItem", {})
        assert len(server.requests) == ATTEMPTS
    assert sum(client.time.slept) < BUDGET_S
    assert caught.value.retry_after_s > 0


def test_nobody_there_is_unavailable(clients: list[Client]) -> None:
    with serving(OK) as server:
        client = connect(clients, server)
    with pytest.raises(StoreUnavailable, match="refused"):
        client.call("PutItem", {})


def test_endpoints_are_found_as_boto3_finds_them() -> None:
    assert endpoint_of(DYNAMODB, {}, "eu-west-1") == "https://dynamodb.eu-west-1.amazonaws.com"
    assert endpoint_of(TIMESTREAM_WRITE, {}, "eu-west-1") == "https://ingest.timestream.eu-west-1.amazonaws.com"
    everywhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert endpoint_of(DYNAMODB, everywhere, "x") == "http://127.0.0.1:4566"
    assert endpoint_of(DYNAMODB, {**everywhere, "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}, "x") == "http://127.0.0.1:1"
