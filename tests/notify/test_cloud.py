"""Against the real services of the local cloud: topics, secrets, and a delivery from the table through the queue to a vendor and back."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters.channels import Channels
from functions.adapters.channels.tools import Tools
from functions.adapters.deliveries import Deliveries
from functions.adapters.fleet import Fleet
from functions.adapters.http_poster import WebPoster
from functions.adapters.secrets import Secrets
from functions.adapters.secrets_manager import SecretsManager
from functions.adapters.secrets_vault import Vault
from functions.adapters.sqs import QueueDispatcher
from functions.adapters.vault_entries import Entries, connector
from functions.domain.channels import SecretReference, parse_channel
from functions.domain.delivery import Delivery, DeliveryState, delivery_id
from functions.domain.notification import DeliveryFailed, Notification
from functions.notify.handler import run
from functions.notify.service import NotifyService
from functions.ports import Message
from tests.cloud import BareCloud
from tests.notify.samples import notification, resolved
from tests.notify.test_rendering import filled
from tests.notify.vendors import slack
from tests.notify.vendors.base import serving
from tests.tables import create_tables

pytestmark = pytest.mark.cloud


def own(name: str) -> str:
    """A name that no other test uses."""
    return f"clawpulse/acme/{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def secret(localstack: BareCloud) -> SecretReference:
    name = own("slack")
    localstack.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps({"token": slack.TOKEN, "number": 5}))
    return SecretReference("secretsmanager", name, "token")


def test_a_secret_is_read_by_name_and_by_arn(localstack: BareCloud, secret: SecretReference) -> None:
    client = localstack.client("secretsmanager")
    arn = client.describe_secret(SecretId=secret.path)["ARN"]
    assert SecretsManager(client).read(secret) == slack.TOKEN
    assert SecretsManager(client).read(SecretReference("secretsmanager", arn, "token")) == slack.TOKEN
    assert json.loads(SecretsManager(client).read(SecretReference("secretsmanager", secret.path)))["number"] == 5


def test_a_secret_that_is_not_there_is_told_and_no_value_is(localstack: BareCloud, secret: SecretReference) -> None:
    reader = SecretsManager(localstack.client("secretsmanager"))
    for reference in (
        SecretReference("secretsmanager", own("none")),
        *(SecretReference("secretsmanager", secret.path, key) for key in ("number", "x")),
    ):
        with pytest.raises(DeliveryFailed) as failed:
            reader.read(reference)
        assert not failed.value.retryable
        assert reference.path in failed.value.reason
        assert slack.TOKEN not in failed.value.reason


class Topic:
    """A topic with a queue that hears what programs hear."""

    def __init__(self, localstack: BareCloud) -> None:
        self.sns, self.sqs = localstack.client("sns"), localstack.client("sqs")
        number = uuid.uuid4().hex[:8]
        self.arn = self.sns.create_topic(Name=f"clawpulse_acme_{number}")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=f"heard-{number}")["QueueUrl"]
        queue_arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue_arn)

    def send(self, some: Notification) -> str:
        channel = parse_channel({"bus": {"kind": "sns", "topic": self.arn}}, "acme", "bus")
        message = Message(id="d", notification=some, channel=channel, secret="", thread="", now=0)
        return Channels(Tools(WebPoster(), lambda _service, _region: self.sns)).send(message).reference

    def heard(self) -> dict[str, Any]:
        (message,) = self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=10)["Messages"]
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = json.loads(message["Body"])
        return found


def test_a_topic_passes_the_document_on_to_programs(localstack: BareCloud) -> None:
    topic = Topic(localstack)
    reference = topic.send(notification())
    heard = topic.heard()
    assert heard["MessageId"] == reference
    assert heard["Subject"] == "Firing: p95 latency doubled"
    assert {name: found["Value"] for name, found in heard["MessageAttributes"].items()} == {
        "kind": "firing",
        "severity": "critical",
        "workspace": "acme",
        "incident": "inc-1",
    }
    assert json.loads(heard["Message"])["alerts"][0]["value"] == 812.0


@pytest.mark.parametrize("text", ["x" * 4500, '"' * 4500, "😀" * 4500, "a\r\nb\u202e\x00"])
def test_a_topic_takes_whatever_the_texts_are(localstack: BareCloud, text: str) -> None:
    topic = Topic(localstack)
    topic.send(filled(text))
    assert json.loads(topic.heard()["Message"])["kind"] == "firing"


def test_a_topic_that_is_gone_is_told(localstack: BareCloud) -> None:
    topic = Topic(localstack)
    topic.sns.delete_topic(TopicArn=topic.arn)
    with pytest.raises(DeliveryFailed, match="SNS answered NotFound") as failed:
        topic.send(notification())
    assert not failed.value.retryable


def test_deliveries_go_from_the_table_through_the_queue_to_a_thread(localstack: BareCloud, secret: SecretReference) -> None:
    dynamodb, sqs = localstack.client("dynamodb"), localstack.client("sqs")
    table = create_tables(dynamodb).fleet
    queue = sqs.create_queue(QueueName=f"notify-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    store, fleet, dispatcher = Deliveries(dynamodb, table), Fleet(dynamodb, table), QueueDispatcher(sqs, queue)
    vendor = slack.Slack()
    with serving(vendor):
        reference = {"secretsmanager": secret.path, "key": "token"}
        fleet.put_settings("acme", "channels", {"chat": {"kind": "slack", "channel": slack.NAME, "api": vendor.api, "secret": reference}})
        secrets = Secrets({"secretsmanager": SecretsManager(localstack.client("secretsmanager"))}, _now)
        service = NotifyService(store, fleet, secrets, Channels(Tools(WebPoster(private=True), lambda _s, _r: None)), dispatcher)
        keys = []
        vendor.faults = [slack.error("ratelimited").reply]
        for number, some in enumerate((notification(), resolved())):
            keys.append(delivery_id(some.at, "inc-1", number, "chat"))
            store.create("acme", Delivery(id=keys[-1], channel="chat", notification=some, created=_now()))
            dispatcher.send([({"workspace": "acme", "delivery": keys[-1]}, 0)])
            _work_off(sqs, queue, service, lambda: all(_ended(store, key) for key in keys))
        assert [_state(store, key) for key in keys] == [DeliveryState.SENT, DeliveryState.SENT]
        first, second = vendor.messages.values()
        assert (first["text"].split(":")[0], second["thread_ts"]) == ("🟢 Resolved", "1795478400.000000")
        assert vendor.refusals == []


def _work_off(sqs: Any, queue: str, service: NotifyService, done: Any) -> None:
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until, "not within a minute"
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            event = {"Records": [{"messageId": message["MessageId"], "body": message["Body"]}]}
            assert run(event, service, _now, lambda: True, lambda _message, _outcome: None) == {"batchItemFailures": []}
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def _ended(store: Deliveries, key: str) -> bool:
    return _state(store, key) is not DeliveryState.PENDING


def _state(store: Deliveries, key: str) -> DeliveryState:
    found = store.read("acme", key)
    assert found is not None
    return found.state


def _now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and root token of an OpenBao."""
    from clawpulse_local import environments, processes
    from clawpulse_local import vault as bao
    from clawpulse_local.ports import free_ports
    from clawpulse_local.settings import LocalSettings

    port, vault_port = free_ports(2)
    settings = LocalSettings(state=tmp_path_factory.mktemp("vault"), port=port, vault_port=vault_port)
    environments.ensure(settings, lambda _text: None)
    daemon = bao.start(settings, tie=True)
    try:
        yield settings.vault_url, bao.open_up(settings, daemon, lambda _text: None).root_token
    finally:
        processes.stop(daemon, patience=bao.STOP_SECONDS)


