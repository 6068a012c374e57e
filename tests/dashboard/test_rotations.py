"""Keys and their rotations in a real browser, with answers made by the API's models."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from functions.domain.rollout import Hold, HoldCause
from functions.domain.rotation import RotationPhase
from tests.cli import shapes
from tests.dashboard.rolling import ID, KEY, NEW, OLD, keys, log, rotation, rotation_shown, rotations_listed
from tests.dashboard.site import TOKEN, Site

pytestmark = pytest.mark.browser
PATH = f"/api/rotations/{KEY}"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def now(site: Site) -> int:
    found = round(time.time() * 1000)
    site.routes |= {
        "/api/keys": keys(found),
        "/api/rotations": rotations_listed(
            rotation(found), rotation(found, id="k1jb0al920bbb", phase=RotationPhase.QUEUED, emergency=True)
        ),
        PATH: rotation_shown(rotation(found), found),
        f"{PATH}/audit": log(found, ("ada", "created", HOSTILE)),
    }
    return found


def show(open_page, view: str = "/rotations") -> Page:
    page: Page = open_page(fragment=f"#token={TOKEN}&view={view}")
    return page


def test_keys_tell_their_age_and_who_uses_them(now: int, open_page) -> None:
    page = show(open_page)
    rows = page.get_by_role("table", name="Keys of anthropic").locator("tbody tr")
    expect(rows.nth(0)).to_contain_text(f"overdue{OLD}")
    expect(rows.nth(0)).to_contain_text("97 d, overdue")
    expect(rows.nth(1)).to_contain_text("acme / current")
    expect(rows.nth(2)).to_contain_text("not in Vault")
    expect(page.get_by_text("2 not on the key they should use")).to_be_visible()
    expect(page.locator(".troubled")).to_have_text("fast-003: the provider answers 401")


def test_rotations_are_listed_and_lead_to_one(now: int, open_page) -> None:
    page = show(open_page)
    rows = page.get_by_role("table", name="Rotations").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("emergency")
    rows.nth(0).get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="A new key of anthropic")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(f"#/rotations/{KEY}") + "$"))


def test_one_shows_its_way_preflight_errors_and_waves(now: int, site: Site, open_page) -> None:
    page = show(open_page, f"/rotations/{KEY}")
    expect(page.locator(".steps [aria-current=step]")).to_have_text("rolling")
    expect(page.locator(".preflight li")).to_have_text(
        ["● yes differs another key than the one in use", "○ not known yet vault sealed", "■ no fleet 12 of 40 agents are red"]
    )
    expect(page.locator(".stat", has_text="errors of this wave")).to_have_attribute("data-tone", "bad")
    expect(page.locator(".pairs")).to_contain_text(NEW)
    expect(page.locator(".log")).to_contain_text(HOSTILE)
    page.get_by_role("list", name="Waves").get_by_role("button").nth(0).click()
    expect(page).to_have_url(f"{site.url}#/rollouts/{ID}?wave=1")


def test_it_is_paused_with_a_comment_and_a_conflict_is_told(now: int, site: Site, open_page) -> None:
    site.routes[f"POST {PATH}/pause"] = shapes.problem(409, "pause is not possible: the rotation is paused; possible are resume, abort")
    hold = Hold(cause=HoldCause.VAULT, reason="Vault is sealed")
    page = show(open_page, f"/rotations/{KEY}")
    page.get_by_role("button", name="Pause…").click()
    expect(page.get_by_label("Why; goes into the audit log")).to_be_focused()
    page.keyboard.type("lunch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("possible are resume, abort")
    assert site.sent[0].body == {"comment": "lunch"}
    page.keyboard.press("Escape")
    site.routes[PATH] = rotation_shown(rotation(now, phase=RotationPhase.HELD, hold=hold, resume_to=RotationPhase.ROLLING), now)
    page.clock.run_for(5_100)
    expect(page.get_by_text("held: vault")).to_be_visible()
    expect(page.get_by_role("button", name="Resume…")).to_be_visible()


def test_without_keys_or_rotations_it_says_what_to_do(site: Site, open_page) -> None:
    site.routes |= {"/api/keys": {"providers": []}, "/api/rotations": rotations_listed()}
    page = show(open_page)
    expect(page.get_by_role("heading", name="No provider of keys")).to_be_visible()
    expect(page.get_by_text("clawpulse rotate anthropic --new-key-from stdin")).to_be_visible()


def test_a_token_of_a_part_of_the_workspace_is_told_that_it_may_not(site: Site, open_page) -> None:
    site.routes |= {path: shapes.problem(403, "the keys need a token without tags") for path in ("/api/keys", "/api/rotations")}
    expect(show(open_page).get_by_role("heading", name="This token may not see the keys")).to_be_visible()
