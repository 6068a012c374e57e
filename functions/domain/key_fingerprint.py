"""Fingerprints of API keys: enough to tell which key an agent uses, nothing to get the key from.

    3f9a01c2-9be17f20a3d4c5e6      salt - the first 16 hex digits of the SHA-256 of salt, newline and key

A provider's keys have over 128 random bits, so a fast hash is safe; the salt, one a workspace and provider, keeps equal keys of different
workspaces from looking equal. It is part of the fingerprint: who is told one can compute that of the key in his hands.
"""

from __future__ import annotations

import re
from hashlib import sha256

PATTERN = r"[0-9a-f]{8}-[0-9a-f]{16}"
PROVIDER_PATTERN = r"[a-z][a-z0-9-]{0,31}"
MAX_PROVIDERS = 8
"""That one agent uses."""
_FINGERPRINT = re.compile(PATTERN)


def fingerprint(key: str, salt: str) -> str:
    """Of a key; `salt` is 8 hex digits."""
    return f"{salt}-{sha256(f'{salt}\n{key}'.encode()).hexdigest()[:16]}"


def salt_of(print_: str) -> str:
    """The salt of a fingerprint."""
    return print_[:8]


def is_fingerprint(text: str) -> bool:
    """Whether a text has the form of one."""
    return _FINGERPRINT.fullmatch(text) is not None


def told(assigned: dict[str, str]) -> str:
    """What an agent is told: `anthropic=<fingerprint> openai=<fingerprint>`; easily read without a JSON parser."""
    return " ".join(f"{provider}={wanted}" for provider, wanted in sorted(assigned.items()))
