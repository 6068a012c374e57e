"""boto3's faults as the errors of the domain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from functions.domain.errors import StoreUnavailable


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
