"""What later messages about an incident do, kind by kind."""

from __future__ import annotations

import json
import time

import pytest

from functions.domain.notification import DeliveryFailed, NotificationKind
from tests.notify.kinds import bench
from tests.notify.samples import notification, resolved
from tests.notify.vendors.base import Reply
from tests.notify.vendors.slack import CHANNEL
from tests.notify.vendors.webhook import KEY, verified


def test_slack_shows_an_incident_as_one_thread_whose_first_message_has_the_state() -> None:
    with bench("slack") as it:
        it.send(notification())
        it.send(notification(NotificationKind.UPDATE))
        it.send(resolved())
        first, *rest = it.vendor.messages.values()
        assert "thread_ts" not in first
        assert {message["thread_ts"] for message in rest} == {"1795478400.000000"}
        assert first["text"].startswith("🟢 Resolved")
        assert [message["text"].split(":")[0] for message in rest] == ["🔴 Still firing", "🟢 Resolved"]
        assert it.thread == f"{CHANNEL}:1795478400.000000"


def test_slack_begins_a_new_thread_when_the_first_message_was_deleted() -> None:
    with bench("slack") as it:
        it.send(notification())
        it.vendor.messages.clear()
        assert it.send(resolved())
        (only,) = it.vendor.messages.values()
        assert "thread_ts" not in only


def test_slack_refuses_a_bot_token_without_a_channel() -> None:
    with bench("slack hook") as it:
        it.secret = "xoxb-1234"
        with pytest.raises(DeliveryFailed, match="needs the field `channel`") as failed:
            it.send(notification())
        assert not failed.value.retryable


@pytest.mark.parametrize(
    ("error", "retryable"), [("ratelimited", True), ("internal_error", True), ("invalid_auth", False), ("is_archived", False)]
)
def test_slacks_errors_with_status_200(error: str, retryable: bool) -> None:
    with bench("slack") as it:
        it.vendor.faults = [Reply(200, {"ok": False, "error": error})]
        with pytest.raises(DeliveryFailed, match=error) as failed:
            it.send(notification())
        assert failed.value.retryable is retryable


def test_slack_says_which_scope_is_missing() -> None:
    with bench("slack") as it:
        it.vendor.faults = [Reply(200, {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "files:read"})]
        with pytest.raises(DeliveryFailed, match="missing_scope; needed chat:write"):
            it.send(notification())


def test_discord_edits_the_first_message_at_the_end_only() -> None:
    with bench("discord") as it:
        it.send(notification())
        it.send(notification(NotificationKind.UPDATE))
        it.send(resolved())
        titles = [message["embeds"][0]["title"] for message in it.vendor.messages.values()]
        assert [title.split("\\")[0].split(" ", 1)[1] for title in titles] == ["Resolved", "Still firing"]
        assert it.vendor.edits == 1


def test_discord_posts_anew_when_the_first_message_was_deleted() -> None:
    with bench("discord") as it:
        it.send(notification())
        it.vendor.messages.clear()
        it.send(resolved())
        assert len(it.vendor.messages) == 1


def test_pagerduty_keeps_one_alert_an_incident_and_a_test_leaves_none_open() -> None:
    with bench("pagerduty") as it:
        it.send(notification())
        it.send(notification(NotificationKind.ACKNOWLEDGED))
        it.send(resolved())
        it.send(notification(NotificationKind.TEST, incident="test-1"))
        assert it.vendor.alerts == {
            "clawpulse/acme/inc-1": ["trigger", "acknowledge", "resolve"],
            "clawpulse/acme/test-1": ["trigger", "resolve"],
        }
        assert it.vendor.open == set()


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [(130429, 429, True), (131056, 400, True), (131016, 503, True), (132001, 404, False), (190, 401, False)],
)
def test_whatsapp_decides_by_metas_code(code: int, status: int, retryable: bool) -> None:
    with bench("whatsapp") as it:
        it.vendor.faults = [
            Reply(status, {"error": {"message": f"(#{code}) words", "code": code, "error_data": {"details": "more words"}}})
        ]
        with pytest.raises(DeliveryFailed, match=rf"words \(code {code}\) more words") as failed:
            it.send(notification())
        assert failed.value.retryable is retryable


def test_a_webhook_is_believed_only_as_it_was_sent_and_only_for_minutes() -> None:
    with bench("webhook") as it:
        it.send(notification(), key="delivery-7")
        (request,) = it.vendor.requests
        check, now = verified(), time.time()
        assert check(KEY.encode(), request.headers, request.body, now)
        assert not check(KEY.encode(), request.headers, request.body + b" ", now)
        assert not check(b"another key", request.headers, request.body, now)
        assert not check(KEY.encode(), request.headers, request.body, now + 301)
        later = {**request.headers, "x-clawpulse-timestamp": str(int(now) + 60)}
        assert not check(KEY.encode(), later, request.body, now + 60)
        assert not check(KEY.encode(), {}, request.body, now)


def test_a_webhooks_document_has_everything_and_a_repeat_has_the_same_id() -> None:
    with bench("webhook") as it:
        it.send(notification(), key="delivery-7")
        it.send(notification(), key="delivery-7")
        assert list(it.vendor.documents) == ["delivery-7"]
        document = it.vendor.documents["delivery-7"]
        assert (document["v"], document["kind"], document["incident"], document["severity"]) == (1, "firing", "inc-1", "critical")
        assert document["alerts"] == [
            {
                "rule": "p95-latency",
                "series": {"tier": "fast"},
                "firing": True,
                "since": "2026-11-24T00:00:00.000Z",
                "reason": "p95 of task.latency_ms is 812 ms, above 500 ms",
                "value": 812.0,
                "threshold": 500.0,
            }
        ]
        assert json.dumps(document)


def test_a_webhook_with_a_short_key_is_refused() -> None:
    with bench("webhook") as it:
        it.secret = "short"
        with pytest.raises(DeliveryFailed, match="16 characters") as failed:
            it.send(notification())
        assert not failed.value.retryable


def test_an_email_tells_the_same_in_text_and_html_and_joins_its_conversation() -> None:
    with bench("email") as it:
        it.send(notification(title="a < b & <script>"))
        it.send(resolved(title="a < b & <script>"))
        first, second = it.vendor.mails
        assert first["Subject"]["Data"] == "[Firing] a < b & <script>"
        assert "p95 of task.latency_ms is 812 ms" in first["Body"]["Text"]["Data"]
        assert "a &lt; b &amp; &lt;script&gt;" in first["Body"]["Html"]["Data"]
        assert "<script>" not in first["Body"]["Html"]["Data"]
        assert 'href="https://wiki.example.com/p95"' in first["Body"]["Html"]["Data"]
        references = [header["Value"] for mail in (first, second) for header in mail["Headers"] if header["Name"] == "References"]
        assert len(set(references)) == 1
