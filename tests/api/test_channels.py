from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.domain.channels import SecretReference
from functions.domain.notification import DeliveryFailed, NotificationKind, Sent
from functions.notify.service import NotifyService
from functions.ports import Message
from tests.api.world import ApiClient, World

CHAT = {"kind": "webhook", "url": "https://example.org/hook", "secret": {"vault": "clawpulse/team/hook", "key": "key"}}
CHANNELS = {"chat": CHAT, "mail": {"kind": "email", "to": ["ops@example.org"], "from": "alerts@example.org"}}
ROUTES = {"routes": [{"name": "pages", "match": "severity=critical", "channels": ["chat"]}, {"name": "rest", "channels": []}]}
DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("channels", CHANNELS),
    ("routes", ROUTES),
    ("inhibitions", {"inhibitions": [{"source": "rule=dead", "target": "severity=warning", "equal": ["agent"]}]}),
    ("dead-man", {"url": "https://example.org/ping/1", "every": "60s"}),
    ("budgets", {"tier=smart": {"tokens_per_day": 1_000_000}, "": {"usd_per_month": 900.5}}),
]


@pytest.fixture
def client(world: World) -> ApiClient:
    found = world.client("operate")
    assert found.call("PUT", "/api/channels", json=CHANNELS).status_code == 200
    return found


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_a_document_is_replaced_by_who_has_seen_it(world: World, client: ApiClient, name: str, document: dict[str, Any]) -> None:
    path = f"/api/{name}"
    first = client.call("GET", path)
    assert first.json == (CHANNELS if name == "channels" else {})
    answer = client.call("PUT", path, json=document, headers={"If-Match": first.headers["ETag"]})
    assert (answer.status_code, answer.json) == (200, document)
    shown = client.call("GET", path)
    assert (shown.json, shown.headers["ETag"]) == (document, answer.headers["ETag"])
    client.problem(412, "PUT", path, json={}, headers={"If-Match": '"0123"'})
    assert client.call("PUT", path, json={}, headers={"If-Match": answer.headers["ETag"]}).json == {}
    assert world.client("read", workspace="other").get(path) == {}


@pytest.mark.parametrize(
    ("name", "document", "path"),
    [
        ("channels", {"chat": {**CHAT, "url": "ftp://x"}}, "chat.url"),
        ("channels", {"chat": {**CHAT, "secret": "hunter2"}}, "chat.secret"),
        ("channels", {"chat": {**CHAT, "secret": {"vault": "clawpulse/other/hook", "key": "k"}}}, "chat.secret.vault"),
        ("channels", {"Chat": CHAT}, "Chat"),
        ("routes", {"routes": [{"name": "a", "channels": ["cht"]}]}, "routes[0].channels"),
        ("routes", {"defaults": {}}, "routes"),
        ("inhibitions", {"inhibition": []}, "inhibition"),
        ("inhibitions", {"inhibitions": [{"source": "rule", "target": "a=b"}]}, "inhibitions[0].source"),
        ("dead-man", {"url": "x"}, "url"),
        ("dead-man", {"url": "https://example.org", "evry": "60s"}, "evry"),
        ("budgets", {"tier=smart": {"tokens_per_day": -1}}, "['tier=smart'].tokens_per_day"),
        ("budgets", {"colour=red": {"tokens_per_day": 1}}, "['colour=red']"),
    ],
)
def test_faults_have_path_and_reason(client: ApiClient, name: str, document: dict[str, Any], path: str) -> None:
    before = client.get(f"/api/{name}")
    problem = client.problem(422, "PUT", f"/api/{name}", json=document)
    assert [fault["path"] for fault in problem["faults"]] == [path]
    assert problem["faults"][0]["reason"]
    assert "hunter2" not in str(problem)
    assert client.get(f"/api/{name}") == before


def test_all_faults_are_told_at_once(client: ApiClient) -> None:
    problem = client.problem(422, "PUT", "/api/channels", json={"a": {"kind": "pager"}, "b": [], "c": {"kind": "webhook"}})
    assert {"a.kind", "b", "c.url", "c.secret"} <= {fault["path"] for fault in problem["faults"]}
    assert "more)" in problem["detail"]


def test_a_channel_in_use_cannot_be_left_out(client: ApiClient) -> None:
    client.call("PUT", "/api/routes", json=ROUTES)
    problem = client.problem(422, "PUT", "/api/channels", json={"mail": CHANNELS["mail"]})
    assert problem["faults"] == [{"path": "chat", "reason": "is missing, but a route sends to it: change the routes first"}]
    assert client.call("PUT", "/api/channels", json={"chat": CHAT}).status_code == 200


