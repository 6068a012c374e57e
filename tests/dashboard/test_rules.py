"""Rules in a real browser: the editor with faults and replay, others who change them meanwhile, audit and packs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cli import shapes
from tests.dashboard import alert_answers as given
from tests.dashboard.answer_parts import cells, visit
from tests.dashboard.site import Request, Site

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"
RESTING_MS = 1_200
"""Longer than typing has to rest before the text is checked, or replayed."""


@pytest.fixture
def opened(site: Site, open_page: Any) -> Any:
    """Opens a place, with a store that takes what is put."""

    def put(request: Request) -> Any:
        site.routes["/api/rules"] = given.rules(*request.body["rules"], packs=tuple(request.body["packs"]))
        return site.routes["/api/rules"]

    usual = {
        "/api/rules": given.rules(given.SLOW),
        "PUT /api/rules": put,
        "POST /api/rules/check": {"faults": []},
        "POST /api/alerts/backtest": given.backtest(),
        "/api/rules/packs": given.packs(),
        "/api/alerts/audit": given.audit(),
    }

    def page(place: str, **options: Any) -> Page:
        site.routes = usual | site.routes
        return visit(open_page(**options), place)

    return page


def text_of(page: Page) -> Locator:
    return page.get_by_label("The rule as JSON")


def rest(page: Page) -> None:
    """Let the typing rest, and the answers come."""
    page.clock.run_for(RESTING_MS)
    expect(page.locator("#faults")).not_to_contain_text("Checking")


def test_a_rule_is_shown_with_what_it_would_have_done(site: Site, opened: Any) -> None:
    page = opened("rules")
    assert [row[:3] for row in cells(page, "Rules in force")] == [
        ["error-rate-rising", "■ critical", "pack tasks"],
        ["slow", "■ critical", "own"],
    ]
    page.get_by_role("link", name="slow", exact=True).press("Enter")
    assert json.loads(text_of(page).input_value()) == given.SLOW
    rest(page)
    page.clock.run_for(RESTING_MS)
    expect(page.get_by_role("status").filter(has_text="2 alerts in this time.")).to_be_visible()
    picture = page.get_by_role("group", name="tier=fast: measured between 800 ms and 2,780 ms")
    expect(picture.locator("canvas")).to_be_visible()
    lane = page.get_by_role("img", name="fired for 88 min, 2,312 ms")
    assert lane.locator("rect.bar").count() == 2
    page.get_by_role("button", name="tier=smart").press("Enter")
    expect(page.get_by_role("group", name="tier=smart: measured between 1,100 ms and 1,580 ms")).to_be_visible()
    assert [row[2:4] for row in cells(page, "Alerts that would have been")] == [["34 min", "$1.24"], ["88 min", "$1.24"]]
    (asked,) = [request.body for request in site.sent if request.path == "/api/alerts/backtest"]
    assert asked == {"rule": "slow", "document": given.SLOW, "range": "24h", "picture": True}


def test_faults_stand_by_their_path_and_lead_to_the_place(site: Site, opened: Any) -> None:
    site.routes["POST /api/rules/check"] = {"faults": [{"path": "when.above", "reason": f"must be a number {HOSTILE}"}]}
    page = opened("rules/slow")
    rest(page)
    expect(page.locator("#faults .fault")).to_have_text(f"when.above must be a number {HOSTILE}")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_role("button", name="when.above").click()
    chosen = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert text_of(page).evaluate(chosen) == '"above": '
    text_of(page).fill('{"name": "slow",}')
    expect(page.locator("#faults")).to_contain_text("This is no JSON")
    page.clock.run_for(RESTING_MS)
    assert not [request for request in site.sent if request.path == "/api/alerts/backtest"], "nothing that is wrong is replayed"


def test_a_change_is_compared_and_saved_beside_what_others_wrote(site: Site, opened: Any) -> None:
    page = opened("rules/slow")
    changed = {**given.SLOW, "for": "5m"}
    text_of(page).fill(json.dumps(changed))
    expect(page.get_by_label("Changes to the rule")).to_contain_text('"for": "5m"')
    rest(page)
    page.clock.run_for(RESTING_MS)
    expect(page.get_by_role("status").filter(has_text="The rule in force: 2 alerts.")).to_be_visible()
    other = {**given.SLOW, "name": "other"}
    site.routes["/api/rules"] = given.rules(given.SLOW, other)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toasts")).to_contain_text("slow is in force.")
    (put,) = [request for request in site.sent if request.method == "PUT"]
    assert put.body == {"packs": ["tasks"], "rules": [changed, other]}
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    assert json.loads(text_of(page).input_value()) == changed


def test_a_change_by_somebody_else_is_not_written_over_unseen(site: Site, opened: Any) -> None:
    page = opened("rules/slow")
    mine = {**given.SLOW, "for": "5m"}
    text_of(page).fill(json.dumps(mine))
    rest(page)
    site.routes["/api/rules"] = given.rules({**given.SLOW, "for": "9m"})
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".workshop").get_by_role("alert")).to_contain_text("Somebody else changed the rule slow meanwhile.")
    assert not [request for request in site.sent if request.method == "PUT"]
    page.clock.run_for(30_100)
    expect(page.get_by_label("Changes by somebody else")).to_contain_text('"for": "9m"')
    assert json.loads(text_of(page).input_value()) == mine, "nothing of mine is lost"
    page.get_by_role("button", name="Go on with mine").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toasts")).to_contain_text("slow is in force.")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    site.routes["/api/rules"] = given.rules()
    page.clock.run_for(30_100)
    expect(page.locator("main > .notice")).to_contain_text("The rule slow is not in force any more.")
    assert json.loads(text_of(page).input_value()) == mine


def test_a_rule_of_a_pack_becomes_an_own_one_and_goes_back(site: Site, opened: Any) -> None:
    page = opened("rules/error-rate-rising")
    mine = {**given.STOCK, "for": "3m"}
    text_of(page).fill(json.dumps(mine))
    rest(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".origin")).to_contain_text("own, in the place of the one of tasks")
    (put,) = [request for request in site.sent if request.method == "PUT"]
    assert put.body["rules"] == [given.SLOW, mine]
    page.get_by_role("button", name="Back to the pack’s…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".origin")).to_contain_text("from the pack tasks")
    expect(text_of(page)).to_have_value(json.dumps(given.STOCK, indent=2))


def test_a_new_rule_that_cannot_be_replayed_says_why_and_is_put_in_force(site: Site, opened: Any) -> None:
    site.routes["POST /api/alerts/backtest"] = shapes.problem(422, "dead cannot be replayed: it reads the snapshot", field="rule")
    page = opened("rules")
    page.get_by_role("button", name="New rule…").click()
    dead = {"name": "dead", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}}
    text_of(page).fill(json.dumps(dead))
    rest(page)
    page.clock.run_for(RESTING_MS)
    expect(page.locator(".workshop .notice")).to_have_text("dead cannot be replayed: it reads the snapshot")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("heading", name="dead")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("#/rules/dead") + "$"))


def test_the_audit_proposes_and_packs_are_switched(site: Site, opened: Any) -> None:
    page = opened("rules?part=audit")
    expect(page.locator(".finding").first).to_contain_text("Give it keep_firing_for: 15m.")
    expect(page.locator(".panel")).to_have_count(2)
    page.get_by_role("button", name="Packs").click()
    page.get_by_role("button", name="Put in force…").click()
    page.get_by_role("dialog").get_by_role("button", name="Put in force").click()
    expect(page.locator(".toasts")).to_contain_text("cost is in force.")
    assert site.sent[-1].body == {"packs": ["tasks", "cost"], "rules": [given.SLOW]}


def test_no_rule_and_no_such_rule_say_what_to_do(site: Site, opened: Any) -> None:
    site.routes["/api/rules"] = {"packs": [], "rules": [], "own": {}, "faults": [f"rules[0]: {HOSTILE}"]}
    page = opened("rules")
    expect(page.get_by_role("heading", name="No rule is in force")).to_be_visible()
    expect(page.locator(".notice.error")).to_have_text(f"rules[0]: {HOSTILE}")
    visit(page, "rules/none")
    page.get_by_role("button", name="Show the rules").click()
    expect(page.get_by_role("button", name="New rule…").first).to_be_visible()
