"""What holds for every kind of channel, each against a strict server that knows its vendor's documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings

from functions.domain.notification import DeliveryFailed, Notification, NotificationKind
from tests.notify.kinds import KINDS, Bench, bench
from tests.notify.samples import notification, notifications, resolved
from tests.notify.vendors.base import Reply


@pytest.fixture(params=KINDS)
def it(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as made:
        yield made


def test_the_life_of_an_incident_is_accepted_message_by_message(it: Bench) -> None:
    it.send(notification())
    it.send(notification(NotificationKind.UPDATE))
    it.send(notification(NotificationKind.ACKNOWLEDGED, by="anna"))
    it.send(notification(NotificationKind.FLAPPING))
    it.send(resolved())
    it.send(notification(NotificationKind.TEST, incident="test-1", alerts=[]))
    assert it.vendor.refusals == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(some=notifications)
def test_whatever_the_texts_are_the_vendor_takes_the_message(it: Bench, some: Notification) -> None:
    it.thread = ""
    it.vendor.refusals.clear()
    it.send(some)
    assert it.vendor.refusals == []


def test_asked_too_often_it_says_when_to_come_back(it: Bench) -> None:
    it.vendor.faults = [it.kind.throttled]
    with pytest.raises(DeliveryFailed) as failed:
        it.send(notification())
    assert failed.value.retryable
    assert failed.value.retry_after_s == it.kind.wait_s


def test_a_date_to_come_back_at_is_understood(it: Bench) -> None:
    now = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    date = format_datetime(now + timedelta(seconds=90), usegmt=True)
    it.vendor.faults = [Reply(503, "", {"Retry-After": date})]
    if it.channel.kind == "email":
        pytest.skip("boto3 does not pass the header on")
    with pytest.raises(DeliveryFailed) as failed:
        it.send(notification(), now=int(now.timestamp() * 1000))
    assert failed.value.retry_after_s == 90.0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_faults_of_the_server_may_pass(it: Bench, status: int) -> None:
    it.vendor.faults = [Reply(status, "<html>upstream</html>", {"Content-Type": "text/html"})]
    with pytest.raises(DeliveryFailed, match=str(status)) as failed:
        it.send(notification())
    assert failed.value.retryable


def test_what_cannot_help_is_not_tried_again_and_told_in_the_vendors_words(it: Bench) -> None:
    it.vendor.faults = [it.kind.refused]
    with pytest.raises(DeliveryFailed) as failed:
        it.send(notification())
    assert not failed.value.retryable
    words = it.kind.refused.body if isinstance(it.kind.refused.body, str) else next(iter(_texts(it.kind.refused.body)))
    assert words in failed.value.reason


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(it: Bench, status: int) -> None:
    it.vendor.faults = [Reply(status, "", {"Location": f"{it.vendor.url}/elsewhere"})]
    with pytest.raises(DeliveryFailed) as failed:
        it.send(notification())
    assert not failed.value.retryable
    assert len(it.vendor.requests) == 1


@pytest.mark.parametrize("name", KINDS)
def test_no_answer_in_time_may_pass(name: str) -> None:
    with bench(name, patience_s=0.3) as it:
        it.vendor.faults = [Reply(200, "{}", after=1.0)]
        with pytest.raises(DeliveryFailed, match=r"no answer|within") as failed:
            it.send(notification())
    assert failed.value.retryable


def test_no_error_tells_a_secret(it: Bench) -> None:
    if not it.secret:
        pytest.skip("it has none")
    it.vendor.faults = [Reply(400, f"you sent {it.secret} and {it.secret.rpartition('/')[2]}")]
    with pytest.raises(DeliveryFailed) as failed:
        it.send(notification())
    assert it.secret not in failed.value.reason
    if it.channel.kind == "discord":
        assert it.secret.rpartition("/")[2] not in failed.value.reason


NONSENSE = ["", "[]", "null", "{}", '{"ok": 1}', '{"error": 5}', '{"error": {"error_data": "x"}}', '{"messages": [[]]}', b"\xff\xfe"]


def test_an_answer_that_makes_no_sense_is_a_success_by_its_status_or_an_error_with_a_reason(it: Bench) -> None:
    if it.channel.kind == "email":
        pytest.skip("its answers are boto3's to understand")
    for status in (200, 202, 400, 418, 429):
        for body in NONSENSE:
            it.thread, it.vendor.faults = "", [Reply(status, body)]
            assert isinstance(told(it), str)


def told(it: Bench) -> str:
    try:
        return it.send(notification())
    except DeliveryFailed as fault:
        return fault.reason or pytest.fail("no reason")


def _texts(document: object) -> Iterator[str]:
    """The texts in a document that people would read."""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else []):
        if key in ("error", "message", "errors") and isinstance(value, str):
            yield value
        else:
            yield from _texts(value)
