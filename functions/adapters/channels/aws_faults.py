"""boto3's faults as failed deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from functions.adapters.faults import code_of
from functions.domain.notification import DeliveryFailed
from functions.domain.notification_text import fit

_MAY_HELP = ("Throttl", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout")


@contextmanager
def delivery_faults(service: str) -> Iterator[None]:
    """What a service of AWS refuses becomes `DeliveryFailed`; throttling and outages may pass."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        words = fit(error.response.get("Error", {}).get("Message", ""), 300)
        retryable = status >= 500 or any(part in code for part in _MAY_HELP)
        raise DeliveryFailed(f"{service} answered {code}: {words}", retryable=retryable) from error
    except ParamValidationError as error:
        raise DeliveryFailed(f"{service} does not take this message: {fit(error, 300)}", retryable=False) from error
    except BotoCoreError as error:
        raise DeliveryFailed(f"no answer from {service}: {fit(error, 300)}", retryable=True) from error
