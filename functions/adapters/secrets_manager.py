"""Secrets in AWS Secrets Manager."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from functions.adapters.channels.aws_faults import delivery_faults
from functions.domain.channels import SecretReference
from functions.domain.notification import DeliveryFailed

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class SecretsManager:
    """`SecretReader`."""

    def __init__(self, client: SecretsManagerClient) -> None:
        self._client = client

    def read(self, reference: SecretReference) -> str:
        """The text, or the field of its JSON that the reference names."""
        with delivery_faults(f"Secrets Manager ({reference.path})"):
            found = self._client.get_secret_value(SecretId=reference.path)
        text = found.get("SecretString")
        if not text:
            raise DeliveryFailed(f"the secret {reference} has no text", retryable=False)
        return text if reference.key is None else field_of(_document(text), reference)


def field_of(document: Any, reference: SecretReference) -> str:
    """The field that a reference names; no error tells a value."""
    value = document.get(reference.key) if isinstance(document, dict) else None
    if not isinstance(value, str) or not value:
        raise DeliveryFailed(f"the secret {reference} has no field of this name with a text", retryable=False)
    return value


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
