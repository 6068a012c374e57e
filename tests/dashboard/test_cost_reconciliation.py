"""Our costs beside the provider's bill, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for, cells, visit
from tests.dashboard.answers import Answers
from tests.dashboard.bill_answers import SETTINGS, bill, not_fetched
from tests.dashboard.site import Site
from tests.dashboard.test_all_views import ELEMENTS, misfits

pytestmark = pytest.mark.browser
PATH = "/api/cost/reconciliation"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def opened(site: Site, open_page: Any) -> Any:
    site.routes |= {"/api/key-settings": SETTINGS, PATH: bill()}
    return lambda place="cost?part=reconciliation", query="", **options: visit(open_page(query, **options), place)


def times(site: Site) -> int:
    return sum(path == PATH for path, _, _ in site.asked)


def test_both_sides_stand_by_day_and_model_with_the_gap_and_its_reasons(site: Site, opened: Any) -> None:
    page: Page = opened()
    assert cells(page, "By model")[0][:8] == ["claude-sonnet-4-5", "$412", "$455", "+$42.92", "+9.4 %", "+$61.30", "−$30.11", "+$11.73"]
    # What was not told is a dash, never zero.
    assert cells(page, "By model")[1][:5] == ["claude-haiku-4-5", "$3.00", "–", "–", "–"]
    days = cells(page, "By day and model")
    assert (len(days), days[0][1:6]) == (7, ["claude-sonnet-4-5", "$55.00", "$62.00", "+$7.00", "+11.3 %"])
    assert cells(page, "What can explain the gap")[1][:2] == ["−$30.11", "prices"]
    expect(page.locator(".stats")).to_contain_text("+9.4 % of what was billed")
    expect(page.locator(".notice")).to_have_text(["the provider's figures of 2026-11-22 may still change."])
    assert cells(page, "Billed beside tokens") == [["web_search", "$3.20"]]
    expect(page.get_by_role("group", name="Each day")).to_be_visible()
    asked_for(page, site, PATH, provider="anthropic", range="7d")
    page.get_by_role("button", name="30d").click()
    asked_for(page, site, PATH, provider="anthropic", range="30d")


def test_the_provider_is_asked_again_by_a_button_alone(site: Site, opened: Any) -> None:
    page: Page = opened()
    again = page.get_by_role("button", name="Ask again")
    again.wait_for()
    # Long after the page has asked anew for all that it asks for by itself.
    page.clock.run_for(300_000)
    expect(again).to_be_visible()
    assert times(site) == 1
    site.routes[PATH] = bill(others=[])
    again.click()
    expect(page.get_by_role("table", name="Billed beside tokens")).to_have_count(0)
    assert times(site) == 2


@pytest.mark.parametrize(
    ("retry", "helps"), [(True, "Asking again later may help."), (False, "when its settings, or its admin key, are other ones")]
)
def test_what_was_not_fetched_is_told_with_its_reason(site: Site, opened: Any, retry: bool, helps: str) -> None:
    site.routes[PATH] = not_fetched(f"anthropic answers 401 {HOSTILE}", retry=retry)
    page: Page = opened()
    state = page.locator(".state")
    expect(state).to_contain_text(f"anthropic answers 401 {HOSTILE}. ")
    expect(state).to_contain_text(helps)
    expect(state.get_by_role("link", name="Settings of providers")).to_have_count(0 if retry else 1)
    site.routes[PATH] = bill()
    state.get_by_role("button", name="Ask again").press("Enter")
    expect(page.get_by_role("table", name="By model")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_without_an_admin_key_it_says_how_to_set_it_up(site: Site, opened: Any) -> None:
    site.routes["/api/key-settings"] = {"openai": SETTINGS["openai"], "mine": SETTINGS["mine"]}
    page: Page = opened()
    expect(page.get_by_role("heading", name="No provider can be asked for its bill")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text("admin: {secretsmanager: clawpulse/default/anthropic-admin}")
    assert times(site) == 0
    page.get_by_role("button", name="Open its settings").click()
    expect(page).to_have_url(f"{site.url}#/settings/key-settings")


def test_who_may_not_see_a_bill_is_told_so_and_a_filter_does_not_narrow_it(site: Site, opened: Any) -> None:
    site.routes[PATH] = shapes.problem(
        403, "this takes a token for the whole workspace (what a provider bills); the token is limited to shard=acme"
    )
    page: Page = opened(query="?tags=tier%3Dfast")
    expect(page.get_by_role("heading", name="This token may not see what a provider bills")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("the filter tier=fast does not narrow it")


@pytest.mark.parametrize("kind", ["mine", "sparse", "hostile"])
def test_it_fits_every_screen_is_accessible_and_shows_markup_as_text(site: Site, opened: Any, kind: str) -> None:
    if kind != "mine":
        del site.routes[PATH]
        site.otherwise = Answers(kind)
    page: Page = opened(clock=False, reduced_motion="reduce")
    page.get_by_role("button", name="Ask again").wait_for()
    assert page.evaluate(ELEMENTS) == []
    assert misfits(page) == []
