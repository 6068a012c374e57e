"""The page as the local cloud serves it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from clawpulse.cli._api import Api
from tests.cli.live import report, wait_for
from tests.cloud import DeployedCloud
from tests.dashboard.test_all_views import views

pytestmark = [pytest.mark.cloud, pytest.mark.browser]


def test_an_agent_that_reports_is_a_tile_of_the_page(cloud: DeployedCloud, browser: Browser) -> None:
    api = Api(cloud.api_url, cloud.token)
    report(api, "page-agent", "page-test")
    wait_for(lambda: api.get("api/dashboard/instances", tags="env=page-test")["instances"])
    token = api.send("POST", "api/tokens", {"name": "page", "scopes": ["read"]})["token"]
    context = browser.new_context()
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        # Without its slash at the end, which the API adds.
        page.goto(f"{cloud.api_url}?tags=env%3Dpage-test#token={token}")
        expect(page.locator('[data-agent="page-agent"]')).to_be_visible(timeout=30_000)
        expect(page.locator("#totals dd").first).to_have_text("1")
        with page.expect_response(lambda answer: answer.status == 304, timeout=30_000):
            pass
        expect(page.locator("#link")).to_have_text("Live")
        assert token not in page.url
        assert errors == []
    finally:
        context.close()


def test_every_view_opens_on_what_the_local_cloud_answers(cloud: DeployedCloud, browser: Browser) -> None:
    api = Api(cloud.api_url, cloud.token)
    report(api, "walk-agent", "walk-test")
    wait_for(lambda: api.get("api/dashboard/instances", tags="env=walk-test")["instances"])
    context = browser.new_context()
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(f"{page.url.split('#')[-1]}: {error}"))
        refused: list[str] = []
        page.on("response", lambda answer: refused.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        page.goto(f"{cloud.api_url}/#token={cloud.token}")
        expect(page.locator('[data-agent="walk-agent"]')).to_be_visible(timeout=30_000)
        for view in views():
            page.evaluate("place => { location.hash = place }", view.home.replace("fast-001", "walk-agent"))
            # The stores of the local cloud are slow when they are first asked.
            expect(page.locator("#main h2", has_text="Loading")).to_have_count(0, timeout=30_000)
            page.wait_for_load_state("networkidle", timeout=30_000)
            expect(page.locator("#main h2", has_text="answered with an error")).to_have_count(0)
            assert page.locator("#main").inner_text().strip(), view.name
        assert errors == []
        assert [one for one in refused if not one.startswith("404")] == []
    finally:
        context.close()
