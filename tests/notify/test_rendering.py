"""Whatever the texts are, the document is one that the vendor's documents allow, and none of the texts does anything in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import settings as tuned

from functions.domain import (
    notification_discord,
    notification_email,
    notification_pagerduty,
    notification_slack,
    notification_sns,
    notification_webhook,
    notification_whatsapp,
)
from functions.domain.notification import Notification, NotificationKind, NotifiedAlert, TimelineEntry, dedup_key
from functions.domain.notification_text import facts, fit, link, span, summary, units, without
from tests.notify.samples import START, notification, notifications, texts
from tests.notify.vendors import discord, pagerduty, ses, slack, whatsapp
from tests.notify.vendors.base import is_text

LARGEST = ["x" * 4500, '"' * 4500, "\\" * 4500, "&" * 4500, "😀" * 4500, "<!channel>" * 450, "é" * 4500, "*_~`" * 2000]


def filled(text: str) -> Notification:
    """Every field full of a text."""
    alert = NotifiedAlert(rule=text, series={text: text}, since=START, reason=text, value=float("inf"), threshold=float("nan"))
    return notification(
        title=text,
        alerts=[alert] * 100,
        firing=10**9,
        resolved=10**9,
        labels={text + str(number): text for number in range(60)},
        runbook="https://e.example/" + "%20" * 600,
        dashboard="https://e.example/?" + "&" * 1900,
        timeline=[TimelineEntry(at=START, text=text)] * 100,
        owner=text,
        by=text,
        note=text,
        approve="https://e.example/approve/" + "%3B" * 600,
    )


def check_slack(some: Notification) -> None:
    slack.check_content(notification_slack.render(some), slack.error)


def check_discord(some: Notification) -> None:
    discord.check_message(notification_discord.render(some), {"embeds", "allowed_mentions"})


def check_pagerduty(some: Notification) -> None:
    event = notification_pagerduty.render(some, pagerduty.KEY, "clawpulse")
    assert len(json.dumps(event)) < 512 * 1024
    if event["event_action"] == "trigger":
        pagerduty.check_trigger(event)


def check_whatsapp(some: Notification) -> None:
    whatsapp.check_template(notification_whatsapp.render(some, "1", whatsapp.TEMPLATE, whatsapp.LANGUAGE)["template"])


def check_email(some: Notification) -> None:
    request = notification_email.request(notification_email.render(some), sender=ses.VERIFIED, to=["a@example.com"], configuration_set="")
    ses.check_simple(request["Content"]["Simple"])


def check_sns(some: Notification) -> None:
    """SNS's document "Publish"."""
    request = notification_sns.render(some, "arn")
    attributes = request["MessageAttributes"]
    size = len(request["Message"].encode()) + sum(len((name + found["StringValue"]).encode()) for name, found in attributes.items())
    assert size <= 262_144
    assert all(is_text(found["StringValue"], 256) for found in attributes.values())
    assert request["Subject"].isascii()
    assert request["Subject"].isprintable()
    assert 0 < len(request["Subject"]) < 100
    parts = json.loads(request["Message"])
    assert parts["default"].strip()
    assert json.loads(parts["sqs"])["kind"] == some.kind


def check_webhook(some: Notification) -> None:
    body = notification_webhook.render(some)
    assert len(body) <= notification_webhook.MAX_BYTES
    assert json.loads(body)["incident"] == fit(some.incident, 256)


CHECKS = [check_slack, check_discord, check_pagerduty, check_whatsapp, check_email, check_sns, check_webhook]


@tuned(max_examples=40)
@given(some=notifications)
def test_any_texts_give_a_document_within_the_limits(some: Notification) -> None:
    for check in CHECKS:
        check(some)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", LARGEST, ids=lambda text: text[0])
def test_the_largest_texts_stay_within_the_limits(check: object, text: str) -> None:
    assert callable(check)
    check(filled(text))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", LARGEST, ids=lambda text: text[0])
