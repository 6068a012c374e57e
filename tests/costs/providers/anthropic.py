"""Anthropic's usage and cost reports, after "Usage and Cost API", "Get messages usage report" and "Get cost report"."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.costs.providers.billing import Billed
from tests.notify.vendors.base import Reply, Request
from tests.rotations.providers.anthropic import AnthropicServer, given_key, invalid, moment, not_known, since
from tests.rotations.providers.base import WIDTHS, buckets, query_of

_USE_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo")
_USE_FILTERS = ("api_key_ids[]", "workspace_ids[]", "models[]", "service_tiers[]", "context_window[]", "inference_geos[]")
_COST_GROUPS = ("workspace_id", "description")
_PAGING = ("starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]")


class AnthropicBilling(AnthropicServer):
    """`most` buckets make a page, whatever is asked for, when it is set."""

    most: int | None = None

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.billed: list[Billed] = []
        self.currency = "USD"

    def _administered(self, request: Request, path: str) -> Reply:
        if path not in ("/v1/organizations/cost_report", "/v1/organizations/usage_report/messages"):
            return super()._administered(request, path)
        if given_key(request) != self.admin:
            raise not_known(request)
        costs = path.endswith("cost_report")
        query = query_of(request)
        single = dict(query)
        if unknown := single.keys() - {*_PAGING, *(() if costs else _USE_FILTERS)}:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        groups = [value for name, value in query if name == "group_by[]"]
        if set(groups) - set(_COST_GROUPS if costs else _USE_GROUPS):
            raise invalid("group_by: Input should be one of " + ", ".join(_COST_GROUPS if costs else _USE_GROUPS))
        width = single.get("bucket_width", "1d")
        if width not in (("1d",) if costs else WIDTHS) or "starting_at" not in single:
            raise invalid("bucket_width or starting_at: Input is not valid")
        _, usual, most = WIDTHS[width]
        limit = int(single.get("limit", usual))
        if not 1 <= limit <= most:
            raise invalid(f"limit: Input should be from 1 to {most}")
        limit = min(limit, self.most or limit)
        every = list(buckets(since(single["starting_at"]), since(single["ending_at"]) if "ending_at" in single else self.now(), width))
        offset = int(single["page"].removeprefix("page_")) if "page" in single else 0
        made = self._costs if costs else self._used
        shown = [
            {"starting_at": moment(begin), "ending_at": moment(close), "results": made(begin, close, groups)}
            for begin, close in every[offset : offset + limit]
        ]
        more = offset + limit < len(every)
        return Reply(200, {"data": shown, "has_more": more, "next_page": f"page_{offset + limit}" if more else None})

    def _used(self, begin: int, close: int, groups: list[str]) -> list[dict[str, Any]]:
        found: dict[tuple[str | None, ...], list[Billed]] = defaultdict(list)
        for one in self.billed:
            if begin <= one.at < close and one.item == "tokens":
                known = {"api_key_id": one.key, "workspace_id": one.place, "model": one.model, "service_tier": one.tier}
                found[tuple(known.get(by) for by in groups)].append(one)
        return [_use(dict(zip(groups, key, strict=True)), ones) for key, ones in found.items()]

    def _costs(self, begin: int, close: int, groups: list[str]) -> list[dict[str, Any]]:
        described = "description" in groups
        rows = []
        for one in self.billed:
            # What the Priority Tier costs is in no cost report.
            if begin <= one.at < close and one.tier != "priority":
                tokens = described and one.item == "tokens"
                rows.append(
                    {
                        "currency": self.currency,
                        "amount": str(one.usd * 100),
                        "workspace_id": one.place if "workspace_id" in groups else None,
                        "description": f"{one.model or one.item} usage" if described else None,
                        "cost_type": one.item if described else None,
                        "context_window": "0-200k" if tokens else None,
                        "model": one.model if tokens else None,
                        "service_tier": one.tier if tokens else None,
                        "token_type": "output_tokens" if tokens else None,
                        "inference_geo": "global" if tokens else None,
                    }
                )
        return rows


def _use(group: dict[str, str | None], ones: list[Billed]) -> dict[str, Any]:
    return {
        "api_key_id": group.get("api_key_id"),
        "workspace_id": group.get("workspace_id"),
        "model": group.get("model"),
        "service_tier": group.get("service_tier"),
        "context_window": None,
        "uncached_input_tokens": sum(one.input for one in ones),
        "cache_read_input_tokens": sum(one.cache_read for one in ones),
        "cache_creation": {
            "ephemeral_1h_input_tokens": sum(one.cache_write for one in ones) // 4,
            "ephemeral_5m_input_tokens": sum(one.cache_write for one in ones) - sum(one.cache_write for one in ones) // 4,
        },
        "output_tokens": sum(one.output for one in ones),
        "server_tool_use": {"web_search_requests": 0},
    }
