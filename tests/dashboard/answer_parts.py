"""What tests of views share: when things happen in answers, how the API writes them, and what is seen of them."""

from __future__ import annotations

import math
import time
from typing import Any

from playwright.sync_api import Page
from pydantic import BaseModel

from tests.dashboard.site import Site

HOUR = 3_600_000
MINUTE = 60_000
NOW = int(time.time() * 1000) // HOUR * HOUR
WEEK = 168


def shown(answer: BaseModel) -> Any:
    """As the API sends it."""
    return answer.model_dump(mode="json", by_alias=True)


def wave(place: int, width: int = 24) -> float:
    """Between 0 and 1, up and down."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * place / width)


def visit(page: Page, place: str) -> Page:
    """Go to a view, `cost?part=bills`, of a page that is signed in; the fleet's filter stays."""
    page.evaluate("place => { location.hash = '#/' + place }", place)
    return page


def cells(page: Page, label: str) -> list[list[str]]:
    """What stands in a table, row by row."""
    table = page.get_by_role("table", name=label, exact=True)
    table.wait_for()
    texts: list[list[str]] = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return texts


def asked_for(page: Page, site: Site, path: str, **wanted: str) -> dict[str, str]:
    """The query of the first question to an address that has all of `wanted`; waits for it."""
    for _ in range(200):
        for asked, query, _status in site.asked:
            found = {name: values[0] for name, values in query.items()}
            if asked == path and wanted.items() <= found.items():
                return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{path} was never asked for {wanted}: {[query for asked, query, _ in site.asked if asked == path]}")
