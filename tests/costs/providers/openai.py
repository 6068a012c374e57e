"""OpenAI's usage of completions and its costs, after "Usage: completions" and "Costs". Amounts may come as texts, as they do at times."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.costs.providers.billing import Billed
from tests.notify.vendors.base import Reply, Request
from tests.rotations.providers.base import WIDTHS, buckets, query_of
from tests.rotations.providers.openai import OpenAIServer, error, invalid

_PATHS = ("/v1/organization/costs", "/v1/organization/usage/completions")
_USE_GROUPS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
_USE_FILTERS = ("project_ids[]", "user_ids[]", "api_key_ids[]", "models[]", "batch")
_COST_GROUPS = ("project_id", "user_id", "line_item", "api_key_id", "api_source")
_COST_FILTERS = ("project_ids[]", "api_key_ids[]", "line_items[]")
_PAGING = ("start_time", "end_time", "bucket_width", "limit", "page", "group_by[]")
_MOST_COSTS = 180


class OpenAIBilling(OpenAIServer):
    """`most` buckets make a page, whatever is asked for, when it is set."""

    most: int | None = None

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.billed: list[Billed] = []
        self.currency = "usd"
        self.texts = False
        """Whether amounts are texts."""

    def _administered(self, request: Request, path: str) -> Reply:
        if path not in _PATHS or request.headers.get("authorization") != f"Bearer {self.admin}":
            return super()._administered(request, path)
        costs = path == _PATHS[0]
        query = query_of(request)
        single = dict(query)
        if unknown := single.keys() - {*_PAGING, *(_COST_FILTERS if costs else _USE_FILTERS)}:
            raise error(400, f"Unknown query parameter: '{min(unknown)}'.", "unknown_parameter")
        groups = [value for name, value in query if name == "group_by[]"]
        if set(groups) - set(_COST_GROUPS if costs else _USE_GROUPS):
            raise invalid("Invalid group_by")
        width = single.get("bucket_width", "1d")
        if width not in (("1d",) if costs else WIDTHS) or not single.get("start_time", "").isdigit():
            raise invalid("Invalid bucket_width or start_time")
        _, usual, most = WIDTHS[width]
        limit = int(single.get("limit", usual))
        if not 1 <= limit <= (_MOST_COSTS if costs else most):
            raise invalid("limit is too large")
        limit = min(limit, self.most or limit)
        end = int(single["end_time"]) * 1000 if "end_time" in single else self.now()
        every = list(buckets(int(single["start_time"]) * 1000, end, width))
        offset = int(single.get("page", "0"))
        projects = {value for name, value in query if name == "project_ids[]"}
        chosen = [one for one in self.billed if not projects or one.place in projects]
        made = self._costs if costs else _used
        shown = [
            {
                "object": "bucket",
                "start_time": begin // 1000,
                "end_time": close // 1000,
                "results": made([one for one in chosen if begin <= one.at < close], groups),
            }
            for begin, close in every[offset : offset + limit]
        ]
        more = offset + limit < len(every)
        return Reply(200, {"object": "page", "data": shown, "has_more": more, "next_page": str(offset + limit) if more else None})

    def _costs(self, ones: list[Billed], groups: list[str]) -> list[dict[str, Any]]:
        rows = []
        for one in ones:
            for item, part in (("input", 4), ("output", 4), ("cached input", 2)) if one.item == "tokens" else ((one.item, 1),):
                value = one.usd / part
                rows.append(
                    {
                        "object": "organization.costs.result",
                        "amount": {"value": str(value) if self.texts else float(value), "currency": self.currency},
                        "line_item": (f"{one.model}, {item}" if one.model else item) if "line_item" in groups else None,
                        "project_id": None,
                        "user_id": None,
                        "api_key_id": None,
                        "quantity": None,
                    }
                )
        return rows


def _used(ones: list[Billed], groups: list[str]) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], list[Billed]] = defaultdict(list)
    for one in ones:
        if one.item == "tokens":
            known = {
                "api_key_id": one.key,
                "project_id": one.place,
                "model": one.model,
                "batch": one.tier == "batch",
                "service_tier": "default" if one.tier in ("standard", "batch") else one.tier,
            }
            found[tuple(known.get(by) for by in groups)].append(one)
    return [_use(dict(zip(groups, key, strict=True)), same) for key, same in found.items()]


def _use(group: dict[str, Any], ones: list[Billed]) -> dict[str, Any]:
    read, written = sum(one.cache_read for one in ones), sum(one.cache_write for one in ones)
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": sum(one.input for one in ones) + read + written,
        "input_cached_tokens": read,
        "input_cache_write_tokens": written,
        "output_tokens": sum(one.output for one in ones),
        "num_model_requests": len(ones),
        "project_id": group.get("project_id"),
        "user_id": None,
        "api_key_id": group.get("api_key_id"),
        "model": group.get("model"),
        "batch": group.get("batch"),
        "service_tier": group.get("service_tier"),
    }
