"""Every provider's reports keep these promises: the adapters against strict servers made from the providers' documents, and the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import openai
import pytest

from functions.adapters.http_poster import WebPoster
from functions.adapters.provider_usage import MAX_ANSWER, provider_reports
from functions.domain.cost_pricing import Tokens
from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.key_settings import ProviderSettings, parse_key_settings
from functions.domain.provider_report import MAX_DAYS, CostRow, ProviderReport, UseRow
from functions.domain.times import DAY_MS, HOUR_MS
from functions.ports import ProviderReports
from tests.contracts.test_key_providers import ADMIN, NOW, HeldSecrets
from tests.costs.providers.anthropic import AnthropicBilling
from tests.costs.providers.billing import Billed
from tests.costs.providers.openai import OpenAIBilling
from tests.fakes.provider_reports import MemoryReports
from tests.notify.vendors.base import Reply
from tests.rotations.providers.base import running

TODAY = NOW // DAY_MS
YESTERDAY = (TODAY - 1) * DAY_MS
type Server = AnthropicBilling | OpenAIBilling


@dataclass
class World:
    reports: ProviderReports
    bill: Callable[[Billed], object]
    away: Callable[[bool], object]
    server: Server | None = None
    secrets: HeldSecrets | None = None


def _settings(server: Server, **more: str) -> ProviderSettings:
    kind = "anthropic" if isinstance(server, AnthropicBilling) else "openai"
    return parse_key_settings({"acme": {"kind": kind, "base_url": server.url, "admin": ADMIN, **more}}, "default")["acme"]


@contextmanager
def over_http(server: Server, **more: str) -> Iterator[World]:
    with running(server):
        secrets = HeldSecrets(server.admin)
        reports = provider_reports(_settings(server, **more), WebPoster(private=True, max_answer=MAX_ANSWER), secrets, server.now)
        yield World(reports, server.billed.append, lambda away: setattr(server, "away", away), server, secrets)


@contextmanager
def memory() -> Iterator[World]:
    fake = MemoryReports()

    def bill(one: Billed) -> None:
        day, tokens = one.at // DAY_MS, Tokens(one.input, one.output, one.cache_read, one.cache_write)
        fake.costs.append(CostRow(day, one.model, one.item, one.usd))
        if one.item == "tokens":
            fake.use.append(UseRow(day, one.model, one.tier, one.key, tokens))

    yield World(fake, bill, lambda away: setattr(fake, "away", away))


@contextmanager
def anthropic() -> Iterator[World]:
    with over_http(AnthropicBilling(lambda: NOW)) as world:
        yield world


@contextmanager
def gpt() -> Iterator[World]:
    with over_http(OpenAIBilling(lambda: NOW)) as world:
        yield world


@pytest.fixture(params=[memory, anthropic, gpt])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with request.param() as made:
        yield made
    assert not made.server or not [said for said in made.server.refusals if "Extra" in said or "Unknown" in said or "Invalid" in said]


@pytest.fixture(params=[anthropic, gpt])
def online(request: pytest.FixtureRequest) -> Iterator[World]:
    with request.param() as made:
        yield made


def billed(**more: Any) -> Billed:
    known = {"at": YESTERDAY, "model": "acme-1", "input": 1000, "output": 200, "usd": Decimal("0.12")}
    return Billed(**{**known, **more})


def used(report: ProviderReport) -> dict[tuple[int, str | None], Tokens]:
    found: dict[tuple[int, str | None], Tokens] = {}
    for row in report.use:
        before = found.get((row.day, row.model), Tokens())
        found[row.day, row.model] = Tokens(*(a + b for a, b in zip(before, row.tokens, strict=True)))
    return found


def spent(report: ProviderReport) -> dict[tuple[int, str | None, str], Decimal]:
    found: dict[tuple[int, str | None, str], Decimal] = {}
    for row in report.costs:
        key = (row.day, row.model, row.item)
        found[key] = found.get(key, Decimal()) + row.usd
    return found


def test_tokens_by_kind_and_dollars_come_by_day_and_model(world: World) -> None:
    world.bill(billed(cache_read=500, cache_write=80))
    world.bill(billed(at=YESTERDAY + DAY_MS - 1, usd=Decimal("0.055")))
    world.bill(billed(at=YESTERDAY - 1, model="acme-2", usd=Decimal("1.5")))
    report = world.reports.report(TODAY - 2, TODAY)
    assert used(report) == {(TODAY - 1, "acme-1"): Tokens(2000, 400, 500, 80), (TODAY - 2, "acme-2"): Tokens(1000, 200)}
    assert spent(report) == {(TODAY - 1, "acme-1", "tokens"): Decimal("0.175"), (TODAY - 2, "acme-2", "tokens"): Decimal("1.5")}


def test_other_days_are_left_out(world: World) -> None:
    world.bill(billed(at=YESTERDAY - 1))
    world.bill(billed(at=YESTERDAY + DAY_MS))
    report = world.reports.report(TODAY - 1, TODAY)
    assert (report.use, report.costs) == ([], [])


def test_what_is_billed_beside_tokens_keeps_its_name(world: World) -> None:
    world.bill(billed(model=None, item="web_search", input=0, output=0, usd=Decimal("0.30")))
    report = world.reports.report(TODAY - 1, TODAY)
    assert (used(report), spent(report)) == ({}, {(TODAY - 1, None, "web_search"): Decimal("0.3")})


def test_tiers_and_keys_are_told(world: World) -> None:
    world.bill(billed(tier="batch", key="key_7"))
    assert [(row.tier, row.key) for row in world.reports.report(TODAY - 1, TODAY).use] == [("batch", "key_7")]


def test_a_provider_that_is_away_may_come_back(world: World) -> None:
    world.away(True)
    with pytest.raises(ProviderUnavailable):
        world.reports.report(TODAY - 1, TODAY)
    world.away(False)
    assert world.reports.report(TODAY - 1, TODAY).use == []


def test_a_month_is_one_page_of_each_report(online: World) -> None:
    assert online.server
    for day in range(MAX_DAYS):
        online.bill(billed(at=(TODAY - MAX_DAYS + day) * DAY_MS + HOUR_MS))
    report = online.reports.report(TODAY - MAX_DAYS, TODAY)
    assert len({row.day for row in report.use}) == len({row.day for row in report.costs}) == MAX_DAYS
    assert len(online.server.requests) == 2


def test_further_pages_are_read(online: World) -> None:
    assert online.server
    online.server.most = 4
    for day in range(10):
        online.bill(billed(at=(TODAY - 10 + day) * DAY_MS))
    report = online.reports.report(TODAY - 10, TODAY)
    assert (len(used(report)), len(spent(report))) == (10, 10)
    assert len(online.server.requests) == 6


def test_pages_without_an_end_do_not_hold_us(online: World) -> None:
    assert online.server
    time = [NOW]

    def later() -> int:
        time[0] += 9_000
        return time[0]

    online.server.most = 1
    reports = provider_reports(_settings(online.server), WebPoster(private=True), HeldSecrets(online.server.admin), later)
    with pytest.raises(ProviderUnavailable, match="took too long"):
        reports.report(TODAY - 20, TODAY)


def test_a_large_page_is_read_whole(online: World) -> None:
    for number in range(600):
        online.bill(billed(model=f"acme-{number}"))
    report = online.reports.report(TODAY - 1, TODAY)
    assert (len(used(report)), len(spent(report))) == (600, 600)


def test_a_replaced_admin_key_is_read_anew(online: World) -> None:
    assert online.secrets
    assert online.server
    online.secrets.remembered = "sk-replaced-0123456789"
    online.secrets.stored = online.server.admin
    assert online.reports.report(TODAY - 1, TODAY).use == []


def test_a_wrong_admin_key_is_told_without_it(online: World) -> None:
    assert online.secrets
    online.secrets.remembered = online.secrets.stored = "sk-wrong-0123456789abcdef"
    with pytest.raises(ProviderRefused) as caught:
        online.reports.report(TODAY - 1, TODAY)
    assert "does not let us do it" in str(caught.value)
    assert "sk-wrong" not in str(caught.value)


def test_another_currency_is_no_dollars(online: World) -> None:
    assert online.server
    online.server.currency = "EUR"
    online.bill(billed())
    with pytest.raises(ProviderRefused, match="another currency"):
        online.reports.report(TODAY - 1, TODAY)


@pytest.mark.parametrize(
    "body",
    [b"<html>", {"data": {}}, {"data": [{}]}, {"data": [{"results": [{}], "starting_at": "x", "start_time": "x"}]}, {"data": [7]}],
)
def test_answers_of_another_form_are_told_of(online: World, body: Any) -> None:
    assert online.server
    online.server.faults = [Reply(200, body)]
    with pytest.raises(ProviderRefused, match="acme"):
        online.reports.report(TODAY - 1, TODAY)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "much", None, True, [1]])
def test_what_is_no_amount_is_not_taken_for_one(online: World, value: Any) -> None:
    assert online.server
    bucket = {"starting_at": "2026-11-23T00:00:00Z", "start_time": 0}
    rows = [{"amount": value, "currency": "USD", "cost_type": "tokens"}, {"amount": {"value": value, "currency": "usd"}}]
    row = rows[isinstance(online.server, OpenAIBilling)]
    online.server.faults = [Reply(200, {"data": [], "has_more": False}), Reply(200, {"data": [{**bucket, "results": [row]}]})]
    with pytest.raises(ProviderRefused, match="in a form that its documents do not have"):
        online.reports.report(TODAY - 1, TODAY)


def test_amounts_as_texts_are_amounts() -> None:
    with gpt() as world:
        assert isinstance(world.server, OpenAIBilling)
        world.server.texts = True
        world.bill(billed())
        assert sum(spent(world.reports.report(TODAY - 1, TODAY)).values()) == Decimal("0.12")


@pytest.mark.parametrize(
    ("server", "more", "scope"),
    [
        (AnthropicBilling, {"workspace_id": "wrkspc_7"}, "the workspace wrkspc_7"),
        (OpenAIBilling, {"project_id": "proj_7"}, "the project proj_7"),
    ],
)
def test_only_the_part_that_the_settings_name_is_told(server: Callable[[Any], Server], more: dict[str, str], scope: str) -> None:
    (place,) = more.values()
    with over_http(server(lambda: NOW), **more) as world:
        world.bill(billed(place=place))
        world.bill(billed(place="other", model="acme-2"))
        report = world.reports.report(TODAY - 1, TODAY)
    assert (list(used(report)), list(spent(report))) == ([(TODAY - 1, "acme-1")], [(TODAY - 1, "acme-1", "tokens")])
    assert report.scope == scope


def test_keys_of_a_kind_without_reports() -> None:
    settings = ProviderSettings(name="acme", kind="http")
    with pytest.raises(ProviderRefused, match="no usage and cost reports"):
        provider_reports(settings, WebPoster(private=True), HeldSecrets(""), lambda: NOW)


def test_openais_library_reads_its_server() -> None:
    with gpt() as world:
        assert isinstance(world.server, OpenAIBilling)
        world.bill(billed(cache_read=500))
        start = YESTERDAY // 1000
        address = f"{world.server.url}/v1"
        with openai.OpenAI(admin_api_key=world.server.admin, api_key="none", base_url=address, max_retries=0) as client:
            admin = client.admin.organization.usage
            use = admin.completions(
                start_time=start, bucket_width="1d", limit=31, group_by=["model", "service_tier", "batch", "api_key_id"]
            )
            costs = admin.costs(start_time=start, bucket_width="1d", limit=31, group_by=["line_item"])
        (row,) = use.data[0].results
        assert (row.input_tokens, row.input_cached_tokens, row.model) == (1500, 500, "acme-1")  # type: ignore[union-attr]
        assert [row.line_item for row in costs.data[0].results] == ["acme-1, input", "acme-1, output", "acme-1, cached input"]  # type: ignore[union-attr]
