"""The fleet's layout in a real browser."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.rolling import keys
from tests.dashboard.site import TOKEN, Request, Site, agent, fleet

pytestmark = pytest.mark.browser
TIERS, SHARDS = ("fast", "smart", "batch"), ("acme", "globex")


def series(request: Request) -> Any:
    """A p95 of each combination of the tags that are asked for."""
    by = request.query.get("by", [""])[0].split(",")
    values = {"tier": TIERS, "shard": SHARDS}
    combinations: list[dict[str, str]] = [{}]
    for key in by:
        combinations = [{**one, key: value} for one in combinations for value in values.get(key, ())] or combinations
    lines = [{"tags": tags, "points": [[0, 1000.0 + place], [300_000, None]]} for place, tags in enumerate(combinations)]
    return {"step": 300, "series": lines}


@pytest.fixture
def show(site: Site, open_page):
    site.routes |= {"/api/series": series, "/api/keys": keys(round(time.time() * 1000))}
    for place, one in enumerate(site.agents):
        one["host"] = "both" if place < 2 else one["tags"]["shard"]

    def shown(query: str = "", filters: str = "", **options: Any) -> Page:
        page: Page = open_page(filters, fragment=f"#token={TOKEN}&view=/topology{query}", **options)
        return page

    return shown


def test_each_shard_has_a_boundary_with_its_tiers_and_what_it_shares(show) -> None:
    page = show()
    acme = page.get_by_role("region", name="shard acme")
    expect(acme.get_by_role("group")).to_have_count(3)
    expect(acme.locator("header").first).to_contain_text("15 agents")
    expect(acme).to_contain_text("1 of 2 hosts shared with globex")
    expect(acme).to_contain_text("own keys: anthropic")
    globex = page.get_by_role("region", name="shard globex")
    expect(globex).to_contain_text("the workspace's keys")
    smart = globex.get_by_role("group", name="tier smart")
    expect(smart).to_contain_text("■ 2 red")
    expect(smart.locator(".troubled")).to_contain_text("smart-007 27 of 55 tasks failed in 5 min (49%)")
    expect(acme.get_by_role("group", name="tier batch")).to_contain_text("1,002 ms")


def test_tiers_and_the_whole_are_a_press_away_and_stand_in_the_address(site: Site, show) -> None:
    page = show()
    page.get_by_role("button", name="Tiers").click()
    expect(page.locator("main").get_by_role("group", name="tier")).to_have_count(3)
    expect(page).to_have_url(re.compile(re.escape("#/topology?as=tiered") + "$"))
    page.get_by_role("button", name="Flat").focus()
    page.keyboard.press("Enter")
    whole = page.get_by_role("group", name="The whole fleet")
    expect(whole).to_contain_text("30 agents")
    expect(whole.get_by_role("img")).to_have_attribute("aria-label", "2 red, 1 yellow, 26 green, 1 grey")


def test_a_cell_leads_to_its_agents_and_an_agent_to_itself(site: Site, show) -> None:
    page = show()
    page.get_by_role("region", name="shard globex").get_by_role("button", name="tier smart").click()
    expect(page).to_have_url(f"{site.url}?tags=tier%3Dsmart%2Cshard%3Dglobex#/fleet")
    expect(page.locator(".tile")).to_have_count(5)


def test_the_filter_and_its_grouping_hold_and_untagged_agents_stand_apart(site: Site, show) -> None:
    site.agents = [agent("a", tags={"tier": "fast", "region": "<i>eu</i>"}), agent("b", tags={}), agent("c", tags={"env": "dev"})]
    page = show(filters="?by=region")
    expect(page.get_by_role("heading", name="region <i>eu</i>")).to_be_visible()
    expect(page.get_by_role("heading", name="no region")).to_be_visible()
    assert page.locator("main i").count() == 0
    page.get_by_label("Tags").first.fill("env=dev")
    expect(page.get_by_role("region", name="no region")).to_contain_text("1 agent")
    expect(page.get_by_role("region", name="region <i>eu</i>")).to_be_hidden()


def test_a_p95_that_cannot_be_had_is_a_dash(site: Site, show) -> None:
    page = show("?as=tiered")
    latency = page.get_by_role("group", name="tier fast").locator(".cell-figures div", has_text="p95")
    expect(latency).to_contain_text("1,000 ms")
    site.routes["/api/series"] = shapes.problem(400, "tier is no dimension, so this reads too much", field="tags")
    page.reload()
    expect(latency).to_contain_text("–")
    expect(page.get_by_text("tier is no dimension, so this reads too much")).to_be_visible()


def test_no_agent_says_how_one_is_placed(site: Site, show) -> None:
    site.agents = []
    page = show()
    expect(page.get_by_role("heading", name="No agent yet")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text("shard=")


def test_a_thousand_agents_fit_a_phone_without_sideways_scroll(site: Site, show) -> None:
    site.agents = fleet(1_000)
    page = show(viewport={"width": 390, "height": 844}, color_scheme="dark")
    expect(page.get_by_role("region", name="shard globex")).to_contain_text("500 agents")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
