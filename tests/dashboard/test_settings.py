"""Settings in a real browser: tokens, channels, documents that somebody else may change meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.domain.delivery import DeliveryState
from tests.cli import shapes
from tests.dashboard import settings_answers as answers
from tests.dashboard.site import TOKEN, Request, Site

pytestmark = pytest.mark.browser
POLL_MS = 15_100
BUDGETS = {"tier=smart": {"usd_per_day": 50}, "": {"usd_per_month": 900}}
HOSTILE = "<img src=x onerror=alert(1)>"


def at(place: str) -> dict[str, str]:
    return {"fragment": f"#token={TOKEN}&view=/{place}"}


def text_of(page: Page) -> Any:
    return page.locator("textarea")


def test_a_token_is_made_and_its_secret_shown_once(site: Site, open_page) -> None:
    site.routes["/api/tokens"] = answers.tokens(answers.token("ABC", "on call", "admin"))
    site.routes["POST /api/tokens"] = answers.created("ingest")
    page = open_page(**at("settings"))
    expect(page.get_by_text("on call (this one)")).to_be_visible()
    page.get_by_role("button", name="New token…").click()
    page.get_by_label("Name").fill("agents")
    page.get_by_label("read see everything").uncheck()
    expect(page.get_by_role("alert")).to_have_text("Choose at least one thing that it may.")
    page.get_by_label("ingest send").check()
    page.get_by_label("Limited to agents").fill("shard=acme, env=prod")
    page.get_by_label("Expires").select_option("in 30 days")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("Token", exact=True)).to_have_value(answers.SECRET)
    assert site.sent[-1].body == {
        "name": "agents",
        "scopes": ["ingest"],
        "tags": {"shard": "acme", "env": "prod"},
        "expiresIn": 30 * 86_400,
    }
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert answers.SECRET not in page.content()


def test_tokens_are_revoked_after_a_question_and_hostile_names_are_text(site: Site, open_page) -> None:
    site.routes["/api/tokens"] = answers.tokens(
        answers.token("T1", HOSTILE, "read", tags={"shard": HOSTILE}), answers.token("T2", "old", "read", state="revoked")
    )
    site.routes["DELETE /api/tokens/T1"] = {"id": "T1", "shares": []}
    page = open_page(**at("settings/tokens"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="All (2)").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name=f"Revoke {HOSTILE}").click()
    expect(page.locator("dialog h2")).to_have_text(f"Revoke {HOSTILE}")
    assert site.sent == []
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("It is revoked.")).to_be_visible()
    assert [(one.method, one.path) for one in site.sent] == [("DELETE", "/api/tokens/T1")]
    assert page.locator("main img, dialog img").count() == 0


@pytest.mark.parametrize(("keep", "query"), [(False, {}), (True, {"shares": ["keep"]})])
def test_links_that_a_token_made_are_named_and_revoked_with_it(site: Site, open_page, keep: bool, query: dict[str, list[str]]) -> None:
    links = [answers.token(f"L{n}", f"link {n} {HOSTILE}", "read", shared_by="T1") for n in range(2)]
    others = (
        answers.token("L3", "of another", "read", shared_by="T2"),
        answers.token("L4", "gone", "read", state="revoked", shared_by="T1"),
    )
    site.routes["/api/tokens"] = answers.tokens(answers.token("T1", "leaked", "operate"), *links, *others)
    site.routes["DELETE /api/tokens/T1"] = {"id": "T1", "shares": [] if keep else ["L0", "L1"]}
    page = open_page(**at("settings/tokens"))
    page.get_by_role("button", name="Revoke leaked", exact=True).click()
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("It made 2 links or badges that still work:")
    expect(dialog.locator("li")).to_have_count(2)
    expect(dialog.locator("li").first).to_contain_text(HOSTILE)
    if keep:
        dialog.get_by_label("Revoke them too").uncheck()
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("It is revoked." if keep else "It is revoked, with 2 links or badges that it made.")).to_be_visible()
    assert [(one.method, one.path, one.query) for one in site.sent] == [("DELETE", "/api/tokens/T1", query)]


def test_who_may_not_manage_tokens_is_told_so_and_the_rest_is_there(site: Site, open_page) -> None:
    site.routes["/api/me"] = answers.me("read", tags="shard=acme")
    site.routes["/api/tokens"] = shapes.problem(403, "this needs the scope admin; the token has read")
    site.routes["/api/retention"] = answers.retention()
    page = open_page(**at("settings"))
    expect(page.get_by_role("heading", name="This token may not see the tokens")).to_be_visible()
    expect(page.locator("#who")).to_have_text("This token may: read · shard=acme")
    page.locator("#who").click()
    expect(page.locator("main dd")).to_contain_text(["on call", "ABC", "team", "see everything here", "shard=acme"])
    page.get_by_role("link", name="Retention").click()
    expect(page.locator("tbody tr")).to_have_text(["Raw history○ not kepttasks", "Usage and cost400 daysby hour"])


def test_a_document_is_saved_only_over_what_was_seen(site: Site, open_page) -> None:
    stored: dict[str, Any] = {"value": BUDGETS}
    site.routes["/api/budgets"] = lambda _: stored["value"]

    def put(request: Request) -> Any:
        stored["value"] = request.body
        return request.body

    site.routes["PUT /api/budgets"] = put
    page = open_page(**at("settings/budgets"))
    expect(text_of(page)).to_have_value(json.dumps(BUDGETS, indent=2))
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        text_of(page).fill('{"": {"usd_per_month": 800}}')
        expect(page.locator('.diff [data-sign="+"]')).to_have_text('+ added     "usd_per_month": 800\n')
        page.get_by_role("button", name="Save").click()
    assert sent.value.headers["if-match"].startswith('"')
    expect(page.get_by_text("Saved: Budgets.")).to_be_visible()
    expect(text_of(page)).to_have_value(json.dumps({"": {"usd_per_month": 800}}, indent=2))


def test_somebody_elses_change_is_shown_and_nothing_typed_is_lost(site: Site, open_page) -> None:
    site.routes["/api/budgets"] = BUDGETS
    page = open_page(**at("settings/budgets"))
    mine = '{"": {"usd_per_month": 800}}'
    text_of(page).fill(mine)
    # Another view and back.
    page.get_by_role("link", name="Freezes").click()
    page.get_by_role("link", name="Budgets").click()
    expect(text_of(page)).to_have_value(mine)
    # Too late: what is there now comes with the refusal.
    site.routes["/api/budgets"] = BUDGETS | {"env=test": {"usd_per_day": 5}}
    site.routes["PUT /api/budgets"] = shapes.problem(412, "look at the budgets and try again")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this while you were editing.")
    expect(page.locator('.meanwhile [data-sign="+"]').filter(has_text="env=test")).to_have_count(1)
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_role("button", name="Go on with my text").click()
    expect(page.locator('.diff [data-sign="−"]').filter(has_text="env=test")).to_have_count(1)
    expect(text_of(page)).to_have_value(mine)
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.get_by_role("button", name="Drop my changes").click()
    expect(text_of(page)).to_have_value(json.dumps(BUDGETS | {"env=test": {"usd_per_day": 5}}, indent=2))


def test_every_fault_leads_to_its_place_in_the_text(site: Site, open_page) -> None:
    site.routes["/api/routes"] = {}
    status, problem = shapes.problem(422, "2 faults")
    faults = [{"path": "routes[0].channels[1]", "reason": HOSTILE}, {"path": "routes[0].mach", "reason": "is not known"}]
    site.routes["PUT /api/routes"] = (status, problem | {"faults": faults})
    page = open_page(**at("settings/routes"))
    page.get_by_role("button", name="Begin with an example").click()
    wanted = {"routes": [{"name": 'a "quoted" name', "mach": "x", "channels": ["oncall", "lost"]}]}
    text_of(page).fill("{")
    expect(page.get_by_role("alert")).to_contain_text("No JSON yet")
    text_of(page).fill(json.dumps(wanted, indent=2))
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".faults li")).to_have_text([f"routes[0].channels[1]: {HOSTILE}", "routes[0].mach: is not known"])
    chosen = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    page.get_by_role("button", name="routes[0].channels[1]").click()
    assert text_of(page).evaluate(chosen) == '"lost"'
    page.get_by_role("button", name="routes[0].mach").click()
    assert text_of(page).evaluate(chosen) == '"mach": "x"'


def test_a_channel_is_tried_and_says_what_became_of_it(site: Site, open_page) -> None:
    site.routes["/api/channels"] = {"oncall": {"kind": "slack", "channel": HOSTILE}, "odd": None}
    site.routes["POST /api/channels/oncall/test"] = answers.tested(DeliveryState.UNDELIVERED, f"channel_not_found {HOSTILE}")
    page = open_page(**at("settings/channels"))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Send a test to oncall").focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").filter(has_text="oncall")).to_contain_text(f"undelivered channel_not_found {HOSTILE}")
    assert page.locator("main img").count() == 0
