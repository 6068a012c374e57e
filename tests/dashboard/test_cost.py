"""The view of costs in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for, cells, visit
from tests.dashboard.cost_answers import bills, budgets, ledger, routes
from tests.dashboard.site import Site

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def cost(site: Site, open_page: Any) -> Any:
    """Opens a part of the view."""
    site.routes = routes() | site.routes
    return lambda place="cost", query="", **options: visit(open_page(query, **options), place)


def test_what_was_spent_stands_by_model_with_the_share_and_the_price_of_a_task(site: Site, cost: Any) -> None:
    page: Page = cost(query="?tags=tier%3Dsmart")
    rows = cells(page, "Costs by group")
    assert rows[0][:5] == ["claude-sonnet-4-5", "$410", "50.4 %", "$0.41", "1,000"]
    assert [row[0] for row in rows][-2:] == ["mistral-large", "o4-mini"]
    expect(page.locator(".legend")).to_contain_text("2 others")
    expect(page.get_by_role("table", name="Models without a price", exact=True)).to_contain_text("llama-local")
    asked_for(page, site, "/api/cost", tags="tier=smart", by="model", range="7d", step="21600")


def test_another_grouping_by_keyboard_stands_in_the_address(site: Site, cost: Any) -> None:
    page: Page = cost()
    page.get_by_label("By", exact=True).fill("tenant, team")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By tenant,team")).to_be_visible()
    expect(page).to_have_url(re.compile("group=tenant%2Cteam"))
    asked_for(page, site, "/api/cost", by="tenant,team")
    page.reload()
    expect(page.get_by_label("By", exact=True)).to_have_value("tenant,team")


def test_no_task_and_an_unknown_cost_are_no_zero(site: Site, cost: Any) -> None:
    site.routes["/api/cost"] = ledger(models=())
    page: Page = cost()
    expect(page.get_by_role("heading", name="No task in this time")).to_be_visible()
    visit(page, "cost?part=bills")
    assert cells(page, "Bills")[-1][:3] == ["–", "–", "40"]


def test_a_budget_burns_down_with_its_forecast(site: Site, cost: Any) -> None:
    page: Page = cost("cost?part=budgets")
    expect(page.locator(".stats")).to_contain_text("80 % between $2,445 and $2,612")
    expect(page.get_by_role("group", name="Used up")).to_have_attribute("aria-label", re.compile("expected between"))
    assert cells(page, "Budgets")[0][:5] == ["tier=smart", "tokens per day", "■ act", "1.2M tokens", "1M tokens"]
    page.get_by_role("button", name="shard=acme").press("Enter")
    expect(page.get_by_role("heading", name="shard=acme: dollars per month")).to_be_visible()
    asked_for(page, site, "/api/cost/burn-down", group="shard=acme", budget="usd_per_month")
    site.routes["/api/budgets/state"] = budgets() | {"budgets": []}
    page.reload()
    expect(page.locator(".notice")).to_contain_text("clawpulse channels apply")


def test_a_regression_tells_its_story_and_leads_to_the_rollout(cost: Any) -> None:
    page: Page = cost("cost?part=regressions")
    expect(page.get_by_role("heading", name="1 of 3 got dearer")).to_be_visible()
    group = page.get_by_role("button", name="smart")
    group.press("Enter")
    story = page.get_by_role("dialog")
    expect(story).to_contain_text("The cost a task rose by half within an hour.")
    expect(story.get_by_role("link", name="rollout of prompt v12")).to_have_attribute("href", re.compile("#/rollouts/r1$"))
    page.keyboard.press("Escape")
    expect(story).to_have_count(0)
    expect(group).to_be_focused()


def test_unusual_hours_lead_to_what_was_spent_around_them(site: Site, cost: Any) -> None:
    page: Page = cost("cost?part=unusual")
    assert cells(page, "Unusual hours")[0][:5] == ["smart", "■ ↑ more", "$58.20", "$21.50", "$2.10"]
    page.get_by_role("link", name="smart").press("Enter")
    expect(page.get_by_role("table", name="Costs by group")).to_be_visible()
    assert asked_for(page, site, "/api/cost", by="tier")["start"]


def test_bills_are_saved_as_files(site: Site, cost: Any) -> None:
    page: Page = cost("cost?part=bills&month=2026-10")
    for label, format in (("Save CSV", "csv"), ("Save FOCUS", "focus")):
        with page.expect_download() as saved:
            page.get_by_role("button", name=label).click()
        assert saved.value.suggested_filename == f"clawpulse-{'chargeback' if format == 'csv' else 'focus'}-2026-10.csv"
        asked_for(page, site, "/api/cost/chargeback", by="tenant", month="2026-10", format=format)
    site.routes["/api/cost/chargeback"] = lambda request: (
        shapes.problem(400, "7001 bills are more", field="by") if "format" in request.query else bills()
    )
    page.get_by_role("button", name="Save CSV").click()
    expect(page.locator(".toasts")).to_contain_text("7001 bills are more")


def test_faults_and_refusals_are_told(site: Site, cost: Any) -> None:
    site.routes["/api/cost"] = shapes.problem(400, "2001 groups are more than 2000", field="by")
    page: Page = cost()
    expect(page.locator(".state")).to_contain_text("2001 groups are more than 2000")
    site.routes["/api/cost"] = shapes.problem(403, "this needs the scope read")
    page.reload()
    expect(page.get_by_role("heading", name="This token may not see costs")).to_be_visible()


def test_hostile_texts_are_shown_and_not_run(site: Site, cost: Any) -> None:
    site.routes["/api/cost"] = ledger(models=(HOSTILE,))
    page: Page = cost()
    assert cells(page, "Costs by group")[0][0] == HOSTILE
    assert page.locator("main img").count() == 0
