"""Decides on the policy that a Lambda authorizer returns, as API Gateway does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What a policy says about one method."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    NOT_ALLOWED = "not allowed"


class InvalidAnswer(ValueError):
    """The authorizer's answer is not what API Gateway takes; the text says why. Clients see a 500 without it."""


def decide(document: Mapping[str, Any], method_arn: str) -> Verdict:
    """Evaluate `execute-api:Invoke` on a method; a deny wins over any allow."""
    effects = {statement.get("Effect") for statement in _statements(document) if _covers(statement, method_arn)}
    if "Deny" in effects:
        return Verdict.EXPLICIT_DENY
    return Verdict.ALLOW if "Allow" in effects else Verdict.NOT_ALLOWED


def context_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """The authorizer's context as functions see it: plain values, all as strings. Raises `InvalidAnswer`."""
    context = answer.get("context") or {}
    if not isinstance(context, Mapping):
        raise InvalidAnswer("context must be an object")
    for key, value in context.items():
        if value is not None and not isinstance(value, (str, int, float)):
            raise InvalidAnswer(f"context.{key} must be a string, a number or a boolean")
    return {key: _text(value) for key, value in context.items() if value is not None}


def validate(answer: Any) -> Mapping[str, Any]:
    """The answer, if it has a principal and a policy with statements; raises `InvalidAnswer` otherwise."""
    if not isinstance(answer, Mapping):
        raise InvalidAnswer("the answer must be an object")
    if not isinstance(answer.get("principalId"), str) or not answer["principalId"]:
        raise InvalidAnswer("principalId must be a string")
    document = answer.get("policyDocument")
    if not isinstance(document, Mapping) or not _statements(document):
        raise InvalidAnswer("policyDocument must have statements")
    context_of(answer)
    return answer


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _covers(statement: Mapping[str, Any], method_arn: str) -> bool:
    actions = any(_matches(pattern.lower(), "execute-api:invoke") for pattern in _strings(statement.get("Action")))
    return actions and any(_matches(pattern, method_arn) for pattern in _strings(statement.get("Resource")))


def _strings(value: Any) -> Iterable[str]:
    return [value] if isinstance(value, str) else [text for text in value or [] if isinstance(text, str)]


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
