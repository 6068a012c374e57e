"""The servers that play the vendors are strict: what their documents forbid is refused, else the tests of channels would prove nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from functions.domain import notification_discord, notification_email, notification_pagerduty, notification_slack, notification_whatsapp
from tests.notify.samples import notification
from tests.notify.vendors import discord, pagerduty, ses, slack, whatsapp
from tests.notify.vendors.base import Refused

SLACK = notification_slack.render(notification())
DISCORD = notification_discord.render(notification())
PAGERDUTY = notification_pagerduty.render(notification(), pagerduty.KEY, "clawpulse")
WHATSAPP = notification_whatsapp.render(notification(), "1", whatsapp.TEMPLATE, whatsapp.LANGUAGE)["template"]
MAIL = notification_email.request(notification_email.render(notification()), sender=ses.VERIFIED, to=["a@b.de"], configuration_set="")[
    "Content"
]["Simple"]


def refuses(check: Callable[[Any], object], document: Any, *changes: tuple[tuple[Any, ...], Any]) -> None:
    check(copy.deepcopy(document))
    for path, value in changes:
        wrong = copy.deepcopy(document)
        place = wrong
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(Refused):
            check(wrong)


def test_slack() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    refuses(
        lambda document: slack.check_content(document, slack.error),
        SLACK,
        (("text",), ""),
        (("text",), "a & b"),
        (("blocks",), [section] * 51),
        (("blocks",), []),
        (("blocks",), [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 1900}}] * 8),
        (("blocks", 0, "text", "text"), "x" * 151),
        (("blocks", 0, "text", "text"), "\x01"),
        (("blocks", 0, "text", "type"), "mrkdwn"),
        (("blocks", 1, "fields", 0, "text"), "x" * 2001),
        (("blocks", 1, "fields"), SLACK["blocks"][1]["fields"] * 3),
        (("blocks", 2, "text", "text"), "x" * 3001),
        (("blocks", 2, "text", "text"), "<!channel>"),
        (("blocks", 2, "text", "text"), "<@U1>"),
        (("blocks", 2, "text", "text"), ""),
        (("blocks", 2, "colour"), "red"),
    )


def test_discord() -> None:
    refuses(
        lambda document: discord.check_message(document, {"embeds", "allowed_mentions"}),
        DISCORD,
        (("allowed_mentions",), {"parse": ["everyone"]}),
        (("content",), "x"),
        (("embeds",), []),
        (("embeds",), DISCORD["embeds"] * 11),
        (("embeds", 0, "title"), "x" * 257),
        (("embeds", 0, "description"), "x" * 4097),
        (("embeds", 0, "fields", 0, "name"), "x" * 257),
        (("embeds", 0, "fields", 0, "value"), ""),
        (("embeds", 0, "fields"), DISCORD["embeds"][0]["fields"] * 26),
        (("embeds", 0, "fields"), [{"name": "x", "value": "y" * 1000}] * 7),
        (("embeds", 0, "url"), "javascript:1"),
        (("embeds", 0, "video"), {}),
    )


def test_pagerduty() -> None:
    refuses(
        pagerduty.check_trigger,
        PAGERDUTY,
        (("payload", "summary"), "x" * 1025),
        (("payload", "summary"), ""),
        (("payload", "severity"), "fatal"),
        (("payload", "source"), ""),
        (("payload", "urgency"), "high"),
        (("links",), [{"href": "javascript:1"}]),
    )


def test_whatsapp() -> None:
    refuses(
        whatsapp.check_template,
        WHATSAPP,
        (("name",), "another"),
        (("language",), {"code": "de"}),
        (("components", 0, "parameters"), WHATSAPP["components"][0]["parameters"][:3]),
        (("components", 0, "parameters", 0, "text"), ""),
        (("components", 0, "parameters", 0, "text"), "a\nb"),
        (("components", 0, "parameters", 0, "text"), "a     b"),
        (("components", 0, "parameters", 0, "text"), "x" * 900),
    )


def test_ses() -> None:
    refuses(
        ses.check_simple,
        MAIL,
        (("Subject", "Data"), "a\r\nBcc: b"),
        (("Subject", "Data"), ""),
        (("Body", "Text", "Data"), ""),
        (("Headers",), [{"Name": "X", "Value": "é"}]),
    )
