"""The view of capacity in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for, cells, visit
from tests.dashboard.capacity_answers import plan, routes, tier
from tests.dashboard.site import Site

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def capacity(site: Site, open_page: Any) -> Any:
    """Opens a part of the view."""
    site.routes = routes()
    return lambda place="capacity", query="", **options: visit(open_page(query, **options), place)


def panel(page: Page, name: str) -> Any:
    return page.locator(".panel", has=page.get_by_role("heading", name=name, exact=True))


def test_each_tier_has_its_formula_and_what_corrected_it(site: Site, capacity: Any) -> None:
    page: Page = capacity(query="?tags=env%3Dprod&by=shard")
    rows = {row[0]: row[1:5] for row in cells(page, "Tiers")}
    assert rows == {
        "batch": ["44", "40", "52", "+8"],
        "fast": ["21", "21", "28", "+7"],
        "new": ["3", "–", "–", "–"],
        "smart": ["60", "51", "48", "−12"],
    }
    expect(panel(page, "fast").locator(".formula")).to_have_text("4.2/s × 3.1 s ÷ (65 % × 1) = 20 → 21 agents, × 1.3 → 28 with headroom")
    expect(panel(page, "smart").locator(".badge")).to_have_text(["■ limited by anthropic-prod", "▲ heavy tail"])
    expect(panel(page, "batch")).to_contain_text("planned with 0.1 less utilisation")
    expect(panel(page, "new")).to_contain_text("no task told how long it took")
    asked_for(page, site, "/api/capacity", tags="env=prod", by="shard", range="24h")


def test_sliders_by_keyboard_ask_what_if_and_stand_in_the_address(site: Site, capacity: Any) -> None:
    site.routes["/api/capacity"] = lambda request: plan(float(request.query.get("arrival_factor", ["1"])[0]))
    page: Page = capacity()
    needed = page.locator(".stat", has_text="agents needed")
    expect(needed).to_contain_text("112")
    slider = page.get_by_label("Tasks", exact=True)
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "2 × as many")
    expect(needed).to_contain_text("112 as it is")
    expect(needed.locator("dd").first).to_have_text("223")
    expect(page).to_have_url(re.compile("arrival_factor=2"))
    page.get_by_role("button", name="As it is").click()
    expect(needed.locator("dd").first).to_have_text("112")
    expect(page).not_to_have_url(re.compile("arrival_factor"))


def test_other_settings_of_the_planner_are_asked_for(site: Site, capacity: Any) -> None:
    page: Page = capacity("capacity?utilization=0.7&headroom=1.5&concurrency=4&range=7d")
    page.get_by_label("USD a month an agent").fill("12.5")
    page.keyboard.press("Enter")
    asked_for(page, site, "/api/capacity", utilization="0.7", headroom="1.5", concurrency="4", agent_usd_per_month="12.5", range="7d")


def test_nothing_to_plan_from_says_what_to_do(site: Site, capacity: Any) -> None:
    site.routes["/api/capacity"] = plan(tiers=[])
    page: Page = capacity()
    expect(page.get_by_role("heading", name="Nothing to plan from")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text("clawpulse capacity plan --arrival-rate")


def test_the_tracker_shows_groups_and_the_band_of_the_chosen_one(site: Site, capacity: Any) -> None:
    page: Page = capacity("capacity?part=tracker")
    assert cells(page, "What groups did")[1][:5] == ["smart", "2.8/s", "11.4 s", "28.5 s", "62 %"]
    page.get_by_role("button", name="smart").press("Enter")
    expect(page.get_by_role("heading", name="Time of a task: smart")).to_be_visible()
    expect(page.locator(".legend .key")).to_have_text(["p50 9,036 ms", "p95 27 s", "p99 42.6 s"])
    expect(page.get_by_role("table", name="What slow tasks have in common", exact=True)).to_contain_text("160 of 800")
    asked_for(page, site, "/api/tracker", by="tier", bands="true", range="24h")


def test_a_fault_of_a_what_if_leaves_the_sliders(site: Site, capacity: Any) -> None:
    site.routes["/api/capacity"] = lambda request: (
        shapes.problem(400, "leaves no room for waiting", field="utilization") if "utilization" in request.query else plan()
    )
    page: Page = capacity("capacity?utilization=0.95")
    expect(page.locator(".state")).to_contain_text("leaves no room for waiting")
    page.get_by_role("button", name="As it is").click()
    expect(page.get_by_role("table", name="Tiers")).to_be_visible()


def test_hostile_texts_are_shown_and_not_run(site: Site, capacity: Any) -> None:
    site.routes["/api/capacity"] = plan(tiers=[tier(HOSTILE, 1, 1, 1, reasons=[HOSTILE])])
    page: Page = capacity()
    assert cells(page, "Tiers")[0][0] == HOSTILE
    page.get_by_text("Where each figure comes from").click()
    expect(page.locator(".reasons li")).to_have_text(HOSTILE)
    assert page.locator("main img").count() == 0
