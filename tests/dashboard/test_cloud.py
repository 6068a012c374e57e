"""The page as the local cloud serves it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from clawpulse.cli._api import Api
from tests.cli.live import report, wait_for
from tests.cloud import DeployedCloud

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