def test_vault_gives_the_newest_version_of_a_field(vault: tuple[str, str]) -> None:
    import hvac

    address, token = vault
    reader = Vault(Entries(connector(address, "", {"VAULT_TOKEN": token})))
    client = hvac.Client(url=address, token=token)
    reference = SecretReference("vault", "clawpulse/acme/slack", "token")
    with pytest.raises(DeliveryFailed, match="does not exist") as failed:
        reader.read(reference)
    assert not failed.value.retryable
    for value in ("xoxb-old", "xoxb-new"):
        client.secrets.kv.v2.create_or_update_secret(path=reference.path, secret={"token": value}, mount_point="secret")
        assert reader.read(reference) == value
    with pytest.raises(DeliveryFailed, match="no field of this name"):
        reader.read(SecretReference("vault", reference.path, "other"))
    client.secrets.kv.v2.delete_latest_version_of_secret(path=reference.path, mount_point="secret")
    with pytest.raises(DeliveryFailed, match="does not exist"):
        reader.read(reference)


def test_vault_with_a_wrong_token_or_not_there(vault: tuple[str, str]) -> None:
    reference = SecretReference("vault", "clawpulse/acme/slack", "token")
    with pytest.raises(DeliveryFailed, match="does not let us") as refused:
        Vault(Entries(connector(vault[0], "", {"VAULT_TOKEN": "wrong"}))).read(reference)
    assert not refused.value.retryable
    with pytest.raises(DeliveryFailed, match="cannot be reached") as away:
        Vault(Entries(connector("http://127.0.0.1:9", "", {"VAULT_TOKEN": "x"}))).read(reference)
    assert away.value.retryable
    with pytest.raises(DeliveryFailed, match="not set up for this stage"):
        Vault(Entries(connector("", ""))).read(reference)
