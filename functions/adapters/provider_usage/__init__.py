"""Providers' own reports of use and cost: one module a kind, each a `ProviderReports`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.adapters.key_providers import asker
from functions.adapters.key_providers.asking import Asker
from functions.adapters.provider_usage.anthropic import AnthropicReports
from functions.adapters.provider_usage.openai import OpenAIReports
from functions.domain.errors import ProviderRefused
from functions.domain.key_settings import ProviderSettings
from functions.ports import HttpPoster, ProviderReports, SecretCache

KINDS: Mapping[str, Callable[[ProviderSettings, Asker], ProviderReports]] = {"anthropic": AnthropicReports, "openai": OpenAIReports}
MAX_ANSWER = 8_000_000
"""Bytes of a page: a month of ten models in five tiers and a hundred keys."""
TOTAL_S = 9.0
"""For a page; two of them and their retries fit into a request of ours."""


def provider_reports(settings: ProviderSettings, http: HttpPoster, secrets: SecretCache, now: Callable[[], int]) -> ProviderReports:
    """The reports of the provider that settings describe; its admin key is read when it is needed. `now` gives ms.

    Raises `ProviderRefused` for a kind without reports.
    """
    if settings.kind not in KINDS:
        raise ProviderRefused(f"{settings.name} is of the kind {settings.kind}, of which no usage and cost reports are known")
    return KINDS[settings.kind](settings, asker(settings, http, secrets, now))
