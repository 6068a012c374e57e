from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.dashboard.site import TOKEN, Site, fleet, running

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")

# How long is waited for what is expected; a busy machine takes its time.
MOST_MS = 20_000

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of the page; ended with them, for Playwright keeps an event loop running in the main thread."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, "no Chromium: scripts/need-chromium installs one"
    expect.set_options(timeout=MOST_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as found:
        found.agents = fleet(30)
        yield found


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Opens the page, signed in unless told otherwise; fails on any error in it that is not an answer the test asked for."""
    contexts, errors = [], []

    def opened(query: str = "", fragment: str = f"#token={TOKEN}", clock: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(MOST_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda line: errors.append(line.text) if line.type == "error" and "Failed to load resource" not in line.text else None,
        )
        if clock:
            page.clock.install()
        page.goto(site.url + query + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
