"""What secrets look like: tokens that give themselves away, and names of fields that hold one."""

from __future__ import annotations

import re

HIDDEN = "[redacted]"
TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![A-Za-z0-9_-])(?:"
    r"cp_[A-Za-z0-9]+_[A-Za-z0-9]+"
    r"|(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}"
    r"|(?:gh[pousr]|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    re.DOTALL,
)
"""Tokens that are known by their looks. None begins within a run of its own characters, so a text is gone through once."""
IN_URL = re.compile(r"(://[^\s/:@]*:)[^\s/]+@")
"""A password in a URL."""
FIELD = re.compile(
    r"(?i)(pass(word|wd|phrase)?|secrets?([_-]?key)?|token|(api|access|private)[_-]?keys?|credentials?|authorization|cookie)$"
)
"""Names of fields whose text is a secret: `botToken`, `signingSecret`, `api_key`."""


def hide(text: str) -> str:
    """The text without tokens and passwords that are known by their looks."""
    return IN_URL.sub(rf"\1{HIDDEN}@", TOKEN.sub(HIDDEN, text))


def has_token(text: str) -> bool:
    """Whether a text has a token or private key in it, and not only what begins like one: `sk-prompts-of-the-team`, `cp_…_…`."""
    return any(found.startswith("-----") or (len(found) >= 16 and any(map(str.isdigit, found))) for found in TOKEN.findall(text))
