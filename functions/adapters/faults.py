"""boto3's faults as the errors of the domain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.domain.errors import StoreUnavailable

_LOST = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})
"""Reasons of a cancelled transaction that mean: somebody else was faster."""


def code_of(error: ClientError) -> str:
    """The service's name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


@contextmanager
def store_faults(store: str) -> Iterator[None]:
    """Whatever a store does not do becomes `StoreUnavailable`: what it refuses for good, callers catch closer by."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise StoreUnavailable(f"{store}: {error}") from error


def was_slower(error: ClientError) -> bool:
    """Whether a transaction was cancelled only because somebody else was there first."""
    reasons: Any = error.response.get("CancellationReasons", [])
    return code_of(error) == "TransactionCanceledException" and all(reason.get("Code", "None") in _LOST for reason in reasons)
