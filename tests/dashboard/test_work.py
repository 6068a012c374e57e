"""Tasks and errors in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.cli import shapes
from tests.dashboard import work_answers as work
from tests.dashboard.answer_parts import asked_for
from tests.dashboard.site import TOKEN, Request, Site

pytestmark = pytest.mark.browser

KIND = "0000000000000000"


def at(view: str) -> dict[str, str]:
    return {"fragment": f"#token={TOKEN}&view={view}"}


def feed(request: Request) -> Any:
    """Forty tasks, then five older ones; or one of them."""
    if "task" in request.query:
        return work.tasks(work.task(3))
    if "cursor" in request.query:
        return work.tasks(*(work.task(place) for place in range(40, 45)))
    bounds = {"low": 600.0, "high": 900.0} if "band" in request.query else {}
    return work.tasks(*(work.task(place) for place in range(40)), more="older", **bounds)


@pytest.fixture(autouse=True)
def answers(site: Site) -> None:
    site.routes |= {
        "/api/tasks": feed,
        "/api/events": work.events(("task.failed", 100, {"try": 3}), ("task.started", 4_100, None)),
        "/api/tracker": work.tracker(),
        "/api/agents/fast-003": work.agent(),
        "/api/errors": work.errors(*(work.kind(place) for place in range(6))),
        f"/api/errors/{KIND}": work.error(),
        "/api/series": work.series,
    }


def test_the_feed_is_narrowed_and_ordered_and_its_address_says_how(site: Site, open_page) -> None:
    page = open_page("?tags=env%3Dprod", **at("/tasks"))
    rows = page.locator("tbody tr[data-id]")
    expect(rows).to_have_count(40)
    expect(rows.nth(3)).to_contain_text("TimeoutError: no answer within 30 s")
    expect(rows.nth(6).locator("td").nth(7)).to_have_text("–")
    page.get_by_label("Status").select_option("failed")
    page.get_by_label("Tier").select_option("smart")
    page.get_by_label("Latency").select_option("p95-p99")
    page.get_by_role("button", name="Slowest").click()
    expect(page.locator(".panel h2")).to_have_text("40 or more tasks, which took 600 ms to 900 ms: slowest first")
    narrowed = {"tags": "env=prod,tier=smart", "status": "failed", "band": "p95-p99", "order": "latency", "limit": "100", "range": "24h"}
    assert asked_for(page, site, "/api/tasks", **narrowed) == narrowed
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("failed")
    expect(rows).to_have_count(40)


def test_older_tasks_come_page_by_page_and_lead_back(site: Site, open_page) -> None:
    page = open_page(**at("/tasks"))
    page.get_by_role("button", name="Older").click()
    expect(page.locator("tbody tr[data-id]")).to_have_count(5)
    asked_for(page, site, "/api/tasks", cursor="older")
    page.get_by_role("button", name="Newest", exact=True).last.click()
    expect(page.locator("tbody tr[data-id]")).to_have_count(40)


def test_one_task_tells_its_whole_story_reached_by_keyboard(site: Site, open_page) -> None:
    page = open_page(**at("/tasks"))
    page.locator("a.row-link").first.focus()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".stat").filter(has_text="cost").last).to_contain_text("$0.007priced from its tokens by genai-prices 0.2.3")
    expect(page.get_by_text("Slower than 95 % of them.")).to_be_visible()
    expect(page.locator(".story li b")).to_have_text(["task.started", "task.failed"])
    expect(page.locator(".story li").last).to_contain_text("4 s after the first")
    expect(page.get_by_role("link", name="Errors of this agent by kind")).to_be_visible()
    events = {"task": "t-003", "agent": "fast-003", "limit": "200"}
    assert asked_for(page, site, "/api/events", **events).keys() == {*events, "start", "end"}


def test_a_task_that_is_not_in_the_range_is_looked_for_in_a_longer_one(site: Site, open_page) -> None:
    site.routes["/api/tasks"] = lambda request: work.tasks(*([work.task(3)] if request.query["range"] == ["30d"] else []))
    page = open_page(**at("/tasks/t-003"))
    page.get_by_role("button", name="Look through 30 days").click()
    expect(page.locator(".panel h2").first).to_contain_text("t-003")


def test_a_stage_without_raw_history_explains_itself(site: Site, open_page) -> None:
    site.routes["/api/tasks"] = shapes.problem(404, "this stage keeps no raw history (rawHistory: false)")
    page = open_page(**at("/tasks"))
    expect(page.get_by_role("heading", name="No single tasks and events here")).to_be_visible()
    page.get_by_role("button", name="Show errors by kind").click()
    expect(page.locator("tbody tr[data-id]")).to_have_count(6)


def test_kinds_of_errors_are_searched_and_new_ones_marked(site: Site, open_page) -> None:
    page = open_page(**at("/errors"))
    expect(page.locator(".panel h2").last).to_have_text("6 kinds of errors, 588 failed tasks, 3 new")
    expect(page.locator("tbody .badge")).to_have_text(["▲ new"] * 3)
    page.get_by_label("Words").fill("answer")
    page.clock.run_for(400)
    page.get_by_role("button", name="New ones").click()
    site.routes["/api/errors"] = work.errors()
    page.clock.run_for(16_000)
    expect(page.get_by_text("No failed task fits.")).to_be_visible()
    searched = {"limit": "1000", "q": "answer", "new": "true", "range": "24h"}
    assert asked_for(page, site, "/api/errors", **searched) == searched


def test_one_kind_over_time_with_samples_and_the_way_to_its_tasks(site: Site, open_page) -> None:
    page = open_page(**at("/errors"))
    page.get_by_role("link", name="TimeoutError").first.click()
    expect(page.locator(".stat").first).to_contain_text("240")
    expect(page.locator(".chart canvas")).to_be_visible()
    expect(page.locator(".story pre")).to_have_count(4)
    expect(page.locator(".shares dt").first).to_have_text("fast-003")
    page.get_by_role("link", name="Failed tasks of this time").click()
    expect(page.get_by_label("Status")).to_have_value("failed")
    assert {"start", "end"} <= asked_for(page, site, "/api/tasks", status="failed").keys()
    site.routes[f"/api/errors/{KIND}"] = work.error(raw=False)
    page.go_back()
    expect(page.get_by_text("Single failed tasks are not kept on this stage")).to_be_visible()


def test_hostile_texts_are_shown_and_not_run(site: Site, open_page) -> None:
    bad = work.HOSTILE
    site.routes["/api/tasks"] = work.tasks(work.task(3, id=bad, error=bad, tags={"tier": bad}, attributes={bad: bad}))
    site.routes["/api/events"] = work.events((bad, 100, bad))
    site.routes["/api/errors"] = work.errors(work.kind(type=bad, message=bad))
    site.routes[f"/api/errors/{KIND}"] = work.error(type=bad, message=bad, tiers={bad: 1})
    page = open_page(**at("/tasks"))
    page.get_by_role("link", name=bad).click()
    expect(page.locator(".story pre")).to_have_text(bad)
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.get_by_role("link", name=bad).click()
    expect(page.locator(".why")).to_have_text(bad)
    assert page.locator("main img").count() == 0
