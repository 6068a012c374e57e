"""OpenAI: its usage report of completions (Chat Completions and Responses), and its costs by line item.

Documents: "Usage: completions", "Costs". A line item is a text such as `gpt-5-2025-08-07, cached input` or `web search tool calls`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from functions.adapters.key_providers.asking import Asker, reading
from functions.adapters.provider_usage.paging import Query, amount, buckets, count
from functions.domain.cost_pricing import Tokens
from functions.domain.key_settings import ProviderSettings
from functions.domain.provider_report import MAX_DAYS, TOKENS, CostRow, ProviderReport, UseRow
from functions.domain.times import DAY_MS, SECOND_MS

_USE = "/v1/organization/usage/completions"
_COSTS = "/v1/organization/costs"
_OF_TOKENS = re.compile(r"\b(input|output|cached|tokens)\b|_tokens$", re.IGNORECASE)


class OpenAIReports:
    """`ProviderReports`."""

    def __init__(self, settings: ProviderSettings, asker: Asker) -> None:
        self._settings = settings
        self._asker = asker

    def report(self, first_day: int, last_day: int) -> ProviderReport:
        """Both reports, of the project that the settings name, else of all."""
        began, project = self._asker.now(), self._settings.project_id
        days: Query = [
            ("start_time", str(first_day * DAY_MS // SECOND_MS)),
            ("end_time", str(last_day * DAY_MS // SECOND_MS)),
            ("bucket_width", "1d"),
            ("limit", str(MAX_DAYS)),
            *([("project_ids[]", project)] if project else []),
        ]
        grouped = [("group_by[]", by) for by in ("model", "service_tier", "batch", "api_key_id")]
        with reading(self._asker.name):
            use = list(self._use([*days, *grouped], began))
            costs = list(self._costs([*days, ("group_by[]", "line_item")], began))
        return ProviderReport(use, costs, f"the project {project}" if project else "the whole organisation")

    def _use(self, query: Query, began: int) -> Iterator[UseRow]:
        for day, row in self._rows(_USE, query, began):
            read, written = count(row.get("input_cached_tokens")), count(row.get("input_cache_write_tokens"))
            tokens = Tokens(
                # Its input includes both.
                input=max(0, count(row["input_tokens"]) - read - written),
                output=count(row["output_tokens"]),
                cache_read=read,
                cache_write=written,
            )
            tier = "batch" if row.get("batch") else row.get("service_tier") or ""
            yield UseRow(day, row.get("model"), tier, row.get("api_key_id"), tokens)

    def _costs(self, query: Query, began: int) -> Iterator[CostRow]:
        for day, row in self._rows(_COSTS, query, began):
            given = row["amount"]
            model, item = _item(row.get("line_item"))
            yield CostRow(day, model, item, amount(given["value"], given["currency"], self._asker.name))

    def _rows(self, path: str, query: Query, began: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for bucket in buckets(self._asker, self._settings.base_url + path, query, _headers, began):
            for row in bucket["results"]:
                yield bucket["start_time"] * SECOND_MS // DAY_MS, row


def _item(line_item: object) -> tuple[str | None, str]:
    """The model of a line item, and what of it is billed."""
    if not isinstance(line_item, str) or not line_item:
        return None, "other"
    model, comma, what = line_item.rpartition(", ")
    return (model, TOKENS) if comma and _OF_TOKENS.search(what) else (None, line_item)


def _headers(admin: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {admin}"}
