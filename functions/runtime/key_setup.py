"""Vault's keys and the providers of keys, as the API and the functions that rotate keys use them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from functions.adapters.http_poster import WebPoster
from functions.adapters.key_providers import key_provider
from functions.adapters.key_vault import VaultKeys
from functions.adapters.provider_usage import MAX_ANSWER, TOTAL_S, provider_reports
from functions.adapters.secrets import Secrets
from functions.adapters.secrets_manager import SecretsManager
from functions.adapters.secrets_vault import Vault
from functions.adapters.vault_entries import Entries
from functions.domain.key_settings import ProviderSettings
from functions.ports import KeyProvider, ProviderReports, SecretReader
from functions.runtime.settings import Settings
from functions.runtime.vault_settings import VaultSettings
from functions.runtime.wiring import client, now_ms


@cache
def _entries() -> Entries:
    """One login for all that reads Vault."""
    return VaultSettings.from_env().entries()


def key_vault() -> VaultKeys:
    """The `KeyVault`; nothing is asked before it is needed."""
    return VaultKeys(_entries())


def key_providers(settings: Settings) -> Callable[[ProviderSettings], KeyProvider]:
    """Makes the `KeyProvider` of settings; admin keys are read when they are needed."""
    secrets, http = _secrets(), WebPoster(private=settings.reaches_private)
    return lambda provider: key_provider(provider, http, secrets, now_ms)


def provider_accounts(settings: Settings) -> Callable[[ProviderSettings], ProviderReports]:
    """Makes the `ProviderReports` of settings; admin keys are read when they are needed."""
    secrets, http = _secrets(), WebPoster(private=settings.reaches_private, total_s=TOTAL_S, max_answer=MAX_ANSWER)
    return lambda provider: provider_reports(provider, http, secrets, now_ms)


def _secrets() -> Secrets:
    stores: dict[str, SecretReader] = {"secretsmanager": SecretsManager(client("secretsmanager")), "vault": Vault(_entries())}
    return Secrets(stores, now_ms)
