"""Rollouts in a real browser, with answers made by the API's models."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.domain.rollout import Hold, HoldCause, Outcome, Phase, Reversibility
from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for
from tests.dashboard.rolling import ID, comparison, held, listed, log, plan, rollout, shown, verdict
from tests.dashboard.site import TOKEN, Site

pytestmark = pytest.mark.browser
PATH = f"/api/rollouts/{ID}"
HOSTILE = "<img src=x onerror=alert(1)>"


def now() -> int:
    return round(time.time() * 1000)


@pytest.fixture
def put(site: Site):
    """Puts a rollout in the way of the page."""

    def one(make: Any = rollout, detail: str = "no such model: swift/two", **changes: Any) -> None:
        at = now()
        waves = plan(at, detail)
        site.routes |= {
            PATH: shown(make(at, waves, **changes), waves, at),
            f"{PATH}/audit": log(at, ("ada", "created", "70 agents in 3 waves"), ("clawpulse", "verdict", "wave 1 of 3: pass")),
            f"{PATH}/comparison": lambda request: comparison(at, int(request.query["wave"][0])),
        }

    return one


@pytest.fixture
def show(open_page):
    def shown(query: str = "", **options: Any) -> Page:
        return open_page(fragment=f"#token={TOKEN}&view=/rollouts/{ID}{query}", **options)

    return shown


def test_the_list_tells_phase_progress_and_reason_and_pages(site: Site, open_page) -> None:
    at = now()
    waves = plan(at)
    hostile = rollout(at, waves, id="r1jb0al920aaa", title=HOSTILE, phase=Phase.REVERTED, counts={"reverted": 5, "waiting": 65})
    first, older = listed(held(at, waves), hostile, cursor="c2"), listed()
    site.routes["/api/rollouts"] = lambda request: older if request.query.get("cursor") == ["c2"] else first
    page = open_page(fragment=f"#token={TOKEN}&view=/rollouts")
    rows = page.get_by_role("table", name="Rollouts").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("waiting: approval")
    expect(rows.nth(0)).to_contain_text("4 of 70 have it")
    expect(rows.nth(0).get_by_role("img")).to_have_attribute("aria-label", "4 applied, 1 failed, 1 asleep, 64 waiting")
    expect(rows.nth(1)).to_contain_text("5 of 70 are back")
    expect(rows.nth(1)).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_role("heading", name="No such rollout")).to_be_visible()
    page.get_by_role("button", name="Newest").click()
    expect(rows).to_have_count(2)
    with page.expect_request("**/api/rollouts?*state=open*"):
        page.get_by_role("button", name="Under way").click()
    expect(page).to_have_url(f"{site.url}#/rollouts?state=open")


def test_none_yet_says_how_to_try_one(site: Site, open_page) -> None:
    site.routes["/api/rollouts"] = listed()
    page = open_page(fragment=f"#token={TOKEN}&view=/rollouts")
    expect(page.get_by_role("heading", name="No rollout yet")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text("clawpulse rollout start")


def test_one_shows_its_waves_the_gates_numbers_and_canary_against_control(site: Site, put, show) -> None:
    put(verdicts=[verdict(now(), Outcome.FAIL, reason="errors are worse than both references")])
    page = show()
    waves = page.get_by_role("list", name="Waves").get_by_role("button")
    expect(waves).to_have_count(3)
    expect(waves.nth(1)).to_have_attribute("aria-current", "step")
    expect(waves.nth(1)).to_contain_text("3 applied, 1 failed, 1 asleep")
    found = page.get_by_role("table", name="What the gate found").locator("tbody tr")
    expect(found.nth(0)).to_contain_text("8.1 %")
    expect(found.nth(0)).to_contain_text("×4.1")
    expect(found.nth(0)).to_contain_text("160 of 500")
    expect(found.nth(2)).to_contain_text("–")
    expect(page.get_by_role("group", name="Errors: canary between")).to_have_attribute(
        "aria-label", r"Errors: canary between 1.8 % and 8.8 %, last 8.4 %; control between 1.8 % and 2.2 %, last 2.1 %"
    )
    expect(page.get_by_text("Control: 64 agents (50 looked at): agents of later waves.")).to_be_visible()
    expect(page.get_by_role("table", name="Agents of wave 2")).to_contain_text("no such model: swift/two")
    expect(page.locator(".log li").first).to_contain_text("wave 1 of 3: pass")


def test_a_wave_is_chosen_by_keyboard_and_stands_in_the_address(site: Site, put, show) -> None:
    put()
    page = show()
    third = page.get_by_role("list", name="Waves").get_by_role("button").nth(2)
    third.focus()
    page.keyboard.press("Enter")
    expect(third).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("The gate looks when the wave's agents have applied it.")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"#/rollouts/{ID}\?wave=3$"))
    asked_for(page, site, f"{PATH}/comparison", wave="2")


def test_only_what_is_possible_is_offered_and_done_with_a_comment(site: Site, put, show) -> None:
    put(held)
    page = show()
    offered = page.locator("main > .panel").first.get_by_role("button")
    expect(offered).to_have_text(["Approve…", "Pause…", "Promote…", "Stop here…", "Abort…"])
    at = now()
    waves = plan(at)

    def approve(request: Any) -> Any:
        site.routes[PATH] = shown(rollout(at, waves, phase=Phase.APPLYING, wave=2, reason="approved by ada"), waves, at)
        return site.routes[PATH]

    site.routes[f"POST {PATH}/approve"] = approve
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Lets this wave begin.")
    page.keyboard.type("looks good")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("for 3 min: approved by ada")).to_be_visible()
    (sent,) = site.sent
    assert (sent.method, sent.path, sent.body) == ("POST", f"{PATH}/approve", {"comment": "looks good"})


def test_a_refusal_stays_in_the_dialog_and_says_why(site: Site, put, show) -> None:
    put(reversibility=Reversibility.IRREVERSIBLE)
    site.routes[f"POST {PATH}/abort"] = shapes.problem(403, "this needs the scope operate; the token has read.")
    page = show()
    page.get_by_role("button", name="Abort…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("irreversible: going back does not undo all of it")
    dialog.get_by_role("button", name="Abort").click()
    expect(dialog.get_by_role("alert")).to_have_text("this needs the scope operate; the token has read.")


def test_hostile_texts_are_text_and_a_revert_that_is_refused_says_what_helps(site: Site, put, show) -> None:
    hold = Hold(cause=HoldCause.REVERT, reason=HOSTILE)
    put(title=HOSTILE, detail=HOSTILE, by=HOSTILE, phase=Phase.HELD, hold=hold, resume_to=Phase.REVERTING)
    page = show()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    expect(page.get_by_role("table", name="Agents of wave 2")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Skip gate…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Leaves those that refuse as they are")
    assert page.locator("main img, dialog img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(put, show, scheme: str) -> None:
    put()
    page = show(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    expect(page.get_by_role("table", name="Agents of wave 2")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
