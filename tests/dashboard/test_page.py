"""The page in a real browser, with answers of the API as each test sets them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.site import STAGE, TOKEN, Site, agent, fleet

pytestmark = pytest.mark.browser
POLL_MS = 5_100


def shown(page: Page) -> list[str]:
    return page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.agent)")


def test_every_agent_is_a_tile_with_colour_symbol_and_a_label_that_says_all(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    for name, symbol in (("red", "■"), ("yellow", "▲"), ("green", "●"), ("grey", "○")):
        expect(page.locator(f'.tile[data-health="{name}"] .symbol').first).to_have_text(symbol)
    tile = page.get_by_role("button", name="smart-001, red: no progress for 6 min while 1 task is open, since 5 min")
    assert tile.is_visible()
    background = "button => getComputedStyle(button).backgroundColor"
    colours = {
        name: page.locator(f'.tile[data-health="{name}"] button').first.evaluate(background) for name in ("red", "yellow", "green", "grey")
    }
    assert len(set(colours.values())) == 4


def test_counts_and_totals_are_those_of_the_api(site: Site, open_page) -> None:
    page = open_page()
    for name in ("2 red", "1 yellow", "26 green", "1 grey"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    figures = dict(zip(page.locator("#totals dt").all_text_contents(), page.locator("#totals dd").all_text_contents(), strict=True))
    assert figures == {
        "agents": "30",
        "tasks/min": "84",
        "error rate": "2.5 %",
        "p50": "640 ms",
        "p95": "1,890 ms",
        "p99": "4,100 ms",
        "tokens/min": "96.4K",
        "$/hour": "$7.50",
    }


def test_budgets_that_are_nearly_used_up_stand_below_the_totals(site: Site, open_page) -> None:
    site.budgets = [
        shapes.budget(),
        shapes.budget(group="", budget="usd_per_month", used=850.0, limit=1000.0, share=0.85, forecast=None, level="warn", act=None),
        shapes.budget(
            group="team=a", budget="cpu_percent", used=90.0, limit=80.0, share=1.125, forecast=None, level="alert", agent="a-7", act=None
        ),
    ]
    page = open_page()
    expect(page.locator("#budgets li")).to_have_text(
        [
            "■ tier=smart tokens of the day: 124 % · 1,240 of 1,000 · at this rate 2,480 · paused: in force",
            "▲ workspace dollars of the month: 85 % · $850 of $1,000",
            "■ team=a cpu of an agent: 112.5 % · 90 % of 80 % · a-7",
        ]
    )
    assert page.locator("#budgets li").first.get_attribute("title") == site.budgets[0]["reason"]
    site.budgets = []
    site.tick()
    page.clock.run_for(POLL_MS)
    expect(page.locator("#budgets")).to_be_hidden()


def test_the_token_of_a_link_is_taken_once_and_leaves_the_address(site: Site, open_page) -> None:
    page = open_page("?by=tier")
    expect(page.locator(".tile")).to_have_count(30)
    expect(page).to_have_url(site.url + "?by=tier")
    assert page.evaluate("sessionStorage.length") == 1
    assert page.evaluate("localStorage.length") == 0
    page.reload()
    expect(page.locator(".tile")).to_have_count(30)


def test_without_a_token_it_asks_for_one_and_a_wrong_one_says_why(site: Site, open_page) -> None:
    page = open_page(fragment="")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert site.asked == []
    page.get_by_label("Token").fill("cp_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".state p")).to_contain_text("Unauthorized Enter another token.")
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(30)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.locator("#board").is_hidden()


def test_the_filter_goes_to_the_api_and_stays_in_the_address(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.keyboard.press("/")
    page.keyboard.type("tier=smart,shard=acme")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(5)
    expect(page).to_have_url(site.url + "?tags=tier%3Dsmart%2Cshard%3Dacme")
    page.reload()
    expect(page.locator(".tile")).to_have_count(5)
    assert page.get_by_label("Tags").input_value() == "tier=smart,shard=acme"


def test_a_filter_that_is_not_valid_is_explained_and_the_fleet_stays(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.get_by_label("Tags").fill("oops")
    page.clock.run_for(400)
    expect(page.get_by_role("alert")).to_have_text("The filter is not valid: 'oops' is not of the form key=value")
    expect(page.locator(".tile")).to_have_count(30)
    page.get_by_label("Tags").fill("")
    page.clock.run_for(400)
    expect(page.locator("#tags-error")).to_be_hidden()


def test_a_filter_without_a_match_offers_the_way_back(site: Site, open_page) -> None:
    page = open_page("?tags=tier%3Dnone")
    expect(page.get_by_role("heading", name="No agent matches")).to_be_visible()
    page.get_by_role("button", name="Show all agents").click()
    expect(page.locator(".tile")).to_have_count(30)
    expect(page).to_have_url(site.url)


def test_a_filter_taken_back_shows_the_fleet_again_although_nothing_changed(site: Site, open_page) -> None:
    page = open_page()
    for selector, count in (("", 30), ("tier=smart", 10), ("", 30), ("tier=smart", 10)):
        page.get_by_label("Tags").fill(selector)
        page.clock.run_for(400)
        expect(page.locator(".tile")).to_have_count(count)


def test_a_link_with_a_token_opened_again_shows_the_fleet_again(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.evaluate("token => { location.hash = `token=${token}` }", TOKEN)
    page.wait_for_url(site.url)
    expect(page.locator("#board")).to_be_visible()


def test_a_colour_filters_when_pressed(site: Site, open_page) -> None:
    page = open_page()
    page.get_by_role("button", name="2 red", exact=True).click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page).to_have_url(site.url + "?health=red")
    expect(page.get_by_role("button", name="26 green", exact=True)).to_be_visible()
    page.get_by_role("button", name="2 red", exact=True).click()
    expect(page.locator(".tile")).to_have_count(30)


def test_agents_are_grouped_by_a_tag_with_counts(site: Site, open_page) -> None:
    site.agents[0]["tags"] = {}
    page = open_page()
    page.get_by_label("Group by").select_option("tier")
    assert page.locator(".group h3").all_text_contents() == [
        "tier=batch · ● 9  ○ 1",
        "tier=fast · ● 9",
        "tier=smart · ■ 2  ▲ 1  ● 7",
        "no tier · ● 1",
    ]
    expect(page).to_have_url(site.url + "?by=tier")


def test_a_word_that_no_agent_has_as_tag_groups_nothing(site: Site, open_page) -> None:
    page = open_page("?by=constructor")
    expect(page.locator(".group h3")).to_have_text(["no constructor · ■ 2  ▲ 1  ● 26  ○ 1"])


def test_details_follow_the_mouse_and_stay_after_a_click(site: Site, open_page) -> None:
    page = open_page()
    card = page.locator("#details")
    page.hover('[data-agent="smart-007"]')
    expect(card).to_contain_text("27 of 55 tasks failed in 5 min (49%) · red for 5 min")
    expect(card).to_contain_text("49 %")
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()
    page.click('[data-agent="smart-007"]')
    page.mouse.move(5, 5)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_the_keyboard_reaches_every_agent_with_one_tab_stop(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    assert page.locator('.tile button[tabindex="0"]').count() == 1
    page.locator('.tile button[tabindex="0"]').focus()
    order = shown(page)
    focused = "document.activeElement.closest('.tile').dataset.agent"
    columns = page.evaluate("getComputedStyle(document.querySelector('.grid')).gridTemplateColumns.split(' ').length")
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowUp", 1), ("End", 29), ("ArrowLeft", 28), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(focused) == order[place], key
    expect(page.locator("#details")).to_be_visible()
    assert page.locator('.tile button[tabindex="0"]').count() == 1


def test_updates_come_by_polling_and_touch_only_what_changed(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.evaluate(
        """() => { window.changes = new Set(); for (const tile of document.querySelectorAll('.tile')) tile.kept = true;
        new MutationObserver(found => found.forEach(one => window.changes.add((one.target.closest ?? one.target.parentElement.closest)
          .call(one.target.closest ? one.target : one.target.parentElement, '.tile')?.dataset.agent)))
        .observe(document.getElementById('groups'), {subtree: true, childList: true, attributes: true, characterData: true}) }"""
    )
    site.agents[2] = agent(site.agents[2]["id"], "red", "no heartbeat for 75 s", tags=site.agents[2]["tags"])
    site.tick()
    page.clock.run_for(POLL_MS)
    expect(page.locator(f'[data-agent="{site.agents[2]["id"]}"]')).to_have_attribute("data-health", "red")
    assert page.evaluate("[...window.changes]") == [site.agents[2]["id"]]
    assert page.locator(".tile").evaluate_all("tiles => tiles.every(tile => tile.kept)")


def test_nothing_is_sent_twice_when_nothing_changed(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    with page.expect_response(lambda answer: answer.status == 304 and "summary" in answer.url):
        page.clock.run_for(POLL_MS)
    asked = [((path, str(query)), status) for path, query, status in site.asked]
    assert {status for place, (question, status) in enumerate(asked) if question in {before for before, _ in asked[:place]}} == {304}
    expect(page.locator("#link")).to_have_text("Live")


def test_agents_that_come_and_go_do_so_on_the_page(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.click('[data-agent="smart-001"]')
    page.mouse.move(5, 5)
    site.agents = [one for one in site.agents if one["id"] != "smart-001"] + [agent("zeta-1")]
    site.tick()
    page.clock.run_for(POLL_MS)
    expect(page.locator('[data-agent="zeta-1"]')).to_be_visible()
    expect(page.locator('[data-agent="smart-001"]')).to_have_count(0)
    expect(page.locator("#details")).to_be_hidden()


def test_a_fault_marks_the_figures_as_old_and_passes_by_itself(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    site.fault = shapes.problem(503, "the store is busy")
    page.clock.run_for(POLL_MS)
    expect(page.locator("#link")).to_have_text("Error, trying again")
    expect(page.locator("#notices")).to_contain_text("the store is busy These are the last figures received")
    expect(page.locator("#board")).to_have_class("stale")
    expect(page.locator(".tile")).to_have_count(30)
    site.fault = None
    page.clock.run_for(POLL_MS)
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#board")).not_to_have_class("stale")


def test_no_connection_says_so_and_tries_again(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    page.context.set_offline(True)
    page.clock.run_for(POLL_MS)
    expect(page.locator("#link")).to_have_text("Offline, trying again")
    expect(page.locator("#notices")).to_contain_text("No connection.")
    page.context.set_offline(False)
    page.clock.run_for(POLL_MS)
    expect(page.locator("#link")).to_have_text("Live")


def test_old_figures_are_marked_although_the_api_answers(site: Site, open_page) -> None:
    site.age_s = 240
    page = open_page()
    expect(page.locator("#link")).to_have_text("Data is late")
    expect(page.locator("#notices")).to_contain_text("The figures are 4 min old")
    expect(page.locator("#board")).to_have_class("stale")


def test_warnings_of_the_service_are_shown(site: Site, open_page) -> None:
    site.warnings = ["tier has more than 100 values: the rest counts as __other__"]
    expect(open_page().locator("#notices")).to_have_text(site.warnings[0])


def test_a_first_answer_that_fails_says_what_to_do(site: Site, open_page) -> None:
    site.fault = shapes.problem(500, "something broke")
    page = open_page()
    expect(page.get_by_role("heading", name="The API answered with an error")).to_be_visible()
    expect(page.locator(".state p")).to_contain_text("something broke")
    site.fault = None
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".tile")).to_have_count(30)


def test_a_token_without_permission_is_told_which_scope_is_missing(site: Site, open_page) -> None:
    site.fault = shapes.problem(403, "this needs the scope read; the token has ingest.")
    page = open_page()
    expect(page.get_by_role("heading", name="This token may not see the fleet")).to_be_visible()
    expect(page.locator(".state p")).to_contain_text("needs the scope read")
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_permission_that_is_lost_takes_the_fleet_off_the_screen_for_good(site: Site, open_page) -> None:
    page = open_page()
    expect(page.locator(".tile")).to_have_count(30)
    site.fault = shapes.problem(403, "this needs the scope read")
    page.clock.run_for(POLL_MS)
    expect(page.get_by_role("heading", name="This token may not see the fleet")).to_be_visible()
    page.get_by_label("Group by").select_option("tier")
    assert page.locator("#board").is_hidden()


def test_an_empty_fleet_shows_how_to_connect_an_agent(site: Site, open_page) -> None:
    site.agents = []
    page = open_page()
    expect(page.get_by_role("heading", name="No agent yet")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text(f"export CLAWPULSE_URL={site.url.rstrip('/')}")


def test_hostile_texts_are_shown_and_not_run(site: Site, open_page) -> None:
    site.agents = [agent("x", "red", "<img src=x onerror=alert(1)>", name="<b>bold</b>", tags={"tier": "<i>"})]
    page = open_page("?by=tier")
    expect(page.locator(".tile .name")).to_have_text("<b>bold</b>")
    page.hover(".tile")
    expect(page.locator("#details .why")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#fleet b:not(.count b), #details img").count() == 0


def test_a_thousand_agents_fit_one_screen(site: Site, open_page) -> None:
    site.agents, site.page_size = fleet(1_000), 400
    page = open_page("?by=tier")
    expect(page.locator(".tile")).to_have_count(1_000)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_an_update_of_a_thousand_agents_does_not_stutter(site: Site, open_page) -> None:
    site.agents = fleet(1_000)
    page = open_page()
    expect(page.locator(".tile")).to_have_count(1_000)
    page.evaluate(
        "window.longest = 0; new PerformanceObserver(list => { for (const task of list.getEntries()) "
        "window.longest = Math.max(window.longest, task.duration) }).observe({type: 'longtask'})"
    )
    site.agents = [agent(one["id"], ("green", "red")[place % 9 == 0], tags=one["tags"]) for place, one in enumerate(site.agents)]
    site.tick()
    page.clock.run_for(POLL_MS)
    expect(page.locator('.tile[data-health="red"]')).to_have_count(112)
    # About 40 on an idle laptop core; more than this would be felt every five seconds.
    assert page.evaluate("window.longest") < 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (3840, 2160)])
def test_it_fits_from_phone_to_wall_in_both_schemes(open_page, scheme: str, width: int, height: int) -> None:
    page = open_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    expect(page.locator(".tile")).to_have_count(30)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    assert dark == (scheme == "dark")


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour }
    return 'white' };
  const ratio = (node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
    return (a + .05) / (b + .05) };
  return [...document.querySelectorAll('.tile span, .count *, #totals dt, #totals dd, .group h3, .field > span')]
    .filter(node => node.textContent && node.checkVisibility())
    .map(node => [ratio(node), node.className || node.tagName, node.textContent])
    .filter(([found]) => found < 4.5) }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(open_page, scheme: str) -> None:
    page = open_page("?by=tier", color_scheme=scheme)
    expect(page.locator(".tile")).to_have_count(30)
    assert page.evaluate(CONTRAST) == []


def test_everything_comes_from_the_stage_and_no_script_is_inline(site: Site, open_page) -> None:
    page = open_page(fragment="")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    assert asked
    assert all(url.startswith(site.url.removesuffix(f"{STAGE}/") + STAGE) for url in asked)
    assert page.locator("script:not([src]), style, [style], [onclick]").count() == 0
