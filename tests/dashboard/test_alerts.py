"""Alerts, silences and incidents in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.domain.alert import Phase
from tests.cli import shapes
from tests.dashboard import alert_answers as given
from tests.dashboard.answer_parts import NOW, asked_for, cells, visit
from tests.dashboard.site import Request, Site

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"
PENDING = {"phase": Phase.PENDING, "fired_at": None, "incident": None}


@pytest.fixture
def opened(site: Site, open_page: Any) -> Any:
    """Opens a place; what nobody set otherwise is empty."""
    empty = {
        "/api/alerts": given.alerts(),
        "/api/silences": given.silences(),
        "/api/incidents": given.incidents(),
        f"/api/incidents/{given.INCIDENT}": given.story(),
        "/api/deliveries": given.deliveries(),
    }

    def page(place: str, query: str = "", **options: Any) -> Page:
        site.routes = empty | site.routes
        return visit(open_page(query, **options), place)

    return page


def name(row: list[str]) -> str:
    """Of a row's first cell, without the severity's shape and word before it."""
    return row[0].split("\n")[-1].strip()


def some() -> Any:
    return given.alerts(
        given.alert("quiet", silenced_by="s1"),
        given.alert("dead", severity="warning", series={"agent": "fast-003"}, **PENDING),
        given.alert("known", acknowledged_by="ada"),
        given.alert("mild", severity="info", series={}),
        given.alert(),
    )


def test_what_somebody_is_told_of_stands_first_and_counts_tell_the_rest(site: Site, opened: Any) -> None:
    site.routes["/api/alerts"] = some()
    page = opened("alerts", "?tags=env%3Dprod")
    rows = cells(page, "Alerts")
    assert [name(row) for row in rows] == ["slow", "known", "mild", "dead", "quiet"]
    assert rows[4][2].split("\n") == ["■ firing", "○ silenced"]
    assert rows[2][1:4:2] == ["◆ info", "all together"]
    assert asked_for(page, site, "/api/alerts", tags="env=prod")
    page.get_by_role("button", name="Pending 1").click()
    assert [name(row) for row in cells(page, "Alerts")] == ["dead"]
    page.get_by_role("button", name="Silenced 1").click()
    assert [name(row) for row in cells(page, "Alerts")] == ["quiet"]
    page.get_by_role("button", name="Resolved").click()
    assert asked_for(page, site, "/api/alerts", state="resolved", tags="env=prod")


def test_alerts_are_grouped_as_the_fleet_is(site: Site, opened: Any) -> None:
    site.routes["/api/alerts"] = some()
    page = opened("alerts", "?by=tier")
    expect(page.locator(".group h3")).to_have_text(["no tier · 2", "tier=fast · 3"])


def test_an_alert_is_opened_acknowledged_and_silenced_by_keyboard(site: Site, opened: Any) -> None:
    site.routes["/api/alerts"] = some()
    site.routes[f"POST /api/incidents/{given.INCIDENT}/acknowledge"] = given.story()
    site.routes["POST /api/silences"] = (403, shapes.problem(403, "this needs the scope operate; the token has read.")[1])
    page = opened("alerts")
    page.get_by_role("link", name="critical slow", exact=True).focus()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="slow · tier=fast")
    expect(dialog).to_contain_text("p95 of task.latency_ms over 10 min is 2.8 s, above 2 s")
    dialog.get_by_role("button", name="Acknowledge its incident").press("Enter")
    expect(page.locator(".toasts")).to_contain_text("Acknowledged")
    dialog.get_by_role("button", name="Silence…").press("Enter")
    page.get_by_label("Why").fill("known")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("needs the scope operate")
    assert site.sent[-1].body == {"matchers": "rule=slow,tier=fast", "for": "2h", "comment": "known"}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("alert="))


def test_nothing_fires_no_permission_and_an_address_of_what_is_over_say_what_to_do(site: Site, opened: Any) -> None:
    page = opened("alerts", "?tags=tier%3Dnone")
    expect(page.get_by_role("heading", name="All quiet")).to_be_visible()
    page.get_by_role("button", name="Look at the whole fleet").click()
    visit(page, "alerts?alert=gone")
    expect(page.locator("main .notice")).to_contain_text("gone is not among these alerts: it may be over.")
    site.fault = shapes.problem(403, "this needs the scope read")
    visit(page, "alerts?part=silences")
    expect(page.get_by_role("heading", name="This token may not see the silences")).to_be_visible()


def test_silences_are_made_for_hours_of_the_week_and_lifted(site: Site, opened: Any) -> None:
    made: list[Any] = []

    def make(request: Request) -> tuple[int, Any]:
        made.append(given.silence(weekly=given.WEEKEND, matchers=request.body["matchers"]))
        site.routes["/api/silences"] = given.silences(*made)
        return 201, made[0].model_dump(mode="json", by_alias=True)

    def lift(_request: Request) -> tuple[int, Any]:
        site.routes["/api/silences"] = given.silences()
        return 204, None

    site.routes |= {"POST /api/silences": make, "DELETE /api/silences/a1b2c3": lift}
    page = opened("alerts?part=silences")
    page.get_by_role("button", name="Silence…").click()
    page.get_by_label("Which alerts, by rule").fill("tier=batch")
    page.get_by_label("only in certain hours").check()
    page.get_by_role("button", name="fri").click()
    page.get_by_label("from", exact=True).fill("22:00")
    page.get_by_role("dialog").get_by_role("button", name="Silence", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.sent[-1].body["weekly"] == {"days": ["fri", "sat", "sun"], "from": "22:00", "to": "24:00"}
    assert cells(page, "Silences")[0][:3] == ["tier=batch", "● in force", "sat, sun 00:00 to 24:00 UTC"]
    page.get_by_role("button", name="Lift the silence tier=batch").click()
    page.get_by_role("button", name="Lift", exact=True).click()
    expect(page.get_by_role("heading", name="No silence")).to_be_visible()


def test_incidents_are_found_by_words_state_and_time(site: Site, opened: Any) -> None:
    closed = given.incident(id="0192f6a1b2d-0123456789ab", title="over", state="closed", closed=NOW, firing=0)
    site.routes["/api/incidents"] = given.incidents(closed, given.incident())
    page = opened("incidents", "?tags=env%3Dprod")
    assert [name(row) for row in cells(page, "Incidents")] == ["slow (env=prod): 3 alerts", "over"]
    page.get_by_label("with the words").fill("provider")
    page.get_by_role("button", name="Open", exact=True).click()
    page.clock.run_for(400)
    asked_for(page, site, "/api/incidents", q="provider", state="open", tags="env=prod")
    with page.expect_request(lambda request: "since=" in request.url) as later:
        page.get_by_label("of the last").select_option("30 days")
    # By whole hours, so that the same question comes again and again.
    assert "%3A00%3A00.000Z" in later.value.url


def test_an_incident_tells_its_story_and_takes_notes(site: Site, opened: Any) -> None:
    def note(request: Request) -> tuple[int, Any]:
        notes = [given.NoteAnswer(at=NOW, by="ada", text=request.body["text"])]
        site.routes[f"/api/incidents/{given.INCIDENT}"] = given.story(notes=notes, acknowledged_by=["ada"])
        return 201, given.story(notes=notes)

    site.routes[f"POST /api/incidents/{given.INCIDENT}/notes"] = note
    page = opened(f"incidents/{given.INCIDENT}")
    expect(page.locator("ol.happened li")).to_have_count(5)
    expect(page.locator("ol.happened li").nth(3)).to_contain_text("ada (tok1): The provider's status page says degraded.")
    assert [row[:3] for row in cells(page, "Alerts of the incident")][2] == ["slow", "tier=smart", "● over"]
    expect(page.get_by_role("img", name="slow fired for 18 min")).to_be_visible()
    page.get_by_role("link", name="pager").click()
    expect(page.get_by_role("dialog")).to_contain_text("503 Service Unavailable")
    page.keyboard.press("Escape")
    page.get_by_label("Write a note").fill(f"{HOSTILE} it was the provider")
    page.get_by_role("button", name="Note", exact=True).click()
    expect(page.locator("ul.happened")).to_contain_text(f"{HOSTILE} it was the provider")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_disabled()
    assert page.locator("main img").count() == 0


def test_the_draft_of_a_postmortem_is_shown_as_text_and_saved(site: Site, opened: Any) -> None:
    site.routes[f"/api/incidents/{given.INCIDENT}/postmortem"] = f"# Draft {HOSTILE}"
    page = opened(f"incidents/{given.INCIDENT}")
    page.get_by_role("button", name="Postmortem…").click()
    dialog = page.get_by_role("dialog", name="Draft of a postmortem")
    expect(dialog.locator("pre")).to_contain_text(f"# Draft {HOSTILE}")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save as Markdown").click()
    assert saved.value.suggested_filename == f"postmortem-{given.INCIDENT}.md"
    assert page.locator("img[src=x]").count() == 0
