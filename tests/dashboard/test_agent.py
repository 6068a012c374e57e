"""One agent in a real browser; and what the fleet says of changes and of the week before."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard import work_answers as work
from tests.dashboard.site import TOKEN, Request, Site, agent, stamp

pytestmark = pytest.mark.browser

AGENT = "/api/agents/fast-003"


@pytest.fixture(autouse=True)
def answers(site: Site) -> None:
    key = {"assigned": "ab12", "reported": "cd34", "error": None, "used": stamp(60)}
    details = work.agent(cpu=41.0, keys={"anthropic": key}, config=shapes.config("h2", "h2", "h1"))
    site.routes |= {
        AGENT: details,
        f"PATCH {AGENT}": details,
        f"{AGENT}/desired": shapes.desired("fast-003"),
        "/api/series": work.series,
        "/api/keys": {"providers": []},
        "/api/tasks": work.tasks(work.task(3)),
        "/api/errors": work.errors(work.kind()),
        "/api/events": work.events(("task.failed", 100, {"try": 3})),
    }


def opened(open_page: Any, part: str = "", **options: Any) -> Page:
    page: Page = open_page(fragment=f"#token={TOKEN}&view=/agents/fast-003{part}", **options)
    expect(page.get_by_text("heartbeat fresh")).to_be_visible()
    return page


def test_an_agent_tells_its_health_with_evidence_figures_and_history(site: Site, open_page) -> None:
    page = opened(open_page)
    expect(page.locator("p.why")).to_contain_text("green: heartbeat fresh for")
    expect(page.locator(".stat").filter(has_text="CPU")).to_contain_text("41 %")
    expect(page.locator(".stat").filter(has_text="workers")).to_contain_text("–")
    expect(page.locator(".chart canvas")).to_have_count(5)
    expect(page.locator(".chart").last).to_contain_text("No data in this range.")
    assert all(query["tags"] == ["agent=fast-003"] for path, query, _ in site.asked if path == "/api/series")


def test_dragging_over_a_chart_zooms_all_and_a_double_click_goes_back(site: Site, open_page) -> None:
    page = opened(open_page)
    expect(page.locator(".chart canvas")).to_have_count(5)
    box = page.locator(".u-over").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_url("**start=*")
    expect(page.get_by_role("button", name="chosen")).to_be_visible()
    page.locator(".u-over").first.dblclick()
    expect(page.get_by_role("button", name="24h")).to_have_attribute("aria-pressed", "true")
    assert "start=" not in page.url


def test_its_tasks_errors_and_events_lead_to_their_stories(open_page) -> None:
    page = opened(open_page, "?part=tasks")
    expect(page.get_by_role("link", name="t-003")).to_have_attribute("href", "#/tasks/t-003?agent=fast-003")
    page.get_by_role("button", name="Errors", exact=True).click()
    expect(page.get_by_role("link", name="TimeoutError")).to_have_attribute("href", "#/errors/0000000000000000?agent=fast-003")
    page.get_by_role("button", name="Events", exact=True).click()
    expect(page.get_by_role("link", name="t-003")).to_be_visible()


def test_configuration_and_keys_show_what_is_not_in_step(site: Site, open_page) -> None:
    page = opened(open_page, "?part=configuration")
    expect(page.locator(".badge")).to_have_text(["● in step", "▲ not the desired one"])
    page.get_by_role("button", name="Edit…").click()
    page.get_by_label("Document, JSON").fill('{"model": "m-3"}')
    expect(page.locator(".diff [data-sign='+']")).to_contain_text('"model": "m-3"')
    site.routes[f"PUT {AGENT}/desired"] = shapes.problem(412, "somebody else changed it meanwhile")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("somebody else changed it meanwhile")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys", exact=True).click()
    expect(page.locator("tbody .badge")).to_have_text("▲ not yet")


def test_tags_are_set_and_a_silence_made_by_keyboard(site: Site, open_page) -> None:
    page = opened(open_page)
    page.get_by_role("button", name="Name, owner, tags…").press("Enter")
    page.get_by_label("Tags set remotely").fill("team=a\nwrong")
    expect(page.get_by_role("alert")).to_have_text("“wrong” is not of the form key=value")
    page.get_by_label("Tags set remotely").fill("team=a")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert site.sent[-1].body == {"name": None, "owner": None, "tags": {"tier": None, "team": "a"}}
    site.routes["POST /api/silences"] = shapes.problem(403, "this needs the scope operate; the token has read")
    page.get_by_role("button", name="Silence…").press("Enter")
    page.get_by_role("button", name="Silence", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("needs the scope operate")
    assert site.sent[-1].body == {"matchers": "agent=fast-003", "for": "2h", "comment": ""}
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Silence…")).to_be_focused()


def test_the_fleet_tells_what_changed_and_leads_there(site: Site, open_page) -> None:
    site.routes["/api/changes"] = work.changes(
        work.change("agents", f"tag x: none → {work.HOSTILE}", 12, agents=9, tags={"tier": "fast"}),
        work.change("rollout", "Faster model", 40, id="r000000001aa", state="baking", agents=30, named=[]),
        work.change("agents", "retired", 50),
        more=3,
    )
    page = open_page()
    expect(page.locator("#changes li")).to_have_text(
        [
            # The answers are as old as the run of all tests.
            re.compile(rf"^\d+ min ago 9 agents \(tier=fast\) tag x: none → {re.escape(work.HOSTILE)}$"),
            re.compile(r"^\d+ (min|h) ago Faster model rollout, baking, 30 agents$"),
            re.compile(r"^\d+ (min|h) ago fast-003 retired$"),
            "and 3 changes more",
        ]
    )
    expect(page.get_by_role("link", name="Faster model")).to_have_attribute("href", "#/rollouts/r000000001aa")
    assert page.locator("#changes img").count() == 0


def test_figures_stand_beside_those_of_the_same_hour_a_week_ago(site: Site, open_page) -> None:
    def summary(request: Request) -> Any:
        then = shapes.window(tasks=4_200, errorRate=0.012, costUsd=None, latency=shapes.latency(600.0, 1_890.0, None))
        return shapes.summary(agents=30, asOf=stamp(3), window=then if request.query.get("ago") == ["7d"] else None)

    site.routes["/api/dashboard/summary"] = summary
    page = open_page()
    expect(page.locator("#totals .week")).to_have_text(
        ["+20 % on the week", "+1.3 points on the week", "+7 % on the week", "±0 % on the week", "+971 % on the week"]
    )
    expect(page.locator("#totals > div").nth(1)).to_have_attribute("title", "of the last whole minute; 70 in the same hour a week ago")


def test_tiles_stand_in_the_order_that_was_chosen(site: Site, open_page) -> None:
    site.agents = [agent("a", errorRate=None), agent("b", errorRate=0.1), agent("c", "red", errorRate=0.5)]
    page = open_page()
    names = page.locator(".tile .name")
    expect(names).to_have_text(["a", "b", "c"])
    page.get_by_label("Order").select_option("errors")
    expect(names).to_have_text(["c", "b", "a"])
    page.reload()
    expect(names).to_have_text(["c", "b", "a"])