def test_the_largest_report_stays_within_the_limits(check: object, text: str) -> None:
    assert callable(check)
    report = notification(
        NotificationKind.REPORT_READY,
        title=text,
        alerts=[],
        figures={f"{text}{number}"[-60:]: text for number in range(60)},
        highlights=[text] * 20,
        note=text,
        report="https://e.example/shared/" + "%3B" * 600,
    )
    check(report)


def test_slack_shows_what_it_has_room_for_and_counts_the_rest() -> None:
    blocks = notification_slack.render(filled("x" * 4500))["blocks"]
    shown = [block for block in blocks if ":red_circle:" in block.get("text", {}).get("text", "")]
    assert 4 <= len(shown) <= 8
    assert f"… and {2 * 10**9 - len(shown)} more alerts" in json.dumps(blocks, ensure_ascii=False)


def test_nobody_is_mentioned_and_no_link_is_made_by_a_text() -> None:
    evil = filled("<!channel> <@U1> @everyone [x](https://evil.example) <https://evil.example|x>")
    message = notification_slack.render(evil)
    # The header is plain text, in which nothing has a meaning.
    shown = json.dumps([message["text"], *message["blocks"][1:]], ensure_ascii=False)
    assert shown.count('"verbatim": true') == shown.count('"mrkdwn"') > 5
    assert "<!" not in shown
    assert "<@" not in shown
    assert "<https://evil" not in shown
    embed = json.dumps(notification_discord.render(evil)["embeds"], ensure_ascii=False)
    assert "](https://evil" not in embed
    assert '"@everyone' not in embed.replace("\\\\@", "")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://", "ftp://x", "https://a b", "https://x\n", "data:text/html,x", "https://x\\y", "", "//x", "x" * 3000],
)
def test_a_url_that_could_do_harm_is_no_link(url: str) -> None:
    assert link(url) in (None, "https://a%20b")
    assert "Runbook" not in notification_email.render(notification(runbook=url)).html or url == "https://a b"


def test_a_subject_cannot_begin_a_new_header() -> None:
    mail = notification_email.render(notification(title="a\r\nBcc: victim@example.com\r\n\r\nbody"))
    assert mail.subject == "[Firing] a Bcc: victim@example.com body"


@tuned(max_examples=200)
@given(text=texts)
def test_a_cut_text_is_clean_and_never_longer_than_its_limit(text: str) -> None:
    for limit in (1, 2, 10, 100):
        found = fit(text, limit, lambda character: {"&": "&amp;", "<": "&lt;"}.get(character, character))
        assert units(found) <= limit
        assert is_text(found, limit, least=0)
        assert "\n" not in found
        for entity in found.replace("&amp;", "").replace("&lt;", ""):
            assert entity not in "&<"


def test_what_is_short_enough_is_left_as_it_is() -> None:
    assert fit("p95 – 812 ms > 500 ms", 100) == "p95 – 812 ms > 500 ms"
    assert fit("abcdef", 4) == "abc…"
    assert fit("😀😀😀", 4) == "😀…"


def test_marks_that_reorder_or_hide_text_are_gone() -> None:
    assert fit("abc\u202egnp\u200b.exe\ufeff", 100) == "abc gnp .exe"


def test_lengths_of_time_are_told_in_their_two_largest_units() -> None:
    found = [span(length) for length in (0, 999, 1000, 61_000, 3_600_000, 5_400_000, 90_061_000, -5)]
    assert found == ["0 s", "0 s", "1 s", "1 min 1 s", "1 h", "1 h 30 min", "1 d 1 h", "0 s"]


def test_the_key_of_an_incident_fits_pagerduty_and_is_its_own() -> None:
    keys = {dedup_key(notification(incident=name)) for name in ("a", "b", "a" * 300, "b" * 300, "é", "\ud800", "a\0")}
    assert len(keys) == 7
    assert all(len(key) <= 255 and key.isascii() and key.isprintable() for key in keys)


def test_secrets_are_taken_out_but_short_words_are_not() -> None:
    assert without("token xoxb-123456 is a bad a", "xoxb-123456", "a") == "token [redacted] is a bad a"


