"""The view of reports in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for, cells, visit
from tests.dashboard.report_answers import REPORT, details, report, reports, routes
from tests.dashboard.site import Site

pytestmark = pytest.mark.browser
POLL_MS = 5_100
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def opened(site: Site, open_page: Any) -> Any:
    """Opens a part of the view."""
    site.routes = routes()
    return lambda place="reports", query="", **options: visit(open_page(query, **options), place)


def test_reports_are_listed_with_their_state_and_lead_to_one(site: Site, opened: Any) -> None:
    page: Page = opened()
    assert [row[:2] for row in cells(page, "Reports")] == [
        ["Week of 16 November", "● done"],
        ["Not made yet", "◆ is being made"],
        ["Not made", "■ failed"],
    ]
    page.get_by_role("button", name="Failed").click()
    asked_for(page, site, "/api/reports", state="failed")
    page.get_by_role("link", name="Week of 16 November").press("Enter")
    link = page.get_by_role("link", name="Open the report")
    expect(link).to_have_attribute("href", "https://files.example/report.html?signature=1")
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")


def test_one_is_made_of_the_agents_that_are_filtered_for(site: Site, opened: Any) -> None:
    site.routes[f"/api/reports/{REPORT}"] = details(report("queued"))
    page: Page = opened(query="?tags=tier%3Dsmart")
    page.get_by_role("button", name="Make a report").click()
    page.get_by_label("About").select_option("30d")
    page.get_by_label("Channels").fill("team-mail, acme")
    page.keyboard.press("Enter")
    expect(page.locator("main .badge", has_text="waits")).to_have_text("○ waits")
    assert site.sent[-1].body == {"range": "30d", "tags": "tier=smart", "channels": ["team-mail", "acme"]}
    site.routes[f"/api/reports/{REPORT}"] = details(report())
    page.clock.run_for(POLL_MS)
    expect(page.get_by_role("link", name="Open the report")).to_be_visible()


def test_days_of_choice_are_whole_days_of_the_viewers_zone(site: Site, opened: Any) -> None:
    page: Page = opened(timezone_id="Europe/Berlin")
    page.get_by_role("button", name="Make a report").click()
    page.get_by_label("About").select_option("chosen")
    page.get_by_label("First day").fill("2026-03-28")
    page.get_by_label("Last day").fill("2026-03-29")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wanted = {"start": "2026-03-27T23:00:00.000Z", "end": "2026-03-29T22:00:00.000Z"}  # clocks change between
    assert site.sent[-1].body == wanted | {"tags": "", "channels": []}


def test_a_refused_order_names_the_field_and_keeps_what_was_entered(site: Site, opened: Any) -> None:
    site.routes["POST /api/reports"] = shapes.problem(400, "no channel nobody", field="channels[0]")
    page: Page = opened()
    page.get_by_role("button", name="Make a report").click()
    page.get_by_label("Channels").fill("nobody")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_have_text("channels[0]: no channel nobody")
    expect(page.get_by_label("Channels")).to_have_value("nobody")


def test_no_report_yet_and_a_failed_one_say_what_to_do(site: Site, opened: Any) -> None:
    site.routes["/api/reports"] = reports()
    site.routes[f"/api/reports/{REPORT}"] = details(report("failed"))
    page: Page = opened()
    expect(page.locator(".state pre")).to_have_text("clawpulse report run --range 7d")
    visit(page, f"reports/{REPORT}")
    expect(page.locator(".notice")).to_contain_text("usage could not be read")
    visit(page, "reports/w000000000000000")
    expect(page.get_by_role("heading", name=re.compile("No such thing: the report w0"))).to_be_visible()


def test_hostile_texts_and_addresses_do_nothing(site: Site, opened: Any) -> None:
    hostile = report(title=HOSTILE, summary=HOSTILE, tags=HOSTILE, channels=[HOSTILE])
    site.routes[f"/api/reports/{REPORT}"] = details(hostile, url="javascript:alert(1)")
    page: Page = opened(f"reports/{REPORT}")
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    expect(page.locator("main")).to_contain_text("its link is not valid")
    assert page.locator("main img, main a[href^='javascript']").count() == 0
