"""One agent in a real browser; and what the fleet says of changes and of the week before."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.api.agent_configuration import ConfigurationAnswer, DocumentAnswer
from tests.cli import shapes
from tests.dashboard import work_answers as work
from tests.dashboard.answer_parts import shown
from tests.dashboard.site import ME, TOKEN, Request, Site, agent, stamp
from tests.dashboard.test_all_views import misfits

pytestmark = pytest.mark.browser

AGENT = "/api/agents/fast-003"
ONE, TWO = {"model": "m-1", "tools": work.HOSTILE}, {"model": "m-2", "tools": work.HOSTILE}


def configuration(**changes: Any) -> Any:
    """The second document is desired and written, the first one still in force."""
    documents = {
        "desired": DocumentAnswer(hash="h2", document=TWO, kept="desired"),
        "written": DocumentAnswer(hash="h2", document=TWO, kept="desired"),
        "applied": DocumentAnswer(hash="h1", document=ONE, kept="past"),
    }
    return shown(ConfigurationAnswer(agent="fast-003", error=None, **documents | changes))


@pytest.fixture(autouse=True)
def answers(site: Site) -> None:
    key = {"assigned": "ab12", "reported": "cd34", "error": None, "used": stamp(60)}
    details = work.agent(cpu=41.0, keys={"anthropic": key}, config=shapes.config("h2", "h2", "h1"))
    site.routes |= {
        AGENT: details,
        f"PATCH {AGENT}": details,
        f"{AGENT}/desired": shapes.desired("fast-003"),
        f"{AGENT}/configuration": configuration(),
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
    expect(page.locator("p.why")).to_contain_text(": heartbeat fresh · last seen")
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
    expect(page).not_to_have_url(re.compile("start="))


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
    expect(page.locator("dialog .diff [data-sign='+']")).to_contain_text('"model": "m-3"')
    site.routes[f"PUT {AGENT}/desired"] = shapes.problem(412, "somebody else changed it meanwhile")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("somebody else changed it meanwhile")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys", exact=True).click()
    expect(page.locator("tbody .badge")).to_have_text("▲ not yet")


def test_who_may_only_read_is_told_so_before_filling_in_a_form(site: Site, open_page) -> None:
    site.routes["/api/me"] = ME | {"scopes": ["operate"]}
    page = opened(open_page)
    expect(page.get_by_role("link", name="This token may: operate")).to_be_visible()
    expect(page.get_by_role("button", name="Forget…")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("button", name="Restart…")).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Forget…").press("Enter")
    expect(page.locator(".toasts")).to_have_text("This needs the scope admin; the token may operate. Sign in with a token that may.")
    site.routes["/api/me"] = ME | {"scopes": ["read"]}
    page.reload()
    expect(page.get_by_role("button", name="Restart…")).to_have_attribute("title", "This needs the scope operate; the token may read.")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_in_force_is_compared_with_what_is_desired(site: Site, open_page) -> None:
    page = opened(open_page, "?part=configuration")
    difference = page.get_by_label("In force → desired")
    expect(difference.locator("[data-sign='−']")).to_contain_text('"model": "m-1"')
    expect(difference.locator("[data-sign='+']")).to_contain_text('"model": "m-2"')
    expect(difference).to_contain_text(work.HOSTILE)
    page.get_by_role("button", name="Written → desired").click()
    expect(page.get_by_text("Written and desired are the same document.")).to_be_visible()
    page.get_by_role("button", name="Desired document").click()
    expect(page.locator("pre.json")).to_contain_text('"model": "m-2"')
    expect(page).to_have_url(re.compile("compare=document"))
    assert page.locator("main img").count() == 0
    # From here a change is rolled out.
    page.get_by_role("link", name="Roll out a change…").click()
    expect(page.get_by_label("Agents, by their tags")).to_have_value("agent=fast-003")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"applied": DocumentAnswer(hash="h0", document=None, kept=None)}, "In force: no document with the hash h0 is kept"),
        (
            {"desired": None, "written": None, "applied": None},
            "Nothing is desired, and the agent has not told what it has.",
        ),
        ({"desired": None, "written": None}, "Nothing is desired. In force, as it was once desired:"),
    ],
    ids=["not kept", "nothing", "unmanaged"],
)
def test_what_is_not_known_of_a_configuration_is_said_plainly(site: Site, open_page, changes: dict[str, Any], says: str) -> None:
    site.routes[f"{AGENT}/configuration"] = configuration(**changes)
    expect(opened(open_page, "?part=configuration").get_by_text(says)).to_be_visible()


def test_the_comparison_fits_every_screen_and_is_accessible(site: Site, open_page) -> None:
    page = opened(open_page, "?part=configuration", clock=False, reduced_motion="reduce")
    expect(page.get_by_label("In force → desired")).to_be_visible()
    assert misfits(page) == []


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
    page.get_by_role("button", name="Retire…").press("Enter")
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_role("button", name="Retire…")).to_be_focused()


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
