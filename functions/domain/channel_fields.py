"""Kinds of channels and the fields of their settings: declared here, once, for validation, rendering and the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

MAX_TEXT = 1024
MAX_RECIPIENTS = 50
"""Of one e-mail: SES takes no more."""
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:([A-Za-z0-9_-]{1,256})")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
_SECRETS = re.compile(
    r"""(?x)
    xox[a-z]-|xapp-                                   # Slack's tokens
    |hooks\.slack\.com/|discord(app)?\.com/api/(v\d+/)?webhooks/
    |\bEAA[A-Za-z0-9]{20}                             # Meta's
    |\b(AKIA|ASIA)[A-Z0-9]{12}|\bcp_[A-Za-z0-9]+_|\b(ghp|gho|ghs|glpat|hvs|sk|rk|pk)[-_.][A-Za-z0-9_-]{12}
    |\b(?i:bearer|basic)\s+\S
    |-----BEGIN
    |://[^/@\s]*:[^/@\s]*@                            # a password in a URL
    |[?&](?i:[a-z_-]*(token|secret|key|password|sig|signature))=[^&]
    |(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}(?![A-Za-z0-9])
    """
)
HINT = "looks like a secret: put it into Secrets Manager or Vault and name it in `secret`"


def looks_secret(text: str) -> bool:
    """Whether a text seems to be a secret itself, where the name of one belongs."""
    return _SECRETS.search(text) is not None


type Check = Callable[[Any, str], str | None]
"""Reason why a value is none, given the workspace's name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind's settings."""

    check: Check
    help: str
    required: bool = False
    default: Any = None

    def fault(self, value: Any, workspace: str) -> str | None:
        """Why a value is not possible."""
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and looks_secret(text) for text in texts):
            return HINT
        return self.check(value, workspace)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel."""

    secret: str
    """What its secret is; empty for a kind without one."""
    fields: Mapping[str, Field]


def _text(value: Any, _workspace: str, pattern: str, form: str) -> str | None:
    return None if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(pattern, value) else f"must be {form}"


def _url(value: Any, _workspace: str) -> str | None:
    return url_fault(value)


def url_fault(value: Any) -> str | None:
    """Why a value is no URL that requests can be sent to."""
    form = "must be a URL that begins with https:// (http:// only where the stage allows private addresses)"
    if not isinstance(value, str) or len(value) > MAX_TEXT or _CONTROL.search(value):
        return form
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return form
    if parts.scheme not in ("https", "http") or not parts.hostname or not port_is_fine or parts.fragment or "@" in parts.netloc:
        return form
    return None if value.isascii() else form


def _email(value: Any, _workspace: str) -> str | None:
    return None if isinstance(value, str) and len(value) <= 254 and _EMAIL.fullmatch(value) else "must be an e-mail address"


def _emails(value: Any, workspace: str) -> str | None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RECIPIENTS:
        return f"must be a list of 1 to {MAX_RECIPIENTS} e-mail addresses"
    wrong = [address for address in value if _email(address, workspace)]
    return f"{wrong[0]!r:.80} is no e-mail address" if wrong else None


def _topic(value: Any, workspace: str) -> str | None:
    found = _TOPIC.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return "must be the ARN of a standard SNS topic (not FIFO)"
    own = f"clawpulse_{workspace}_"
    return None if found[1].startswith(own) else f"the topic's name must begin with {own}: a workspace reaches its own topics only"


def _is(pattern: str, form: str) -> Check:
    return partial(_text, pattern=pattern, form=form)


_API = "Base of the vendor's API, for its other regions and for stand-ins in tests"
_REGION = _is(r"[a-z]{2}(-[a-z]+)+-\d", "a region of AWS")

KINDS: dict[str, Kind] = {
    "slack": Kind(
        "bot token (with `channel`) or incoming-webhook URL (without)",
        {
            "channel": Field(_is(r"#?[A-Za-z0-9._-]{1,80}", "a channel's id or #name"), "Where the bot posts: id (better) or #name"),
            "api": Field(_url, _API, default="https://slack.com/api"),
        },
    ),
    "discord": Kind(
        "webhook URL",
        {"username": Field(_is(r"(?i)(?!.*(discord|clyde))[^\s@#:`\x00-\x1f][^@#:`\x00-\x1f]{0,79}", "a name"), "Shown as the sender")},
    ),
    "email": Kind(
        "",
        {
            "from": Field(_email, "Sender, an identity that is verified in SES", required=True),
            "to": Field(_emails, "Recipients, at most 50", required=True),
            "region": Field(_REGION, "Where SES sends from; the stack's own region if left out"),
            "configuration_set": Field(_is(r"[A-Za-z0-9_-]{1,64}", "the name of a configuration set"), "Of SES"),
        },
    ),
    "pagerduty": Kind(
        "integration key (routing key) of an Events API v2 integration",
        {
            "api": Field(_url, _API + " (EU: https://events.eu.pagerduty.com)", default="https://events.pagerduty.com"),
            "source": Field(_is(r"[^\x00-\x1f\x7f]{1,255}", "a text"), "`source` of the events", default="clawpulse"),
        },
    ),
    "whatsapp": Kind(
        "access token of a system user with whatsapp_business_messaging",
        {
            "phone_number_id": Field(_is(r"\d{5,30}", "digits"), "Id of the sending number", required=True),
            "to": Field(_is(r"\+?[1-9]\d{6,14}", "a phone number with its country code"), "Recipient; one a channel", required=True),
            "template": Field(_is(r"[a-z0-9_]{1,512}", "a template's name"), "Approved template with four body parameters", required=True),
            "language": Field(_is(r"[a-z]{2,3}(_[A-Za-z]{2,4})?", "a code like en or en_US"), "Of the template", default="en"),
            "api": Field(_url, _API, default="https://graph.facebook.com/v23.0"),
        },
    ),
    "sns": Kind("", {"topic": Field(_topic, "ARN of the topic; its name begins with `clawpulse_<workspace>_`", required=True)}),
    "webhook": Kind("key that requests are signed with, 16 characters or more", {"url": Field(_url, "Where to post", required=True)}),
}
