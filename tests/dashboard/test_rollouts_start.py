"""Starting a rollout from the page, in a real browser: planned first, started by a button of its own, refusals with what helps."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from functions.api.rollout_preview import DocumentChange, Obstacle
from functions.api.rollout_view import details
from functions.api.rollouts import Started
from functions.domain.rollout import Phase, Policy, Reversibility, Rollout, Wave
from functions.domain.rollout_plan import counts
from tests.cli import shapes
from tests.dashboard.answers import Answers
from tests.dashboard.rolling import ID, MemberState, listed, log, plain, rollout, wave
from tests.dashboard.site import ME, TOKEN, Request, Site
from tests.dashboard.test_all_views import ELEMENTS, misfits

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"
PATCH = '{"tools": {"deny+": ["exec"]}}'


def started(dry_run: bool, **changes: Any) -> Any:
    """Three agents in two waves."""
    now = round(time.time() * 1000)
    waves: list[Wave] = [wave(0, [MemberState.WAITING], now), wave(1, [MemberState.WAITING] * 2, now)]
    head: Rollout = rollout(
        now, waves, phase=Phase.WAITING, wave=0, bake_until=None, verdicts=[], since=now, counts=counts(waves), reason="begins"
    )
    if changes.get("irreversible"):
        head = rollout(
            now, waves, phase=Phase.WAITING, wave=0, verdicts=[], since=now, policy=Policy(), reversibility=Reversibility.IRREVERSIBLE
        )
    fields: dict[str, Any] = {
        "dry_run": dry_run,
        "rollout": details(head, waves, str, now),
        "unchanged": 1,
        "irreversible": [],
        "changes": [
            DocumentChange(
                agents=2,
                named=["fast-000", "fast-100"],
                before={"model": {"primary": "swift/one"}},
                after={"model": {"primary": "swift/two"}},
            ),
            DocumentChange(agents=1, named=["fast-101"], before={}, after={"model": {"primary": HOSTILE}}),
        ],
        "more_changes": 0,
        "obstacles": [],
    }
    return plain(Started(**{**fields, **changes}))


def answer(request: Request) -> Any:
    return (200, started(True)) if request.body["dryRun"] else (201, started(False, changes=[]))


@pytest.fixture
def open_form(site: Site, open_page):
    """Opens the form on the list of rollouts, by its button."""
    site.routes |= {"/api/rollouts": listed(), "POST /api/rollouts": answer, f"/api/rollouts/{ID}/audit": log(0)}
    site.routes[f"/api/rollouts/{ID}"] = started(True)["rollout"]

    def opened(query: str = "?tags=tier%3Dfast") -> tuple[Page, Locator]:
        page = open_page(query, fragment=f"#token={TOKEN}&view=/rollouts")
        page.get_by_role("link", name="Start a rollout…").click()
        return page, page.get_by_role("dialog", name="Start a rollout")

    return opened


def planned(dialog: Locator) -> Locator:
    """Asks for the plan, by the keyboard alone."""
    dialog.get_by_label("Model, short for").fill("swift/two")
    dialog.get_by_label("Model, short for").press("Enter")
    head = dialog.get_by_role("heading", name="The plan; nothing is started yet")
    expect(head).to_be_focused()
    return head


def test_a_plan_comes_first_and_a_button_of_its_own_starts_it(site: Site, open_form) -> None:
    page, dialog = open_form()
    expect(dialog.get_by_label("Agents, by their tags")).to_have_value("tier=fast")
    dialog.get_by_label("Patch over each agent").fill(PATCH)
    dialog.get_by_label("Waves: how many").fill("1, 50%")
    dialog.get_by_label("Bake: how long").fill("20m")
    head = planned(dialog)
    wanted = {
        "tags": "tier=fast",
        "title": "",
        "patch": {"tools": {"deny+": ["exec"]}},
        "model": "swift/two",
        "policy": {"waves": ["1", "50%"], "bake_s": "20m"},
        "backup": False,
    }
    assert [one.body for one in site.sent] == [wanted | {"dryRun": True}]
    expect(dialog.get_by_role("table", name="Waves").locator("tbody tr")).to_have_count(2)
    expect(dialog.get_by_role("table", name="Waves")).to_contain_text("fast-100, fast-101")
    expect(dialog.locator(".diff").first).to_contain_text('added     "primary": "swift/two"')
    # A key that is still pressed does nothing.
    head.press("Enter")
    expect(head).to_be_focused()
    assert len(site.sent) == 1
    dialog.get_by_role("button", name="Start it for 3 agents").click()
    expect(page).to_have_url(f"{site.url}?tags=tier%3Dfast#/rollouts/{ID}")
    assert site.sent[-1].body == wanted | {"dryRun": False}
    expect(page.get_by_role("dialog")).to_have_count(0)
    # What was started is not offered again.
    page.get_by_role("link", name="Rollouts", exact=True).last.click()
    page.get_by_role("link", name="Start a rollout…").click()
    expect(dialog.get_by_label("Patch over each agent")).to_have_value("")


def test_what_is_wrong_is_told_beside_its_field_before_anything_is_sent(site: Site, open_form) -> None:
    page, dialog = open_form("")
    dialog.get_by_role("button", name="Show the plan").click()
    expect(dialog.get_by_role("alert")).to_have_text(
        ["Say which agents, or that all are meant.", "Say what changes: a model, a patch, or both."]
    )
    expect(dialog.get_by_label("Agents, by their tags")).to_be_focused()
    dialog.get_by_label("all agents of the workspace").check()
    for label, wrong, words in (
        ("Patch over each agent", "{", "No JSON yet"),
        ("Patch over each agent", "[1]", "It must be a JSON object"),
        ("Waves: how many", "1, some", "“some” is neither"),
        ("Bake: how long", "soon", "A number of seconds"),
    ):
        dialog.get_by_label(label).fill(wrong)
        expect(dialog.get_by_role("alert").filter(has_text=words)).to_have_count(1)
    assert site.sent == []
    # What was typed is still there when the dialog was closed by mistake.
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"{site.url}#/rollouts")
    page.get_by_role("link", name="Start a rollout…").click()
    expect(dialog.get_by_label("Bake: how long")).to_have_value("soon")


REFUSALS = [
    (shapes.problem(409, f"the rollout {ID} is not over and has fast-000"), "in one rollout at a time", f"Look at {ID}"),
    (shapes.problem(403, "this needs the scope operate"), "Sign in with a token that has the scope operate", None),
    (shapes.problem(503, "try again"), "Whether it was started is not known", "The list of rollouts"),
    (shapes.problem(422, HOSTILE, field="policy"), "Nothing was started.", None),
]


@pytest.mark.parametrize(("refusal", "helps", "link"), REFUSALS, ids=["rival", "permission", "fault", "input"])
def test_a_refusal_stays_in_the_dialog_and_says_what_helps(site: Site, open_form, refusal: Any, helps: str, link: str | None) -> None:
    site.routes["POST /api/rollouts"] = lambda request: answer(request) if request.body["dryRun"] else refusal
    page, dialog = open_form()
    planned(dialog)
    dialog.get_by_role("button", name="Start it for 3 agents").click()
    said = dialog.get_by_role("alert")
    expect(said).to_contain_text(refusal[1]["detail"])
    expect(said).to_contain_text(helps)
    if link:
        expect(said.get_by_role("link", name=link)).to_be_visible()
    assert page.locator("dialog img").count() == 0


def test_a_fault_of_the_plan_leads_to_its_place_in_what_was_typed(site: Site, open_form) -> None:
    faults = [{"path": "patch.tools.deny+[0]", "message": "must be text"}, {"path": "policy.waves[0]", "message": "too many"}]
    site.routes["POST /api/rollouts"] = shapes.problem(422, "two faults", faults=faults)
    page, dialog = open_form()
    dialog.get_by_label("Patch over each agent").fill(PATCH)
    dialog.get_by_role("button", name="Show the plan").click()
    dialog.get_by_role("button", name="patch.tools.deny+[0]").click()
    page.wait_for_function("""() => {
      const { value, selectionStart, selectionEnd } = document.activeElement;
      return value?.slice(selectionStart, selectionEnd) === '"exec"' }""")
    dialog.get_by_role("button", name="policy.waves[0]").click()
    expect(dialog.get_by_label("Waves: how many")).to_be_focused()


def test_what_stands_in_the_way_and_what_cannot_be_undone_is_told_before(site: Site, open_form) -> None:
    told = [Obstacle(kind="freeze", text="Release week"), Obstacle(kind="rollout", text=f"the rollout {ID} is not over")]
    site.routes["POST /api/rollouts"] = lambda request: (
        200,
        started(request.body["dryRun"], irreversible=["version: 2 on 3 agents"], obstacles=told),
    )
    _, dialog = open_form()
    planned(dialog)
    expect(dialog).to_contain_text("The first wave would wait now: Release week")
    expect(dialog).to_contain_text(f"It would be refused now: the rollout {ID} is not over")
    expect(dialog).to_contain_text("version: 2 on 3 agents")
    start = dialog.get_by_role("button", name="Start it for 3 agents")
    expect(start).to_be_disabled()
    dialog.get_by_label("There is a backup").check()
    start.click()
    expect(dialog).to_have_count(0)
    assert site.sent[-1].body["backup"] is True


def test_nothing_to_do_starts_nothing(site: Site, open_form) -> None:
    site.routes["POST /api/rollouts"] = (200, started(True, rollout=None, changes=[], unchanged=4))
    _, dialog = open_form()
    dialog.get_by_label("Model, short for").fill("swift/two")
    dialog.get_by_role("button", name="Show the plan").click()
    expect(dialog).to_contain_text("No agent would change: 4 agents have all of it already.")
    expect(dialog.get_by_role("button", name="Start it")).to_have_count(0)
    dialog.get_by_role("button", name="Back").click()
    expect(dialog.get_by_label("Model, short for")).to_have_value("swift/two")


@pytest.mark.parametrize(
    ("changes", "why"), [({"scopes": ["read"]}, "this one has read"), ({"tags": "shard=acme"}, "limited to shard=acme")]
)
def test_who_may_not_is_told_so_at_once(site: Site, open_form, changes: dict[str, Any], why: str) -> None:
    site.routes["/api/me"] = ME | changes
    _, dialog = open_form()
    expect(dialog.get_by_role("heading", name="This token may not start a rollout")).to_be_visible()
    expect(dialog).to_contain_text(why)


@pytest.mark.parametrize("kind", ["rich", "hostile"])
def test_the_plan_fits_every_screen_is_accessible_and_shows_markup_as_text(site: Site, open_form, kind: str) -> None:
    del site.routes["POST /api/rollouts"]
    site.otherwise = Answers(kind)
    page, dialog = open_form()
    dialog.get_by_label("Model, short for").fill("swift/two")
    dialog.get_by_role("button", name="Show the plan").click()
    expect(dialog.get_by_role("heading", name="The plan; nothing is started yet")).to_be_visible()
    assert page.evaluate(ELEMENTS) == []
    if kind == "hostile":
        expect(dialog).to_contain_text("<b data-hostile>")
    assert misfits(page) == []