@pytest.mark.parametrize("kind", NotificationKind)
def test_every_kind_has_its_word(kind: NotificationKind) -> None:
    words = {
        "firing": "Firing",
        "update": "Still firing",
        "resolved": "Resolved",
        "acknowledged": "Acknowledged",
        "flapping": "Flapping",
        "test": "Test",
        "rollout_approval": "Rollout waits for approval",
        "rollout_held": "Rollout held",
        "rollout_reverting": "Rollout turned around",
        "rollout_succeeded": "Rollout succeeded",
        "rollout_reverted": "Rollout taken back",
        "rollout_stopped": "Rollout stopped",
        "rotation_held": "Key rotation held",
        "rotation_aborting": "Key rotation turned around",
        "rotation_succeeded": "Key rotated",
        "rotation_aborted": "Key rotation taken back",
        "rotation_refused": "Key rotation did not begin",
        "rotation_due": "Key should be rotated",
        "report_ready": "Report",
    }
    assert notification_slack.render(notification(kind))["text"].split(" ", 1)[1].startswith(f"{words[kind]}: p95")


APPROVAL = notification(
    NotificationKind.ROLLOUT_APPROVAL,
    incident="r000000001aa",
    title="model.primary: a → b",
    alerts=[],
    firing=0,
    labels={},
    runbook=None,
    dashboard=None,
    timeline=[],
    note="wave 3 of 4 waits for an approval",
    approve="https://pulse.example.com/live/approve/acme.0a1b2c3d4e5f." + "ab" * 24,
)


def test_an_approval_is_told_with_its_link_by_every_kind() -> None:
    for check in CHECKS:
        check(APPROVAL)
    mail = notification_email.render(APPROVAL)
    shown = [
        json.dumps(notification_slack.render(APPROVAL), ensure_ascii=False),
        json.dumps(notification_discord.render(APPROVAL), ensure_ascii=False),
        json.dumps(notification_pagerduty.render(APPROVAL, pagerduty.KEY, "clawpulse"), ensure_ascii=False),
        json.dumps(notification_whatsapp.render(APPROVAL, "1", whatsapp.TEMPLATE, whatsapp.LANGUAGE), ensure_ascii=False),
        mail.text,
        mail.html,
        notification_webhook.render(APPROVAL).decode(),
        notification_sns.render(APPROVAL, "arn")["Message"],
    ]
    for text in shown:
        assert APPROVAL.approve in text
        assert "r000000001aa" in text
        assert "no alerts" not in text
        assert "model.primary" in text.replace("\\", "")
    assert mail.subject == "[Rollout waits for approval] model.primary: a → b"


@pytest.mark.parametrize(("kind", "subject"), [("rotation_held", "rotation k1"), ("rotation_due", "key k1")])
def test_a_rotation_is_told_as_one(kind: str, subject: str) -> None:
    told = notification(NotificationKind(kind), incident="k1", alerts=[], firing=0)
    assert f"{subject}, " in summary(told)
    word, id = subject.split()
    assert (word.capitalize(), id) in facts(told)
    assert "Alerts" not in dict(facts(told))


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (NotificationKind.ROLLOUT_HELD, "trigger"),
        (NotificationKind.ROLLOUT_REVERTING, "trigger"),
        (NotificationKind.ROLLOUT_REVERTED, "resolve"),
        (NotificationKind.ROLLOUT_SUCCEEDED, "resolve"),
        (NotificationKind.ROLLOUT_STOPPED, "resolve"),
        (NotificationKind.ROTATION_HELD, "trigger"),
        (NotificationKind.ROTATION_ABORTING, "trigger"),
        (NotificationKind.ROTATION_ABORTED, "resolve"),
        (NotificationKind.ROTATION_SUCCEEDED, "resolve"),
        (NotificationKind.ROTATION_REFUSED, "resolve"),
    ],
)
def test_a_page_about_a_rollout_or_rotation_ends_with_it(kind: NotificationKind, action: str) -> None:
    assert notification_pagerduty.render(notification(kind), pagerduty.KEY, "clawpulse")["event_action"] == action
