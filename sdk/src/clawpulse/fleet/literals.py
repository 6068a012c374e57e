"""Finds what no text of a repository may have: secrets that are written out, where only their names belong, and halves of characters."""

from __future__ import annotations

import re
from typing import Any

from clawpulse.fleet.faults import below
from clawpulse.fleet.kinds import REFERENCE, Report, is_reference
from clawpulse.redaction import FIELD, IN_URL, has_token

MAX_DEPTH = 32
_FROM_ENVIRONMENT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
"""OpenClaw takes it from its host."""
HALVES = re.compile("[\ud800-\udfff]")
"""Of characters: JSON and escapes can bring them, UTF-8 cannot."""
NO_TEXT = "has characters that UTF-8 does not have"
LOOKS = "looks like a secret: put it into the secret store, and its name here, as {secret: slack/bot}"
_WRITTEN_OUT = "is written out: put the secret into the secret store, and its name here, as {secret: slack/bot}"


def find(value: Any, path: str, report: Report, depth: int = MAX_DEPTH) -> None:
    """Report secrets in a value, references that are none, broken texts, and what is nested too deeply to be looked through."""
    if depth == 0:
        report(path, f"is nested more than {MAX_DEPTH} deep")
    elif isinstance(value, str):
        _check_text(value, path, report)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            find(item, f"{path}[{number}]", report, depth - 1)
    elif is_reference(value):
        if not REFERENCE.fullmatch(value["secret"]) or has_token(value["secret"]):
            report(below(path, "secret"), "is no name of a secret: letters, digits and . _ / # - after a letter or digit")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _entry(key, inner, below(path, key), report, depth - 1)


def _entry(key: str, value: Any, path: str, report: Report, depth: int) -> None:
    if HALVES.search(key) or has_token(key):
        _check_text(key, path.encode("ascii", "backslashreplace").decode(), report)
    elif FIELD.search(key) and any(map(_is_literal, value if isinstance(value, list) else [value])):
        report(path, _WRITTEN_OUT)
    else:
        find(value, path, report, depth)


def _check_text(text: str, path: str, report: Report) -> None:
    if HALVES.search(text):
        report(path, NO_TEXT)
    elif has_token(text) or IN_URL.search(text):
        report(path, LOOKS)


def _is_literal(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and not _FROM_ENVIRONMENT.fullmatch(value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