def test_documents_are_for_tokens_of_the_whole_workspace(world: World, client: ApiClient) -> None:
    tenant = world.client("operate", tags="shard=acme")
    for name, _ in DOCUMENTS:
        assert "whole workspace" in tenant.problem(403, "GET", f"/api/{name}")["detail"]
        assert "whole workspace" in tenant.problem(403, "PUT", f"/api/{name}", json={})["detail"]
        assert "scope operate" in world.client("read").problem(403, "PUT", f"/api/{name}", json={})["detail"]
    tenant.problem(403, "POST", "/api/channels/chat/test")


class Vault:
    """Secrets, of which there is one."""

    def read(self, reference: SecretReference, *, fresh: bool = False) -> str:
        return "s3cret"


class Sender:
    """A vendor that answers as it is told."""

    def __init__(self, *answers: Sent | DeliveryFailed) -> None:
        self.answers = list(answers)
        self.messages: list[Message] = []

    def send(self, message: Message) -> Sent:
        self.messages.append(message)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DeliveryFailed):
            raise answer
        return answer


def notifier(world: World, sender: Sender) -> Callable[[], None]:
    """Works off the queue, as the function behind it does."""
    service = NotifyService(world.deliveries, world.fleet, Vault(), sender, world.notify)
    waiting: list[tuple[int, str]] = []

    def work() -> None:
        waiting.extend((world.now + delay * 1000, message["delivery"]) for message, delay in world.notify.sent)
        world.notify.sent.clear()
        for due in [entry for entry in waiting if entry[0] <= world.now]:
            waiting.remove(due)
            service.run("team", due[1], world.now, "worker", 0.5)

    return work


def try_out(world: World, client: ApiClient, *answers: Sent | DeliveryFailed) -> tuple[dict[str, Any], Sender]:
    sender = Sender(*answers)
    world.while_waiting = notifier(world, sender)
    answer = client.call("POST", "/api/channels/chat/test")
    assert answer.status_code == 200, answer.text
    return answer.json, sender


def test_a_test_goes_through_queue_and_notifier(world: World, client: ApiClient) -> None:
    answer, sender = try_out(world, client, Sent("m-17"))
    assert (answer["state"], answer["reference"], answer["text"]) == ("sent", "m-17", "the channel chat took the test message")
    (message,) = sender.messages
    assert (message.notification.kind, message.secret, message.channel.name) == (NotificationKind.TEST, "s3cret", "chat")
    assert message.notification.by == f"test ({client.token.split('_')[1]})"
    (listed,) = client.get("/api/deliveries")["deliveries"]
    assert (listed["id"], listed["state"], listed["kind"]) == (answer["delivery"], "sent", "test")


def test_two_tests_are_two_messages(world: World, client: ApiClient) -> None:
    first, _ = try_out(world, client, Sent())
    second, _ = try_out(world, client, Sent())
    assert first["delivery"] != second["delivery"]


def test_what_the_vendor_refuses_is_told_in_its_words(world: World, client: ApiClient) -> None:
    answer, _ = try_out(world, client, DeliveryFailed("400: channel_not_found", retryable=False))
    assert (answer["state"], answer["text"]) == ("undelivered", "400: channel_not_found")


def test_a_fault_that_passes_is_waited_for(world: World, client: ApiClient) -> None:
    answer, sender = try_out(world, client, DeliveryFailed("503: busy", retryable=True), Sent())
    assert (answer["state"], len(sender.messages)) == ("sent", 2)


def test_one_that_takes_longer_is_still_being_tried(world: World, client: ApiClient) -> None:
    before = world.now
    answer, _ = try_out(world, client, DeliveryFailed("503: busy", retryable=True))
    assert answer["state"] == "pending"
    assert answer["text"] == "still being tried: it failed 3 times, the last time with: 503: busy"
    assert 20_000 <= world.now - before < 29_000


def test_without_a_notifier_patience_ends_before_the_gateways(world: World, client: ApiClient) -> None:
    answer = client.call("POST", "/api/channels/chat/test").json
    assert (answer["state"], answer["text"]) == ("pending", "still being tried: no answer yet")
    assert [message for message, _ in world.notify.sent] == [{"workspace": "team", "delivery": answer["delivery"]}]


def test_a_channel_that_is_not_there(client: ApiClient) -> None:
    assert client.problem(404, "POST", "/api/channels/pager/test")["detail"] == "no channel pager"
    assert client.problem(400, "POST", "/api/channels/No%20name/test")["field"] == "name"
