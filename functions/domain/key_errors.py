"""Failed tasks whose provider did not take their key, told by the words that providers, libraries and gateways have for it.

A rotation's gate fails at a single one, so words count only where they speak of keys: a page that a tool may not read, a path that is not
there, a wrong request, a model that is not known are failures like any others. Messages may be as sent or normalised (`failure_text`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from functions.domain.failure_text import said
from functions.domain.failures import Failure

_TYPE = re.compile(
    r"(?:(?:anthropic|openai|litellm|mistralai|groq|cohere)[\w.]*\.)?(?:AuthenticationError|PermissionDeniedError)"
    r"|authentication_error|permission_error|invalid_api_key|API_KEY_INVALID|account_deactivated|FailoverError[.:]auth|auth|auth_permanent"
)
"""The whole type. Unqualified names are those of the providers' own libraries, `auth` is the OpenClaw plugin's; Python's PermissionError is
about files."""
_WORDS = re.compile(
    r"""(?ix)
      \b authentication_error \b | \b permission_error \b | \b invalid \s x-api-key | \b x-api-key \s header \s is \s required
    | \b invalid \s bearer \s token | \b invalid \s authentication \s credentials
    | \b invalid_api_key \b | \b account_deactivated \b | \b API_KEY_INVALID \b
    | \b incorrect \s api \s key | \b provide \s an \s api \s key | \b account \s associated \s with \s this \s api \s key
    | \b insufficient \s permissions \s for \s this \s operation
    | \b be \s a \s member \s of \s an \s organization \s to \s use \s the \s api
    | \b api [ _-]? key \s (?: is \s | has \s | has \s been \s )?
      (?: not \s valid | not \s found | invalid | expired | revoked | disabled | deleted )
    | \b api [ _-]? key \s does \s not \s have \s permission
    | \b (?: invalid | expired | revoked ) \s (?: or \s \w{1,12} \s )? api [ _-]? key \b
    | \b invalid \s subscription \s key | \b no \s auth \s credentials \s found | \b no \s api \s key \s found \s for \s provider
    """
)
_UNAUTHORIZED = re.compile(r"(?i)(?:\A(?:error:?\s)?|\b(?:status|code|http)(?:[ _]code)?[ :=]{1,3}|\bHTTP/[\d.]{1,3}\s)401\b")
_ELSEWHERE = re.compile(
    r"(?i)\b(?:tools?|fetch\w*|url|page|website|download\w*|upload\w*|scrap\w+|webhook|mcp|plugin|git\w*|slack|discord|telegram|jira|s3|"
    r"database|proxy|files?)\b|https?:|smtp|imap"
)
"""Of whom else a 401 may come."""


def is_authentication_error(type: str, message: str) -> bool:
    """Whether an error says that a provider refused the key it was called with. Wrong guesses are towards no."""
    if _TYPE.fullmatch(type) or _WORDS.search(message):
        return True
    return _UNAUTHORIZED.search(message) is not None and _ELSEWHERE.search(f"{type} {message}") is None


def authentication_failures(failures: Iterable[Failure]) -> int:
    """How many of these failures are authentication errors; the sample helps where a message lost its status as a number."""
    return sum(
        failure.count
        for failure in failures
        if is_authentication_error(failure.type, failure.message) or is_authentication_error("", said(failure.sample.encode()).text)
    )
