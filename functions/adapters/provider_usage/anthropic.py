"""Anthropic: the usage report of the Messages API, and the cost report, whose amounts are cents as decimal texts.

Documents: "Usage and Cost API", "Get messages usage report", "Get cost report". Costs of the Priority Tier are in no cost report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from functions.adapters.key_providers.anthropic import VERSION
from functions.adapters.key_providers.asking import Asker, reading
from functions.adapters.provider_usage.paging import Query, amount, buckets, count
from functions.domain.cost_pricing import Tokens
from functions.domain.key_settings import ProviderSettings
from functions.domain.notification_text import iso
from functions.domain.provider_report import MAX_DAYS, TOKENS, CostRow, ProviderReport, UseRow
from functions.domain.times import DAY_MS, SECOND_MS

_USE = "/v1/organizations/usage_report/messages"
_COSTS = "/v1/organizations/cost_report"
_CENTS = 100
_DEFAULT = "wrkspc_default"
"""The default workspace, which reports call null."""


class AnthropicReports:
    """`ProviderReports`."""

    def __init__(self, settings: ProviderSettings, asker: Asker) -> None:
        self._settings = settings
        self._asker = asker

    def report(self, first_day: int, last_day: int) -> ProviderReport:
        """Both reports, of the workspace that the settings name, else of all."""
        began, workspace = self._asker.now(), self._settings.workspace_id
        days: Query = [
            ("starting_at", iso(first_day * DAY_MS)),
            ("ending_at", iso(last_day * DAY_MS)),
            ("bucket_width", "1d"),
            ("limit", str(MAX_DAYS)),
        ]
        grouped = [("group_by[]", by) for by in ("model", "service_tier", "api_key_id", *(("workspace_id",) if workspace else ()))]
        billed = [("group_by[]", "description"), *([("group_by[]", "workspace_id")] if workspace else [])]
        with reading(self._asker.name):
            use = list(self._use([*days, *grouped], began))
            costs = list(self._costs([*days, *billed], began))
        return ProviderReport(use, costs, f"the workspace {workspace}" if workspace else "the whole organisation")

    def _use(self, query: Query, began: int) -> Iterator[UseRow]:
        for day, row in self._rows(_USE, query, began):
            made = row.get("cache_creation") or {}
            tokens = Tokens(
                input=count(row["uncached_input_tokens"]),
                output=count(row["output_tokens"]),
                cache_read=count(row["cache_read_input_tokens"]),
                cache_write=count(made.get("ephemeral_5m_input_tokens")) + count(made.get("ephemeral_1h_input_tokens")),
            )
            yield UseRow(day, row.get("model"), row.get("service_tier") or "", row.get("api_key_id"), tokens)

    def _costs(self, query: Query, began: int) -> Iterator[CostRow]:
        for day, row in self._rows(_COSTS, query, began):
            usd = amount(row["amount"], row["currency"], self._asker.name) / _CENTS
            kind = row.get("cost_type")
            yield CostRow(day, row.get("model"), TOKENS if kind == "tokens" else str(kind or "other"), usd)

    def _rows(self, path: str, query: Query, began: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Rows of the workspace with their days."""
        wanted = self._settings.workspace_id
        for bucket in buckets(self._asker, self._settings.base_url + path, query, _headers, began):
            day = round(datetime.fromisoformat(bucket["starting_at"]).timestamp()) * SECOND_MS // DAY_MS
            for row in bucket["results"]:
                if not wanted or (row["workspace_id"] or _DEFAULT) == wanted:
                    yield day, row


def _headers(admin: str) -> dict[str, str]:
    return {"x-api-key": admin, "anthropic-version": VERSION}
