"""Providers of API keys: one module a kind, each a `KeyProvider`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.adapters.key_providers.anthropic import AnthropicKeys
from functions.adapters.key_providers.asking import AdminKey, Asker
from functions.adapters.key_providers.http import HttpKeys
from functions.adapters.key_providers.openai import OpenAIKeys
from functions.domain.channels import SecretReference
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.key_settings import ProviderSettings
from functions.domain.notification import DeliveryFailed
from functions.ports import HttpPoster, KeyProvider, SecretCache

KINDS: Mapping[str, Callable[[ProviderSettings, Asker], KeyProvider]] = {
    "anthropic": AnthropicKeys,
    "openai": OpenAIKeys,
    "http": HttpKeys,
}


def key_provider(settings: ProviderSettings, http: HttpPoster, secrets: SecretCache, now: Callable[[], int]) -> KeyProvider:
    """The provider that settings describe; its admin key is read when it is needed. `now` gives ms."""
    return KINDS[settings.kind](settings, asker(settings, http, secrets, now))


def asker(settings: ProviderSettings, http: HttpPoster, secrets: SecretCache, now: Callable[[], int]) -> Asker:
    """Asks the server that settings describe."""
    return Asker(settings.name, http, now, _admin_key(settings.admin, secrets) if settings.admin else None)


def _admin_key(reference: SecretReference, secrets: SecretCache) -> AdminKey:
    def read(fresh: bool) -> str:
        try:
            return secrets.read(reference, fresh=fresh)
        except DeliveryFailed as fault:
            raise (ProviderUnavailable if fault.retryable else ProviderRefused)(fault.reason) from None

    return read
