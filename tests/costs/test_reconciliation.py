"""From agents' batches and a provider's own reports to the comparison: real intake, seal, adapters and API, a strict server as provider."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from functions.adapters.http_poster import WebPoster
from functions.adapters.provider_usage import MAX_ANSWER, provider_reports
from functions.api.models import rfc3339
from functions.domain.key_settings import parse_key_settings
from functions.domain.times import DAY_MS, HOUR_MS
from tests.api.world import World
from tests.contracts.test_key_providers import HeldSecrets
from tests.costs.office import HOUR, WORKSPACE, Office, a_task
from tests.costs.providers.anthropic import AnthropicBilling
from tests.costs.providers.billing import Billed
from tests.costs.providers.openai import OpenAIBilling
from tests.rotations.providers.base import running

ADMIN = {"secretsmanager": "clawpulse/team/provider"}
MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5"}
DATED = {"anthropic": "claude-sonnet-4-5-20250929", "openai": "gpt-5-2025-08-07"}
PRICES = {"anthropic": 3.0, "openai": 1.25}
"""USD a million tokens of input."""
TODAY = HOUR * HOUR_MS // DAY_MS


class Shop:
    """An office whose agents use one provider."""

    def __init__(self, kind: str) -> None:
        self.kind, self.office = kind, Office()
        servers: dict[str, Callable[[Any], AnthropicBilling | OpenAIBilling]] = {"anthropic": AnthropicBilling, "openai": OpenAIBilling}
        self.server = servers[kind](lambda: self.office.world.now)

    def settle(self) -> None:
        """Name the provider, and read it with the real adapter."""
        document = {"llm": {"kind": self.kind, "base_url": self.server.url, "admin": ADMIN}}
        world = self.office.world
        world.fleet.put_settings(WORKSPACE, "key-settings", document)
        settings = parse_key_settings(document, WORKSPACE)["llm"]
        http = WebPoster(private=True, max_answer=MAX_ANSWER)
        world.provider_reports["llm"] = provider_reports(settings, http, HeldSecrets(self.server.admin), lambda: world.now)

    def work(self, amount: int, million: float, usd: float | None, model: str | None = None) -> None:
        for number in range(amount):
            self.office.post(f"a{number % 3}", a_task(f"t{number}-{model}-{usd}", model or MODELS[self.kind], (million * 1e6, 0), usd))

    def bill(self, million: float, usd: str, **more: Any) -> None:
        known: dict[str, Any] = {"at": HOUR * HOUR_MS, "model": DATED[self.kind], "input": round(million * 1e6), "usd": Decimal(usd)}
        self.server.billed.append(Billed(**{**known, **more}))

    def compare(self, *scopes: str, **query: Any) -> Any:
        return self.office.world.client(*scopes or ("read",)).get("/api/cost/reconciliation", provider="llm", **query)

    def today(self) -> Any:
        return self.compare(start=self.moment(TODAY), end=self.moment(TODAY + 1))

    @staticmethod
    def moment(day: int) -> str:
        return rfc3339(day * DAY_MS)


@pytest.fixture(params=["anthropic", "openai"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    made = Shop(request.param)
    with running(made.server):
        made.settle()
        yield made
    assert not [said for said in made.server.refusals if "Extra" in said or "Unknown" in said or "Invalid" in said]


def test_an_hour_that_both_sides_agree_on(shop: Shop) -> None:
    usd = PRICES[shop.kind]
    shop.work(10, 0.1, usd / 10)
    shop.bill(1.0, str(usd))
    shop.office.seal()
    found = shop.today()
    assert (found["fault"], found["scope"], found["kind"]) == (None, "the whole organisation", shop.kind)
    (line,) = found["models"]
    assert line["model"] == MODELS[shop.kind]
    assert line["ours"]["usd"] == line["theirs"]["usd"] == pytest.approx(usd)
    assert line["ours"]["tokens"] == line["theirs"]["tokens"] == {"input": 1_000_000, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    assert line["gapUsd"] == pytest.approx(0)
    assert [one["day"] for one in found["days"]] == [shop.moment(TODAY)]
    assert found["total"]["gapUsd"] == pytest.approx(0)


def test_tasks_without_a_cost_are_priced_and_compared(shop: Shop) -> None:
    shop.work(10, 0.1, None)
    shop.bill(1.0, str(PRICES[shop.kind]))
    shop.office.seal()
    line = shop.today()["total"]
    assert line["ours"]["pricedUsd"] == pytest.approx(PRICES[shop.kind])
    assert line["parts"] == pytest.approx({"volume": 0.0, "price": 0.0, "accounting": 0.0}, abs=1e-9)


def test_the_model_of_the_agent_counts_where_tasks_name_none(shop: Shop) -> None:
    for number in range(4):
        shop.office.post("a1", a_task(f"t{number}", "", (100_000, 0)), info={"model": MODELS[shop.kind]})
    shop.bill(0.4, str(PRICES[shop.kind] * 0.4))
    shop.office.seal()
    assert shop.today()["total"]["gapUsd"] == pytest.approx(0)


def test_the_gap_is_shown_with_its_parts_and_reasons(shop: Shop) -> None:
    usd = PRICES[shop.kind]
    shop.work(10, 0.1, usd / 10)
    # Somebody else used half as much again, with a tenth off all of it.
    shop.bill(1.0, str(usd * 0.9))
    shop.bill(0.5, str(usd * 0.45), key="key_2")
    shop.bill(0.0, "0.31", model=None, item="web_search")
    shop.office.seal()
    found = shop.today()
    total = found["total"]
    assert total["gapUsd"] == pytest.approx(0.35 * usd)
    assert total["parts"] == pytest.approx({"volume": 0.5 * usd, "price": -0.15 * usd, "accounting": 0.0}, abs=1e-9)
    assert found["others"] == [{"item": "web_search", "usd": pytest.approx(0.31)}]
    told = {reason["kind"]: reason for reason in found["reasons"]}
    assert told.keys() == {"missing-hours", "unsettled", "more-tokens", "price", "not-tokens", "keys"}
    assert told["more-tokens"]["usd"] == pytest.approx(0.5 * usd)
    assert "2 keys: key_1 66.7%, key_2 33.3%" in told["keys"]["text"]


def test_hours_that_are_not_built_are_told(shop: Shop) -> None:
    shop.work(1, 0.1, 0.5)
    shop.office.seal()
    missing = next(reason["text"] for reason in shop.today()["reasons"] if reason["kind"] == "missing-hours")
    hours = int(missing.split()[0])
    assert 0 < hours < 24
    assert missing == f"{hours} of 24 hours of ours are not known"


def test_without_a_range_it_is_the_last_seven_whole_days(shop: Shop) -> None:
    shop.office.seal()
    found = shop.compare()
    assert (found["start"], found["end"]) == (shop.moment(TODAY - 7), shop.moment(TODAY))
    assert [shop.compare(range="31d")[name] for name in ("start", "end")] == [shop.moment(TODAY - 31), shop.moment(TODAY)]


def test_an_end_alone_has_seven_days_before_it(shop: Shop) -> None:
    found = shop.compare(end=shop.moment(TODAY - 10))
    assert (found["start"], found["end"]) == (shop.moment(TODAY - 17), shop.moment(TODAY - 10))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("range=32d", "32 days are more than the 31"),
        ("range=6h", "must be a number of days"),
        ("start=2027-03-01T00:00:00Z&end=2027-03-02T00:00:00Z", "lies in the future"),
        ("start=2026-11-20T00:00:00Z&end=2026-11-20T00:00:00Z", "the end must be after the start"),
    ],
)
def test_days_that_cannot_be_asked_for(query: str, words: str) -> None:
    problem = World().client("read").problem(422, "GET", f"/api/cost/reconciliation?provider=anthropic&{query}")
    assert words in json.dumps(problem)


def test_a_provider_that_does_not_answer_is_a_reason_and_no_error(shop: Shop) -> None:
    shop.server.away = True
    found = shop.compare()
    assert (found["total"], found["models"], found["retry"]) == (None, [], True)
    assert found["fault"].startswith("llm answered 5")


def test_without_an_admin_key_it_says_what_to_do() -> None:
    world = Office().world
    found = world.client("read").get("/api/cost/reconciliation", provider="anthropic")
    assert found["fault"] is None, "the fake needs no key"
    settings = parse_key_settings({"llm": {"kind": "anthropic"}}, WORKSPACE)["llm"]
    world.provider_reports["anthropic"] = provider_reports(settings, WebPoster(private=True), HeldSecrets(""), lambda: world.now)
    found = world.client("read").get("/api/cost/reconciliation", provider="anthropic")
    assert found["fault"] == "llm has no admin key: name one as `admin` in key-settings"


def test_providers_that_are_not_there() -> None:
    world = Office().world
    world.fleet.put_settings(
        WORKSPACE, "key-settings", {"own": {"kind": "http", "test": {"url": "https://a.example", "headers": {"K": "{key}"}}}}
    )
    client = world.client("read")
    assert "no provider acme" in client.problem(404, "GET", "/api/cost/reconciliation?provider=acme")["detail"]
    assert "of the kind http" in client.problem(422, "GET", "/api/cost/reconciliation?provider=own")["detail"]


def test_a_token_of_some_agents_learns_nothing_of_the_bill(shop: Shop) -> None:
    client = shop.office.world.client("read", tags="tier=fast")
    assert client.call("GET", "/api/cost/reconciliation?provider=llm").status_code == 403


def test_no_key_is_logged_or_answered(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop.bill(1.0, "3.00")
    good = json.dumps(shop.today())
    shop.server.admin = "sk-another-0123456789"
    bad = json.dumps(shop.today())
    assert "does not let us do it" in bad
    sent = {request.headers.get("x-api-key") or request.headers["authorization"].split()[1] for request in shop.server.requests}
    assert sent
    for key in sent:
        assert key not in good + bad + caplog.text
        assert not [request for request in shop.server.requests if key in request.path]
