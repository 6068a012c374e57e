"""Errors as `application/problem+json` (RFC 9457). Standard library only: the hot path may import this.

A problem tells a caller what to change. An exception that nobody planned for becomes a 500 without details; logging it is the caller's job.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from functions.domain import errors

CONTENT_TYPE = "application/problem+json"

_STATUSES: tuple[tuple[type[errors.ClawPulseError], HTTPStatus, str], ...] = (
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large"),
    (errors.InvalidCursor, HTTPStatus.BAD_REQUEST, "invalid-cursor"),
    (errors.InvalidInput, HTTPStatus.BAD_REQUEST, "invalid-input"),
    (errors.NotAuthenticated, HTTPStatus.UNAUTHORIZED, "not-authenticated"),
    (errors.NotAllowed, HTTPStatus.FORBIDDEN, "not-allowed"),
    (errors.NotFound, HTTPStatus.NOT_FOUND, "not-found"),
    (errors.Conflict, HTTPStatus.CONFLICT, "conflict"),
    (errors.PreconditionFailed, HTTPStatus.PRECONDITION_FAILED, "precondition-failed"),
    (errors.StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    (errors.VaultRefused, HTTPStatus.SERVICE_UNAVAILABLE, "vault"),
    (errors.ProviderRefused, HTTPStatus.CONFLICT, "provider"),
)
"""The first class that fits decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, for the caller's eyes."""

    status: int
    detail: str
    kind: str = ""
    """Last part of the type; empty for a problem that its status says all about."""
    field: str | None = None
    """The parameter or the path inside the body that is at fault."""
    faults: Sequence[tuple[str, str]] = ()
    """Everything that is wrong with a document: path and reason of each."""
    retry_after_s: int | None = None
    allow: str | None = None
    """Methods that would be possible, of a 405."""

    def document(self) -> dict[str, Any]:
        """The body."""
        document: dict[str, Any] = {
            "type": f"urn:clawpulse:{self.kind}" if self.kind else "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        faults = [{"path": path, "reason": reason} for path, reason in self.faults]
        return document | ({"field": self.field} if self.field else {}) | ({"faults": faults} if faults else {})

    def body(self) -> str:
        """The body as JSON."""
        return json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"))

    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.allow is not None:
            headers["Allow"] = self.allow
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def problem_of(error: Exception, *, invalid: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Problem:
    """The problem that tells of an error; `invalid` is the status for input that is wrong in itself."""
    for kind, status, name in _STATUSES:
        if isinstance(error, kind):
            return _planned(error, invalid if status == HTTPStatus.BAD_REQUEST else status, name)
    return Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, detail="an error that we did not plan for; it has been logged", kind="internal")


def is_planned(error: Exception) -> bool:
    """Whether the error has a problem of its own, so that it needs no log entry."""
    return any(isinstance(error, kind) for kind, _, _ in _STATUSES)


def _planned(error: Exception, status: HTTPStatus, name: str) -> Problem:
    return Problem(
        status=status,
        detail=getattr(error, "reason", None) or str(error),
        kind=name,
        field=getattr(error, "field", None),
        faults=getattr(error, "faults", ()),
        retry_after_s=getattr(error, "retry_after_s", None),
    )
