"""What channels are told of a report."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from functions.domain import notification_discord, notification_email, notification_slack, notification_webhook
from functions.domain.delivery import Delivery, Thread, claim, sent
from functions.domain.notification import NotificationKind, Sent
from functions.domain.report_notice import notification
from functions.domain.report_record import ReportRecord, new_id
from tests.reports.sample import END, START, sample

LINK = "https://pulse.example.org/live/shared/reports/acme.w0.secret"
RECORD = ReportRecord(id=new_id(END, b"12345"), created=END, by="schedule", start=START, end=END)
TOLD = notification(sample(), RECORD, LINK)
WANTED = (
    "48 agents did 412,300 tasks for $3,412",
    "Cost",
    "$3,412 (+18 %)",
    "Mon 17 Nov 2025 to Mon 24 Nov 2025 UTC",
    "Memory of agent-17 grows until it is full",
    "Tasks of tier=smart cost 31 % more each: $640 a month",
    LINK,
)


def texts(value: Any) -> str:
    """All texts of a document."""
    if isinstance(value, dict):
        return "\n".join(map(texts, value.values()))
    return "\n".join(map(texts, value)) if isinstance(value, list | tuple) else str(value)


def test_slack_shows_what_it_comes_to_and_what_must_not_be_missed() -> None:
    shown = texts(notification_slack.render(TOLD))
    assert [wanted for wanted in WANTED if wanted not in shown] == []
    assert f"<{LINK}|Open the report>" in shown
    assert shown.startswith("🔵 Report: Weekly report")


def test_e_mail_shows_it_as_text_and_as_html() -> None:
    mail = notification_email.render(TOLD)
    assert mail.subject == "[Report] Weekly report"
    assert [wanted for wanted in WANTED if wanted not in mail.text] == []
    assert [wanted for wanted in WANTED if wanted not in mail.html] == []
    assert f'<a href="{LINK}">Open the report</a>' in mail.html


def test_discord_shows_it() -> None:
    shown = texts(notification_discord.render(TOLD)).replace("\\", "")
    assert [wanted for wanted in WANTED if wanted not in shown] == []


def test_programs_get_figures_highlights_and_link() -> None:
    found = json.loads(notification_webhook.render(TOLD))
    assert (found["kind"], found["incident"], found["report"]) == ("report_ready", RECORD.id, LINK)
    assert found["figures"]["Agents"] == "48 (+4.3 %)"
    assert found["highlights"][0] == "Memory of agent-17 grows until it is full"


def test_the_link_is_not_kept_once_the_message_is_sent() -> None:
    claimed = claim(Delivery(id="d", channel="mail", notification=TOLD, created=END), Thread(), "one", END)
    after = sent(claimed, Sent(), END)  # type: ignore[arg-type]
    assert LINK not in msgspec.json.encode(after.delivery).decode()
    assert after.delivery.notification.title == "Weekly report"


def test_other_messages_have_nothing_of_it() -> None:
    other = json.loads(notification_webhook.render(msgspec.structs.replace(TOLD, kind=NotificationKind.FIRING)))
    assert "report" not in other
