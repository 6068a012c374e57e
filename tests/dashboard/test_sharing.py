"""Sharing in a real browser: links, badges, wall screens."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from functions.domain.badge import Face, picture
from tests.cli import shapes
from tests.dashboard import settings_answers as answers
from tests.dashboard.site import TOKEN, Site

pytestmark = pytest.mark.browser


def test_a_link_shows_the_view_with_its_filter_to_who_has_no_token(site: Site, open_page) -> None:
    site.routes["POST /api/shares"] = answers.created("read")
    page = open_page("?tags=env%3Dprod%2Ctier!%3Dbatch&by=tier", f"#token={TOKEN}&view=/fleet?as=rows")
    page.keyboard.press("s")
    expect(page.get_by_text("It reads: agents with env=prod.")).to_be_visible()
    expect(page.locator("dialog .notice")).to_contain_text("tier!=batch narrows what is shown at first, not what can be read.")
    page.get_by_label("Works for").select_option("1 day")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    assert site.sent[-1].body == {"view": "fleet", "tags": {"env": "prod"}, "expiresIn": 86_400}
    parts = urlsplit(link)
    assert parse_qs(parts.query) == {"tags": ["env=prod,tier!=batch"], "by": ["tier"]}
    assert parse_qs(parts.fragment) == {"share": [answers.SECRET], "view": ["/fleet?as=rows"]}


def test_a_shared_link_is_opened_where_it_points_and_leaves_the_address(site: Site, open_page) -> None:
    site.routes["/api/me"] = answers.me("read", tags="env=prod")
    page = open_page("?by=tier", f"#share={TOKEN}&view=%2Fsettings%2Fme")
    expect(page.get_by_role("heading", name="This token", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{site.url}?by=tier#/settings/me")
    assert "read · env=prod" in page.locator("#who").inner_text()


def test_who_may_not_share_is_told_so(site: Site, open_page) -> None:
    site.routes["POST /api/shares"] = shapes.problem(403, "this needs the scope operate; the token has read")
    page = open_page()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("alert")).to_have_text("this needs the scope operate; the token has read")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_a_badge_is_made_with_its_markdown(site: Site, open_page) -> None:
    site.routes["POST /api/badges"] = answers.badge()
    page = open_page()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Badge").click()
    page.get_by_role("button", name="Make a badge").click()
    address = site.url + answers.badge()[1]["path"]
    expect(page.get_by_label("Markdown", exact=True)).to_have_value(f"![agents]({address})")
    expect(page.get_by_role("img", name="How the agents stand now")).to_have_attribute("src", address)


def test_a_wall_screen_goes_round_its_views_without_menu_and_is_left_by_escape(site: Site, open_page) -> None:
    site.routes["/api/retention"] = answers.retention()
    page = open_page("?tags=env%3Dprod&kiosk=1&cycle=30&views=fleet,settings,nonsense")
    expect(page.locator(".tile")).to_have_count(30)
    expect(page.get_by_role("navigation", name="Views")).to_have_count(0)
    expect(page.get_by_label("Tags")).to_have_count(0)
    steps = page.evaluate("history.length")
    page.clock.run_for(30_100)
    expect(page.locator(".wall-view")).to_have_text("Settings")
    page.clock.run_for(30_100)
    expect(page.locator(".wall-view")).to_have_text("Fleet")
    assert page.evaluate("history.length") == steps
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page).to_have_url(f"{site.url}?tags=env%3Dprod#/fleet")


def test_a_link_for_a_wall_names_its_views(site: Site, open_page) -> None:
    site.routes["POST /api/shares"] = answers.created("read")
    page = open_page()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Wall screen").click()
    page.get_by_role("checkbox", name="Topology").uncheck()
    page.get_by_label("Each for, seconds").fill("45")
    page.get_by_role("button", name="Make a link").click()
    parts = urlsplit(page.get_by_label("Link", exact=True).input_value())
    assert parse_qs(parts.query) == {"kiosk": ["1"], "cycle": ["45"], "views": ["fleet,alerts,cost"]}
    assert parse_qs(parts.fragment)["view"] == ["/fleet"]


def test_a_badge_is_a_picture_whatever_its_tags_are(site: Site, open_page) -> None:
    page = open_page()
    hostile = '"><script>alert(1)</script>&'
    # As the browser reads it: well formed, one text a half, nothing that runs.
    found = page.evaluate(
        "text => { const svg = new DOMParser().parseFromString(text, 'image/svg+xml');"
        " return [svg.querySelectorAll('parsererror, script').length, [...svg.querySelectorAll('text')].map(one => one.textContent)] }",
        picture(hostile, Face("■", "2 red of 30", "#b91c1c")),
    )
    assert found == [0, [hostile, "■ 2 red of 30"]]
